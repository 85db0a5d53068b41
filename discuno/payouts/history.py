"""A mentor's payouts: found again by how they stand, when they were made and for whom; each opens to its sessions."""

from collections.abc import Iterator, Mapping

from flask import Response, request, url_for

from discuno.kit import money, sheets
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.sheets import Cell
from discuno.kit.web import row_number, wants_part
from discuno.mentors import access, desk
from discuno.mentors.access import me
from discuno.mentors.models import Mentor
from discuno.payments.service import by_ids
from discuno.payouts import bank_jobs, figures, search, words
from discuno.payouts.models import Payout, PayoutStatus

bp = access.private("payouts", __name__, "/payouts")
sheet = access.private("payouts_sheet", __name__)
HEADER = (
    *("payout", "made", "status", "asked for by", "expected in the bank", "currency", "amount"),
    *("session", "session time", "attendee", "transfer", "charge", "booking"),
)


@bp.get("")
def index() -> Response:
    """The payouts that are wanted, newest first; the filters are in the address."""
    wanted, wrong = search.read(request.args)
    with transaction():
        found = search.page(me(), wanted, row_number(request.args.get("before")))
        sums = [] if wants_part() else figures.of_mentor(me())
    response = desk.page(
        "payouts/_history.html",
        "Payouts",
        422 if wrong else 200,
        wanted=wanted,
        wrong=wrong,
        payouts=found.payouts,
        stands=[("", "Any"), *((name, label) for name, (label, _) in search.STANDS.items())],
        words=words,
        typed={name: request.args.get(name, "") for name in ("from", "to")},
        is_later="before" in request.args,
        older_url=_older(wanted, found),
        csv_url=_with_query(url_for("payouts_sheet.csv"), wanted.as_query()),
        figures=sums,
        is_automatic=bank_jobs.is_automatic(),
    )
    if "before" not in request.args:  # the filters as they are now, without the empty ones
        response.headers["HX-Replace-Url"] = _with_query(url_for(".index"), wanted.as_query())
    return response


def _older(wanted: search.Wanted, found: search.Page) -> str | None:
    if not found.has_older:
        return None
    return _with_query(url_for(".index"), wanted.as_query(before=found.payouts[-1].id))


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


@bp.get("/<int:payout_id>")
def show(payout_id: int) -> Response:
    """One payout, followed to the bank, and the sessions whose money is in it."""
    with transaction():
        mentor = me()
        payout = search.one(mentor, payout_id)
        if payout is None:
            raise NotFound("There is no such payout.")
        pieces = _pieces(mentor, [payout])[payout.id]
    return desk.page(
        "payouts/_payout.html",
        f"Payout of {money.in_words(payout.amount, payout.currency)}",
        payout=payout,
        pieces=pieces,
        words=words,
        is_being_made=payout.status == PayoutStatus.REQUESTED,
        page_url=url_for(".show", payout_id=payout.id),
    )


def _pieces(mentor: Mentor, payouts: list[Payout]) -> Mapping[int, list[search.Piece]]:
    """What these payouts are made of, by our id of each."""
    contents = search.contents(mentor)
    parts = {payout.id: contents.get(payout.stripe_payout_id or "", []) for payout in payouts}
    payments = by_ids(part.payment_id for found in parts.values() for part in found)
    return {payout.id: search.pieces(payout, parts[payout.id], payments) for payout in payouts}


# As a file


@sheet.get("/payouts.csv")
def csv() -> Response:
    """The same payouts, a line for each session in each, so that a payout's lines add up to its amount."""
    wanted, wrong = search.read(request.args)
    if wrong:  # half a filter would be a file that says less, or more, than was asked for
        raise DomainError(next(iter(wrong.values())))
    with transaction():
        mentor = me()
        payouts = search.every(mentor, wanted)
        pieces = _pieces(mentor, payouts)
        rows = [row for payout in payouts for row in _rows(payout, pieces[payout.id], mentor.zone)]
    return sheets.download(f"discuno-payouts-{mentor.username}", HEADER, rows)


def _rows(payout: Payout, pieces: list[search.Piece], zone: str) -> Iterator[tuple[Cell, ...]]:
    day = payout.arrives_on.date().isoformat() if payout.arrives_on is not None else None
    about = (
        payout.stripe_payout_id,
        sheets.instant(payout.created_at, zone),
        payout.status.label,
        words.who(payout),
        day,
        payout.currency.upper(),
    )
    for piece in pieces:
        yield (*about, money.major(piece.amount, payout.currency), *_session(piece, zone))


def _session(piece: search.Piece, zone: str) -> tuple[Cell, ...]:
    if piece.payment is None:
        return ("Not of a session that we know", None, None, piece.transfer, None, None)
    booking = piece.payment.booking
    return (
        booking.title,
        sheets.instant(booking.starts_at, zone),
        booking.attendee_name,
        piece.transfer,
        piece.payment.stripe_charge_id,
        booking.public_id,
    )
