"""Money on its way: back to the attendee, on to the mentor, and back from the mentor's account."""

from datetime import datetime

from discuno import policy
from discuno.bookings.models import BookingStatus
from discuno.kit import clock, outbox
from discuno.kit.errors import DomainError
from discuno.kit.money import in_words
from discuno.mentors.models import Mentor
from discuno.notifications import alerts
from discuno.notifications import service as letters
from discuno.notifications.models import AlertKind
from discuno.payments import ledger
from discuno.payments import service as payments
from discuno.payments.models import Payment, Refund, RefundStatus
from discuno.payments.service import RefundSeen
from discuno.payouts import reversals, transfers
from discuno.payouts import service as payouts
from discuno.payouts.models import (
    AccountStatus,
    MentorStripeAccount,
    Transfer,
    TransferReversal,
    TransferStatus,
)
from discuno.policy import Reason

# Why a reversal is made:
LANDED = "landed:"  # the transfer landed after somebody had objected
DISPUTED = "dispute:"  # a bank has taken the money
BY_HAND = "stripe:"  # it was made in Stripe's Dashboard, with Stripe's id of it

# Refunds for these reasons are announced by the letters about what they are made for; see `refund`.
TOLD_OTHERWISE = ("booking_cancelled", "booking_refused", "report:")
MENTORS_TURN = (AccountStatus.ONBOARDING, AccountStatus.RESTRICTED, AccountStatus.REJECTED)

# 5. Money goes back.


def refund(payment: Payment, *, amount: int, reason: str, nonce: str) -> Refund | None:
    """Send money back, after what must come back from the mentor first. One nonce is one refund; None if known.

    Raises DomainError with policy's sentence when it cannot be.
    """
    if any(r.nonce == nonce for r in payment.refunds):
        return None
    answer = reversals.refund_answer(payment, amount)
    if not answer.goes:
        raise DomainError(policy.REFUND_REFUSED[answer], status=409)
    wanted = payments.request_refund(payment, amount=amount, reason=reason, nonce=nonce)
    if wanted is None:
        return None
    take_back_excess(payment, f"refund:{wanted.id}")
    transfers.review(payment)
    outbox.add("send_refund", refund_id=wanted.id, unique_key=f"refund:{wanted.id}")
    if not wanted.reason.startswith(TOLD_OTHERWISE):
        letters.tell(
            f"refund:{wanted.id}:started", payment.customer_email, "refund_started", refund_id=wanted.id
        )
    return wanted


def refund_what_can_be(payment: Payment, *, reason: str, most: int | None = None) -> None:
    """Return all that is left, or `most` of it. What a bank has already taken back is not returned a second time.

    Once a reason: what was asked for is not asked for again, whatever is left by then.
    """
    if any(r.nonce == reason for r in payment.refunds):
        return
    left = payments.refundable(payment)
    if most is not None:
        left = min(left, most)
    if reversals.refund_answer(payment, left).goes:
        refund(payment, amount=left, reason=reason, nonce=reason)


def may_send_refund(asked: Refund) -> bool:
    """Whether nothing comes before it: the mentor's part was asked back, and no transfer is in flight.

    A transfer whose outcome stays unknown is waited for only so long; if it turns up, it is taken back.
    """
    payment = asked.payment
    waits = reversals.is_being_taken_back(payment, f"refund:{asked.id}")
    if not waits and clock.now() - asked.created_at < policy.REFUND_WAITS:
        waits = any(t.status == TransferStatus.SENDING for t in payment.transfers)
    if waits:
        asked.next_try_at = clock.now() + outbox.FIRST_RETRY
    return not waits


def refund_answered(asked: Refund, seen: RefundSeen) -> None:
    """Stripe has taken the refund, or has changed its mind about it: the right people are told."""
    payment = asked.payment
    changed = payments.record_refund(asked, seen)
    payments.restate(payment)
    if changed:  # told again, it is no cause to ask again for what could not be taken back
        take_back_excess(payment, f"refund:{asked.id}")
    if changed and asked.status == RefundStatus.SUCCEEDED:
        _tell_returned(asked)
        alerts.over(AlertKind.REFUND, f"refund:{asked.id}")
    elif changed and asked.status == RefundStatus.FAILED:
        _refund_failed(asked, f"Stripe says: {seen.status} (booking {payment.booking_id})")
    transfers.review(payment)


def _tell_returned(asked: Refund) -> None:
    """The attendee hears of every refund, the mentor of one that no other letter tells them of."""
    payment, event = asked.payment, f"refund:{asked.id}:done"
    letters.tell(event, payment.customer_email, "refund_done", refund_id=asked.id)
    if payment.booking.confirmed_at is not None and not asked.reason.startswith(TOLD_OTHERWISE):
        letters.tell(event, payment.booking.mentor.user.email, "refund_mentor", refund_id=asked.id)


