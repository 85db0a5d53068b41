"""One payment as who looks after money sees it: where every cent is, as the books say, and every row behind it."""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from discuno.disputes.models import Dispute
from discuno.kit import clock
from discuno.kit.db import rows
from discuno.kit.outbox import Job
from discuno.kit.web import moment
from discuno.notifications.models import Email
from discuno.payments.models import Account, LedgerEntry, Payment, PostingKind
from discuno.payouts import sight
from discuno.payouts.models import PayoutStatus, Transfer, TransferStatus
from discuno.payouts.sight import Reader, Sums
from discuno.policy import Reason

A, K = Account, PostingKind
ON_THE_WAY = (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT)


@dataclass(frozen=True)
class Whereabouts:
    """Where the mentor's share is, in a word, and why if it waits."""

    label: str
    tone: str
    sentence: str


def whereabouts(payment: Payment, zone: str = "UTC", hours: str = "24") -> Whereabouts | None:
    """Where the mentor's share is; None when nothing is to be transferred."""
    transfer = payment.release
    if transfer is None:
        return None
    status = transfer.status
    if transfer.blocked_by is not None:
        reason = Reason(transfer.blocked_by)
        given_up = reason == Reason.GIVEN_UP
        return Whereabouts("Refused" if given_up else "Waits", "bad" if given_up else "wait", reason.words)
    if status == TransferStatus.SCHEDULED:
        is_due = transfer.next_try_at <= clock.now()
        when = "It is due." if is_due else f"Until {moment(transfer.next_try_at, zone, hours)}."
        return Whereabouts(status.label, status.tone, when)
    return Whereabouts(status.label, status.tone, status.sentence)


def flags(payment: Payment) -> list[tuple[str, str]]:
    """What has to be seen about it at once: a tone and a word each."""
    open_cases = [case for case in payment.disputes if case.is_open]
    found = [
        ("bad", "On hold") if payment.dispute_requested else None,
        ("bad", "Needs attention") if payment.needs_attention is not None else None,
        *(("bad", case.kind.label) for case in open_cases),
        ("wait", "Refund on its way") if payment.refund_is_open else None,
    ]
    return [flag for flag in found if flag is not None]


# Where every cent is


@dataclass(frozen=True)
class Figure:
    """One line of the sum, in minor units."""

    label: str
    amount: int
    words: str = ""


@dataclass(frozen=True)
class Sum:
    """What came in, or had to be added, and where all of it is: both sides are the same, to the cent."""

    there: list[Figure]
    where: list[Figure]
    ours: list[Figure]  # what of our fee is left in the end

    @property
    def total(self) -> int:
        """Of what there is."""
        return sum(figure.amount for figure in self.there)

    @property
    def placed(self) -> int:
        """Of where it is."""
        return sum(figure.amount for figure in self.where)

    @property
    def kept(self) -> int:
        """What stays with us in the end."""
        return sum(figure.amount for figure in self.ours)


@dataclass(frozen=True)
class Posting:
    """One posting of the books: its legs come to nothing."""

    at: datetime
    kind: PostingKind
    source: str
    legs: list[LedgerEntry] = field(default_factory=list)


@dataclass(frozen=True)
class PaymentSight:
    """Everything about one payment but its timeline."""

    payment: Payment
    sum: Sum
    postings: list[Posting]
    letters: list[Email]
    jobs: list[Job]


def of(payment: Payment) -> PaymentSight:
    """All of it, in a fixed number of queries."""
    entries = rows(
        sa.select(LedgerEntry).where(LedgerEntry.payment_id == payment.id).order_by(LedgerEntry.id)
    )
    return PaymentSight(
        payment=payment,
        sum=where_every_cent_is(payment),
        postings=_postings(entries),
        letters=_letters(payment),
        jobs=_jobs(payment),
    )


