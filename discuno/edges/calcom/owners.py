"""What a mentor's own key tells: whose it is, what they offer there, and to whom their bookings are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from discuno.edges.calcom.client import EVENT_TYPES, CalcomDown, ask


@dataclass(frozen=True)
class Owner:
    """Whose key it is. `username` is their number where they have no name."""

    username: str
    name: str
    email: str
    zone: str


@dataclass(frozen=True)
class TypeSeen:
    """An event type as Cal.com has it now."""

    calcom_id: int
    title: str
    description: str
    minutes: int
    is_hidden: bool
    is_recurring: bool
    has_seats: bool
    asks_host: bool  # every booking waits for the host's yes


def who_am_i() -> Owner:
    """Whose key we call by: GET /v2/me, as the public reference has it; not verified against the live service."""
    said = ask("GET", "/me", None)
    try:
        username = str(said.get("username") or said["id"])
        name, email, zone = (str(said.get(part) or "") for part in ("name", "email", "timeZone"))
    except (AttributeError, KeyError) as error:
        raise CalcomDown("a profile in a shape that we do not know") from error
    return Owner(username, name, email, zone)


def event_types(username: str) -> list[TypeSeen]:
    """Every event type of the key's owner, hidden ones too."""
    said = ask("GET", "/event-types", EVENT_TYPES, params={"username": username})
    try:
        return [_type(given) for given in said]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CalcomDown("event types in a shape that we do not know") from error


def _type(given: dict[str, Any]) -> TypeSeen:
    """What is said of one. All but its length and names is from the public reference, and not verified."""
    return TypeSeen(
        calcom_id=int(given["id"]),
        title=str(given.get("title") or given["slug"]),
        description=str(given.get("description") or ""),
        minutes=int(given["lengthInMinutes"]),
        is_hidden=given.get("hidden") is True,
        is_recurring=_is_on(given.get("recurrence")),
        has_seats=_is_on(given.get("seats")),
        asks_host=_is_on(given.get("confirmationPolicy")) or given.get("requiresConfirmation") is True,
    )


def _is_on(said: Any) -> bool:
    """A setting that is absent, null or {"disabled": true} is off."""
    return isinstance(said, dict) and bool(said) and said.get("disabled") is not True


def subscribe(url: str, triggers: Sequence[str], secret: str) -> None:
    """Have their bookings told to this address. Cal.com knows no idempotency: who is subscribed is asked first."""
    known = ask("GET", "/webhooks", None) or []
    if any(hook.get("subscriberUrl") == url and hook.get("active", True) for hook in known):
        return
    wanted = {"subscriberUrl": url, "triggers": list(triggers), "active": True, "secret": secret}
    ask("POST", "/webhooks", None, json={**wanted, "payloadTemplate": None})
