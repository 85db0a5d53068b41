"""/admin/transfers: what went to mentors, what waits and why; and a dry run of the next release."""

from datetime import UTC, datetime, timedelta

from flask import Response, request

from discuno.admin import desk, spans
from discuno.admin.money import transfer_sight, transfer_sums
from discuno.kit import clock
from discuno.kit.web import row_number
from discuno.policy import Reason

bp = desk.private("admin_transfers", __name__, "/admin/transfers")
FURTHEST = timedelta(days=366)
NOT_A_MOMENT = "Please give a day and time from now on, such as 2026-11-25 00:00."


@bp.get("")
def page() -> Response:
    """Figures, a chart in one currency, and the rows of a tab."""
    span, wrong = spans.read(request.args)
    wanted = transfer_sums.read(request.args, row_number(request.args.get("after")))
    sent, found = transfer_sums.sent(span), transfer_sums.page(span, wanted)
    shown = found[: transfer_sums.PAGE]
    about = {"tab": wanted.tab, "reason": wanted.reason or ""}
    currencies = sorted(sent.piles, key=lambda code: (-sent.piles[code].number, code))
    asked = request.args.get("currency", "")
    older = span.as_query(**about, after=shown[-1].id) if len(found) > len(shown) else None
    return desk.page(
        "admin/_transfers.html",
        "Transfers",
        span=span,
        wrong=wrong,
        wanted=wanted,
        tabs=transfer_sums.TABS,
        sent=sent,
        waiting=transfer_sums.waiting(),
        currencies=currencies,
        currency=asked if asked in sent.piles else next(iter(currencies), None),
        transfers=shown,
        older=f"/admin/transfers?{older}" if older else None,
        reasons=Reason,
        is_soon=lambda at: at <= clock.now(),
    )


@bp.get("/dry-run")
def dry_run() -> Response:
    """What the release run would move until a moment: by mentor, and what it would keep back and why."""
    until, wrong = _until(request.args.get("until", ""))
    found = transfer_sight.dry_run(until)
    begin = row_number(request.args.get("from")) or 0
    shown = found.goes[begin : begin + transfer_sums.PAGE]
    return desk.page(
        "admin/_dry_run.html",
        "What would be transferred",
        found=found,
        shown=shown,
        next_from=begin + len(shown) if len(found.goes) > begin + len(shown) else None,
        typed=f"{until:%Y-%m-%dT%H:%M}",
        wrong=wrong,
    )


def _until(text: str) -> tuple[datetime, str | None]:
    """The moment that was typed, in UTC; else the next midnight."""
    now = clock.now().astimezone(UTC)
    midnight = spans.midnight(now.date() + timedelta(days=1))
    if not text:
        return midnight, None
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return midnight, NOT_A_MOMENT
    until = typed.replace(tzinfo=UTC) if typed.tzinfo is None else typed.astimezone(UTC)
    is_near = timedelta(minutes=-1) <= until - now <= FURTHEST
    return (until, None) if is_near else (midnight, NOT_A_MOMENT)
