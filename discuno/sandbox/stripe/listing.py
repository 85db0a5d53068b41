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


def page(records: list[Record], params: dict[str, Any], url: str) -> Record:
    """The page of these records (given oldest first) that the parameters ask for."""
    newest = [r for r in reversed(records) if _created(r, params.get("created"))]
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


def matching(records: list[Record], params: dict[str, Any], *names: str) -> list[Record]:
    """The records whose fields equal the parameters of these names, where given."""
    wanted = {name: params[name] for name in names if name in params}
    return [r for r in records if all(r.get(name) == value for name, value in wanted.items())]


def _created(record: Record, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return bool(record["created"] == wanted)
    return all(COMPARE[name](record["created"], bound) for name, bound in wanted.items())


def _position(records: list[Record], record_id: str, param: str) -> int:
    for i, record in enumerate(records):
        if record["id"] == record_id:
            return i
    raise missing("object", record_id, param, status=400)
