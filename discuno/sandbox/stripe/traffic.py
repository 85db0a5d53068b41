"""How much is asked of the stand-in: counted always, limited when told to, contended when something is slow."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal

PER_ENDPOINT, GLOBAL = (
    "limit per endpoint",
    "limit global",
)  # settings, requests a second of wall time; 0: none
NAMES = ("destination", "source_transaction", "charge", "payment_intent", "account")


@dataclass
class Bucket:
    """Tokens that come back at `rate` a second, a second's worth at most."""

    rate: int
    tokens: float
    at: float

    def take(self) -> bool:
        """Whether there was a token to take."""
        now = time.monotonic()
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Traffic:
    """Counts, token buckets and the objects a slow write holds; in memory, a restart begins anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self.forget()

    def forget(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._buckets: dict[str, Bucket] = {}
            self._asked: Counter[str] = Counter()
            self._rejected: Counter[str] = Counter()
            self._second = -1
            self._this_second: Counter[str] = Counter()
            self._peaks: Counter[str] = Counter()

    def seen(self) -> dict[str, Any]:
        """Requests by endpoint, those rejected by reason, and the most in one second of wall time."""
        with self._lock:
            peaks = dict(self._peaks)
            everything = peaks.pop("", 0)
            rejected = {"rejected": self._rejected.total(), "rejected_by_reason": dict(self._rejected)}
            endpoints = {"endpoints": dict(self._asked), "peak_per_second_by_endpoint": peaks}
            return {**endpoints, **rejected, "peak_per_second": everything}

    def admit(self, desk: Desk, endpoint: str) -> None:
        """Count a request; refuse it with 429 when it is one too many for its second."""
        with self._lock:
            self._count(endpoint)
            for name, reason, about in (
                (PER_ENDPOINT, "endpoint-rate", endpoint),
                (GLOBAL, "global-rate", ""),
            ):
                rate = desk.setting(name, 0)
                if rate and not self._bucket(about, rate).take():
                    self._rejected[reason] += 1
                    raise _too_many(reason)

    def _count(self, endpoint: str) -> None:
        self._asked[endpoint] += 1
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._this_second.clear()
        for about in (endpoint, ""):
            self._this_second[about] += 1
            self._peaks[about] = max(self._peaks[about], self._this_second[about])

    def _bucket(self, about: str, rate: int) -> Bucket:
        bucket = self._buckets.get(about)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[about] = Bucket(rate, rate, time.monotonic())
        return bucket

    @contextmanager
    def holding(self, objects: set[str], *, slow: bool) -> Iterator[None]:
        """Do a write; a slow one holds its objects, and whoever wants one of them meanwhile is refused."""
        with self._lock:
            if any(self._held[name] for name in objects):
                self._rejected["lock_timeout"] += 1
                raise _locked()
            held = objects if slow else set()
            self._held.update(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.subtract(held)


def contended(desk: Desk, ask: Ask) -> set[str]:
    """What a write works on: the accounts, charges and other objects it names, and those behind them."""
    named = {ask.account, *(ask.params.get(name) for name in NAMES), *ask.ids.values()}
    found = {name for name in named if isinstance(name, str)}
    for record in [desk.known(name) for name in found]:
        behind = [(record or {}).get(name) for name in ("latest_charge", "destination", "source_transaction")]
        found |= {name for name in behind if name}
    return found


def _too_many(reason: str) -> Refusal:
    return Refusal(
        "Request rate limit exceeded. You can learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        "rate_limit",
        status=429,
        kept=False,
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def _locked() -> Refusal:
    return Refusal(
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it.",
        "lock_timeout",
        status=429,
        kept=False,
        headers={"Stripe-Should-Retry": "true"},
    )