def refund_found(payment: Payment, seen: RefundSeen) -> None:
    """Somebody has made a refund at Stripe by hand: it counts like one of ours."""
    refund_answered(payments.adopt_refund(payment, seen), seen)


def refund_refused(asked: Refund, code: str) -> None:
    """Stripe does not make this refund. If the money went back already, only the truth is to be learned."""
    if code == "charge_already_refunded":
        asked.move_to(RefundStatus.FAILED)
        outbox.add("learn_refunds", payment_id=asked.payment_id, unique_key=f"refunds:{asked.payment_id}")
        return
    asked.move_to(RefundStatus.FAILED)
    _refund_failed(asked, asked.error or code)
    transfers.review(asked.payment)


def _refund_failed(asked: Refund, why: str) -> None:
    """A refund that cannot be made is an admin's to make; the attendee is told that we are on it."""
    asked.error = why
    asked.payment.needs_attention = f"refund failed: {why}"
    cause, words = f"refund:{asked.id}", f"{in_words(asked.amount, asked.currency)} to be returned: {why}"
    alerts.begin(
        AlertKind.REFUND, cause, words, _page(asked.payment), "refund_failed_admin", refund_id=asked.id
    )
    event = f"{cause}:failed:{asked.epoch}"
    letters.tell(event, asked.payment.customer_email, "refund_failed", refund_id=asked.id)


def _page(payment: Payment) -> str:
    """Where an admin sees to a payment."""
    return f"/admin/payments/{payment.id}"


# 6. The mentor's share goes to the mentor.


def wake_release() -> None:
    """Have the release run come by when the next share is due, or now when one is."""
    outbox.add("release_due", unique_key=outbox.periodic_key("release_due"), run_at=transfers.next_due())


def may_transfer(transfer: Transfer) -> bool:
    """Ask the guard under the lock, and fix what is sent. What has an unknown outcome stays as it was fixed."""
    reason = payouts.reason_to_wait(transfer)
    if reason is None:
        return transfer.has_unknown_outcome or _freeze(transfer)
    if transfer.has_unknown_outcome:
        transfer.next_try_at = clock.now() + policy.TRANSFER_WAIT
        return False
    if transfer.status == TransferStatus.SENDING:
        transfer.move_to(TransferStatus.SCHEDULED)
    transfers.review(transfer.payment)
    return False


def _freeze(transfer: Transfer) -> bool:
    """Fix what is sent; whether anything is. The mentor hears when it has paid the last of what they owed us."""
    is_sent, mentor = transfers.freeze(transfer), transfer.payment.booking.mentor
    if transfers.used_for_debt(transfer) and ledger.debt_of(mentor.id, transfer.currency) == 0:
        event = f"transfer:{transfer.id}:debt_paid"
        letters.tell(event, mentor.user.email, "debt_paid", transfer_id=transfer.id)
    return is_sent


def transfer_made(transfer: Transfer, stripe_id: str, amount: int) -> None:
    """The share is in the mentor's account. If something stood up against it meanwhile, it is taken back at once."""
    stood_up = payouts.objection(transfer.payment)
    was_refused = transfer.retry_count > 0
    if not transfers.record_sent(transfer, stripe_id, amount):
        return
    if was_refused:
        alerts.over(AlertKind.TRANSFER, f"transfer:{transfer.id}")
    if transfer.account is not None:
        ask_pay_out(transfer.account)  # money that has settled already arrives without any event
    if stood_up is not None:
        take_back(transfer.payment, transfer.reversible, f"{LANDED}{transfer.id}")
    else:
        mentor = transfer.payment.booking.mentor.user
        letters.tell(f"transfer:{transfer.id}:made", mentor.email, "transfer_made", transfer_id=transfer.id)
        take_back_excess(transfer.payment, f"{LANDED}{transfer.id}")
        if ledger.held(transfer.payment) > 0:  # a bank gave more back meanwhile
            money_is_free(transfer.payment, f"{LANDED}{transfer.id}")


def ask_pay_out(account: MentorStripeAccount, run_at: datetime | None = None) -> None:
    """Have somebody look whether something in the account can go to the bank."""
    outbox.add("pay_out", account_id=account.id, run_at=run_at, unique_key=f"pay_out:{account.id}")


def transfer_refused(transfer: Transfer, code: str) -> None:
    """Stripe refused the transfer: it waits or is tried again, and after three real refusals an admin is told."""
    transfers.record_refused(transfer, transfers.WAITS_FOR.get(code))
    if transfer.blocked_by == Reason.GIVEN_UP:
        words = f"{in_words(transfer.amount, transfer.currency)} refused {transfer.retry_count} times: {code}"
        cause, template = f"transfer:{transfer.id}", "transfer_stuck_admin"
        alerts.begin(
            AlertKind.TRANSFER, cause, words, _page(transfer.payment), template, transfer_id=transfer.id
        )
    elif transfer.blocked_by == Reason.ACCOUNT:
        account_is_needed(transfer)


