"""Reading bookings: one by its uid, or many by filter."""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from flask import Response, request

from discuno.sandbox.calcom.answers import parse_moment, query, success
from discuno.sandbox.calcom.booking_view import view
from discuno.sandbox.calcom.bookings import VERSIONS, existing
from discuno.sandbox.calcom.gate import Desk, Route, may_act_for
from discuno.sandbox.world import Record

Test = Callable[[Record], bool]
STATUSES: dict[str, Callable[[Record, int], bool]] = {
    "upcoming": lambda b, now: b["status"] in ("accepted", "pending") and b["end"] >= now,
    "past": lambda b, now: b["status"] not in ("cancelled", "rejected") and b["end"] < now,
    "cancelled": lambda b, now: b["status"] in ("cancelled", "rejected"),
    "unconfirmed": lambda b, now: b["status"] == "pending" and b["end"] >= now,
    "recurring": lambda b, now: False,
}
SORTS = {"sortStart": "start", "sortEnd": "end", "sortCreated": "created", "sortUpdatedAt": "updated"}


def one(desk: Desk, uid: str) -> Response:
    """GET /bookings/{uid}; open to whoever knows the uid."""
    return success(view(desk, existing(desk.world, uid)))


def many(desk: Desk) -> Response:
    """GET /bookings: of the key's owner, those that pass every filter given, a page at a time."""
    tests = [lambda b: may_act_for(b["username"]), *_tests(desk.world.now())]
    found = [b for b in desk.world.all("calcom_booking") if all(test(b) for test in tests)]
    for name, field in SORTS.items():
        order = query(name, _one_of("asc", "desc"), "asc" if name == "sortStart" else None)
        if order is not None:
            found.sort(key=itemgetter(field), reverse=order == "desc")
    take, skip = query("take", _between(1, 250), 100), query("skip", _between(0, 10**9), 0)
    page = found[skip : skip + take]
    return success([view(desk, b) for b in page], pagination=_pagination(len(found), len(page), take, skip))


def _tests(now: int) -> Iterable[Test]:
    """The filters of the query as tests of a booking."""
    statuses = query("status", lambda text: [_one_of(*STATUSES)(s) for s in text.split(",")])
    if statuses:
        yield lambda b: any(STATUSES[s](b, now) for s in statuses)
    e_mail = request.args.get("attendeeEmail", "").lower()
    if e_mail:
        yield lambda b: (b["attendee"].get("email") or "").lower() == e_mail
    number = query("eventTypeId", int)
    if number is not None:
        yield lambda b: bool(b["event_type"] == number)
    after, before = query("afterStart", parse_moment), query("beforeEnd", parse_moment)
    yield lambda b: after is None or b["start"] >= after
    yield lambda b: before is None or b["end"] <= before


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}")
        return number

    return parse


def _pagination(total: int, returned: int, take: int, skip: int) -> dict[str, Any]:
    return {
        "totalItems": total,
        "returnedItems": returned,
        "remainingItems": max(0, total - skip - returned),
        "itemsPerPage": take,
        "currentPage": skip // take + 1,
        "totalPages": -(-total // take),
        "hasNextPage": skip + returned < total,
        "hasPreviousPage": skip > 0,
    }


ROUTES = [
    Route("GET", "/bookings", many, VERSIONS, needs_key=True),
    Route("GET", "/bookings/<uid>", one, VERSIONS),
]
