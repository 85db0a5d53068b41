"""What must be true, seen twice: in our rows and books, and in Stripe's own book, read without asking our code."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from discuno.admin.books import at_stripe, books, invariants
from discuno.edges.stripe import payouts as stripe_payouts
from discuno.kit.db import rows, session
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import banking
from discuno.payouts import service as payouts
from discuno.payouts.models import MentorStripeAccount, Transfer, TransferStatus
from discuno.policy import Reason
from tests.chaos.outside import Outside
from tests.factories import dump

Record = dict[str, Any]
MADE = {
    "transfer": "transfer_id",
    "refund": "refund_id",
    "transfer_reversal": "reversal_id",
    "payout": "payout_id",
}
MONEY = [
    f"discuno_{name}"
    for name in (
        *("payment", "booking", "refund", "transfer", "transfer_reversal"),
        *("payout", "dispute", "ledger_entry", "email"),
    )
]
REASONS = """
SELECT p.id, 'an admin holds it' FROM discuno_payment p WHERE p.dispute_requested
UNION ALL SELECT p.id, p.needs_attention FROM discuno_payment p WHERE p.needs_attention IS NOT NULL
UNION ALL SELECT d.payment_id, d.kind || ' ' || d.id FROM discuno_dispute d WHERE d.status IN ('open', 'waiting')
UNION ALL SELECT r.payment_id, 'refund ' || r.id FROM discuno_refund r WHERE r.status IN ('requested', 'pending')
UNION ALL SELECT p.id, 'the mentor is suspended' FROM discuno_payment p JOIN discuno_booking b ON b.id = p.booking_id
  JOIN discuno_mentor m ON m.id = b.mentor_id WHERE m.suspended_at IS NOT NULL
UNION ALL SELECT p.id, 'the dispute period runs' FROM discuno_payment p WHERE p.dispute_period_ends > discuno_now()
"""
UNDECIDED = """
SELECT p.id, p.status, b.status FROM discuno_payment p JOIN discuno_booking b ON b.id = p.booking_id
LEFT JOIN LATERAL (SELECT -sum(e.amount) AS amount FROM discuno_ledger_entry e WHERE e.payment_id = p.id
  AND e.account = 'stripe' AND e.kind IN ('refund', 'refund_undone', 'dispute_withdrawn', 'dispute_reinstated')
) back ON true
WHERE p.paid_at IS NOT NULL AND p.needs_attention IS NULL
  AND b.status <> 'confirmed' AND coalesce(back.amount, 0) < p.amount
  AND NOT coalesce(b.cancelled_by = 'attendee' AND lower(b.during) - b.cancelled_at < interval '24 hours', false)
