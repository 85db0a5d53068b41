"""What an admin gives who moves money or changes who may: why, and a code unless one was given just now."""

from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from discuno.accounts import access
from discuno.accounts.audit import NO_REASON
from discuno.kit.forms import Form
from discuno.kit.text import as_typed

LONGEST = 1000  # characters
LAST = ("reason", "code")  # on the page


class ReasonForm(Form):
    """Why it is done; the audit log keeps it."""

    reason = TextAreaField(
        filters=[lambda value: as_typed(value or "").strip()],
        validators=[
            Length(min=1, message=NO_REASON),
            Length(max=LONGEST, message=f"Please use at most {LONGEST:,} characters."),
        ],
    )

    def sentences(self) -> dict[str, str]:
        """One sentence a field that is wrong, in the order of the page: these two stand last."""
        wrong = super().sentences()
        return dict(sorted(wrong.items(), key=lambda found: found[0] in LAST))


class ProveForm(ReasonForm):
    """Why, and the code of the authenticator app. Ask `agreed()` in place of `validate()`."""

    code = StringField()

    def agreed(self) -> bool:
        """Whether all of it is right. A code works once, so it is taken only when nothing else is wrong.

        Not inside a unit of work.
        """
        if not self.validate():
            return False
        problem = access.proves(self.code.data or "")
        if problem is not None:
            self.code.errors = [problem]
        return problem is None

    def typed(self) -> dict[str, str]:
        """What was typed, to be shown again; a code never is."""
        return {name: text for name, text in super().typed().items() if name != "code"}
