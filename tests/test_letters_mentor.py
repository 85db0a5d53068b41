"""What mentors are told of their money, of objections to it and of their place here: once, while it is so."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from discuno import journey
from discuno.accounts.audit import Actor
from discuno.bookings.models import Booking, Party
from discuno.disputes.models import Decision, Dispute
from discuno.disputes.service import ChargebackSeen
from discuno.edges.stripe.payouts import PayoutFacts
from discuno.journey.found import Found
from discuno.kit import clock
from discuno.mentors.models import Mentor
from discuno.notifications import letters
from discuno.notifications.models import OptionalKind
from discuno.payments import ledger
from discuno.payments.models import Account, Payment, PostingKind
from discuno.payouts.models import WISH, AccountStatus, Payout, Transfer, TransferReversal
from discuno.policy import ReportReason
from tests.house import House
from tests.signing import ADMIN, AMARA
from tests.telling import Told, account, is_made, nothing_is_kept, owed, refund, sent, sold_rows, the, told

ADA = Actor(ADMIN)
WHY = "Between <us>: we do not believe her."


@pytest.fixture(scope="module")
def rows_alone(built_house: House) -> House:
    """A paid, confirmed session."""
    return sold_rows(built_house)


@pytest.fixture
def unit(rows_alone: House) -> Iterator[Session]:
    """A unit of work in which anything may happen to that session."""
    with nothing_is_kept(rows_alone) as unit:
        yield unit


# The mentor's share


@pytest.mark.parametrize(
    ("mode", "then"),
    [("automatic", "goes to your bank by itself"), ("on_request", "you decide when it goes to your bank")],
)
def test_a_share_that_has_reached_the_mentor_is_told_with_what_comes_next(
    unit: Session, rows_alone: House, monkeypatch: pytest.MonkeyPatch, mode: str, then: str
) -> None:
    monkeypatch.setattr(rows_alone.app.extensions["settings"], "payout_mode", mode)
    transfer = sent(unit)
    letter = told("transfer_made", AMARA)
    assert "Your share of this session, $54.00, was transferred to your Stripe account." in letter.text
    assert then in letter.text
    assert {"Amount": "$54.00", "Transfer": "tr_1"}.items() <= dict(letter.words.facts).items()
    assert letters.LETTERS["transfer_made"].optional == OptionalKind.MONEY
    assert not letter.is_dropped
    journey.take_back(transfer.payment, 5400, f"{WISH}1")
    assert letter.is_dropped


def test_a_share_that_lands_against_an_objection_is_not_told_of(unit: Session) -> None:
    journey.hold(the(unit, Payment))
    sent(unit)
    assert owed("transfer_made") == []


@pytest.mark.parametrize("by_hand", [False, True], ids=["a lever", "in Stripe's Dashboard"])
def test_what_a_person_takes_back_is_told_to_the_mentor(unit: Session, by_hand: bool) -> None:
    transfer = sent(unit)
    if by_hand:
        for _ in range(2):
            journey.reversal_found(transfer, Found("trr_1", 5000, None))
    else:
        journey.hold(transfer.payment)
        journey.take_back(transfer.payment, 5000, f"{WISH}1")
        for _ in range(2):
            journey.reversal_made(the(unit, TransferReversal), "trr_1", 5000)
    letter = told("transfer_taken_back", AMARA).text
    assert "We have taken $50.00 of your share of this session back from your Stripe account." in letter
    why = "A person at Discuno has to look" if by_hand else "Discuno has put this payment on hold"
    assert f"Your share of $50.00 is held. {why}" in letter


def test_what_is_taken_back_for_a_refund_is_told_by_the_letter_about_the_refund(unit: Session) -> None:
    sent(unit)
    is_made(refund(unit, 6000))
    journey.reversal_made(the(unit, TransferReversal), "trr_1", 5400)
    assert owed("transfer_taken_back") == []
    assert told("refund_mentor", AMARA).text


# A debt


def owes(unit: Session, amount: int, about: str = "x") -> None:
    """The mentor owes us so much from another session."""
    legs = {Account.DEBT: amount, Account.STRIPE: -amount}
    mentor_id = the(unit, Mentor).id
    ledger.post(PostingKind.REFUND, about, legs, currency="usd", payment_id=None, mentor_id=mentor_id)


@pytest.mark.parametrize(
    ("debt", "paid_off", "says"),
    [
        (2000, True, "$20.00 of your share of this session has paid the last of what you owed us. The rest of it,"
                     " $34.00, goes to your Stripe account."),
        (5400, True, "$54.00 of your share of this session has paid the last of what you owed us. It has used all"),
        (6000, False, ""),
        (0, False, ""),
    ],
)  # fmt: skip
def test_the_last_of_a_debt_is_told_when_a_share_has_paid_it(
    unit: Session, debt: int, paid_off: bool, says: str
) -> None:
    if debt:
        owes(unit, debt)
    transfer = the(unit, Transfer)
    transfer.payment.dispute_period_ends = clock.now()
    unit.flush()
    assert journey.may_transfer(transfer) == (debt < 5400)
    assert len(owed("debt_paid")) == paid_off
    if paid_off:
        letter = told("debt_paid", AMARA)
        assert says in letter.text
        assert not letter.is_dropped
        owes(unit, 100, "another")
        assert letter.is_dropped


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        (6000, "All of the $60.00 that was paid for this session went back to the attendee, and $54.00 of your"),
        (2000, "$20.00 of the $60.00 that was paid for this session went back to the attendee, and $18.00 of your"),
    ],
)  # fmt: skip
def test_a_debt_says_how_much_went_back(unit: Session, amount: int, says: str) -> None:
    sent(unit)
    is_made(refund(unit, amount))
    reversal = the(unit, TransferReversal)
    journey.reversal_refused(reversal, "balance_insufficient")
    letter = told("debt_mentor", AMARA)
    assert says in letter.text
    journey.reversal_made(reversal, "trr_1", reversal.amount)
    assert letter.is_dropped


# To the bank


def payout(unit: Session) -> Payout:
    """Fifty dollars, to be paid out by the mentor's wish."""
    [made] = journey.pay_out_wish(
        account(unit), {"usd": 5000}, nonce="n", actor=ADA, amount=5000, currency="usd"
    )
    return made


