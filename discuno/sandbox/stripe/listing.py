"""Lists as Stripe pages them: newest first, by cursor."""

from typing import Any

from discuno.sandbox.stripe.errors import Refusal, missing
from discuno.sandbox.world import Record

COMPARE = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
TIMES = ("created", "arrival_date")  # fields a list may be cut by, exactly or by bounds


def page(records: list[Record], params: dict[str, Any], url: str) -> Record:
    """The page of these records (given oldest first) that the parameters ask for."""
    newest = [r for r in reversed(records) if all(_within(r, name, params.get(name)) for name in TIMES)]
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Refusal("Invalid limit: must be between 1 and 100", "parameter_invalid_integer", "limit")
    if "starting_after" in params:
        newest = newest[_position(newest, params["starting_after"], "starting_after") + 1 :]
    if "ending_before" in params:
        end = _position(newest, params["ending_before"], "ending_before")
        cut = newest[max(0, end - limit) : end]
        return {"object": "list", "data": cut, "has_more": end > limit, "url": url}
    return {"object": "list", "data": newest[:limit], "has_more": len(newest) > limit, "url": url}


def _within(record: Record, name: str, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return bool(record[name] == wanted)
    return all(COMPARE[how](record[name], bound) for how, bound in wanted.items())


def _position(records: list[Record], record_id: str, param: str) -> int:
    for i, record in enumerate(records):
        if record["id"] == record_id:
            return i
    raise missing("object", record_id, param, status=400)
