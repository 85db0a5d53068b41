"""The door to a mentor's session types: the list, one of them, switched on and off, moved, removed."""

from collections.abc import Callable

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno import journey, policy
from discuno.accounts import access as signed
from discuno.accounts import audit
from discuno.kit import limits, money
from discuno.kit.db import locked, transaction
from discuno.kit.errors import DomainError
from discuno.mentors import access, desk, offers
from discuno.mentors.access import me
from discuno.mentors.forms import TypeForm
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.payouts import accounts
from discuno.payouts import service as payouts

bp = access.private("types", __name__, "/event-types")
DONE = {
    "saved": "Saved. Sessions that are booked already keep what was agreed.",
    "on": "It is switched on.",
    "off": "It is switched off. Sessions that are booked already stay as they are.",
    "removed": "Removed.",
}
BREAKS = ((0, "No break"), *((n, f"{n} min") for n in (5, 10, 15, 20, 30, 45, 60, 90, 120)))
NOTICES = (
    *((0, "None: up to the last minute"), (60, "1 hour"), (120, "2 hours"), (240, "4 hours")),
    *((480, "8 hours"), (720, "12 hours"), (1440, "1 day"), (2880, "2 days"), (4320, "3 days")),
    *((10_080, "1 week"), (20_160, "2 weeks")),
)
FRESH = {
    **dict.fromkeys(("title", "description", "enabled"), ""),
    **{"duration_minutes": "45", "price": "", "buffer_minutes": "0", "notice_minutes": "240"},
}


# The list


@bp.get("")
def listing() -> Response:
    """Every session type, in the order in which attendees see them."""
    return _list()


def _list(status: int = 200, problem: DomainError | None = None) -> Response:
    mentor = me()
    payable = payouts.can_be_paid(mentor)
    entries = [{"type": t, "state": offers.state(t, payable=payable)} for t in offers.of_mentor(mentor)]
    return desk.page(
        "mentors/_types.html",
        "Session types",
        status,
        entries=entries,
        problem=problem,
        needs_stripe=isinstance(problem, journey.NeedsStripe),
        from_calcom=mentor.calendar == Calendar.CALCOM,
        done=DONE.get(request.args.get("done", "")),
        notices_in_words=dict(NOTICES),
    )


# One of them


@bp.get("/new")
def new() -> Response:
    """An empty form, in the currency the mentor is paid in."""
    return _form(None, {**FRESH, "currency": _usual_currency()})


@bp.get("/<int:type_id>")
def edit(type_id: int) -> Response:
    """The form with what is."""
    event_type = offers.mine(me(), type_id)
    return _form(event_type, _shown(event_type))


def _usual_currency() -> str:
    account = payouts.account_of(me())
    currency = accounts.currency_of(account.country) if account is not None and account.country else "usd"
    return currency if currency in policy.MINIMUM_CHARGE else "usd"


def _shown(event_type: EventType) -> dict[str, str]:
    """What is, as the fields show it."""
    facts = offers.facts(event_type)
    return {
        **{name: str(value) for name, value in facts.items()},
        "price": money.typed(event_type.price, event_type.currency),
        "enabled": "on" if event_type.enabled else "",
    }


def _form(
    event_type: EventType | None,
    typed: dict[str, str],
    errors: dict[str, str] | None = None,
    problem: DomainError | None = None,
    status: int = 200,
) -> Response:
    mentor, usual = me(), _usual_currency()
    owned = usual if payouts.account_of(mentor) is not None else None
    return desk.page(
        "mentors/_type.html",
        event_type.title if event_type is not None else "New session type",
        status,
        event_type=event_type,
        typed=typed,
        errors=errors or {},
        problem=problem,
        needs_stripe=isinstance(problem, journey.NeedsStripe),
        from_calcom=event_type is not None and offers.is_from_calcom(event_type),
        elsewhere=event_type is None and mentor.calendar == Calendar.CALCOM,
        state=offers.state(event_type, payable=payouts.can_be_paid(mentor)) if event_type else None,
        share=_share(event_type) if event_type is not None else None,
        usual=owned,
        waits=journey.settlement_words(typed.get("currency") or usual, owned),
        currencies=_currencies(typed.get("currency", usual), usual),
        breaks=_with(BREAKS, typed["buffer_minutes"]),
        advance=_with(NOTICES, typed["notice_minutes"]),
        why_not_removed=journey.why_not_removed(event_type) if event_type is not None else None,
    )