def payout_is(made: Payout, status: str) -> None:
    """Stripe says so, twice."""
    arrives = clock.now().replace(year=2027, month=3, day=2)
    seen = PayoutFacts("po_1", status, 5000, "usd", made.id, arrives, None, None, clock.now())
    for _ in range(2):
        journey.payout_seen(made, seen)


def test_a_payout_is_told_when_it_is_sent_and_when_it_has_arrived(unit: Session) -> None:
    sent(unit)
    made = payout(unit)
    assert owed("payout_sent") == []
    for status in ("pending", "in_transit"):
        payout_is(made, status)
    letter = told("payout_sent", AMARA)
    assert (letter.is_dropped, owed("payout_arrived")) == (False, [])
    assert "$50.00 has left your Stripe account for your bank. Expected in your bank on Tue 2 Mar 2027." in (
        letter.text
    )
    facts = dict(letter.words.facts)
    assert (facts["Sessions in it"], facts["Payout"]) == ("1", "po_1")
    page = ("See this payout", f"/dashboard/payouts/{made.id}")
    assert letter.words.action == page
    payout_is(made, "paid")
    arrived = told("payout_arrived", AMARA)
    assert (letter.is_dropped, arrived.is_dropped, arrived.words.action) == (True, False, page)
    payout_is(made, "failed")  # even then
    assert arrived.is_dropped
    assert page in told("payout_failed", AMARA).words.links
    assert {letters.LETTERS[name].optional for name in ("payout_sent", "payout_arrived")} == {
        OptionalKind.MONEY
    }


# Somebody objects


def report(unit: Session) -> Dispute:
    return journey.report(the(unit, Payment), ReportReason.OTHER, "It was over soon.", (), Party.ATTENDEE)


def test_a_mentors_answer_is_acknowledged_with_what_happens_next(unit: Session) -> None:
    case = report(unit)
    for _ in range(2):
        journey.answer_report(case, "We spoke for an hour.", (), agrees=False, actor=Actor(AMARA))
    letter = told("report_answered_mentor", AMARA)
    assert "You have answered; a person at Discuno decides, and writes to both of you." in letter.text
    assert "We spoke for an hour." in letter.text
    assert "Your share of $54.00 is held." in letter.text
    assert not letter.is_dropped
    journey.decide_report(case, Decision.RELEASED, "They spoke.", ADA)
    assert letter.is_dropped


def test_a_mentor_who_agrees_hears_the_decision_alone(unit: Session) -> None:
    journey.answer_report(report(unit), "I was ill.", (), agrees=True)
    assert owed("report_answered_mentor") == []
    assert told("report_decided_mentor", AMARA).text


