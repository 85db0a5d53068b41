"""How far visits come towards a booking: counted with no name, address or device, and forgotten after a while."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from discuno import policy
from discuno.bookings.models import Booking, FunnelEvent, FunnelStep
from discuno.kit import clock
from discuno.kit.db import session
from discuno.mentors.models import Mentor

A_PIECE = 5000  # rows forgotten at once
COLUMNS = ("visit", "mentor_id", "event_type_id", "step", "at")


def looked(visit: str, username: str) -> None:
    """Somebody looks at a mentor's page; once a visit. No statement when there is no such mentor."""
    whose = sa.select(
        sa.literal(visit),
        Mentor.id,
        sa.null(),
        sa.literal(FunnelStep.VISIT.value),
        sa.literal(clock.now()),
    ).where(Mentor.username == username)
    session().execute(insert(FunnelEvent).from_select(COLUMNS, whose).on_conflict_do_nothing())


def chosen(booking: Booking, visit: str | None) -> None:
    """An hour was chosen on this visit, or on one that wants not to be counted. Nobody chooses without looking."""
    booking.visit = visit
    if visit is not None:
        _write(visit, booking.mentor_id, None, FunnelStep.VISIT)
        reached(booking, FunnelStep.TIME)


def reached(booking: Booking, step: FunnelStep) -> None:
    """The visit on which the booking's hour was chosen has come so far; once."""
    if booking.visit is not None:
        _write(booking.visit, booking.mentor_id, booking.event_type_id, step)


def _write(visit: str, mentor_id: int, event_type_id: int | None, step: FunnelStep) -> None:
    row = (visit, mentor_id, event_type_id, step, clock.now())
    statement = insert(FunnelEvent).values(dict(zip(COLUMNS, row, strict=True)))
    session().execute(statement.on_conflict_do_nothing())


def is_over(visit: str) -> bool:
    """Whether something was booked on this visit: what comes next is another one."""
    paid = sa.exists().where(FunnelEvent.visit == visit, FunnelEvent.step == FunnelStep.PAID)
    return bool(session().execute(sa.select(paid)).scalar())


def forget() -> bool:
    """Remove a piece of what is older than `policy.FUNNEL_KEPT`; whether there may be more."""
    old = (
        sa.select(FunnelEvent.id)
        .where(FunnelEvent.at < clock.now() - policy.FUNNEL_KEPT)
        .order_by(FunnelEvent.at)
        .limit(A_PIECE)
    )
    gone = session().execute(sa.delete(FunnelEvent).where(FunnelEvent.id.in_(old)))
    return int(getattr(gone, "rowcount", 0)) == A_PIECE
