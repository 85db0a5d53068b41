"""A mentor's calendar at Cal.com: linked by their own key, asked again now and then, and left."""

from datetime import timedelta

import sqlalchemy as sa
from flask import Response, current_app, redirect
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length, Regexp

from discuno import journey, policy
from discuno.accounts import access
from discuno.accounts.audit import Actor
from discuno.edges import calcom
from discuno.edges.calcom import CalcomDown, CalcomKeyRefused, CalcomRefused, TypeSeen
from discuno.kit import clock, limits, outbox
from discuno.kit.db import locked, one_or_none, transaction
from discuno.kit.errors import DomainError, NotFound
from discuno.kit.forms import Form
from discuno.mentors import calendars, desk
from discuno.mentors.access import me, private
from discuno.mentors.models import EventType, Mentor

bp = private("calendar_link", __name__, "/calendar")

APART = timedelta(seconds=2)  # between two mentors: a key of each, but one address of ours
HOUSE = Actor("the house")
WRONG_KEY = "Cal.com does not accept this key. Please copy it again, whole; it begins with cal_."
NO_ANSWER = "Cal.com does not answer just now, so nothing was linked. Please try again in a few minutes."
TRIGGERS = (
    *("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REJECTED"),
    *("AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW", "BOOKING_NO_SHOW_UPDATED"),
    *("MEETING_STARTED", "MEETING_ENDED"),
)


class KeyForm(Form):
    """A key as it is pasted: whatever is wrong with it, it is never shown again."""

    key = PasswordField(
        filters=[lambda typed: (typed or "").strip()],
        validators=[
            InputRequired("Please paste your API key."),
            Length(max=200, message=WRONG_KEY),
            Regexp(r"cal_[\x21-\x7e]+\Z", message=WRONG_KEY),
        ],
    )


@bp.get("")
def page() -> Response:
    """Where the mentor's free times come from, and what Cal.com says of their session types."""
    return _page()


def _page(status: int = 200, errors: dict[str, str] | None = None, problem: str | None = None) -> Response:
    mentor = me()
    return desk.page(
        "mentors/_calendar_link.html",
        "Your calendar",
        status,
        is_linked=calendars.is_linked(mentor),
        key_ending=calendars.key_ending(mentor),
        types=[
            {
                "row": t,
                "standing": calendars.standing(t),
                "news": calendars.news(t),
                "is_news": calendars.is_news(t),
            }
            for t in calendars.of_calcom(mentor)
        ],
        there=journey.sessions_there(mentor),
        errors=errors or {},
        problem=problem,
    )


@bp.post("/link")
@limits.at_most(*policy.KEYS)
def link() -> AnyResponse:
    """Ask Cal.com whose key it is and what they offer; only then is anything kept."""
    form = KeyForm()
    if not form.validate_on_submit():
        return _page(422, form.sentences())
    key, mentor_id = form.key.data, me().id
    try:
        username, types = _told(key)
    except (CalcomKeyRefused, CalcomRefused):
        return _page(422, {"key": WRONG_KEY})
    except CalcomDown:
        return _page(503, problem=NO_ANSWER)
    try:
        with transaction():
            journey.link_calendar(access.actor(), locked(Mentor, mentor_id), key, username, types)
    except DomainError as no:
        return _page(no.status, problem=no.message)
    return _back()


@bp.post("/sync")
@limits.at_most(*policy.SETTINGS)
def sync() -> AnyResponse:
    """Ask Cal.com again, now."""
    ask(me().id, access.actor())
    return _back()


@bp.post("/unlink")
@limits.at_most(*policy.SETTINGS)
def unlink() -> AnyResponse:
    """Back to the built-in calendar."""
    mentor_id = me().id
    with transaction():
        journey.unlink_calendar(access.actor(), locked(Mentor, mentor_id))
    return _back()


@bp.post("/types/<int:type_id>/seen")
@limits.at_most(*policy.SETTINGS)
def seen(type_id: int) -> AnyResponse:
    """The mentor has looked at what changed."""
    mentor_id = me().id
    with transaction():
        mentor = locked(Mentor, mentor_id)
        statement = sa.select(EventType).where(EventType.id == type_id, EventType.mentor_id == mentor.id)
        event_type = one_or_none(statement)
        if event_type is None:
            raise NotFound
        journey.looked_at_type(access.actor(), event_type)
    return _back()


def _back() -> AnyResponse:
    return redirect(calendars.PAGE, 303)


# Asked by ourselves


@outbox.task("sync_types", every=timedelta(minutes=30))
def sync_types() -> None:
    """Ask Cal.com for every linked mentor's session types, one after the other; let keys go that nobody needs."""
    with transaction():
        when = clock.now()
        for mentor in calendars.linked():
            outbox.add("sync_types_of", mentor_id=mentor.id, run_at=when, unique_key=f"sync:{mentor.id}")
            when += APART


@outbox.task("sync_types_of")
def sync_types_of(mentor_id: int) -> None:
    """Ask for one mentor's; that Cal.com is down is written on their page, and the next round asks again."""
    with transaction():
        journey.let_key_go(locked(Mentor, mentor_id))
    ask(mentor_id, HOUSE)


def ask(mentor_id: int, actor: Actor) -> None:
    """Take what Cal.com has now, or write down why it could not be asked."""
    with transaction():
        mentor = locked(Mentor, mentor_id)
        key = calendars.key_of(mentor) if calendars.is_linked(mentor) else None
    if key is None:
        return
    told, problem = _ask(key)
    with transaction():
        mentor = locked(Mentor, mentor_id)
        if not calendars.is_linked(mentor) or calendars.key_of(mentor) != key:
            return  # unlinked, or another key, while Cal.com was asked
        if told is not None:
            journey.calendar_told(actor, mentor, *told)
        else:
            journey.calendar_silent(actor, mentor, problem)


def _ask(key: str) -> tuple[tuple[str, list[TypeSeen]] | None, str]:
    """Whose key it is and what they offer; or why that cannot be told."""
    try:
        return _told(key), ""
    except CalcomKeyRefused:
        return None, calendars.KEY_REFUSED
    except (CalcomDown, CalcomRefused):
        return None, calendars.DOWN


def _told(key: str) -> tuple[str, list[TypeSeen]]:
    with calcom.acting_for(key):
        username = calcom.who_am_i().username
        return username, calcom.event_types(username)


@outbox.task("subscribe_at_calcom")
def subscribe_at_calcom(mentor_id: int) -> None:
    """Have this mentor's bookings told to us as they change; without it the hourly comparison finds them."""
    secret = current_app.extensions["settings"].calcom_webhook_secret
    with transaction():
        mentor = locked(Mentor, mentor_id)
        key = calendars.key_of(mentor) if calendars.is_linked(mentor) else None
    if key is None or secret is None:
        return
    url = f"{current_app.config['BASE_URL']}/webhooks/calcom"
    try:
        with calcom.acting_for(key):
            calcom.subscribe(url, TRIGGERS, secret.get_secret_value())
    except CalcomKeyRefused:
        return  # the mentor is told by the next round
