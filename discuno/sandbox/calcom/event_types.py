"""Event types (2024-06-14) and the default schedule (2024-06-11)."""

from typing import Annotated, Any

from flask import Response, request
from pydantic import BaseModel, Field, StrictInt

from discuno.sandbox.calcom import hooks
from discuno.sandbox.calcom.answers import Refusal, Zone, read, success
from discuno.sandbox.calcom.calendar import DAYS
from discuno.sandbox.calcom.gate import Desk, Route, key_holder, may_act_for
from discuno.sandbox.world import Record, World

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Hours = tuple[Clock, Clock]
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OWNERS = ("username", "ownerName", "ownerEmail", "timeZone", "hours", "overrides")  # what their types share
OFFICE_HOURS: dict[str, Hours] = dict.fromkeys(DAYS[:5], ("09:00", "17:00"))


class NewEventType(BaseModel):
    """Body of a new event type."""

    title: str = Field(min_length=1)
    slug: str = Field(min_length=1)
    lengthInMinutes: StrictInt = Field(ge=1)
    description: str = ""


class Seeded(NewEventType):
    """An event type as the control endpoint takes it, with its owner and working hours."""

    username: str = Field(min_length=1)
    ownerName: str
    ownerEmail: str
    timeZone: Zone = "UTC"
    hours: dict[str, Hours] = OFFICE_HOURS
    overrides: dict[str, Hours] = {}
    requiresConfirmation: bool = False
    hidden: bool = False
    recurring: bool = False
    seats: bool = False


class Change(BaseModel):
    """What its owner changes about an event type at Cal.com, as the control endpoint takes it."""

    title: str | None = None
    description: str | None = None
    lengthInMinutes: StrictInt | None = None
    requiresConfirmation: bool | None = None
    hidden: bool | None = None
    recurring: bool | None = None
    seats: bool | None = None
    removed: bool | None = None


class Availability(BaseModel):
    """The same hours on some days of the week."""

    days: list[str]
    startTime: Clock
    endTime: Clock


class Override(BaseModel):
    """Other hours on one date; equal times mean a day off."""

    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    startTime: Clock
    endTime: Clock


class ScheduleChange(BaseModel):
    """Body of a schedule's PATCH; what is not named stays."""

    timeZone: Zone | None = None
    availability: list[Availability] | None = None
    overrides: list[Override] | None = None


def put(world: World, seeded: Seeded) -> Record:
    """Create an event type, or replace the one of the same owner and slug under its id."""
    same = next(world.find("calcom_event_type", username=seeded.username, slug=seeded.slug), None)
    number = same["id"] if same else str(100 + len(world.all("calcom_event_type")))
    return world.put("calcom_event_type", {"id": number, **seeded.model_dump(mode="json")})


def many(desk: Desk) -> Response:
    """GET /event-types?username=: the event types of a host; open to all, hidden ones to the host alone."""
    host = request.args.get("username") or key_holder()
    if not host:
        raise Refusal(400, "username is required: the sandbox lists event types by host.")
    found = [kind for kind in desk.world.find("calcom_event_type", username=host) if not kind.get("removed")]
    return success([_view(kind) for kind in found if may_act_for(host) or not kind.get("hidden")])


def create(desk: Desk) -> Response:
    """POST /event-types: a new one for the key's owner, with the owner's hours."""
    new = read(NewEventType)
    owner = key_owner(desk.world)
    if next(desk.world.find("calcom_event_type", username=owner["username"], slug=new.slug), None):
        raise Refusal(400, "User already has an event type with this slug.")
    kept = {k: v for k, v in owner.items() if k in OWNERS}
    return success(_view(put(desk.world, Seeded.model_validate({**kept, **new.model_dump()}))), 201)


def default_schedule(desk: Desk) -> Response:
    """GET /schedules/default: the hours of the key's owner."""
    return success(_schedule(key_owner(desk.world)))


def change_schedule(desk: Desk, number: str) -> Response:
    """PATCH /schedules/{id}: new hours for every event type of the key's owner."""
    owner = key_owner(desk.world)
    if str(_schedule(owner)["id"]) != number:
        raise Refusal(404, f"Schedule with ID={number} does not exist.")
    fields = _fields(read(ScheduleChange))
    for kind in list(desk.world.find("calcom_event_type", username=owner["username"])):
        desk.world.put("calcom_event_type", {**kind, **fields})
    return success(_schedule(key_owner(desk.world)))


def _fields(change: ScheduleChange) -> Record:
    """What a change writes into an event type; 400 for two ranges on one day, which we do not keep."""
    fields: Record = {}
    if change.timeZone is not None:
        fields["timeZone"] = change.timeZone
    if change.availability is not None:
        ranges = [(d, [a.startTime, a.endTime]) for a in change.availability for d in a.days]
        if any(day not in NAMES for day, _ in ranges) or len(dict(ranges)) < len(ranges):
            raise Refusal(400, "availability: the sandbox keeps one range for each English weekday.")
        fields["hours"] = {DAYS[NAMES.index(day)]: hours for day, hours in ranges}
    if change.overrides is not None:
        fields["overrides"] = {o.date: [o.startTime, o.endTime] for o in change.overrides}
    return fields


def key_owner(world: World) -> Record:
    """Who an owner's key belongs to; the platform's is taken for that of whoever owns the first event type."""
    holder = key_holder()
    kinds = (
        list(world.find("calcom_event_type", username=holder)) if holder else world.all("calcom_event_type")
    )
    if not kinds and holder:
        return {"hours": OFFICE_HOURS, "overrides": {}, **next(world.find("calcom_key", username=holder))}
    if not kinds:
        raise Refusal(404, "The sandbox has no event type yet, so its key has no owner.")
    return kinds[0]


def _view(kind: Record) -> dict[str, Any]:
    shown = ("slug", "title", "lengthInMinutes", "description")
    off = {"disabled": True}
    weekly = {"interval": 1, "occurrences": 4, "frequency": "weekly"}
    settings = {
        "hidden": kind.get("hidden", False),
        "recurrence": weekly if kind.get("recurring") else off,
        "seats": {"seatsPerTimeSlot": 5} if kind.get("seats") else off,
        "confirmationPolicy": {"type": "always"} if kind.get("requiresConfirmation") else off,
    }
    host = {"id": hooks.owner_id(kind["username"]), "name": kind["ownerName"], "username": kind["username"]}
    return {
        "id": int(kind["id"]),
        "ownerId": host["id"],
        "users": [host],
        **{k: kind[k] for k in shown},
        **settings,
    }


def _schedule(kind: Record) -> dict[str, Any]:
    owner = hooks.owner_id(kind["username"])
    return {
        "id": owner,
        "ownerId": owner,
        "name": "Default",
        "timeZone": kind["timeZone"],
        "isDefault": True,
        "availability": [
            {"days": [NAMES[DAYS.index(day)]], "startTime": hours[0], "endTime": hours[1]}
            for day, hours in kind["hours"].items()
        ],
        "overrides": [
            {"date": day, "startTime": hours[0], "endTime": hours[1]}
            for day, hours in kind["overrides"].items()
        ],
    }


EVENT_TYPES, SCHEDULES = ("2024-06-14",), ("2024-06-11",)
ROUTES = [
    Route("GET", "/event-types", many, EVENT_TYPES),
    Route("POST", "/event-types", create, EVENT_TYPES, needs_key=True),
    Route("GET", "/schedules/default", default_schedule, SCHEDULES, needs_key=True),
    Route("PATCH", "/schedules/<number>", change_schedule, SCHEDULES, needs_key=True),
]
