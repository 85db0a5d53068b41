"""/admin/revenue: what the platform earns, keeps and loses; by time, mentor and session type; and as a table."""

from collections.abc import Iterator

from flask import Response, request

from discuno.admin import desk, spans
from discuno.admin.money import revenue_sums
from discuno.admin.money.revenue_sums import GROUPS, PAGE, Line, Sums, Wanted
from discuno.kit import money, sheets
from discuno.kit.web import row_number

bp = desk.private("admin_revenue", __name__, "/admin/revenue")
sheet = desk.private("admin_revenue_sheet", __name__, "/admin/revenue.csv")
COLUMNS = ("Payments", "Gross", "Refunds", "Chargebacks", "Platform fees", "Stripe fees", "Losses", "Net")


@bp.get("")
def page() -> Response:
    """One currency at a time: its figures, a chart, and the lines behind them."""
    span, wrong = spans.read(request.args)
    wanted = revenue_sums.read(request.args, span)
    found = revenue_sums.by_time(wanted)
    whole = revenue_sums.totals(found)
    currency = wanted.currency if wanted.currency in whole else next(iter(whole), "usd")
    lines, older = _lines(wanted, found, currency)
    return desk.page(
        "admin/_revenue.html",
        "Revenue",
        wanted=wanted,
        wrong=wrong,
        ways=GROUPS,
        currencies=list(whole),
        currency=currency,
        total=whole.get(currency, Sums()),
        chart=revenue_sums.chart(wanted, found, currency),
        lines=lines,
        older=older,
        of_mentor=revenue_sums.name_of("mentor", wanted.mentor) if wanted.mentor is not None else None,
        of_type=revenue_sums.name_of("type", wanted.kind) if wanted.kind is not None else None,
        elsewhere=revenue_sums.settled_elsewhere(span),
    )


def _lines(
    wanted: Wanted, found: dict[tuple[str, int], Sums], currency: str
) -> tuple[list[Line], str | None]:
    """A page of lines, and the address of the next one."""
    if wanted.group == "time":
        return revenue_sums.over_time(wanted, found, currency), None
    gross, key = row_number(request.args.get("gross")), row_number(request.args.get("after"))
    after = (gross, key) if gross is not None and key is not None else None
    lines = revenue_sums.lines(wanted, currency, after=after, limit=PAGE + 1)
    if len(lines) <= PAGE:
        return lines, None
    last = lines[PAGE - 1]
    more = wanted.as_query(currency=currency, gross=str(last.sums.captured), after=str(last.key))
    return lines[:PAGE], f"/admin/revenue?{more}"


@sheet.get("")
def download() -> Response:
    """The lines in every currency, as a table for a spreadsheet."""
    span, _ = spans.read(request.args)
    wanted = revenue_sums.read(request.args, span)
    header = (
        "From",
        "Until",
        GROUPS[wanted.group].removeprefix("By ").capitalize(),
        "Of",
        "Currency",
        *COLUMNS,
    )
    return sheets.download(f"revenue-{span.since}-{span.last}", header, _rows(wanted))


def _rows(wanted: Wanted) -> Iterator[tuple[sheets.Cell, ...]]:
    if wanted.group == "time":
        found = revenue_sums.by_time(wanted)
        codes = sorted(revenue_sums.totals(found))
        lines = [line for code in codes for line in revenue_sums.over_time(wanted, found, code)]
    else:
        lines = revenue_sums.lines(wanted, None, limit=None)
    days = (str(wanted.span.since), str(wanted.span.last))
    for line in lines:
        s = line.sums
        amounts = (s.captured, s.refunded, s.disputed, s.fees, s.stripe_fees, s.loss, s.net)
        told = (money.major(amount, line.currency) for amount in amounts)
        yield (*days, line.name, line.more, line.currency.upper(), s.payments, *told)
