"""Door to the sums of days: made every hour for days that are over, and made again when the operator wants it."""

from datetime import date, timedelta

from discuno.admin.money import day_sums
from discuno.kit import clock, outbox
from discuno.kit.db import transaction

AT_MOST = (
    30  # stretches of one run, so that it leaves room for others; the first one looks again at what is kept
)


@outbox.task("sum_days", every=timedelta(hours=1))
def sum_days() -> None:
    """Sum what is over. A long past is summed in several runs."""
    with transaction():
        begins = day_sums.begin_at()
    begins = _write(begins, AT_MOST)
    if begins is not None:
        raise outbox.Later(clock.now(), "the past is longer")


def rebuild(since: date | None) -> None:
    """All sums from a day on, or from the first posting on, made anew from the books."""
    with transaction():
        begins = since or day_sums.next_day(None)
    while begins is not None:
        begins = _write(begins, AT_MOST, afresh=True)


def _write(begins: date | None, stretches: int, *, afresh: bool = False) -> date | None:
    """So many stretches at most, each on its own; answers where to go on, or None at the end."""
    for _ in range(stretches):
        if begins is None:
            return None
        with transaction():
            begins = day_sums.next_day(day_sums.write(begins, afresh=afresh))
    return begins