def _share(event_type: EventType) -> str | None:
    """What the mentor has of the saved price, in words."""
    if event_type.is_free:
        return None
    parts = policy.split(event_type.price, policy.terms.fee_bps)
    mine, all_of_it = (
        money.in_words(amount, event_type.currency) for amount in (parts.mentor_amount, parts.amount)
    )
    return f"You get {mine} of {all_of_it}; our fee is {policy.terms.fee_bps / 100:g} %."


def _currencies(chosen: str, usual: str) -> list[tuple[str, str]]:
    """The short list, the mentor's own currency first; one that a type has from before stays in it."""
    known = sorted({*policy.MINIMUM_CHARGE, chosen} - {usual, ""})
    return [(code, code.upper()) for code in (usual, *known)]


def _with(options: tuple[tuple[int, str], ...], chosen: str) -> list[tuple[int, str]]:
    """The options, and what is chosen when it is none of them."""
    odd = chosen.isdecimal() and int(chosen) not in dict(options)
    return sorted((*options, (int(chosen), f"{int(chosen)} min"))) if odd else list(options)


# Changed


@bp.post("/new")
@limits.at_most(*policy.SETTINGS)
def add() -> AnyResponse:
    """One more; it is the last of the list."""
    return _save(None)


@bp.post("/<int:type_id>")
@limits.at_most(*policy.SETTINGS)
def save(type_id: int) -> AnyResponse:
    """Save all of it, or nothing."""
    return _save(type_id)


def _save(type_id: int | None) -> AnyResponse:
    event_type = offers.mine(me(), type_id) if type_id is not None else None
    form = TypeForm(event_type)
    if not form.validate():
        return _form(event_type, form.typed(), form.sentences(), status=422)
    try:
        with transaction():
            mentor = locked(Mentor, me().id)
            known = offers.mine(mentor, type_id) if type_id is not None else None
            before = offers.facts(known) if known is not None else None
            saved = journey.save_offer(mentor, known, form.wanted())
            _note("event_type_saved", saved.id, before, offers.facts(saved))
    except DomainError as refused:
        known = offers.mine(me(), type_id) if type_id is not None else None
        return _form(known, form.typed(), problem=refused, status=refused.status)
    return redirect(url_for(".listing", done="saved"), 303)


def _note(action: str, type_id: int, before: audit.Facts | None, after: audit.Facts | None) -> None:
    if before != after:
        audit.note(signed.actor(), action, f"event_type:{type_id}", before=before, after=after)


@bp.post("/<int:type_id>/on")
@limits.at_most(*policy.SETTINGS)
def switch_on(type_id: int) -> AnyResponse:
    """Let it be booked."""
    return _act(type_id, "on", lambda mine: journey.switch_offer(mine, on=True))


@bp.post("/<int:type_id>/off")
@limits.at_most(*policy.SETTINGS)
def switch_off(type_id: int) -> AnyResponse:
    """Offer it no longer."""
    return _act(type_id, "off", lambda mine: journey.switch_offer(mine, on=False))


@bp.post("/<int:type_id>/up")
@limits.at_most(*policy.SETTINGS)
def move_up(type_id: int) -> AnyResponse:
    """One place up."""
    return _act(type_id, "", lambda mine: offers.move(offers.of_mentor(mine.mentor), mine, -1))


@bp.post("/<int:type_id>/down")
@limits.at_most(*policy.SETTINGS)
def move_down(type_id: int) -> AnyResponse:
    """One place down."""
    return _act(type_id, "", lambda mine: offers.move(offers.of_mentor(mine.mentor), mine, 1))


@bp.post("/<int:type_id>/remove")
@limits.at_most(*policy.SETTINGS)
def remove(type_id: int) -> AnyResponse:
    """Forget one that nobody ever chose."""
    offers.mine(me(), type_id)
    try:
        with transaction():
            mine = offers.mine(locked(Mentor, me().id), type_id)
            before = offers.facts(mine)
            journey.remove_offer(mine)
            _note("event_type_removed", type_id, before, None)
    except DomainError as refused:
        return _list(refused.status, refused)
    return redirect(url_for(".listing", done="removed"), 303)


def _act(type_id: int, done: str, act: Callable[[EventType], bool]) -> AnyResponse:
    """Do one thing with one of the mentor's own, under their lock; back to the list."""
    try:
        with transaction():
            mine = offers.mine(locked(Mentor, me().id), type_id)
            before = {**offers.facts(mine), "position": mine.position}
            act(mine)
            _note("event_type_changed", type_id, before, {**offers.facts(mine), "position": mine.position})
    except journey.NeedsStripe as refused:
        return _list(refused.status, refused)
    return redirect(url_for(".listing", done=done or None), 303)
