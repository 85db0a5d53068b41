"""Letters to a mentor about their place here: suspended, let on again, and a calendar that needs a new key."""

from datetime import datetime

from discuno.kit.db import session
from discuno.kit.web import moment
from discuno.mentors import calendars
from discuno.mentors.models import Mentor
from discuno.notifications.letters import MENTOR_REASON, Letter, letter
from discuno.payouts import stuck
from discuno.policy import Reason


def _mentor(mentor_id: int) -> Mentor:
    return session().get_one(Mentor, mentor_id)


def _is_let_on(mentor_id: int, _owed_at: datetime) -> bool:
    """It is over already."""
    return _mentor(mentor_id).suspended_at is None


@letter("mentor_suspended", about="mentor_id", unless=_is_let_on)
def mentor_suspended(mentor_id: int) -> Letter:
    """To the mentor: nobody can book them and their money is kept, what goes on, and whom to ask."""
    mentor = _mentor(mentor_id)
    since = [("Since", moment(mentor.suspended_at, mentor.zone))] if mentor.suspended_at is not None else []
    return Letter(
        subject="Your account with us is suspended",
        sender="accounts",
        heading="Your account with us is suspended",
        paragraphs=[
            f"{stuck.words(Reason.SUSPENDED)} Until then nothing is transferred to you or paid out, and nobody can "
            "book a session with you.",
            "Sessions that are booked already are not cancelled by this: they take place, unless you cancel them.",
            "A person at Discuno has decided this, and why stands on your pages. If it is wrong, answer this letter.",
        ],
        facts=since,
        action=("See your sessions", "/dashboard/bookings"),
        reason=MENTOR_REASON,
    )


@letter(
    "mentor_unsuspended",
    about="mentor_id",
    unless=lambda mentor_id, _owed_at: _mentor(mentor_id).suspended_at is not None,
)
def mentor_unsuspended(mentor_id: int) -> Letter:
    """To the mentor: they can be booked and paid again."""
    return Letter(
        subject="Your account with us is no longer suspended",
        sender="accounts",
        heading="Your account with us is no longer suspended",
        paragraphs=[
            "You can be booked again, for the sessions and at the times that you offer.",
            "Money that was kept because of it goes on its way by itself. Where something else stands against it, "
            "the page of the session says what.",
        ],
        action=("See your money", "/dashboard/money"),
        reason=MENTOR_REASON,
    )


@letter(
    "calendar_needs_you",
    about="mentor_id",
    unless=lambda mentor_id, _owed_at: not calendars.needs_key(_mentor(mentor_id)),
)
def calendar_needs_you(mentor_id: int) -> Letter:
    """To the mentor: Cal.com takes their key no more, so that nobody can book them until there is a new one."""
    mentor = _mentor(mentor_id)
    return Letter(
        subject="Cal.com does not accept your key any more",
        sender="bookings",
        heading="Your calendar needs a new key",
        paragraphs=[
            f"{calendars.KEY_REFUSED} Until then nobody can book you, for we cannot see when you are free.",
            "Sessions that are booked already take place. What changes about them at Cal.com does not reach us "
            "before there is a key that works.",
        ],
        facts=[("Your calendar at Cal.com", mentor.calcom_username)] if mentor.calcom_username else [],
        action=("Paste a new key", calendars.PAGE),
        reason=MENTOR_REASON,
    )
