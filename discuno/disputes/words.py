"""How a report stands, in words for the one who reads it: the attendee, or the mentor. Never more than is true."""

from dataclasses import dataclass, field

from discuno import policy
from discuno.bookings.models import Booking, BookingStatus
from discuno.disputes.models import Decision, Dispute, DisputeKind, DisputeStatus
from discuno.kit import clock
from discuno.kit.money import in_words
from discuno.kit.web import moment
from discuno.payments.models import Payment, Refund, RefundStatus
from discuno.policy import ReportReason

HOURS = int(policy.ANSWER_WITHIN.total_seconds() // 3600)
WHILE_BANK_DECIDES = [
    "We answer the bank with what we know of the session. It alone decides, which can take months.",
]
PERSON = "a person at Discuno decides, and writes to both of you."
IN_PARTS = (Decision.PARTLY, Decision.SPLIT)
STRIPES_REASONS = {  # of disputes, early fraud warnings and reviews
    "bank_cannot_process": "The bank could not process the payment",
    "check_returned": "The payment was returned by the bank",
    "credit_not_processed": "A refund that was promised did not come",
    "customer_initiated": "The customer has objected, without a reason",
    "debit_not_authorized": "The account holder did not allow the payment",
    "duplicate": "Charged more than once",
    "fraudulent": "The cardholder did not make this payment",
    "incorrect_account_details": "The account details were wrong",
    "insufficient_funds": "There was not enough money in the account",
    "noncompliant": "Against the rules of the card network",
    "product_not_received": "The session did not take place",
    "product_unacceptable": "The session was not as described",
    "subscription_canceled": "Charged after it was cancelled",
    "unrecognized": "The cardholder does not recognise the payment",
    "card_never_received": "The card never reached its holder",
    "fraudulent_card_application": "The card was applied for by a stranger",
    "made_with_counterfeit_card": "Made with a copied card",
    "made_with_lost_card": "Made with a lost card",
    "made_with_stolen_card": "Made with a stolen card",
    "misc": "Suspected of fraud",
    "unauthorized_use_of_card": "The card was used by a stranger",
    "rule": "One of Stripe’s rules asks for a look",
    "manual": "Somebody asked for a look at Stripe",
}


@dataclass(frozen=True)
class Words:
    """One truth: a heading, a sentence, what comes next. `can_report` and `is_over` say what the page offers."""

    heading: str
    sentence: str
    next_steps: list[str] = field(default_factory=list)
    can_report: bool = False
    is_over: bool = False  # nothing more can be done here: the page says what can be done elsewhere


def why(case: Dispute) -> str:
    """The reason that was chosen, as a person would say it."""
    return ReportReason(case.reason).words


def said_reason(case: Dispute) -> str:
    """What any case is about, in a few plain words; a word of Stripe's that we do not know is shown as it is."""
    if case.kind == DisputeKind.REPORT:
        return why(case)
    return STRIPES_REASONS.get(case.reason, case.reason.replace("_", " ").capitalize()) or "No reason given"


def case_path(case: Dispute) -> str:
    """The mentor's page of a case."""
    return f"/dashboard/disputes/{case.id}"


def back_in_words(case: Dispute) -> str:
    """What was decided to go back to the attendee."""
    return in_words(case.refund_amount or 0, case.currency)


def decision_for_us(case: Dispute) -> str:
    """How it ended, with all its amounts: for the people here."""
    if case.decision is None:
        return ""
    if case.decision == Decision.PARTLY:
        return f"{back_in_words(case)} goes back to the attendee; the rest is shared as before."
    if case.decision == Decision.SPLIT:
        given = in_words(case.mentor_amount or 0, case.currency)
        return f"{back_in_words(case)} goes back to the attendee, {given} is the mentor’s."
    if case.kind != DisputeKind.REPORT and case.decision == Decision.RELEASED:
        return "Looked at; the money may go."
    return case.decision.sentence


# For the attendee


def for_attendee(booking: Booking, payment: Payment | None, case: Dispute | None, hours: str) -> Words:
    """What the page of reports says to the attendee. `hours` is "12" or "24"."""
    if case is not None and case.is_open:
        return _open(booking, case, hours)
    if payment is None:
        return _free(booking)
    if booking.status != BookingStatus.CONFIRMED and case is None:
        sentence = f"{booking.status.sentence} So there is no session to report a problem with."
        return Words("There is nothing to report", sentence, is_over=True)
    now, ends = clock.now(), payment.dispute_period_ends
    may = booking.status == BookingStatus.CONFIRMED and policy.may_report(now=now, dispute_period_ends=ends)
    if case is not None and not (may and case.decision == Decision.WITHDRAWN):
        return _decided(payment, case)
    until = moment(ends, booking.attendee_zone, hours) if ends else ""
    if may:
        return _can_report(booking, payment, case, until)
    return Words(
        "The time to report a problem is over",
        f"Problems with this session could be reported here until {until}.",
        is_over=True,
    )


def _free(booking: Booking) -> Words:
    name = booking.mentor.first_name
    sentence = f"This session is free, so there is no payment to keep back. Tell {name}, or write to us."
    return Words("Report a problem", sentence, is_over=True)


def _can_report(booking: Booking, payment: Payment, before: Dispute | None, until: str) -> Words:
    name = booking.mentor.first_name
    amount = in_words(payment.amount, payment.currency)
    again = "You have withdrawn your report. " if before is not None else ""
    return Words(
        "Report a problem",
        f"{again}You can report a problem with this session until {until}.",
        [
            f"Your {amount} stays with us until it is decided.",
            f"{name} has {HOURS} hours to answer.",
            f"If you say that {name} did not come, and there is no answer, you are refunded in full. "
            "Everything else is decided by a person at Discuno.",
        ],
        can_report=True,
    )


def _open(booking: Booking, case: Dispute, hours: str) -> Words:
    name = booking.mentor.first_name
    steps = []
    if case.answered_at is not None:
        sentence = f"{name} has answered; {PERSON}"
    elif case.due_at is not None and case.due_at > clock.now():
        sentence = f"{name} can answer until {moment(case.due_at, booking.attendee_zone, hours)}."
        absent = case.reason == ReportReason.MENTOR_ABSENT
        steps = ["Without an answer by then, you are refunded in full." if absent else f"Then {PERSON}"]
    else:
        sentence = f"{name} has not answered in time; {PERSON}"
    if _bank_has_it(case.payment):
        steps.append("Your bank is looking at the payment as well; what it decides comes first.")
    elif case.amount:
        steps.append(f"Until then your {in_words(case.amount, case.currency)} stays with us.")
    return Words("We have your report", sentence, steps)


def _bank_has_it(payment: Payment) -> bool:
    return any(case.forbids_refund for case in payment.disputes)


def _decided(payment: Payment, case: Dispute) -> Words:
    if case.decision == Decision.REFUNDED:
        return _refunded(payment)
    if case.decision in IN_PARTS:
        return _partly(payment, case)
    if case.decision == Decision.WITHDRAWN:
        return Words("You have withdrawn this report", "The payment goes its way.", is_over=True)
    return Words("The mentor keeps the payment", "We have looked at what both of you said.", is_over=True)


def _partly(payment: Payment, case: Dispute) -> Words:
    """A part of it comes back. What the mentor has of the rest is not the attendee's to know."""
    looked = "We have looked at what both of you said."
    if not case.refund_amount:
        return Words("No money goes back", looked, is_over=True)
    whole = in_words(payment.amount, payment.currency)
    mine = [r for r in payment.refunds if r.nonce == f"report:{case.id}"]
    steps = [state_of_refund(r) for r in mine]
    if not mine and _bank_has_it(payment):
        steps = [
            "Your bank has taken the payment back itself and decides about it; what it leaves us, we return."
        ]
    elif not mine:
        steps = ["Your bank has returned it to you already."]
    return Words(
        "You get a part of your money back",
        f"{looked} {back_in_words(case)} of your {whole} goes back.",
        steps,
    )


def state_of_refund(refund: Refund) -> str:
    """How far one refund has come, for the attendee."""
    amount = in_words(refund.amount, refund.currency)
    if refund.status.is_open:
        return f"We are returning {amount} to your card now."
    if refund.status == RefundStatus.FAILED:
        return f"Returning {amount} did not work at once; a person sees to it and will write to you."
    return f"We have returned {amount} to your card. Banks usually show it within 5 to 10 days."


def _refunded(payment: Payment) -> Words:
    heading = "You get your money back"
    made = [r for r in payment.refunds if r.status == RefundStatus.SUCCEEDED]
    if _bank_has_it(payment):
        sentence = (
            "Your bank has taken the payment back itself and decides about it; what it leaves us, we return."
        )
    elif any(r.status.is_open for r in payment.refunds):
        sentence = "We are returning it to your card now."
    elif any(r.status == RefundStatus.FAILED for r in payment.refunds):
        sentence = "Returning it did not work at once; a person sees to it and will write to you."
    elif made:
        amount = in_words(sum(r.amount for r in made), payment.currency)
        heading = "Your money was returned"
        sentence = f"We have returned {amount} to your card. Banks usually show it within 5 to 10 days."
    else:
        sentence = "Your bank has returned it to you already."
    return Words(heading, sentence)


# For the mentor


def about_case(case: Dispute, hours: str) -> Words:
    """What the mentor's pages say about a case that they are told of; times in the mentor's zone."""
    return for_mentor(case, hours) if case.kind == DisputeKind.REPORT else _bank(case)


def _bank(case: Dispute) -> Words:
    """A chargeback, as far as it concerns the mentor: how it stands, how much, and that the bank alone decides."""
    amount = in_words(case.amount, case.currency)
    if case.status == DisputeStatus.WON:
        sentence = f"The bank has decided that the payment was right, and has given {amount} back."
        return Words("The bank decided for us", sentence)
    if case.status == DisputeStatus.LOST:
        return Words("The bank decided for the cardholder", f"It has given {amount} back to its customer.")
    if not case.is_open:
        return Words("The bank has closed its question", "No money was taken.")
    if case.is_inquiry:
        sentence = (
            f"The bank of the cardholder asks about this payment of {amount}. It has taken nothing so far."
        )
        return Words("The bank has a question about this payment", sentence, WHILE_BANK_DECIDES)
    sentence = (
        f"The cardholder has asked their bank for {amount}, and the bank has taken it back while it decides."
    )
    return Words("The bank decides about this payment", sentence, WHILE_BANK_DECIDES)


def for_mentor(case: Dispute, hours: str) -> Words:
    """What the mentor's page says about a report; times in the mentor's zone."""
    if not case.is_open and case.decision is not None:
        return Words(f"Decided: {case.decision.label.lower()}", decision_for_mentor(case))
    heading = f"{case.payment.booking.attendee_name} has reported a problem"
    if case.answered_at is not None:
        return Words(heading, f"You have answered; {PERSON}")
    if case.due_at is None or case.due_at <= clock.now():
        sentence = f"The time to answer is over; {PERSON} Until then you can still say what happened."
        return Words(heading, sentence)
    absent = case.reason == ReportReason.MENTOR_ABSENT
    if absent:
        then = "Without an answer by then, the payment is returned in full."
    else:
        then = "Then a person at Discuno decides, with your answer or without it."
    until = moment(case.due_at, case.payment.booking.mentor.zone, hours)
    return Words(
        heading, f"Please answer by {until}.", [then, "Until it is decided, the money stays with us."]
    )


def decision_for_mentor(case: Dispute) -> str:
    """How a report ended, for the mentor: what goes back, and of a split what is theirs."""
    if case.decision == Decision.REFUNDED:
        return "The payment goes back to the attendee."
    if case.decision == Decision.PARTLY:
        return f"{back_in_words(case)} goes back to the attendee; you keep your share of the rest."
    if case.decision == Decision.SPLIT:
        given = in_words(case.mentor_amount or 0, case.currency)
        back = (
            f"{back_in_words(case)} goes back to the attendee" if case.refund_amount else "Nothing goes back"
        )
        return f"{back}, and {given} is yours."
    return case.decision.sentence if case.decision is not None else ""
