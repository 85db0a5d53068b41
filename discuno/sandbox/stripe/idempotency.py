"""The same key does the same thing once: answers are kept for a day and replayed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.world import World

KEPT = 24 * 3600  # seconds of the sandbox's clock
ROWS = "stripe.idempotency"


@dataclass(frozen=True)
class Answer:
    """A status and a JSON body; `kept` when a key may remember it."""

    status: int
    body: dict[str, Any]
    kept: bool = True
    replayed: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class Keys:
    """The idempotency keys of one stand-in; those at work are in memory, those done in the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._at_work: set[str] = set()

    def once(self, key: str, fingerprint: str, work: Callable[[], Answer]) -> Answer:
        """Do the work, or replay what it answered before under this key."""
        if len(key) > 255:
            raise Refusal("Idempotency keys can be at most 255 characters long.", kept=False)
        with self.world.lock:
            self._forget_old()
            known = self.world.get(ROWS, key)
            if known is not None:
                return _replay(known, fingerprint)
            if key in self._at_work:
                raise _in_use()
            self._at_work.add(key)
        try:
            answer = work()
            if answer.kept:
                self._keep(key, fingerprint, answer)
            return answer
        finally:
            with self.world.lock:
                self._at_work.discard(key)

    def _keep(self, key: str, fingerprint: str, answer: Answer) -> None:
        row = {"id": key, "fingerprint": fingerprint, "status": answer.status, "body": answer.body}
        self.world.put(ROWS, {**row, "at": self.world.now()})

    def _forget_old(self) -> None:
        limit = self.world.now() - KEPT
        while (row := self.world.oldest(ROWS)) and row["at"] <= limit:
            self.world.delete(ROWS, row["id"])


def _replay(known: dict[str, Any], fingerprint: str) -> Answer:
    if known["fingerprint"] != fingerprint:
        raise Refusal(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            "with. Try using a key other than the one you used before.",
            type="idempotency_error",
            kept=False,
        )
    return Answer(known["status"], known["body"], replayed=True)


def _in_use() -> Refusal:
    return Refusal(
        "There is currently another in-progress request using this Idempotency-Key.",
        "idempotency_key_in_use",
        status=409,
        type="idempotency_error",
        kept=False,
    )
