"""Keys of owners, who they are (GET /me), and the webhooks they have asked for."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from flask import Response
from pydantic import AfterValidator, BaseModel, Field

from discuno.sandbox.calcom import event_types, hooks
from discuno.sandbox.calcom.answers import Refusal, Zone, read, success
from discuno.sandbox.calcom.gate import Desk, Route
from discuno.sandbox.world import Record, World

TRIGGERS = {
    *("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED"),
    *("BOOKING_NO_SHOW_UPDATED", "BOOKING_PAID", "BOOKING_PAYMENT_INITIATED"),
    *("AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW", "MEETING_STARTED", "MEETING_ENDED"),
    *("RECORDING_READY", "RECORDING_TRANSCRIPTION_GENERATED", "OOO_CREATED", "FORM_SUBMITTED"),
}


class NewKey(BaseModel):
    """A key for an owner, as the control endpoint takes it; who they are is known if they have event types."""

    key: str = Field(pattern=r"^cal_\S+$")
    username: str = Field(min_length=1)
    ownerName: str | None = None
    ownerEmail: str | None = None
    timeZone: Zone = "UTC"


def _an_address(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https"):
        raise ValueError("must be an URL address")
    return text


def _known(triggers: list[str]) -> list[str]:
    unknown = sorted(set(triggers) - TRIGGERS)
    if unknown:
        raise ValueError(f"each value must be one of the triggers, not {', '.join(unknown)}")
    return triggers


class NewWebhook(BaseModel):
    """Body of a new webhook."""

    subscriberUrl: Annotated[str, AfterValidator(_an_address)]
    triggers: Annotated[list[str], AfterValidator(_known)] = Field(min_length=1)
    active: bool
    secret: str | None = None
    payloadTemplate: str | None = None


def give_key(world: World, new: NewKey) -> Record:
    """Let an owner in by a key of their own."""
    kind = next(world.find("calcom_event_type", username=new.username), {})
    given = new.model_dump(exclude={"key"}, exclude_unset=True)
    named = {"ownerName": new.username, "ownerEmail": f"{new.username}@example.com", "timeZone": "UTC"}
    known = {name: kind.get(name, named[name]) for name in named}
    return world.put("calcom_key", {**known, **given, "id": new.key})


def me(desk: Desk) -> Response:
    """GET /me: whose key it is."""
    owner = event_types.key_owner(desk.world)
    return success(
        {
            "id": hooks.owner_id(owner["username"]),
            "username": owner["username"],
            "email": owner["ownerEmail"],
            "name": owner["ownerName"],
            "timeFormat": 24,
            "defaultScheduleId": hooks.owner_id(owner["username"]),
            "weekStart": "Monday",
            "timeZone": owner["timeZone"],
        }
    )


def webhooks(desk: Desk) -> Response:
    """GET /webhooks: the key owner's."""
    owner = event_types.key_owner(desk.world)["username"]
    return success([_webhook(row) for row in desk.world.find("calcom_webhook", username=owner)])


def subscribe(desk: Desk) -> Response:
    """POST /webhooks: one more, even if there is one like it. (The app is told of every booking anyhow.)"""
    new, owner = read(NewWebhook), event_types.key_owner(desk.world)["username"]
    row = {"id": desk.world.new_id("", 24), "username": owner, **new.model_dump(mode="json")}
    return success(_webhook(desk.world.put("calcom_webhook", row)), 201)


def _webhook(row: Record) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "subscriberUrl", "triggers", "active", "payloadTemplate")}


def known_key(world: World, key: str) -> Record:
    """The owner of a key; 404 if it is nobody's."""
    found = world.get("calcom_key", key)
    if found is None:
        raise Refusal(404, "No owner has this key.")
    return found


ROUTES = [
    Route("GET", "/me", me, (), needs_key=True),
    Route("GET", "/webhooks", webhooks, (), needs_key=True),
    Route("POST", "/webhooks", subscribe, (), needs_key=True),
]