def where_every_cent_is(payment: Payment) -> Sum:
    """The promise that no cent is lost, spelled out for one payment from its postings."""
    seen = sight.gather(payment.booking.mentor, Reader())
    sight.look_at(seen, [payment.id])
    sums = seen.sums[payment.id]
    owed = _sum(sums, A.DEBT) - sums[K.DEBT_NETTED, A.DEBT]
    fee, loss, stripes = -_sum(sums, A.FEES), _sum(sums, A.LOSS), _sum(sums, A.STRIPE_FEES)
    there = [
        Figure("Paid by the attendee", sums[K.CAPTURE, A.STRIPE]),
        Figure("Owed by the mentor", owed, "Later sessions pay it."),
        Figure("Borne by us", loss, "More has gone than the fee and the mentor’s share."),
    ]
    where = [
        Figure("Returned to the attendee", -_sum(sums, A.STRIPE, K.REFUND, K.REFUND_UNDONE)),
        Figure("Taken by the bank", -_sum(sums, A.STRIPE, K.DISPUTE_WITHDRAWN, K.DISPUTE_REINSTATED)),
        Figure("Held for the mentor", -_sum(sums, A.HELD)),
        *_with_the_mentor(payment, seen, _sum(sums, A.CONNECTED)),
        Figure("Used for an older debt of the mentor’s", -sums[K.DEBT_NETTED, A.DEBT]),
        Figure("Our fee", fee, _fee_words(payment)),
    ]
    ours = [Figure("Our fee", fee), Figure("Borne by us", -loss), Figure("Kept by Stripe", -stripes)]
    return Sum(_shown(there, 1), _shown(where, 0), _shown(ours, 1))


def _sum(sums: Sums, account: Account, *kinds: PostingKind) -> int:
    return sum(sums[kind, account] for kind in kinds or K)


def _with_the_mentor(payment: Payment, seen: sight.Sight, net: int) -> list[Figure]:
    """What was transferred, where it lies by now; the lots know, and what they cannot is a line of its own."""
    lots = [lot for _, lot in seen.lots.get(payment.id, [])]
    there, lent = sum(lot.there for lot in lots), sum(lot.lent for lot in lots)
    moving = sum(amount for _, amount in sight.parts_in(seen, payment.id, *ON_THE_WAY))
    paid = sum(part.amount for lot in lots for part in lot.parts) - moving
    rest = net - there - lent - moving - paid
    return [
        Figure("In the mentor’s Stripe account", there),
        Figure("On its way to the mentor’s bank", moving),
        Figure("In the mentor’s bank", paid),
        Figure("Taken back for another session of the mentor’s", lent),
        Figure("Taken back from the mentor’s other money", rest),
    ]


def _fee_words(payment: Payment) -> str:
    return "A decision has divided the payment otherwise." if payment.divided_at is not None else ""


def _shown(figures: list[Figure], always: int) -> list[Figure]:
    """Those that are something, and the first ones in any case."""
    return [figure for at, figure in enumerate(figures) if figure.amount or at < always]


# The rows behind it


def _postings(entries: list[LedgerEntry]) -> list[Posting]:
    found: dict[tuple[PostingKind, str], Posting] = {}
    for entry in entries:
        posting = Posting(entry.posted_at, entry.kind, entry.source)
        found.setdefault((entry.kind, entry.source), posting).legs.append(entry)
    return list(found.values())


def _ids(payment: Payment) -> dict[str, list[int]]:
    """The rows of this payment, by what letters and jobs call them."""
    transfers: list[Transfer] = payment.transfers
    cases: list[Dispute] = payment.disputes
    return {
        "payment": [payment.id],
        "booking": [payment.booking_id],
        "refund": [refund.id for refund in payment.refunds],
        "transfer": [transfer.id for transfer in transfers],
        "reversal": [reversal.id for transfer in transfers for reversal in transfer.reversals],
        "dispute": [case.id for case in cases],
    }


def _letters(payment: Payment) -> list[Email]:
    about = ({f"{name}_id": row_id} for name, ids in _ids(payment).items() for row_id in ids)
    asked = sa.or_(*(Email.about.contains(each) for each in about))
    return rows(sa.select(Email).where(asked).order_by(Email.id.desc()))


KEYS = {  # how the jobs about a row are called: by its kind
    "payment": ("watch", "fee", "refunds"),
    "booking": ("lapse", "confirm", "cancel", "move", "absent"),
    "refund": ("refund",),
    "reversal": ("reversal",),
    "dispute": ("answer",),
    "transfer": (),
}


def _jobs(payment: Payment) -> list[Job]:
    """The work that waits about it; what sends letters is seen at the letters."""
    keys = [f"{key}:{row}" for kind, ids in _ids(payment).items() for key in KEYS[kind] for row in ids]
    return rows(sa.select(Job).where(Job.unique_key.in_(keys)).order_by(Job.run_at))
