"""Money from the platform to a connected account, and back by reversal."""

from dataclasses import dataclass

from discuno.sandbox.stripe import accounts, agenda, balance, balance_settings
from discuno.sandbox.stripe.desk import Ask, Desk, metadata
from discuno.sandbox.stripe.errors import Refusal, missing
from discuno.sandbox.stripe.events import emit
from discuno.sandbox.stripe.listing import page
from discuno.sandbox.world import Record


@dataclass(frozen=True)
class Funds:
    """Where a transfer's money comes from, and when it can be spent (in the past or None: now)."""

    amount: int
    group: str | None
    available_on: int | None = None


def create(desk: Desk, ask: Ask) -> Record:
    """Transfer, also when the charge was refunded or disputed: that guard is the app's own."""
    destination = accounts.with_transfers(desk, ask.params["destination"])
    currency = ask.params["currency"].lower()
    funds = _funds(desk, ask, currency)
    transfer = desk.new("tr_", "transfer")
    payment = _destination_payment(desk, transfer, destination, funds.amount, currency)
    entry = _withdraw(desk, transfer, funds, currency)
    _deposit(desk, payment, funds)
    transfer |= {
        "amount": funds.amount,
        "amount_reversed": 0,
        "balance_transaction": entry["id"],
        "currency": currency,
        "description": ask.params.get("description"),
        "destination": destination,
        "destination_payment": payment["id"],
        "metadata": ask.params.get("metadata") or {},
        "reversals": _sublist(desk, transfer),
        "reversed": False,
        "source_transaction": ask.params.get("source_transaction"),
        "source_type": ask.params.get("source_type", "card"),
        "transfer_group": funds.group,
    }
    emit(desk, "transfer.created", desk.save(transfer))
    return transfer


def _withdraw(desk: Desk, transfer: Record, funds: Funds, currency: str) -> Record:
    return balance.post(
        desk,
        "transfer",
        transfer["id"],
        amount=-funds.amount,
        currency=currency,
        account=None,
        available_on=funds.available_on,
    )


def _deposit(desk: Desk, payment: Record, funds: Funds) -> None:
    money = {"amount": funds.amount, "currency": payment["currency"], "account": payment["_account"]}
    when = balance.arrival_date(desk, payment["_account"], funds.available_on)
    entry = balance.post(desk, "payment", payment["id"], **money, available_on=when)
    desk.save({**payment, "balance_transaction": entry["id"]})
    if entry["status"] == "available" and not balance_settings.is_manual(desk, payment["_account"]):
        agenda.later(desk, desk.now + balance.DAY, "schedule", payment["_account"])


def _funds(desk: Desk, ask: Ask, currency: str) -> Funds:
    source = ask.params.get("source_transaction")
    if source is not None:
        return _from_charge(desk, ask, source, currency)
    if "amount" not in ask.params:
        raise Refusal("Missing required param: amount.", "parameter_missing", "amount")
    amount = _positive(ask.params["amount"])
    balance.need(desk, None, currency, amount)
    return Funds(amount, ask.params.get("transfer_group"))


