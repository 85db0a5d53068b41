"""What somebody types who wants to sign in."""

from wtforms import StringField
from wtforms.validators import Length

from discuno.kit.forms import Form, email_field


class SignInForm(Form):
    """Whose mailbox the link goes to."""

    email = email_field()


class CodeForm(Form):
    """A code of their authenticator app, or one from paper. It is never shown again."""

    code = StringField(
        filters=[lambda value: (value or "").strip()],
        validators=[Length(min=1, max=40, message="Please type the code.")],
    )
