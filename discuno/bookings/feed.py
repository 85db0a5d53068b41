"""A mentor's sessions as a calendar to subscribe to, at a private address that can be replaced."""

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import policy
from discuno.accounts import access, audit
from discuno.bookings import agenda, ics, links
from discuno.kit import limits, security
from discuno.kit import links as signed
from discuno.kit.db import locked, one_or_none, transaction
from discuno.kit.errors import NotFound
from discuno.mentors.access import me, private
from discuno.mentors.models import Mentor

bp = security.open_to("anybody", Blueprint("feed", __name__))
mine = private("feed_address", __name__, "/bookings")
FEED = "calendar-feed"
KEEP = 300  # seconds a calendar may keep it without asking again


def address(mentor: Mentor) -> str:
    """The present address of a mentor's calendar."""
    token = signed.seal(FEED, {"m": mentor.id, "v": mentor.feed_version})
    return f"{current_app.config['BASE_URL']}/calendar/{token}.ics"


def _whose(token: str) -> Mentor:
    """Load and authorize in one: whose calendar it is. Raises NotFound, for an address that was replaced as well."""
    said = signed.unseal(FEED, token) or {}
    found = (
        one_or_none(sa.select(Mentor).where(Mentor.id == said["m"])) if said.keys() == {"m", "v"} else None
    )
    if found is None or found.feed_version != said["v"]:
        raise NotFound(
            "There is no calendar at this address. A newer one is on the mentor's page of bookings."
        )
    return found


@bp.get("/calendar/<token>.ics")
@limits.at_most(*policy.FEED)
def calendar(token: str) -> Response:
    """The calendar file; unchanged since it was last asked for, it is not sent again."""
    mentor, config = _whose(token), current_app.config
    content = ics.feed(
        agenda.feed(mentor),
        zone=mentor.zone,
        organizer=f"bookings@{config['EMAIL_FROM_DOMAIN']}",
        url_of=lambda booking: f"{config['BASE_URL']}{links.host_path(booking)}",
    )
    response = make_response(content)
    response.content_type = "text/calendar; charset=utf-8; method=PUBLISH"
    response.headers["Cache-Control"] = f"private, max-age={KEEP}"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Content-Disposition"] = 'inline; filename="discuno.ics"'
    response.add_etag()
    response.make_conditional(request)
    return response


@mine.post("/new-address")
@limits.at_most(*policy.SETTINGS)
def new_address() -> AnyResponse:
    """Replace the address: whoever has the old one sees nothing from now on. A second click replaces nothing more."""
    mentor_id, actor = me().id, access.actor()
    with transaction():
        mentor = locked(Mentor, mentor_id)
        version = mentor.feed_version
        if request.form.get("version") == str(version):
            mentor.feed_version = version + 1
            before, after = {"version": version}, {"version": version + 1}
            audit.note(actor, "new_feed_address", f"mentor:{mentor_id}", before=before, after=after)
    return redirect(f"{url_for('hosting.listing')}#feed", 303)
