"""Stopping a process at a named point: by an exception that nothing catches, or for good."""

import os
import threading
from collections import Counter
from collections.abc import Callable

LONG = os.environ.get("CHAOS") == "long"
HITS = 9 if LONG else 2  # of each point, the first so many times that it is passed


class Stopped(BaseException):
    """The process is gone, as far as its own code can tell: no handler of ours catches this."""


def is_of_a_worker() -> bool:
    """Whether this thread works on jobs; the web server's threads in a test process stand for other processes."""
    thread = threading.current_thread()
    return thread is _worker or thread.name.startswith("release")


_worker = threading.current_thread()


class Stopper:
    """Stops at the n-th passing of a point; after that nothing of the worker gets past any point, in any thread."""

    def __init__(self, point: str, hit: int, stop: Callable[[], None]) -> None:
        self.point, self.hit, self.stop = point, hit, stop
        self.stopped = False
        self._passed = 0
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        """What `failpoints` calls at every point."""
        if not is_of_a_worker():
            return
        with self._lock:
            self._passed += point == self.point
            self.stopped = self.stopped or (point == self.point and self._passed == self.hit)
        if self.stopped:
            self.stop()


class Recorder:
    """Counts the points that are passed."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    def __call__(self, point: str) -> None:
        """What `failpoints` calls at every point."""
        if is_of_a_worker():
            self.passed[point] += 1

    @property
    def places(self) -> list[tuple[str, int]]:
        """Every point with each of its first few passings."""
        return [
            (point, hit)
            for point, times in sorted(self.passed.items())
            for hit in range(1, min(times, HITS) + 1)
        ]


def raise_stopped() -> None:
    """Stop by exception."""
    raise Stopped
