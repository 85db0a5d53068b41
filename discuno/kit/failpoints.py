"""Named points on both sides of every commit and every network call, where a test may stop the process.

Unarmed, a point costs one comparison. Nothing of the product arms them.
"""

import sys
from collections.abc import Callable

Watch = Callable[[str], None]
PLUMBING = (
    "contextlib",
    "discuno.kit.db",
    "discuno.kit.failpoints",
    "discuno.edges.stripe.client",
    "discuno.edges.calcom.client",
)

_watch: Watch | None = None


def arm(watch: Watch | None) -> None:
    """Have `watch` called with the name of every point that is reached; None disarms."""
    global _watch
    _watch = watch


def reach(kind: str, side: str) -> None:
    """Pass a point. Its name says what is about to happen or has, and which function of ours asked for it."""
    if _watch is not None:
        _watch(f"{kind}:{_asker()}:{side}")


def _asker() -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(PLUMBING):
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '?').removeprefix('discuno.')}.{frame.f_code.co_name}"
