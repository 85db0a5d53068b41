"""Statuses: an enum that speaks, a table of moves, and one way to take them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

import sqlalchemy as sa


class Status(StrEnum):
    """A status with the words people see. Members are given as (value, label, tone, sentence)."""

    label: str
    tone: str  # ok | wait | bad | note | plain
    sentence: str

    def __new__(cls, value: str, label: str, tone: str, sentence: str) -> Self:
        """A member that is its value and carries its words."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.tone = tone
        member.sentence = sentence
        return member


Moves = Mapping[Any, frozenset[Any]]


class ImpossibleMove(Exception):
    """A row was asked to go where its lifecycle does not lead. Always a bug or a race; never shown."""


class HasLifecycle:
    """For models with a `status` column: `move_to` is the only way to change it."""

    MOVES: ClassVar[Moves]

    def move_to(self, status: Any) -> bool:
        """Take the move; False if the row is there already. Raises ImpossibleMove."""
        current = getattr(self, "status")  # noqa: B009 - the column belongs to the model
        if current == status:
            return False
        if status not in self.MOVES[current]:
            raise ImpossibleMove(f"{self!r} cannot go from {current} to {status}")
        setattr(self, "status", status)  # noqa: B010
        return True


def status_type(statuses: type[StrEnum], name: str) -> sa.Enum:
    """A text column whose CHECK holds the same words as the enum."""
    return sa.Enum(
        statuses,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [m.value for m in members],
    )
