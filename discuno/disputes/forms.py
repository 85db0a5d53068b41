"""What somebody says about a session that went wrong, checked. Nothing is kept of a form that is refused."""

from collections.abc import Sequence
from typing import Any

from flask_wtf.file import MultipleFileField
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from discuno.disputes import uploads
from discuno.disputes.reports import Upload
from discuno.kit.forms import Form
from discuno.policy import ReportReason

SHORTEST, LONGEST = 10, 4000  # characters
CHOOSE_AGAIN = "Please choose your files again: a browser does not keep them."
AGREES, OBJECTS = "not_there", "there"  # what a mentor says who is told that they did not come


def _as_typed(value: str | None) -> str:
    """Trimmed, with line ends counted as the browser counts them."""
    return (value or "").replace("\r\n", "\n").strip()


class SayForm(Form):
    """Words and files."""

    text = TextAreaField(
        filters=[_as_typed],
        validators=[
            Length(min=SHORTEST, message=f"Please say what happened, in at least {SHORTEST} characters."),
            Length(max=LONGEST, message=f"Please use at most {LONGEST:,} characters."),
        ],
    )
    files = MultipleFileField()
    uploads: Sequence[Upload] = ()

    def sentences(self) -> dict[str, str]:
        """One sentence a field that is wrong; files have to be chosen again whatever it was."""
        wrong = super().sentences()
        if wrong and any(file.filename for file in self.files.data or ()):
            wrong.setdefault("files", CHOOSE_AGAIN)
        return wrong

    def validate_files(self, field: Any) -> None:
        """Take what was sent if all of it can be taken."""
        try:
            self.uploads = uploads.checked(field.data or ())
        except uploads.NotAccepted as refused:
            raise ValidationError(str(refused)) from refused


class ReportForm(SayForm):
    """What went wrong: one of the reasons that can be said now."""

    reason = StringField()

    def __init__(self, allowed: Sequence[ReportReason]) -> None:
        super().__init__()
        self.allowed = allowed

    def validate_reason(self, field: Any) -> None:
        """Only what policy lets be said now."""
        if field.data not in self.allowed:
            raise ValidationError("Please choose what went wrong.")


class AnswerForm(SayForm):
    """The mentor's side. Asked whether they were there, they have to say; who agrees need not say more."""

    stand = StringField()

    def __init__(self, *, asks_presence: bool) -> None:
        super().__init__()
        self.asks_presence = asks_presence
        if self.agrees:
            self.text.validators = [
                Length(max=LONGEST, message=f"Please use at most {LONGEST:,} characters.")
            ]

    @property
    def agrees(self) -> bool:
        """Whether the mentor says that they were not there."""
        return self.asks_presence and self.stand.data == AGREES

    @property
    def words(self) -> str:
        """What is written down."""
        return self.text.data or "It is true, I was not there."

    def validate_stand(self, field: Any) -> None:
        """One of the two, when it is asked."""
        if self.asks_presence and field.data not in (AGREES, OBJECTS):
            raise ValidationError("Please say whether you were there.")


class CancelForm(Form):
    """Why a mentor cancels; the attendee reads it."""

    reason = TextAreaField(
        filters=[_as_typed],
        validators=[
            Length(min=3, message="Please say why; the attendee will read it."),
            Length(max=1000, message="Please use at most 1,000 characters."),
        ],
    )