@dataclass(frozen=True)
class Taken:
    """What a bank moved."""

    id: str = "txn_d"
    amount: int = -6000
    fee: int = 0
    currency: str = "usd"


def bank_says(unit: Session, status: str, *moved: Taken) -> None:
    now = clock.now()
    seen = ChargebackSeen("du_1", status, "fraudulent", 6000, "usd", now, now, moved)
    for _ in range(2):
        journey.chargeback_seen(the(unit, Payment), seen)


def test_a_chargeback_is_told_to_the_mentor_when_the_bank_asks_and_when_it_takes(unit: Session) -> None:
    bank_says(unit, "warning_needs_response")
    asks = told("chargeback_opened_mentor", AMARA)
    assert "The bank has a question about this payment" in asks.text
    assert "It has taken nothing so far." in asks.text
    assert "Your share of $54.00 is held." in asks.text
    for status in ("needs_response", "under_review"):
        bank_says(unit, status, Taken())
    first, second = owed("chargeback_opened_mentor")
    assert (first.recipient, second.recipient) == (AMARA, AMARA)
    takes = Told(second)
    assert "the bank has taken it back while it decides" in takes.text
    assert "It alone decides, which can take months." in takes.text
    assert not takes.is_dropped
    bank_says(unit, "lost", Taken())
    assert (takes.is_dropped, Told(first).is_dropped) == (True, True)
    assert told("chargeback_closed_mentor", AMARA).text


def test_of_a_session_that_was_never_made_the_mentor_hears_nothing_from_a_bank(unit: Session) -> None:
    the(unit, Booking).confirmed_at = None
    unit.flush()
    for status in ("needs_response", "lost"):
        bank_says(unit, status, Taken())
    assert (owed("chargeback_opened_mentor"), owed("chargeback_closed_mentor")) == ([], [])


def test_what_a_bank_gives_back_is_told_as_given_back_by_it(unit: Session) -> None:
    sent(unit)
    bank_says(unit, "needs_response", Taken())
    journey.reversal_made(the(unit, TransferReversal), "trr_1", 5400)
    bank_says(unit, "won", Taken(), Taken("txn_e", 6000))
    returned = unit.execute(sa.select(Transfer).where(Transfer.kind == "return")).scalar_one()
    journey.transfer_made(returned, "tr_2", 5400)
    again = Told(owed("transfer_made")[-1])
    assert "The bank has decided for us: $54.00 of your share" in again.text


# The mentor's place here


def test_a_suspension_is_told_each_time_and_its_reason_stays_here(unit: Session) -> None:
    mentor = the(unit, Mentor)
    for _ in range(2):
        journey.suspend(mentor, WHY, ADA)
    begins = told("mentor_suspended", AMARA)
    assert "Your money is kept until that is settled." in begins.text
    assert "Sessions that are booked already are not cancelled" in begins.text
    assert "answer this letter" in begins.text
    assert "believe" not in begins.text
    for _ in range(2):
        journey.unsuspend(mentor, WHY, ADA)
    ends = told("mentor_unsuspended", AMARA)
    assert (begins.is_dropped, ends.is_dropped) == (True, False)
    assert "You can be booked again" in ends.text
    unit.execute(sa.text("UPDATE discuno_clock SET ahead = ahead + '1 hour'"))
    clock.follow(unit.execute(sa.text("SELECT discuno_now()")).scalar_one())
    journey.suspend(mentor, WHY, ADA)
    assert (len(owed("mentor_suspended")), ends.is_dropped) == (2, True)


@pytest.mark.parametrize("status", [AccountStatus.ACTIVE, AccountStatus.RESTRICTED])
def test_a_mentor_who_cannot_be_paid_hears_it_when_a_session_is_booked(
    unit: Session, status: AccountStatus
) -> None:
    account(unit).status = status
    booking = the(unit, Booking)
    unit.execute(sa.text("DELETE FROM discuno_transfer"))
    unit.execute(sa.text("UPDATE discuno_booking SET status = 'held', confirmed_at = NULL"))
    unit.refresh(booking)
    for _ in range(2):
        journey.booking_confirmed(booking)
    assert len(owed("account_needs_you")) == (status == AccountStatus.RESTRICTED)
    if status == AccountStatus.RESTRICTED:
        letter = told("account_needs_you", AMARA)
        assert not letter.is_dropped
        account(unit).status = AccountStatus.ACTIVE
        assert letter.is_dropped
