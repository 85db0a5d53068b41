"""Letters about cases: what an attendee reports, and what banks, card networks and Stripe object to."""

from datetime import datetime

from discuno.bookings import links
from discuno.bookings.models import Party
from discuno.disputes import words as case_words
from discuno.disputes.models import Decision, Dispute, DisputeKind, DisputeMessage
from discuno.disputes.words import Words
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.notifications.booking_letters import Facts, money_back
from discuno.notifications.letters import (
    ADMIN_REASON,
    ATTENDEE_REASON,
    MENTOR_REASON,
    Letter,
    letter,
    session_facts,
)
from discuno.payouts import share

CLOCK = "24"  # letters know no other
THEIR_PAGE = "See your booking and this report"


def _case(dispute_id: int) -> Dispute:
    return session().get_one(Dispute, dispute_id)


def _is_over(dispute_id: int, _owed_at: datetime) -> bool:
    """It was decided meanwhile, and there is another letter about that."""
    return not _case(dispute_id).is_open


def _is_over_or_answered(dispute_id: int, owed_at: datetime) -> bool:
    return _is_over(dispute_id, owed_at) or _case(dispute_id).answered_at is not None


def _paragraphs(words: Words) -> list[str]:
    """What the page says, in a letter: the two never differ."""
    return [words.sentence, *words.next_steps]


def _to_attendee(case: Dispute) -> Words:
    return case_words.for_attendee(case.payment.booking, case.payment, case, CLOCK)


def _said(case: Dispute, by: Party) -> DisputeMessage | None:
    """What a side has said last."""
    said = [message for message in case.messages if message.by == by]
    return said[-1] if said else None


def _facts(case: Dispute, zone: str, said: str = "In their words") -> Facts:
    """What the report says, and of which session."""
    facts = [("Reported", case_words.why(case)), ("Amount", in_words(case.amount, case.currency))]
    return [
        *facts,
        *_words_of(case, Party.ATTENDEE, said),
        *session_facts(case.payment.booking, zone),
    ]


def _words_of(case: Dispute, by: Party, name: str) -> Facts:
    message = _said(case, by)
    if message is None:
        return []
    files = [("Files", ", ".join(file.name for file in message.files))] if message.files else []
    return [(name, message.words), *files]


# Filed


@letter("report_filed", about="dispute_id", unless=_is_over)
def report_filed(dispute_id: int) -> Letter:
    """To the attendee: we have it, the money waits, and what happens next."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, _to_attendee(case)
    return Letter(
        subject=f"We have your report: {booking.title} with {booking.mentor.name}",
        sender="disputes",
        heading=words.heading,
        paragraphs=_paragraphs(words),
        facts=_facts(case, booking.attendee_zone, "In your words"),
        action=(THEIR_PAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


@letter("report_filed_mentor", about="dispute_id", unless=_is_over)
def report_filed_mentor(dispute_id: int) -> Letter:
    """To the mentor: what is said, until when they can answer, and what happens if they do not."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, case_words.for_mentor(case, CLOCK)
    until = [("Answer by", moment(case.due_at, booking.mentor.zone))] if case.due_at is not None else []
    return Letter(
        subject=f"A problem was reported: {booking.title} with {booking.attendee_name}",
        sender="disputes",
        heading=words.heading,
        paragraphs=_paragraphs(words),
        facts=[*until, *_facts(case, booking.mentor.zone)],
        action=("Answer the report", case_words.case_path(case)),
        reason=MENTOR_REASON,
    )


# Answered, or not


@letter("report_answered", about="dispute_id", unless=_is_over)
def report_answered(dispute_id: int) -> Letter:
    """To the attendee: what the mentor says; a person decides now."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, _to_attendee(case)
    return Letter(
        subject=f"{booking.mentor.name} has answered your report",
        sender="disputes",
        heading="The mentor has answered your report",
        paragraphs=_paragraphs(words),
        facts=[
            *_words_of(case, Party.MENTOR, "In the mentor's words"),
            *session_facts(booking, booking.attendee_zone),
        ],
        action=(THEIR_PAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


@letter("report_answered_mentor", about="dispute_id", unless=_is_over)
def report_answered_mentor(dispute_id: int) -> Letter:
    """To the mentor: we have their answer, and what happens next."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, case_words.for_mentor(case, CLOCK)
    return Letter(
        subject=f"We have your answer: {booking.title} with {booking.attendee_name}",
        sender="disputes",
        heading="We have your answer",
        paragraphs=[*_paragraphs(words), share.sentence(case.payment)],
        facts=[*_words_of(case, Party.MENTOR, "In your words"), *_facts(case, booking.mentor.zone)],
        action=("See the report", case_words.case_path(case)),
        reason=MENTOR_REASON,
    )


def _to_the_case(case: Dispute) -> tuple[str, str]:
    """The admins' page, on which it is looked at and decided."""
    return ("Look at this case", f"/admin/disputes/{case.id}")


