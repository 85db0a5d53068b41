"""The whole house as it was at a moment, to begin again from there a hundred times."""

from collections.abc import Iterator
from contextlib import contextmanager

from discuno.kit.db import db
from tests.house import House, Photograph


class Snapshot:
    """No webhook is under way while it is taken or put back: half of what one stores would be in it."""

    def __init__(self, house: House) -> None:
        self._house = house
        with house.sandbox.courier.carrying:
            self._photograph = Photograph(house, "snapshot")

    def put_back(self) -> None:
        """As it was then."""
        with self._house.app.app_context():
            db.session.remove()
        self._photograph.put_back()

    def forget(self) -> None:
        """It is not needed any more."""
        self._photograph.forget()


@contextmanager
def snapshot(house: House) -> Iterator[Snapshot]:
    """The present moment, kept until the end of the block."""
    taken = Snapshot(house)
    try:
        yield taken
    finally:
        taken.forget()
