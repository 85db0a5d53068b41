"""The mentor's account at Stripe: made, set up, changed, lost; and what leaves it for the mentor's bank."""

from collections.abc import Mapping
from datetime import datetime

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.journey import money
from discuno.journey.money import ask_pay_out
from discuno.kit import clock, outbox
from discuno.kit.errors import DomainError
from discuno.kit.money import in_words
from discuno.mentors.models import Mentor
from discuno.notifications import alerts
from discuno.notifications import service as letters
from discuno.notifications.models import AlertKind
from discuno.payouts import accounts, banking, transfers
from discuno.payouts import service as payouts
from discuno.payouts.accounts import AccountSeen
from discuno.payouts.banking import PayoutSeen
from discuno.payouts.models import AccountStatus, MentorStripeAccount, Payout, PayoutStatus
from discuno.policy import PAYOUT_STALE, Reason

# 9. The mentor's account changes.


def account_made(mentor: Mentor, stripe_account_id: str, api: str, country: str) -> MentorStripeAccount:
    """Stripe has made an account: nothing may leave it by itself, before the first money reaches it."""
    account = accounts.record_made(mentor, stripe_account_id, api, country)
    if account.manual_payouts_configured_at is None:
        _configure(account)
    return account


def _configure(account: MentorStripeAccount) -> None:
    name = f"account:{account.id}:manual"
    outbox.add("configure_manual_payouts", account_id=account.id, unique_key=name)


def account_seen(account: MentorStripeAccount, seen: AccountSeen | None, looked_at: datetime) -> bool:
    """Take Stripe's word on the account; whether it was news in time. Those who must act on it are told."""
    if not accounts.take(account, seen, looked_at):
        return False
    mentor = account.mentor.user.email
    if account.status == AccountStatus.CLOSED:
        letters.tell(f"account:{account.id}:closed", mentor, "account_closed", account_id=account.id)
        _alert(account, "closed", "has left us or was closed", "account_closed_admin")
    elif not account.is_ours:
        _alert(account, "not_ours", "no longer says that it is ours", "account_not_ours_admin")
    elif account.deadline is not None and account.requirements and _money_is_concerned(account):
        event = f"account:{account.id}:deadline:{account.deadline:%Y-%m-%d}"
        letters.tell(event, mentor, "account_deadline", account_id=account.id)
    return True


def _alert(account: MentorStripeAccount, what: str, words: str, template: str) -> None:
    """An admin has to know of it, once while it lasts."""
    words = f"The account of {account.mentor.name}, {account.stripe_account_id}, {words}."
    cause, path = f"{what}:{account.id}", _page(account)
    alerts.stands(AlertKind.PAYOUT, cause, words, path, template, account_id=account.id)


def _page(account: MentorStripeAccount) -> str:
    """Where an admin sees a mentor."""
    return f"/admin/mentors?q={account.mentor.username}"


def _money_is_concerned(account: MentorStripeAccount) -> bool:
    """Whether a share waits to be transferred, which every paid booking's does, or lies in the account."""
    return payouts.has_money_waiting(account.mentor_id) or bool(banking.lying(account))


def account_changed(account: MentorStripeAccount) -> None:
    """Stripe has told us how the account stands: what waited for it goes on, or the mentor hears what is missing."""
    if account.can_receive:
        if transfers.unblock([Reason.ACCOUNT], mentor_id=account.mentor_id):
            money.wake_release()
    elif account.status in money.MENTORS_TURN and payouts.has_money_waiting(account.mentor_id):
        money.account_needs_mentor(account)
    if banking.lying(account):
        if banking.reason_to_wait(account) is None:
            ask_pay_out(account)
        else:
            _payouts_wait(account)


def configured(account: MentorStripeAccount, interval: str) -> bool:
    """The payout schedule was set and read back: whether payouts are ours alone to make now."""
    accounts.take_interval(account, interval)
    return account.manual_payouts_configured_at is not None


def interval_seen(account: MentorStripeAccount, interval: str) -> None:
    """The payout schedule as it is. Switched back by somebody it is set again, and an admin hears of it."""
    if accounts.take_interval(account, interval):
        _alert(account, "not_manual", f"was set to {interval} payouts", "account_not_manual_admin")
    if account.manual_payouts_configured_at is None:
        _configure(account)


def balance_available() -> None:
    """Money has settled on the platform: what waited for it is tried again."""
    if transfers.unblock([Reason.NO_BALANCE]):
        money.wake_release()


# 10. From the account to the bank.


def pay_out(account: MentorStripeAccount, available: Mapping[str, int]) -> list[Payout]:
    """All that is available and not asked back goes to the bank. Under the account's lock."""
    if banking.reason_to_wait(account) is not None:
        _payouts_wait(account)
        return []
    return [
        _send(banking.add(account, amount, currency, banking.AUTOMATIC))
        for currency, amount in banking.free(account, available).items()
    ]


def pay_out_wish(
    account: MentorStripeAccount,
    available: Mapping[str, int],
    *,
    nonce: str,
    actor: Actor,
    amount: int | None = None,
    currency: str | None = None,
) -> list[Payout]:
    """The mentor presses "Pay out now": so much, or all. One nonce is one wish, however often it is pressed.

    Raises DomainError with the reason when nothing, or not so much, can go.
    """
    known = banking.of_wish(account, nonce)
    if known:
        return known
    reason = banking.reason_to_wait(account)
    if reason is not None:
        raise DomainError(banking.in_words(reason), status=409)
    there = banking.free(account, available)
    wanted = {c: n for c, n in there.items() if currency in (None, c)}
    if not wanted:
        raise DomainError("There is nothing that could be paid out right now.", status=409)
    if amount is not None:
        wanted = {_one_currency(wanted): amount}
    for name, much in wanted.items():
        _require(much, there[name], name)
    wish = [_send(banking.add(account, n, c, banking.BY_MENTOR, nonce)) for c, n in wanted.items()]
    for payout in wish:
        facts = {"amount": payout.amount, "currency": payout.currency}
        audit.record(actor, "pay_out", f"payout:{payout.id}", "Asked for by the mentor.", after=facts)
    return wish


