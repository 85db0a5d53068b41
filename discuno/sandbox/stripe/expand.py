"""Answers as Stripe gives them: ids by default, whole objects where `expand` asks."""

from typing import Any

from discuno.sandbox.stripe import charges, sessions
from discuno.sandbox.stripe.desk import Ask, Desk, shown
from discuno.sandbox.stripe.errors import Refusal
from discuno.sandbox.world import Record

DEEPEST = 4


def render(desk: Desk, record: Record, paths: list[str]) -> dict[str, Any]:
    """A copy of the record to answer with, expanded along these dotted paths."""
    body: dict[str, Any] = shown(record)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST + ("data" in steps):
            raise Refusal("You cannot expand more than 4 levels of a property", param="expand")
        _along(desk, body, steps, path)
    return body


def _along(desk: Desk, body: dict[str, Any], steps: list[str], path: str) -> None:
    step, rest = steps[0], steps[1:]
    if step == "data" and body.get("object") == "list":
        for item in body["data"]:
            _along(desk, item, rest, path)
        return
    body[step] = _whole(desk, body, step, path)
    if rest and isinstance(body[step], dict):
        _along(desk, body[step], rest, path)


def _whole(desk: Desk, body: dict[str, Any], step: str, path: str) -> Any:
    aside = _aside(desk, body, step)
    if aside is not None:
        return aside
    if step not in body:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    value = body[step]
    if not isinstance(value, str):
        return value
    found = desk.known(value)
    if found is None:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    return shown(found)


def _aside(desk: Desk, body: dict[str, Any], step: str) -> Any:
    """Sublists that are answered only when asked for."""
    if (body.get("object"), step) == ("checkout.session", "line_items"):
        return shown(sessions.list_lines(desk, Ask({}, {"id": body["id"]})))
    if (body.get("object"), step) == ("charge", "refunds"):
        return shown(charges.refunds_of(desk, body))
    return None
