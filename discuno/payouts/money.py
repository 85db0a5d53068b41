"""/dashboard/money: the mentor's figures, a line a session with the path of its money, and the last twelve months."""

from flask import Response, current_app, request

from discuno.bookings.visitor import clock as chosen_clock
from discuno.mentors import access, desk
from discuno.payouts import chart, figures, sight, sold
from discuno.payouts.sight import Reader

bp = access.private("money", __name__, "/money")


def reader() -> Reader:
    """Who reads a path, and what the house has set."""
    settings = current_app.extensions["settings"]
    on_request = settings.payout_mode == "on_request"
    return Reader(hours=chosen_clock(), write_to=settings.admin_email, on_request=on_request)


@bp.get("")
def page() -> Response:
    """The whole page; filters and older sessions are the same address with more in it."""
    mentor, wanted = access.me(), sold.read(request.args)
    seen = sight.gather(mentor, reader())
    found = figures.of_mentor(mentor, seen.books)
    return desk.page(
        "payouts/_money.html",
        "Money",
        found=found,
        charts=chart.of_mentor(mentor, [each.currency for each in found]),
        sessions=sold.page(seen, wanted),
        wanted=wanted,
        places=sold.PLACES,
        on_request=seen.reader.on_request,
    )
