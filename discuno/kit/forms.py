"""A form that can be shown again with what was typed, and one sentence for each field that is wrong."""

from collections.abc import Iterator
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Email, Length

from discuno.kit.text import one_line


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What all our forms have: Flask-WTF carries the token, the sentences are ours."""

    def typed(self) -> dict[str, str]:
        """What was typed, to be shown again."""
        return {field.name: field.data or "" for field in self._shown() if isinstance(field, StringField)}

    def sentences(self) -> dict[str, str]:
        """One sentence a field that is wrong."""
        return {field.name: str(field.errors[0]) for field in self._shown() if field.errors}

    def _shown(self) -> Iterator[Any]:
        """Every field that a person sees."""
        return (field for field in self if not isinstance(field, HiddenField))


def email_field() -> StringField:
    """An e-mail address, for a form of ours: its syntax is checked, and nothing is asked of anybody."""
    return StringField(
        filters=[one_line],
        validators=[
            DataRequired("Please give an e-mail address."),
            Length(max=254, message="That e-mail address is too long."),
            Email("That does not look like an e-mail address. It should read like name@example.com."),
        ],
    )
