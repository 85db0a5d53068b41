"""What an attendee types, checked. Flask-WTF carries the token; the sentences are ours."""

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from discuno.bookings.service import Attendee
from discuno.kit.forms import Form, email_field
from discuno.kit.text import one_line


class DetailsForm(Form):
    """Who the session is for."""

    name = StringField(
        filters=[one_line],
        validators=[
            DataRequired("Please tell us your name."),
            Length(max=200, message="Please use a name of at most 200 characters."),
        ],
    )
    email = email_field()
    phone = StringField(
        filters=[one_line],
        validators=[
            Optional(),
            Regexp(r"^\+?[0-9 ()./-]{5,40}$", message="Please give a phone number in digits, or none."),
        ],
    )
    note = TextAreaField(
        filters=[lambda value: (value or "").strip()],
        validators=[Length(max=2000, message="Please use at most 2,000 characters.")],
    )

    def attendee(self) -> Attendee:
        """The checked answers. E-mail addresses are compared in lower case."""
        return Attendee(
            name=self.name.data, email=self.email.data.lower(), phone=self.phone.data, note=self.note.data
        )
