"""What the sandbox remembers: its objects, its clock, its faults and the webhooks it owes."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from discuno.sandbox.shelf import Record, Shelf

__all__ = ["Record", "World"]


class World:
    """One store for all stand-ins, kept in memory and written to a journal line by line.

    Objects are plain JSON dicts under (kind, id). Hold `lock` for as long as a change must be
    whole; never while sleeping or calling out. With a journal path the world survives a restart.
    """

    def __init__(self, journal: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.on_advance: Callable[[float], None] = lambda _seconds: None  # whose clock moves along
        self._kinds: dict[str, Shelf] = {}
        self._journal = None
        if journal is not None:
            self._load(journal)
            self._journal = self._rewrite(journal)

    # -- clock ---------------------------------------------------------------------------------

    @property
    def shift(self) -> float:
        """Seconds this world is ahead of the wall clock."""
        row = self.get("clock", "clock")
        return float(row["shift"]) if row else 0.0

    def now(self) -> int:
        """Unix seconds in this world."""
        return int(time.time() + self.shift)

    def advance(self, seconds: float) -> None:
        """Move the clock forward; it never goes back."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        with self.lock:
            self.on_advance(seconds)
            self.put("clock", {"id": "clock", "shift": self.shift + seconds})

    # -- objects -------------------------------------------------------------------------------

    def put(self, kind: str, record: Record) -> Record:
        """Store a record under its own `id`, new or changed, and return it."""
        with self.lock:
            self._shelf(kind).put(record)
            self._write([kind, record["id"], record])
        return record

    def get(self, kind: str, record_id: str) -> Record | None:
        """The record itself (change it, then `put` it), or None."""
        return self._shelf(kind).records.get(record_id)

    def delete(self, kind: str, record_id: str) -> None:
        """Forget a record."""
        with self.lock:
            if self._shelf(kind).drop(record_id):
                self._write([kind, record_id, None])

    def all(self, kind: str) -> list[Record]:
        """Every record of a kind, oldest first."""
        with self.lock:
            return self._shelf(kind).find({})

    @property
    def kinds(self) -> list[str]:
        """The kinds there are records of."""
        return list(self._kinds)

    def oldest(self, kind: str) -> Record | None:
        """The first record of a kind, or None."""
        with self.lock:
            return next(iter(self._shelf(kind).records.values()), None)

    def find(self, kind: str, **fields: Any) -> Iterator[Record]:
        """Records of a kind whose top-level fields equal these, oldest first."""
        with self.lock:
            return iter(self._shelf(kind).find(fields))

    def tally(self, kind: str, field: str) -> dict[Any, int]:
        """How many records of a kind have each value of a field."""
        with self.lock:
            return self._shelf(kind).tally(field)

    def clear(self) -> None:
        """Forget everything, the clock included."""
        with self.lock:
            for kind, shelf in list(self._kinds.items()):
                for record_id in list(shelf.records):
                    self.delete(kind, record_id)

    def _shelf(self, kind: str) -> Shelf:
        return self._kinds.setdefault(kind, Shelf())

    @staticmethod
    def new_id(prefix: str, length: int = 24) -> str:
        """An id in the vendors' manner: a prefix and random letters and digits."""
        alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        return prefix + "".join(secrets.choice(alphabet) for _ in range(length))

    # -- journal -------------------------------------------------------------------------------

    def _load(self, journal: Path) -> None:
        if not journal.exists():
            return
        for line in journal.read_text().splitlines():
            try:
                kind, record_id, record = json.loads(line)
            except ValueError:
                continue  # the last line of a killed process may be torn
            if record is None:
                self._shelf(kind).drop(record_id)
            else:
                self._shelf(kind).put(record)

    def _rewrite(self, journal: Path) -> Any:
        """Start the journal afresh with what is alive, so that it does not grow for ever."""
        journal.parent.mkdir(parents=True, exist_ok=True)
        fresh = journal.with_suffix(".new")
        with fresh.open("w") as out:
            for kind, shelf in self._kinds.items():
                for record_id, record in shelf.records.items():
                    out.write(json.dumps([kind, record_id, record]) + "\n")
        fresh.replace(journal)
        return journal.open("a", buffering=1)

    def _write(self, entry: list[Any]) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(entry) + "\n")