def transfer_alarm(transfer: Transfer, why: str) -> None:
    """Our key met another request, or money went twice: nothing more is done without a person."""
    needs_a_person(transfer.payment, f"transfer {transfer.id}: {why}")


def account_is_needed(transfer: Transfer) -> None:
    """Money waits for the mentor's account: Stripe is asked how it stands, and the mentor is told what to do."""
    account = payouts.account_of(transfer.payment.booking.mentor)
    if account is not None:
        outbox.add("refresh_account", account_id=account.id, unique_key=f"refresh:{account.id}")


def retry_transfer(transfer: Transfer) -> None:
    """A person wants a refused transfer tried again, now."""
    transfers.retry(transfer)
    transfers.review(transfer.payment)
    alerts.over(AlertKind.TRANSFER, f"transfer:{transfer.id}")  # refused again, it is told again
    wake_release()


# 7. What has to come back from the mentor's account.


def take_back_excess(payment: Payment, about: str) -> None:
    """After a refund or a chargeback: what the mentor has been sent beyond their share of the rest comes back."""
    take_back(payment, reversals.excess(payment), about)


def take_back(payment: Payment, amount: int, about: str) -> None:
    """Ask so much back from the mentor's account, once a cause."""
    for reversal in reversals.ask_back(payment, amount, about):
        outbox.add("send_reversal", reversal_id=reversal.id, unique_key=f"reversal:{reversal.id}")


def reversal_made(reversal: TransferReversal, stripe_id: str, amount: int) -> None:
    """The money is back on the platform."""
    if reversals.record_reversed(reversal, stripe_id, amount):
        transfers.review(reversal.transfer.payment)
        if reversal.is_wish or reversal.about.startswith(BY_HAND):
            mentor, event = reversal.transfer.payment.booking.mentor.user, f"reversal:{reversal.id}:made"
            letters.tell(event, mentor.email, "transfer_taken_back", reversal_id=reversal.id)
        if reversal.about.startswith((LANDED, DISPUTED)):  # and what it was taken back for may be over by now
            money_is_free(reversal.transfer.payment, reversal.about)


def reversal_refused(reversal: TransferReversal, code: str) -> None:
    """It cannot come back. After money has left, that is the mentor's debt, which later shares pay; both are told.

    A transfer that only landed too late, or that an admin wanted back, is nobody's debt: an admin has to know that it
    could not be kept.
    """
    reversals.record_not_reversed(reversal)
    payment, owed = reversal.transfer.payment, in_words(reversal.amount, reversal.transfer.currency)
    landed_late = reversal.about.startswith(LANDED) and reversals.excess(payment) == 0
    if landed_late or reversal.is_wish:
        needs_a_person(payment, f"transfer {reversal.transfer_id} could not be taken back: {code}")
        return
    mentor, cause = payment.booking.mentor, f"reversal:{reversal.id}"
    words = f"{mentor.name} owes {owed}, because it could not be taken back: {code}"
    alerts.begin(AlertKind.REVERSAL, cause, words, _page(payment), "debt_admin", reversal_id=reversal.id)
    letters.tell(f"{cause}:failed", mentor.user.email, "debt_mentor", reversal_id=reversal.id)


def money_is_free(payment: Payment, about: str) -> None:
    """Something that stood against the payment is gone: what is held goes on its way again.

    Before anything was transferred that is the release; after it, a return of its own.
    """
    transfers.review(payment)
    made = (BookingStatus.CONFIRMED, BookingStatus.CANCELLED)  # cancelled late, the mentor has kept the hour
    if payment.booking.status in made and payouts.nothing_stands(payment):
        if payouts.was_transferred(payment):
            transfers.schedule_return(payment, about)
        else:
            transfers.schedule(payment)
        transfers.review(payment)
    wake_release()


def account_comes_first(mentor: Mentor) -> None:
    """A share waits from now on: whose account cannot take it hears so at once, with time to see to it."""
    account = payouts.account_of(mentor)
    if account is not None and account.status in MENTORS_TURN:
        account_needs_mentor(account)


def account_needs_mentor(account: MentorStripeAccount) -> None:
    """Tell the mentor what Stripe asks of them; once for each list of things."""
    asked = ",".join(sorted(account.requirements)) or str(account.status)
    event = f"account:{account.id}:needs:{asked}"[:500]
    letters.tell(event, account.mentor.user.email, "account_needs_you", account_id=account.id)


def needs_a_person(payment: Payment, why: str) -> None:
    """Money that we cannot explain is not moved; an admin is told, once per cause."""
    if payment.needs_attention != why:
        payment.needs_attention = why
        cause, template = f"payment:{payment.id}:{why}"[:500], "payment_attention"
        alerts.begin(AlertKind.PAYMENT, cause, why, _page(payment), template, payment_id=payment.id)
    transfers.review(payment)