"""


def sum_of(records: Iterable[Record], field: str = "amount") -> int:
    """What the records add up to."""
    return sum(record[field] for record in records)


class Truth:
    """Looks after every step; remembers only what it saw after the one before."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.world = outside.world
        self._seen: set[str] = set()
        self._reasons: dict[int, set[str]] = {}

    # After every step

    def holds(self) -> None:
        """Every promise, at this moment."""
        self._rows_are_right()
        self._nothing_was_made_twice()
        self._no_charge_paid_too_much()
        self._nothing_went_against_a_reason()

    def _rows_are_right(self, quiet: timedelta | None = None) -> None:
        found = [v for v in self.outside.do(invariants.check, quiet=quiet) if not self._is_a_strangers(v)]
        assert not found, "\n".join(map(str, found))

    def _is_a_strangers(self, violation: invariants.Violation) -> bool:
        """Money that somebody transferred by hand was paid out to the bank: the books never had it."""
        about = violation.about
        return violation.name == "I11" and any(t["destination"] == about for t in self._strangers())

    def _strangers(self) -> list[Record]:
        return [t for t in self.world.all("stripe.transfer") if "transfer_id" not in t["metadata"]]

    def _nothing_was_made_twice(self) -> None:
        for kind, name in MADE.items():
            made = Counter(r["metadata"].get(name) for r in self.world.all(f"stripe.{kind}"))
            twice = {row for row, times in made.items() if row is not None and times > 1}
            assert not twice, f"Stripe has more than one {kind} for {twice}"

    def _no_charge_paid_too_much(self) -> None:
        """As Stripe's book has it: one live release, at most the share; at most the charge to the buyer."""
        releases, shares = self.outside.read(_releases_and_shares)
        for group, transfers in self._by_group().items():
            ours = [t for t in transfers if "transfer_id" in t["metadata"]]
            live = [t for t in ours if int(t["metadata"]["transfer_id"]) in releases and not t["reversed"]]
            assert len(live) <= 1, f"{group}: {len(live)} live releases at Stripe"
            net = sum_of(ours) - sum_of(ours, "amount_reversed")
            assert net <= shares[group], f"{group}: {net} of a share of {shares[group]}"
        for charge in self.world.all("stripe.charge"):
            refunds = self.world.find("stripe.refund", charge=charge["id"])
            back = sum_of(r for r in refunds if r["status"] not in ("failed", "canceled"))
            assert back <= charge["amount"], f"{charge['id']}: refunded {back}"

    def _by_group(self) -> dict[str, list[Record]]:
        groups: dict[str, list[Record]] = defaultdict(list)
        for transfer in self.world.all("stripe.transfer"):
            if transfer["transfer_group"]:
                groups[transfer["transfer_group"]].append(transfer)
        return groups

    def _nothing_went_against_a_reason(self) -> None:
        """A reason to wait that stood before a step and after it stood when the transfer was made."""
        reasons = self.outside.read(_reasons)
        for transfer in self.world.all("stripe.transfer"):
            if transfer["id"] not in self._seen and "transfer_id" in transfer["metadata"]:
                payment_id = int(transfer["transfer_group"].removeprefix("payment_"))
                stood = self._reasons.get(payment_id, set()) & reasons.get(payment_id, set())
                assert not stood, f"{transfer['id']} was made although {stood}"
            self._seen.add(transfer["id"])
        self._reasons = reasons

    # At the end of a story

    def holds_in_quiet(self) -> None:
        """After two days in which nothing went wrong: nothing is open, and Stripe's book is ours."""
        self.holds()
        self._rows_are_right(quiet=timedelta(hours=1))
        undecided = self.outside.read(lambda: session().execute(sa.text(UNDECIDED)).all())
        assert not undecided, f"neither confirmed nor returned: {undecided}"
        self.outside.read(_what_waits_has_a_reason)
        self._nothing_lies_idle()
        self._stripe_agrees()

    def _nothing_lies_idle(self) -> None:
        """What can be paid out was, but for what strangers have put there and our books know nothing of."""
        strange = {t["destination"] for t in self._strangers()}
        for account in self.outside.read(lambda: rows(sa.select(MentorStripeAccount))):
            there = account.stripe_account_id
            if there not in strange and not self.outside.is_closed(there):
                available = self.outside.do(stripe_payouts.balance_of, there).available
                idle = self.outside.read(partial(_idle, account.id, available))
                assert not idle, f"{there}: {idle} lies there"

    def _stripe_agrees(self) -> None:
        strange = {t["id"] for t in self._strangers()}
        once = self.outside.do(at_stripe.look)[0]
        wrong = [v for v in once.violations if v.about not in strange]
        assert not wrong, "\n".join(map(str, wrong))
        booked = self.outside.read(_booked_at_stripe)
        for currency in ("usd", "gbp"):
            entries = self.world.find("stripe.balance_transaction", _account=None, currency=currency)
            ours = [e for e in entries if e["source"] not in strange and not _is_nobodys(e)]
            net = sum_of(ours, "net")
            assert net == booked.get(currency, 0), f"{currency}: Stripe has {net}, the books {booked}"

    def drift_is_what_strangers_did(self) -> None:
        """Reconciliation names what was not ours to do, to the cent, and nothing else."""
        drift = self.outside.read(lambda: [(d.kind, d.about, d.difference) for d in books.open_drift()])
        closed = {a for a in self.outside.accounts() if self.outside.is_closed(a)}
        left = {d for d in drift if d[1].split()[0] not in closed}  # nobody can look into those any more
        done = self._done_by_strangers(closed)
        assert left == done, f"named for nothing: {left - done}; not named: {done - left}"

    def _done_by_strangers(self, closed: set[str]) -> set[tuple[str, str, int]]:
        strange = {t["id"]: t["destination_payment"] for t in self._strangers()}
        entries = self.world.all("stripe.balance_transaction")
        platform = [e for e in entries if e["_account"] is None]
        done = {(books.MOVEMENT, e["id"], e["net"]) for e in platform if _is_nobodys(e)}
        done |= {("unknown_transfer", e["id"], e["net"]) for e in platform if e["source"] in strange}
        lying: Counter[str] = Counter()
        for entry in entries:
            if entry["_account"] and (_is_nobodys(entry) or entry["source"] in strange.values()):
                lying[f"{entry['_account']} {entry['currency']}"] += entry["net"]
        mentors = {a for a in self.outside.accounts() if a not in closed}
        there = {about: n for about, n in lying.items() if n and about.split()[0] in mentors}
        return done | {(books.ACCOUNT, about, amount) for about, amount in there.items()}

    def money(self) -> dict[str, list[str]]:
        """Every row about money, to be compared."""
        return dump(self.outside.house, *MONEY)


def _is_nobodys(entry: Record) -> bool:
    return entry["type"] == "adjustment" and entry["source"] is None and entry["net"] != 0


def _idle(account_id: int, available: Mapping[str, int]) -> dict[str, int]:
    account = session().get_one(MentorStripeAccount, account_id)
    return {} if banking.reason_to_wait(account) else banking.free(account, available)


def _releases_and_shares() -> tuple[set[int], dict[str, int]]:
    found = session().execute(sa.select(Transfer.id).where(Transfer.kind == "release")).scalars()
    return set(found), {p.transfer_group: p.mentor_amount for p in rows(sa.select(Payment))}


def _reasons() -> dict[int, set[str]]:
    reasons: dict[int, set[str]] = defaultdict(set)
    for payment_id, reason in session().execute(sa.text(REASONS)):
        reasons[payment_id].add(reason)
    return dict(reasons)


def _booked_at_stripe() -> dict[str, int]:
    total = sa.func.sum(LedgerEntry.amount)
    statement = sa.select(LedgerEntry.currency, total).where(LedgerEntry.account == Account.STRIPE)
    return {c: int(n) for c, n in session().execute(statement.group_by(LedgerEntry.currency))}


def _what_waits_has_a_reason() -> None:
    """A share that waits says why, and what it says is still so."""
    for transfer in rows(sa.select(Transfer).where(Transfer.status == TransferStatus.SCHEDULED)):
        reason = payouts.reason_to_wait(transfer)
        says = transfer.blocked_by
        only_time = says is None and reason == Reason.DISPUTE_PERIOD
        assert only_time or says in (reason, Reason.GIVEN_UP), f"{transfer!r} says {says}, and it is {reason}"