def _report_for_admin(case: Dispute, subject: str, sentence: str) -> Letter:
    """To whoever has to decide: who, what, how much, and how."""
    payment = case.payment
    booking = payment.booking
    return Letter(
        subject=f"{subject}: {in_words(case.amount, case.currency)}, {booking.attendee_name}, {booking.mentor.name}",
        sender="disputes",
        heading=subject,
        paragraphs=[sentence],
        facts=[
            ("Payment", f"{payment.id}, booking {payment.booking_id}"),
            *_facts(case, "UTC"),
            *_words_of(case, Party.MENTOR, "In the mentor's words"),
        ],
        action=_to_the_case(case),
        reason=ADMIN_REASON,
    )


@letter("report_answered_admin", about="dispute_id", unless=_is_over)
def report_answered_admin(dispute_id: int) -> Letter:
    """To the admin: both sides have spoken; it is theirs to decide."""
    return _report_for_admin(
        _case(dispute_id),
        "A report was answered",
        "The mentor has answered and does not agree. A person decides now.",
    )


@letter("report_unanswered_admin", about="dispute_id", unless=_is_over_or_answered)
def report_unanswered_admin(dispute_id: int) -> Letter:
    """To the admin: the mentor has said nothing, and the reason needs a person."""
    return _report_for_admin(
        _case(dispute_id),
        "A report was not answered",
        f"The mentor has not answered within {case_words.HOURS} hours. The money waits until a person decides.",
    )


# Decided


def _decided_facts(case: Dispute, zone: str) -> Facts:
    """How it ended and why, and the refund that it began."""
    how = [("Decided", case.decision.sentence)] if case.decision is not None else []
    why = [("Why", case.decision_reason)] if case.decision_reason else []
    back = money_back(case.payment, f"report:{case.id}")
    return [*how, *why, *(back[1] if back is not None else []), *session_facts(case.payment.booking, zone)]


@letter("report_decided", about="dispute_id")
def report_decided(dispute_id: int) -> Letter:
    """To the attendee: how it ended, why, and what comes back."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, _to_attendee(case)
    back = money_back(case.payment, f"report:{case.id}") if case.decision == Decision.REFUNDED else None
    return Letter(
        subject=f"Decided: your report about {booking.title} with {booking.mentor.name}",
        sender="disputes",
        heading=words.heading,
        paragraphs=[back[0]] if back is not None else _paragraphs(words),
        facts=_decided_facts(case, booking.attendee_zone),
        action=(THEIR_PAGE, links.manage_path(booking)),
        reason=ATTENDEE_REASON,
    )


def _in_parts(case: Dispute) -> list[str]:
    """What the mentor has of a payment that was divided."""
    return [case_words.decision_for_mentor(case)] if case.decision in case_words.IN_PARTS else []


@letter("report_decided_mentor", about="dispute_id")
def report_decided_mentor(dispute_id: int) -> Letter:
    """To the mentor: how it ended, why, and where their share is."""
    case = _case(dispute_id)
    booking, words = case.payment.booking, case_words.for_mentor(case, CLOCK)
    return Letter(
        subject=f"Decided: the report about {booking.title} with {booking.attendee_name}",
        sender="disputes",
        heading=words.heading,
        paragraphs=[*_in_parts(case), share.sentence(case.payment)],
        facts=_decided_facts(case, booking.mentor.zone),
        action=("See the report", case_words.case_path(case)),
        reason=MENTOR_REASON,
    )


# To the admin, about any case


@letter("case_admin", about="dispute_id")
def case_admin(dispute_id: int) -> Letter:
    """To the admin: an attendee, a bank, the card network or Stripe objects to a payment, or has changed its word."""
    case = _case(dispute_id)
    if case.kind == DisputeKind.REPORT:
        waits = (
            "The mentor's share waits, and the mentor is asked to answer."
            if case.is_open
            else "It is decided."
        )
        return _report_for_admin(case, "A problem was reported", f"{case.kind.sentence} {waits}")
    payment = case.payment
    kind = case.kind.label
    facts = [
        ("Kind", f"{kind}{' (inquiry)' if case.is_inquiry else ''}"),
        ("At Stripe", f"{case.stripe_id}: {case.stripe_status}"),
        ("Reason", case.reason or "not given"),
        ("Amount", in_words(case.amount, case.currency)),
        ("Payment", f"{payment.id}, {payment.customer_name}, booking {payment.booking_id}"),
        ("Mentor", payment.booking.mentor.name),
    ]
    if case.due_at is not None:
        facts.append(("Answer due", moment(case.due_at, "UTC")))
    waits = "The mentor's share waits." if case.is_open else "The case no longer keeps the money."
    return Letter(
        subject=f"{kind}: {case.status.label.lower()}, {in_words(case.amount, case.currency)}",
        sender="disputes",
        heading=f"{kind}: {case.status.label.lower()}",
        paragraphs=[f"{case.kind.sentence} {case.status.sentence} {waits}"],
        facts=facts,
        action=_to_the_case(case),
        reason=ADMIN_REASON,
    )
