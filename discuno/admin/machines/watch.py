"""The look that is taken every few minutes: what stands and nobody was told of, and what is over."""

from datetime import timedelta

import sqlalchemy as sa

from discuno.admin.machines import causes
from discuno.kit import clock, outbox
from discuno.kit.db import one_or_none, transaction

EVERY = timedelta(minutes=5)
NAME = "watch"


@outbox.task(NAME, every=EVERY)
def watch() -> None:
    """Begin and end the alerts that have no moment of their own."""
    with transaction():
        causes.end_what_is_over()
        causes.tell_of_late_cases()
        causes.tell_of_silence(_own_lateness())


def _own_lateness() -> timedelta:
    """How long this look was due before it was taken."""
    row = one_or_none(sa.select(outbox.Job).where(outbox.Job.unique_key == outbox.periodic_key(NAME)))
    return clock.now() - row.run_at if row is not None else timedelta()
