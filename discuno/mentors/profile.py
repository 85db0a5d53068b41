"""The door to the mentor's profile."""

from typing import Any

import sqlalchemy as sa
from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access as signed
from discuno.accounts import audit
from discuno.bookings.calendar import zone_choices
from discuno.kit import limits
from discuno.kit.db import locked, transaction
from discuno.kit.web import zone_of
from discuno.mentors import access, desk, profiles
from discuno.mentors.access import me
from discuno.mentors.forms import ProfileForm
from discuno.mentors.models import Mentor
from discuno.mentors.profiles import IN_USE, Profile

bp = access.private("profile", __name__, "/profile")
DONE = {
    "saved": "Saved.",
    "zone": "Saved. Your weekly hours keep their times on the clock, now in the new zone; "
    "booked sessions stay at the instants they were booked for.",
    "address": "Saved. Your page has a new address, and links to the old one no longer work.",
}


@bp.get("")
def page() -> Response:
    """The profile as it is; on the first visit in the zone that the browser is in."""
    mentor = me()
    typed = _shown(profiles.of(mentor))
    here = request.cookies.get("tz")
    if mentor.profile_saved_at is None and zone_of(here) is not None:
        typed["zone"] = str(here)
    return _page(typed)


def _shown(profile: Profile) -> dict[str, str]:
    """The profile as its fields show it."""
    facts = profiles.facts(profile)
    shown = {name: str(value) if value is not None else "" for name, value in facts.items()}
    return {**shown, "topics": ", ".join(profile.topics)}


def _page(typed: dict[str, str], errors: dict[str, str] | None = None, status: int = 200) -> Response:
    given: dict[str, Any] = {
        "typed": typed,
        "errors": errors or {},
        "zones": zone_choices(typed["zone"] if zone_of(typed["zone"]) else me().zone),
        "done": DONE.get(request.args.get("done", "")),
        "most_topics": profiles.MOST_TOPICS,
    }
    return desk.page("mentors/_profile.html", "Profile", status, **given)


@bp.post("")
@limits.at_most(*policy.SETTINGS)
def save() -> AnyResponse:
    """Save all of it, or nothing."""
    form = ProfileForm(me())
    if not form.validate():
        return _page(form.typed(), form.sentences(), 422)
    try:
        with transaction():
            done = _save(locked(Mentor, me().id), form.profile())
    except sa.exc.IntegrityError as error:
        if not profiles.is_in_use(error):
            raise
        return _page(form.typed(), {"username": IN_USE}, 409)
    return redirect(url_for(".page", done=done), 303)


def _save(mentor: Mentor, wanted: Profile) -> str:
    """Take it and write it down; which sentence says what that means."""
    before = profiles.of(mentor)
    profiles.save(mentor, wanted)
    audit.note(
        signed.actor(),
        "profile_saved",
        f"mentor:{mentor.id}",
        before=profiles.facts(before),
        after=profiles.facts(wanted),
    )
    if before.username != wanted.username:
        return "address"
    return "zone" if before.zone != wanted.zone else "saved"
