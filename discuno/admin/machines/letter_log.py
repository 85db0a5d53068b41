"""Letters as rows: found again by what, to whom, about which payment and how they fared; and counted over a time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from discuno.admin import bars, lists
from discuno.admin.bars import Chart, Series
from discuno.admin.lists import Page
from discuno.admin.spans import Span
from discuno.kit.db import session
from discuno.kit.web import row_number
from discuno.notifications.letters import LETTERS
from discuno.notifications.models import Carrier, Email, EmailStatus
from discuno.payments.models import Payment

FILTERS = ("template", "status", "q", "payment")
S = EmailStatus
LEFT = (S.SENT, S.DELIVERED, S.BOUNCED, S.COMPLAINED)  # handed over, whatever became of it
BACK = (S.BOUNCED, S.COMPLAINED, S.FAILED, S.REPLACED)
Counts = Counter[EmailStatus]


@dataclass(frozen=True)
class Figures:
    """Letters of a span by how they stand now, all of them and by template; and how many were opened.

    `unheard` of those handed over went by the mail server, which does not tell what becomes of them.
    """

    all: Counts
    by_template: dict[str, Counts]
    opened: int
    unheard: int
    chart: Chart

    @property
    def left(self) -> int:
        """How many were handed over."""
        return sum(self.all[status] for status in LEFT)

    def part(self, *statuses: EmailStatus) -> str:
        """How many of those stand so whose carrier tells, in per cent."""
        number, told = sum(self.all[status] for status in statuses), self.left - self.unheard
        return f"{number / told:.1%} of those that Resend took" if told else ""


def page(wanted: Mapping[str, str], before: int | None) -> Page[Email]:
    """Those that the filters mean, the newest first."""
    statement = sa.select(Email)
    if "template" in wanted:
        statement = statement.where(Email.template == wanted["template"])
    if "status" in wanted:
        statement = statement.where(Email.status.in_([s for s in EmailStatus if s == wanted["status"]]))
    if "q" in wanted:
        statement = statement.where(Email.recipient.startswith(wanted["q"].lower(), autoescape=True))
    if "payment" in wanted:
        statement = statement.where(_about_payment(row_number(wanted["payment"])))
    return lists.newest(statement, Email.id, before)


def _about_payment(number: int | None) -> sa.ColumnElement[bool]:
    """Whether a letter tells of a payment, of its booking, or of anything that became of its money."""
    payment = session().get(Payment, number) if number is not None else None
    if payment is None:
        return sa.false()
    named = {
        "payment_id": [payment.id],
        "booking_id": [payment.booking_id],
        "refund_id": [each.id for each in payment.refunds],
        "transfer_id": [each.id for each in payment.transfers],
        "reversal_id": [each.id for transfer in payment.transfers for each in transfer.reversals],
        "dispute_id": [each.id for each in payment.disputes],
    }
    return sa.or_(*(Email.about.contains({name: n}) for name, numbers in named.items() for n in numbers))


def templates() -> list[str]:
    """Every letter that there is, by name."""
    return sorted(LETTERS)


def figures(span: Span) -> Figures:
    """Letters that were owed in a span of time: told four ways."""
    piece = span.piece_of(Email.created_at).label("piece")
    opened = sa.func.count(Email.opened_at)
    statement = sa.select(piece, Email.template, Email.status, sa.func.count(), opened)
    statement = statement.where(span.is_within(Email.created_at)).group_by(
        piece, Email.template, Email.status
    )
    everything, by_template, read = Counts(), dict[str, Counts](), 0
    arrived, under_way, back = Counter[int](), Counter[int](), Counter[int]()
    for n, template, status, number, opens in session().execute(statement):
        everything[status] += number
        by_template.setdefault(template, Counts())[status] += number
        read += opens
        (back if status in BACK else arrived if status == S.DELIVERED else under_way)[n] += number
    series = [
        Series("Delivered", "earned", bars.values(span, arrived)),
        Series("On the way, or not heard of", "paid", bars.values(span, under_way)),
        Series("Bounced, spam or not sent", "back", bars.values(span, back), sign=-1),
    ]
    ordered = dict(sorted(by_template.items(), key=lambda each: -each[1].total()))
    return Figures(everything, ordered, read, _unheard(span), Chart("Letters", span, series))


def _unheard(span: Span) -> int:
    by_mail_server = sa.select(sa.func.count()).where(
        span.is_within(Email.created_at), Email.carrier == Carrier.SMTP, Email.status.in_(LEFT)
    )
    return int(session().execute(by_mail_server).scalar_one())
