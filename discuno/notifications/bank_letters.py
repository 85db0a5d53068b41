"""Letters about what a bank asks, takes back, and decides."""

from datetime import datetime

from discuno.disputes import words as case_words
from discuno.disputes.models import Dispute
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.notifications.letters import MENTOR_REASON, Letter, letter, session_facts
from discuno.payouts import share

CLOCK = "24"  # letters know no other


def _goes_on(dispute_id: int, _owed_at: datetime) -> bool:
    """It was appealed meanwhile: nothing is decided any more."""
    return session().get_one(Dispute, dispute_id).is_open


def _is_over(dispute_id: int, owed_at: datetime) -> bool:
    """The bank has decided meanwhile, and there is another letter about that."""
    return not _goes_on(dispute_id, owed_at)


@letter("chargeback_opened_mentor", about="dispute_id", unless=_is_over)
def chargeback_opened_mentor(dispute_id: int) -> Letter:
    """To the mentor: a bank asks about a payment or has taken it back, what we do, and where their share is."""
    return _to_mentor(dispute_id)


@letter("chargeback_closed_mentor", about="dispute_id", unless=_goes_on)
def chargeback_closed_mentor(dispute_id: int) -> Letter:
    """To the mentor: how the bank has decided, and where their share is. The attendee hears of it from their bank."""
    return _to_mentor(dispute_id)


def _to_mentor(dispute_id: int) -> Letter:
    """How a chargeback stands, as the page of it says."""
    case = session().get_one(Dispute, dispute_id)
    booking, words = case.payment.booking, case_words.about_case(case, CLOCK)
    return Letter(
        subject=f"{words.heading}: {booking.title} with {booking.attendee_name}",
        sender="disputes",
        heading=words.heading,
        paragraphs=[words.sentence, *words.next_steps, share.sentence(case.payment)],
        facts=[
            ("Disputed", in_words(case.amount, case.currency)),
            *session_facts(booking, booking.mentor.zone),
        ],
        action=("See the case", case_words.case_path(case)),
        reason=MENTOR_REASON,
    )
