"""What is missing before a mentor can be booked, in order, and what can be booked now. No I/O, nothing stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from discuno.mentors.offers import OfferState

PROFILE, HOURS, CALENDAR = "/dashboard/profile", "/dashboard/availability", "/dashboard/calendar"
TYPES, STRIPE = "/dashboard/event-types", "/dashboard/stripe"
SELLABLE = (
    OfferState.BOOKABLE,
    OfferState.WAITS,
    OfferState.SUSPENDED,
)  # switched on, and known to the calendar


@dataclass(frozen=True)
class Offer:
    """What the checklist has to know of a session type."""

    is_free: bool
    state: OfferState


@dataclass(frozen=True)
class Facts:
    """How a mentor stands, read from the rows."""

    has_profile: bool
    at_calcom: bool  # their free times come from there
    has_hours: bool  # or, at Cal.com, a calendar that answers
    offers: Sequence[Offer]
    can_be_paid: bool
    account_begun: bool
    suspended: bool = False

    @property
    def has_paid(self) -> bool:
        """Whether any session type, switched on or not, costs something."""
        return any(not offer.is_free for offer in self.offers)

    @property
    def on_offer(self) -> list[Offer]:
        """What is switched on and could be booked, were it not for Stripe."""
        return [offer for offer in self.offers if offer.state in SELLABLE]


@dataclass(frozen=True)
class Step:
    """One thing to do: whether it is done, what it is, what is missing or was done, and where."""

    done: bool
    label: str
    sentence: str
    url: str
    action: str


def steps(facts: Facts) -> list[Step]:
    """The way to the first booking. All are done exactly when nothing more is to be set up."""
    return [_profile(facts), _hours(facts), _types(facts), _stripe(facts), _price(facts)]


def _profile(facts: Facts) -> Step:
    words = "Your page says who you are." if facts.has_profile else "Say who you are, and in which time zone."
    return Step(facts.has_profile, "Profile", words, PROFILE, "Write your profile")


def _hours(facts: Facts) -> Step:
    if facts.at_calcom:
        words = (
            "Your free times come from Cal.com."
            if facts.has_hours
            else "Cal.com does not answer for your calendar."
        )
        return Step(facts.has_hours, "Availability", words, CALENDAR, "See your calendar")
    words = "Your hours are set." if facts.has_hours else "Say when you can be booked, or link Cal.com."
    return Step(facts.has_hours, "Availability", words, HOURS, "Set your hours")


def _types(facts: Facts) -> Step:
    number = len(facts.offers)
    if number:
        words = "You have one session type." if number == 1 else f"You have {number} session types."
        return Step(True, "Session type", words, TYPES, "See them")
    where, action = (CALENDAR, "Ask Cal.com") if facts.at_calcom else (f"{TYPES}/new", "Make the first one")
    return Step(False, "Session type", "Say what attendees can book with you.", where, action)


def _stripe(facts: Facts) -> Step:
    if facts.can_be_paid:
        return Step(True, "Stripe", "Stripe can pay you.", STRIPE, "See your account")
    if facts.offers and not facts.has_paid:
        words = "Your sessions are free, so you need no Stripe account. You can set one up at any time."
        return Step(True, "Stripe", words, STRIPE, "Set up Stripe")
    if facts.account_begun:
        return Step(False, "Stripe", "Stripe still needs something from you.", STRIPE, "Go on at Stripe")
    words = "So that you can be paid. Free sessions need no Stripe account."
    return Step(False, "Stripe", words, STRIPE, "Set up Stripe")


def _price(facts: Facts) -> Step:
    if facts.on_offer:
        return Step(
            True, "Price", "What you offer has its price and is switched on.", TYPES, "See the prices"
        )
    return Step(False, "Price", "Set a price, or none, and switch a session type on.", TYPES, "Set the price")


def can_be_booked(facts: Facts) -> bool:
    """Whether attendees can book anything at all."""
    return bool(_bookable(facts))


def is_set_up(facts: Facts) -> bool:
    """Whether nothing is left to do."""
    return all(step.done for step in steps(facts))


def _bookable(facts: Facts) -> list[Offer]:
    if facts.suspended or not facts.has_hours:
        return []
    return [offer for offer in facts.offers if offer.state == OfferState.BOOKABLE]


def said(facts: Facts) -> str:
    """What attendees can book now, what not, and why; one or two sentences."""
    if facts.suspended:
        return "Nobody can book you while your account is suspended."
    if not facts.on_offer:
        return "Nobody can book you yet: no session type is switched on."
    if not facts.has_hours:
        return "Nobody can book you yet: there are no hours in which you are free."
    free, waiting = _bookable(facts), len(facts.on_offer) > len(_bookable(facts))
    if not free:
        return "Nobody can book you yet: paid sessions wait for Stripe."
    return f"{_count(free)} can be booked now." + (" Paid ones wait for Stripe." if waiting else "")


def _count(offers: Sequence[Offer]) -> str:
    """Your free session; your 3 sessions."""
    kind = "free " if all(offer.is_free for offer in offers) else ""
    return f"Your {kind}session" if len(offers) == 1 else f"Your {len(offers)} {kind}sessions"
