"""The admin's pages of payments: found by anything that names them, and each seen whole. Levers: levers.py."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access
from discuno.admin import desk
from discuno.admin.cases import timeline
from discuno.admin.cases.cases import NoteForm
from discuno.admin.money import finding, payment_sight
from discuno.admin.money.finding import Reading, Wanted
from discuno.admin.money.payment_sight import whereabouts
from discuno.admin.money.stripe_pages import StripePages
from discuno.bookings.visitor import clock as chosen_clock
from discuno.bookings.visitor import zone
from discuno.disputes import notes
from discuno.journey import levers
from discuno.kit import limits, money, sheets
from discuno.kit.db import one_or_none, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.sheets import Cell
from discuno.kit.web import row_number
from discuno.notifications import addresses
from discuno.payments.models import Payment, PaymentStatus
from discuno.payouts import pauses
from discuno.payouts.sight import shown_whole

bp = desk.private("admin_payments", __name__, "/admin/payments")
sheet = desk.private("admin_payments_sheet", __name__, "/admin")
HEADER = (
    *("payment", "begun", "paid", "status", "attendee", "e-mail", "mentor", "session", "session time"),
    *("currency", "amount", "fee", "mentor's share", "refunded", "share is", "why", "marks"),
    *("payment intent", "charge", "transfer", "booking"),
)
CUT = f"There are more: a file ends after {finding.IN_A_FILE:,} payments. Narrow the filters for the rest."


@bp.get("")
def listing() -> Response:
    """Those that are wanted, newest first; the filters are in the address."""
    reading = Reading(request.args)
    wanted, before = reading.wanted, row_number(request.args.get("before"))
    with transaction():
        found = finding.page(wanted, before)
    older = wanted.as_query(before=found.payments[-1].id) if found.has_older else None
    response = desk.page(
        "admin/_payments.html",
        "Payments",
        422 if reading.wrong else 200,
        payments=found.payments,
        whereabouts=whereabouts,
        marks=payment_sight.flags,
        wanted=wanted,
        typed=reading.typed,
        wrong=reading.wrong,
        choices=_choices(),
        is_later=before is not None,
        older_url=_with_query(url_for(".listing"), older) if older is not None else None,
        csv_url=_with_query(url_for("admin_payments_sheet.csv"), wanted.as_query()),
        most=finding.IN_A_FILE,
    )
    if before is None:  # the filters as they are now, without the empty ones
        response.headers["HX-Replace-Url"] = _with_query(url_for(".listing"), wanted.as_query())
    return response


def _choices() -> dict[str, list[tuple[str, str]]]:
    """What the filters offer."""
    return {
        "status": [("", "Any"), *((status.value, status.label) for status in PaymentStatus)],
        "only": [("", "All"), *((name, label) for name, (label, _) in finding.ONLY.items())],
        "currency": [("", "Any"), *((code, code.upper()) for code in sorted(policy.MINIMUM_CHARGE))],
    }


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


# As a file


@sheet.get("/payments.csv")
def csv() -> Response:
    """The same payments, as many as a file holds, written while they are read."""
    reading = Reading(request.args)
    if reading.wrong:  # half a filter would be a file that says less, or more, than was asked for
        raise DomainError(next(iter(reading.wrong.values())))
    return sheets.stream("discuno-payments", HEADER, _rows(reading.wanted))


def _rows(wanted: Wanted) -> Iterator[tuple[Cell, ...]]:
    """Piece by piece, each in a unit of work of its own: whoever reads slowly keeps no connection meanwhile."""
    before, left, has_more = None, finding.IN_A_FILE, True
    while has_more and left:
        with transaction() as unit:
            found = finding.page(wanted, before, min(finding.AT_ONCE, left))
            lines = [_row(payment) for payment in found.payments]
            before, has_more = (found.payments[-1].id if found.payments else None), found.has_older
            left -= len(lines)
            unit.expunge_all()  # a long file is never in memory as a whole
        yield from lines
    if has_more:
        yield (CUT,)


def _row(payment: Payment) -> tuple[Cell, ...]:
    booking, code = payment.booking, payment.currency
    where, release = whereabouts(payment), payment.release
    amounts = (payment.amount, payment.platform_fee, payment.mentor_amount, payment.refunded)
    return (
        payment.id,
        sheets.instant(payment.created_at, "UTC"),
        sheets.instant(payment.paid_at, "UTC") if payment.paid_at is not None else None,
        payment.status.label,
        payment.customer_name,
        payment.customer_email,
        booking.mentor.name,
        booking.title,
        sheets.instant(booking.starts_at, "UTC"),
        code.upper(),
        *(money.major(amount, code) for amount in amounts),
        *((where.label, where.sentence) if where is not None else (None, None)),
        ", ".join(word for _, word in payment_sight.flags(payment)),
        payment.stripe_payment_intent_id,
        payment.stripe_charge_id,
        release.stripe_transfer_id if release is not None else None,
        booking.public_id,
    )


# One payment


def find(payment_id: int) -> Payment:
    """The payment with all its rows. Raises NotFound."""
    payment = one_or_none(shown_whole(sa.select(Payment).where(Payment.id == payment_id)))
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


@bp.get("/<int:payment_id>")
def show(payment_id: int) -> Response:
    """Who, what, where every cent is, what has happened, and what can be done."""
    return page_of(payment_id)


def page_of(payment_id: int, status: int = 200, **said: Any) -> Response:
    """The same, as the answer to something that was refused there."""
    with transaction():
        payment = find(payment_id)
        context = _context(payment)
    return desk.page("admin/_payment.html", f"Payment {payment.id}", status, **{**context, **said})


def _context(payment: Payment) -> dict[str, Any]:
    return {
        "payment": payment,
        "booking": payment.booking,
        "sight": payment_sight.of(payment),
        "where": whereabouts(payment, zone("UTC")[0], chosen_clock()),
        "stopped": addresses.stopped_among([payment.customer_email, payment.booking.mentor.user.email]),
        "flags_of_it": payment_sight.flags(payment),
        "events": timeline.of(payment, zone("UTC")[0], chosen_clock()),
        "levers": [(lever, levers.why_not(lever, payment)) for lever in levers.Lever],
        "waiting": levers.waiting(payment, access.user()),
        "is_paused": pauses.is_on(),
        "stripe": StripePages(current_app.extensions["settings"].is_live),
        "typed_money": money.typed,
        "typed": {},
        "errors": {},
    }


@bp.post("/<int:payment_id>/notes")
@limits.at_most(*policy.SETTINGS)
def note(payment_id: int) -> AnyResponse:
    """Tell the others here something about it; pressed twice, it is told once."""
    form, user = NoteForm(), access.user()
    find(payment_id)
    if user is None or not form.validate():
        return page_of(payment_id, 422, typed=form.typed(), errors=form.sentences())
    with transaction():
        notes.add(find(payment_id), user, access.actor(), form.words.data)
    return redirect(url_for(".show", payment_id=payment_id), 303)