def _require(much: int, most: int, currency: str) -> None:
    if much <= 0:
        raise DomainError("Please give an amount above zero.")
    if much > most:
        raise DomainError(f"You can have at most {in_words(most, currency)} paid out now.")


def _one_currency(wanted: Mapping[str, int]) -> str:
    if len(wanted) > 1:
        raise DomainError("Please say in which currency.")
    return next(iter(wanted))


def _send(payout: Payout) -> Payout:
    outbox.add("send_payout", payout_id=payout.id, unique_key=f"payout:{payout.id}")
    return payout


def may_pay_out(payout: Payout) -> bool:
    """Ask the guard under the lock. What has an unknown outcome goes on as it was frozen."""
    if payout.has_unknown_outcome:
        return True
    reason = banking.reason_to_wait(payout.account)
    if reason is not None:
        banking.drop(payout, reason)
        _payouts_wait(payout.account)
    elif banking.is_stale(payout):
        banking.drop(payout, "stale")
        ask_pay_out(payout.account)
    else:
        return True
    return False


def payout_seen(payout: Payout, seen: PayoutSeen) -> None:
    """Take Stripe's word on a payout. The mentor is told; of one that failed, even once it was paid, an admin too."""
    if not banking.record(payout, seen):
        return
    mentor, event = payout.account.mentor.user.email, f"payout:{payout.id}"
    if payout.status in (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT):
        letters.tell(f"{event}:sent", mentor, "payout_sent", payout_id=payout.id)
    elif payout.status == PayoutStatus.PAID:
        alerts.over(AlertKind.PAYOUT, f"payout:{payout.account_id}:{payout.currency}")
        letters.tell(f"{event}:arrived", mentor, "payout_arrived", payout_id=payout.id)
    elif payout.status == PayoutStatus.FAILED:
        banking.block(payout, payout.failure_code or "payout_failed")
        name = f"refresh:{payout.account_id}"
        outbox.add("refresh_account", account_id=payout.account_id, unique_key=name)
        letters.tell(f"{event}:failed", mentor, "payout_failed", payout_id=payout.id)
        _payout_alert(payout, "payout_failed_admin", "came back from the bank")


def payout_found(account: MentorStripeAccount, seen: PayoutSeen) -> Payout:
    """Stripe has made a payout by itself: it counts, and an admin hears of it, because it should not have."""
    payout = banking.add(account, seen.amount, seen.currency, banking.BY_STRIPE)
    payout_seen(payout, seen)
    words = f"{in_words(payout.amount, payout.currency)} was paid out by Stripe itself"
    cause, template = f"found:{payout.id}", "payout_found_admin"
    alerts.begin(AlertKind.PAYOUT, cause, words, _page(account), template, payout_id=payout.id)
    return payout


def _payout_alert(payout: Payout, template: str, what: str) -> None:
    """An admin is told, once until a payout of that currency has reached that mentor's bank."""
    words = f"{in_words(payout.amount, payout.currency)} to {payout.account.mentor.name} {what}"
    said = f"{words}: {payout.failure_code}" if payout.failure_code else words
    cause = f"payout:{payout.account_id}:{payout.currency}"
    alerts.begin(AlertKind.PAYOUT, cause, said, _page(payout.account), template, payout_id=payout.id)


def payout_refused(payout: Payout, code: str) -> None:
    """Stripe does not make this payout. The money stays; it is measured again, or waits for the account to change."""
    banking.drop(payout, code)
    if code == "balance_insufficient":
        if payout.origin == banking.AUTOMATIC:
            ask_pay_out(payout.account, clock.now() + PAYOUT_STALE)
        return
    banking.block(payout, code)
    _payouts_wait(payout.account)
    if code not in banking.ACCOUNT_CODES and code != "amount_too_small":
        _payout_alert(payout, "payout_refused_admin", "was refused")


def payout_alarm(payout: Payout, why: str) -> None:
    """Our key met another request: a person looks before anything else is done."""
    payout.failure_code = why
    _payout_alert(payout, "payout_refused_admin", "was not sent")


def _payouts_wait(account: MentorStripeAccount) -> None:
    """Money lies in the account and cannot leave: the mentor hears what to do, once a month and reason."""
    reason = banking.reason_to_wait(account)
    if reason == "payouts_disabled" or reason in banking.ACCOUNT_CODES:
        asked = ",".join(sorted(account.requirements)) or reason
        event = f"account:{account.id}:payouts:{clock.now():%Y-%m}:{asked}"[:500]
        letters.tell(event, account.mentor.user.email, "payouts_need_you", account_id=account.id)


def money_strands(account: MentorStripeAccount) -> None:
    """Money has lain in the account for most of what Stripe allows: an admin is told, and again every month."""
    lying, cause = banking.strands_soon(account), f"holding:{account.id}"
    if not lying:
        alerts.over(AlertKind.HOLDING, cause)
        return
    amounts = ", ".join(in_words(each.amount, each.currency) for each in lying)
    if not alerts.rests(AlertKind.HOLDING, cause):
        words = f"{amounts} in the account of {account.mentor.name}"
        alerts.note(AlertKind.HOLDING, cause, words, _page(account))
    event = f"account:{account.id}:holding:{clock.now():%Y-%m}"
    letters.tell(event, letters.ADMIN, "holding_admin", account_id=account.id)