def _positive(amount: int) -> int:
    if amount < 1:
        raise Refusal("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    return amount


def _from_charge(desk: Desk, ask: Ask, charge_id: str, currency: str) -> Funds:
    """Pending money moves at once and is pending there too; settled money must be available."""
    charge = desk.get("charge", charge_id)
    if charge is None or charge["_account"]:
        raise missing("charge", charge_id, "source_transaction", status=400)
    if not charge["paid"]:
        raise Refusal("Cannot use a failed charge as a source_transaction.", param="source_transaction")
    entry = desk.load("balance_transaction", charge["balance_transaction"])
    if entry["currency"] != currency:
        raise Refusal(
            f"The currency of source_transaction's balance transaction ({entry['currency']}) must be the same "
            f"as the transfer currency ({currency})",
            param="currency",
        )
    amount = _positive(ask.params["amount"] if "amount" in ask.params else charge["amount"])
    left = charge["amount"] - sum(
        t["amount"] - t["amount_reversed"] for t in desk.find("transfer", source_transaction=charge_id)
    )
    if amount > left:
        raise Refusal(
            f"The transfers of {charge_id} cannot add up to more than the charge: {left} left.",
            "amount_too_large",
            "amount",
        )
    if entry["status"] == "available":
        balance.need(desk, None, currency, amount)
    return Funds(amount, _group(desk, ask, charge), entry["available_on"])


def _group(desk: Desk, ask: Ask, charge: Record) -> str:
    """The charge's group; it gets one of its own when it had none."""
    asked = ask.params.get("transfer_group")
    if charge["transfer_group"] is None:
        group = asked or f"group_{charge['payment_intent']}"
        desk.save({**charge, "transfer_group": group})
        return str(group)
    if asked not in (None, charge["transfer_group"]):
        raise Refusal("transfer_group must match that of the source_transaction.", param="transfer_group")
    return str(charge["transfer_group"])


def _destination_payment(desk: Desk, transfer: Record, account: str, amount: int, currency: str) -> Record:
    return desk.save(
        desk.new(
            "py_",
            "charge",
            amount=amount,
            amount_refunded=0,
            balance_transaction=None,
            captured=True,
            currency=currency,
            disputed=False,
            metadata={},
            paid=True,
            payment_intent=None,
            refunded=False,
            source_transfer=transfer["id"],
            status="succeeded",
            transfer_group=None,
            _account=account,
        )
    )


def _sublist(desk: Desk, transfer: Record) -> Record:
    reversals = list(desk.find("transfer_reversal", transfer=transfer["id"]))
    return page(reversals, {}, f"/v1/transfers/{transfer['id']}/reversals")


def retrieve(desk: Desk, ask: Ask) -> Record:
    """One transfer."""
    return desk.load("transfer", ask.ids["id"])


def listed(desk: Desk, ask: Ask) -> Record:
    """Transfers, by group or destination where asked."""
    rows = desk.pick("transfer", ask.params, "transfer_group", "destination")
    return page(rows, ask.params, "/v1/transfers")


def update(desk: Desk, ask: Ask) -> Record:
    """Change a transfer's description or metadata."""
    transfer = desk.load("transfer", ask.ids["id"])
    changed = {**transfer, "metadata": metadata(transfer["metadata"], ask.params.get("metadata"))}
    changed["description"] = ask.params.get("description", transfer["description"])
    emit(desk, "transfer.updated", desk.save(changed))
    return changed


def reverse(desk: Desk, ask: Ask) -> Record:
    """Take money back, at most what is left of the transfer and what the account has available."""
    transfer = desk.load("transfer", ask.ids["id"])
    accounts.load(desk, transfer["destination"])
    left = transfer["amount"] - transfer["amount_reversed"]
    if left == 0:
        raise Refusal("This transfer has already been fully reversed.", param="amount")
    amount = _positive(int(ask.params.get("amount", left)))
    if amount > left:
        raise Refusal(
            f"Reversal amount ({amount}) is greater than the unreversed amount ({left})",
            "amount_too_large",
            "amount",
        )
    balance.need(desk, transfer["destination"], transfer["currency"], amount)
    reversal = desk.save(_reversal(desk, ask, transfer, amount))
    transfer = {**transfer, "amount_reversed": transfer["amount_reversed"] + amount}
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"] = _sublist(desk, transfer)
    emit(desk, "transfer.reversed", desk.save(transfer))
    return reversal


def _reversal(desk: Desk, ask: Ask, transfer: Record, amount: int) -> Record:
    reversal = desk.new("trr_", "transfer_reversal")
    currency, there = transfer["currency"], transfer["destination"]
    entry = balance.post(
        desk, "transfer_refund", reversal["id"], amount=amount, currency=currency, account=None
    )
    balance.post(
        desk,
        "payment_refund",
        transfer["destination_payment"],
        amount=-amount,
        currency=currency,
        account=there,
    )
    return {
        **reversal,
        "amount": amount,
        "balance_transaction": entry["id"],
        "currency": currency,
        "destination_payment_refund": None,
        "metadata": ask.params.get("metadata") or {},
        "source_refund": None,
        "transfer": transfer["id"],
    }


def list_reversals(desk: Desk, ask: Ask) -> Record:
    """The reversals of a transfer."""
    transfer = desk.load("transfer", ask.ids["id"])
    rows = list(desk.find("transfer_reversal", transfer=transfer["id"]))
    return page(rows, ask.params, f"/v1/transfers/{transfer['id']}/reversals")


def retrieve_reversal(desk: Desk, ask: Ask) -> Record:
    """One reversal."""
    return desk.load("transfer_reversal", ask.ids["reversal"])
