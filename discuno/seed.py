"""Planting the catalogue: the staff, and mentors with an account at the stand-in Stripe and, some, at Cal.com."""

from collections.abc import Callable
from datetime import time
from typing import Any

import sqlalchemy as sa

from discuno import policy
from discuno.accounts import audit, second
from discuno.accounts import service as people
from discuno.accounts.models import STAFF, Role, User
from discuno.kit import clock
from discuno.kit.db import locked, one_or_none, session, transaction
from discuno.mentors.models import Calendar, EventType, Mentor, WeeklyHours
from discuno.payouts import accounts, onboarding
from discuno.payouts import service as payouts

Control = Callable[[str, str, dict[str, Any]], Any]
Entry = dict[str, Any]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def employ(entry: Entry) -> None:
    """Let one of the sandbox's staff in, with their app. A real house has none but those its operator makes."""
    with transaction():
        user = people.by_email(entry["email"])
        if user is None:
            user = people.add(entry["email"], entry["name"], Role(entry["role"]))
            audit.record("seed", "add staff", f"user:{user.id}", "the sandbox's catalogue")
            user.admitted_at = clock.now() - policy.NEW_ADMIN_WAITS
        if user.role in STAFF and second.of(user) is None:
            second.plant(user, entry["authenticator"])


def plant(entry: Entry, control: Control) -> bool:
    """Add a mentor and whatever is missing of them; True if they were not there at all."""
    with transaction():
        mentor = one_or_none(sa.select(Mentor).where(Mentor.username == entry["username"]))
        new = mentor is None
        mentor = mentor or _mentor(entry)
        mentor_id, account = mentor.id, payouts.account_of(mentor)
    if account is None and entry.get("onboarded", True):
        _connect(mentor_id, control)
    elif account is not None and not account.can_receive:  # made before accounts carried a mark
        onboarding.mark_account(mentor_id, "seed", "an account of the sandbox's catalogue")
    if entry.get("calendar") == "calcom":
        _link_calendar(mentor_id, entry, control)
    return new


def _mentor(entry: Entry) -> Mentor:
    user = User(email=entry["email"], name=entry["name"], role=Role.MENTOR, created_at=clock.now())
    mentor = Mentor(
        user=user,
        username=entry["username"],
        headline=entry["headline"],
        bio=entry["bio"],
        topics=entry["topics"],
        zone=entry["zone"],
        calendar=Calendar(entry.get("calendar", "builtin")),
        profile_saved_at=clock.now(),
    )
    mentor.event_types = [_event_type(t, position) for position, t in enumerate(entry["types"])]
    session().add(mentor)
    session().flush()
    session().add_all(_hours(mentor.id, entry["hours"]))
    return mentor


def _event_type(given: Entry, position: int) -> EventType:
    return EventType(
        title=given["title"],
        description=given["description"],
        duration_minutes=given["minutes"],
        price=given["price"],
        currency=given.get("currency", "usd"),
        enabled=True,
        position=position,
    )


def _hours(mentor_id: int, week: dict[str, list[str]]) -> list[WeeklyHours]:
    found = []
    for day, spans in week.items():
        for span in spans:
            starts, ends = (time.fromisoformat(t) for t in span.split("-"))
            found.append(
                WeeklyHours(mentor_id=mentor_id, weekday=WEEKDAYS.index(day), starts=starts, ends=ends)
            )
    return found


def _connect(mentor_id: int, control: Control) -> None:
    """Make the connected account by the product's own doors; the control desk goes through its onboarding."""
    stripe_id = onboarding.open_account(mentor_id, "us")
    control("POST", f"stripe/accounts/{stripe_id}/onboard", {})
    with transaction():
        account = accounts.by_stripe_id(stripe_id)
    if account is not None:
        onboarding.configure_manual_payouts(account.id)
    onboarding.refresh(stripe_id)


def _link_calendar(mentor_id: int, entry: Entry, control: Control) -> None:
    """Give the mentor's types their counterparts in the stand-in's calendar."""
    with transaction():
        mentor = locked(Mentor, mentor_id)
        missing = [
            (t.id, t.title, t.description, t.duration_minutes)
            for t in mentor.event_types
            if not t.calcom_event_type_id
        ]
    for type_id, title, description, minutes in missing:
        answer = control(
            "POST",
            "calcom/event-types",
            {
                "slug": title.lower().replace(" ", "-"),
                "title": title,
                "description": description,
                "lengthInMinutes": minutes,
                "username": entry["username"],
                "ownerName": entry["name"],
                "ownerEmail": entry["email"],
                "timeZone": entry["zone"],
                "hours": {day: spans[0].split("-") for day, spans in entry["hours"].items()},
            },
        )
        with transaction():
            locked(EventType, type_id).calcom_event_type_id = answer["id"]
    if "calcom_key" in entry:  # what this mentor may paste to link their calendar themselves
        control("POST", "calcom/keys", {"key": entry["calcom_key"], "username": entry["username"]})
