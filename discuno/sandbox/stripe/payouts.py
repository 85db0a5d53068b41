"""Money from a Stripe balance to a bank, by hand or on a schedule."""

from typing import Any

from discuno.sandbox.stripe import accounts, agenda, balance, balance_settings, banks
from discuno.sandbox.stripe.desk import Ask, Desk
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record

LEAVES_AFTER, TRAVELS = 3600, 2 * balance.DAY  # seconds: pending, then in transit
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "no_account": "The bank account could not be located.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
}
ENDS_FROM = {
    "paid": ("pending", "in_transit"),
    "failed": ("pending", "in_transit", "paid"),
    "canceled": ("pending",),
}


def create(desk: Desk, ask: Ask) -> Record:
    """Pay out at most what is available; the account must be able to receive payouts."""
    amount, currency = ask.params["amount"], ask.params["currency"].lower()
    if amount < 1:
        raise Refusal("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    if ask.account and not _may_pay_out(accounts.load(desk, ask.account)):
        raise Refusal("Payouts are not enabled for this account.", "payouts_not_allowed")
    balance.need(desk, ask.account, currency, amount)
    return _send(desk, ask.account, amount, currency, ask.params, automatic=False)


def _send(
    desk: Desk, account: str | None, amount: int, currency: str, params: dict[str, Any], *, automatic: bool
) -> Record:
    payout = desk.new(
        "po_",
        "payout",
        amount=amount,
        arrival_date=desk.now + LEAVES_AFTER + TRAVELS,
        automatic=automatic,
        currency=currency,
        description=params.get("description"),
        destination=banks.default(desk, account),
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        metadata=params.get("metadata") or {},
        method="standard",
        reconciliation_status="in_progress" if automatic else "not_applicable",
        source_type="card",
        statement_descriptor=params.get("statement_descriptor"),
        status="pending",
        type="bank_account",
        _account=account,
    )
    entry = balance.post(desk, "payout", payout["id"], amount=-amount, currency=currency, account=account)
    payout["balance_transaction"] = entry["id"]
    emit(desk, "payout.created", desk.save(payout), account=account)
    agenda.later(desk, desk.now + LEAVES_AFTER, "payout", payout["id"])
    return payout


def move(desk: Desk, payout_id: str) -> None:
    """The agenda's call: pending leaves, in transit arrives or fails; what ended otherwise stays as it is."""
    payout = desk.load("payout", payout_id)
    if payout["status"] == "pending":
        _leave(desk, payout)
        agenda.later(desk, max(desk.now, payout["arrival_date"]), "payout", payout_id)
    elif payout["status"] == "in_transit":
        account = desk.load("account", payout["_account"]) if payout["_account"] else {}
        (_fail if account.get("_payouts_fail") else _arrive)(desk, payout)


def _leave(desk: Desk, payout: Record) -> Record:
    return _change(desk, payout, "payout.updated", status="in_transit")


def _arrive(desk: Desk, payout: Record) -> Record:
    paid = _change(desk, payout, "payout.paid", status="paid")
    if not paid["automatic"]:
        return paid
    return _change(desk, paid, "payout.reconciliation_completed", reconciliation_status="completed")


def _fail(desk: Desk, payout: Record, code: str = "account_closed") -> Record:
    """The bank refused: the money is back, and the bank account is not used again."""
    failed = _change(
        desk,
        payout,
        "payout.failed",
        status="failed",
        failure_balance_transaction=_back(desk, payout, "payout_failure"),
        failure_code=code,
        failure_message=FAILURES.get(code, "The bank did not accept the payout."),
    )
    if payout["_account"]:
        banks.disable(desk, payout["_account"])
    return failed


def _cancel(desk: Desk, payout: Record) -> Record:
    back = _back(desk, payout, "payout_cancel")
    return _change(desk, payout, "payout.canceled", status="canceled", failure_balance_transaction=back)


def end(desk: Desk, payout_id: str, status: str, code: str) -> Record:
    """The control page's hand: `paid`, `failed` (also once paid, for this reason) or `canceled`, now."""
    payout = desk.load("payout", payout_id)
    if payout["status"] not in ENDS_FROM.get(status, ()):
        raise Refusal(f"A payout that is {payout['status']} cannot become {status}.", param="status")
    if status == "canceled":
        return _cancel(desk, payout)
    if payout["status"] == "pending":
        payout = _leave(desk, payout)
    return _arrive(desk, payout) if status == "paid" else _fail(desk, payout, code)


def _back(desk: Desk, payout: Record, kind: str) -> str:
    money = {"amount": payout["amount"], "currency": payout["currency"], "account": payout["_account"]}
    return str(balance.post(desk, kind, payout["id"], **money)["id"])


def _change(desk: Desk, payout: Record, event_type: str, **change: Any) -> Record:
    payout = desk.save({**payout, **change})
    emit(desk, event_type, payout, account=payout["_account"])
    return payout


def cancel(desk: Desk, ask: Ask) -> Record:
    """Stop a payout made by hand that has not left yet."""
    payout = _own(desk, ask)
    if payout["status"] != "pending" or payout["automatic"]:
        raise Refusal("Payouts can only be canceled while they are pending and manual.")
    return _cancel(desk, payout)


def sweep(desk: Desk, account: str) -> None:
    """Money became available (account "" is the platform): say so, and pay it out where a schedule does that."""
    balance.tell(desk, account or None)
    by_schedule(desk, account)


def by_schedule(desk: Desk, account: str) -> None:
    """Pay out all that is available, unless the account is on manual payouts or may not be paid out."""
    owner = account or None
    if balance_settings.is_manual(desk, owner):
        return
    if owner and not _may_pay_out(desk.load("account", owner)):
        return
    for currency, amount in balance.sums(desk, owner, "available").items():
        if amount > 0:
            payout = _send(desk, owner, amount, currency, {}, automatic=True)
            _carry(desk, payout)


def _carry(desk: Desk, payout: Record) -> None:
    """An automatic payout knows which entries it consists of."""
    settled = {"status": "available", "currency": payout["currency"], "_account": payout["_account"]}
    for entry in desk.find("balance_transaction", _payout=None, **settled):
        desk.save({**entry, "_payout": payout["id"]})


def _may_pay_out(account: Record) -> bool:
    return bool(account["payouts_enabled"] and not account.get("_closed"))


def _own(desk: Desk, ask: Ask) -> Record:
    payout = desk.load("payout", ask.ids["id"])
    if payout["_account"] != ask.account:
        raise Refusal(f"No such payout: '{payout['id']}'", "resource_missing", "id", 404)
    return payout


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One payout of the asking account."""
    return _own(desk, ask)


def listed(desk: Desk, ask: Ask) -> Record:
    """Payouts of the asking account, by status or bank where asked."""
    rows = desk.pick("payout", ask.params, "status", "destination", _account=ask.account)
    return page(rows, ask.params, "/v1/payouts")
