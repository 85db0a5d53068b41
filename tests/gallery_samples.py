"""Sample data for the gallery: an ordinary booking, and one that is odd in every field."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace as Bag
from typing import Any

START = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
FACE = (
    "data:image/svg+xml;utf8,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 80 80'%3E%3Crect width='80' "
    "height='80' fill='%23cfe3d6'/%3E%3Ccircle cx='40' cy='32' r='14' fill='%230d6a4d'/%3E%3Cpath d='M12 80c2-22 "
    "14-32 28-32s26 10 28 32z' fill='%230d6a4d'/%3E%3C/svg%3E"
)
POLICY_SENTENCES = [
    "Free cancellation until 24 hours before; after that nothing is returned.",
    "Your payment is held until 72 hours after the session; until then you can report a problem.",
]
KEPT = [
    Bag(
        starts_at=START,
        title="First <b>& hello",
        continue_url="/details",
        release_url="/release",
        goes_with_back=True,
    )
]
EMPTY_FORM = {"name": "", "email": "", "phone": "", "note": ""}
WRONG_FORM = {"name": "", "email": "jun@", "phone": "", "note": "</textarea><script>alert(1)</script>"}
ERRORS = {"name": "Enter your name.", "email": "Enter an e-mail address such as name@example.com."}
CHECKOUT = {
    "publishable_key": "pk_test_sample",
    "client_secret": "cs_sample_secret_sample",
    "done_url": "/specimen/plain-done-checking",
    "expired_url": "/specimen/plain-time",
}
PROBLEM = "The payment service does not answer right now. Your time stays held; nothing was charged."
ERROR = {
    "code": 404,
    "heading": "There is no such page",
    "sentence": "The address may be mistyped, or the page has gone.",
    "actions": [{"label": "See all mentors", "url": "/", "primary": True}],
}


@dataclass(frozen=True)
class Cast:
    """Who and what a set of specimens is about."""

    mentor: Bag
    event_types: list[Bag]
    booking: Bag

    @property
    def event_type(self) -> Bag:
        """The session type the booking is for."""
        return self.event_types[0]


def _mentor(name: str, username: str, zone: str, **more: Any) -> Bag:
    return Bag(name=name, username=username, zone=zone, avatar_url=FACE, **more)


def _event_type(number: int, title: str, minutes: int, price: int, currency: str, description: str) -> Bag:
    return Bag(
        id=number,
        title=title,
        description=description,
        duration_minutes=minutes,
        price=price,
        currency=currency,
        is_free=price == 0,
    )


def _status(label: str, tone: str, sentence: str) -> Bag:
    return Bag(label=label, tone=tone, sentence=sentence)


def _cast(mentor: Bag, event_types: list[Bag], attendee: str, email: str, zone: str) -> Cast:
    kind = event_types[0]
    booking = Bag(
        public_id="bk_sample",
        starts_at=START,
        ends_at=START + timedelta(minutes=kind.duration_minutes),
        attendee_name=attendee,
        attendee_email=email,
        attendee_zone=zone,
        note="",
        status=_status("Confirmed", "ok", "Your session is booked."),
        mentor=mentor,
        event_type=kind,
        title=kind.title,
        duration_minutes=kind.duration_minutes,
        requires_payment=kind.price > 0,
        price=kind.price,
        currency=kind.currency,
        meeting_url="https://meet.example.com/amara-jun",
    )
    return Cast(mentor, event_types, booking)


PLAIN = _cast(
    _mentor(
        "Amara Okafor",
        "amara",
        "America/New_York",
        headline="MIT, Electrical Engineering",
        bio="I read applications for two years and now help others write theirs. We go through it line by line.",
        topics=["Essays", "Engineering", "Scholarships"],
    ),
    [
        _event_type(
            1,
            "Application review",
            45,
            6000,
            "usd",
            "Your draft, read before we meet, and a plan for the next one.",
        ),
        _event_type(2, "Career chat", 30, 4000, "usd", "Labs, internships, first jobs."),
        _event_type(3, "First meeting", 15, 0, "usd", "To see whether we fit."),
    ],
    "Jun Tanaka",
    "jun@example.com",
    "Europe/Paris",
)
ODD = _cast(
    _mentor(
        "María-José O’Connor-Wolfeschlegelsteinhausenbergerdorff de la Santísima Trinidad",
        "maria",
        "Asia/Kathmandu",
        headline="אוניברסיטת תל אביב <b>& friends</b>",
        bio="مرحبا، أساعد الطلاب في كتابة رسائلهم.",
        topics=["Donaudampfschifffahrtsgesellschaftskapitänsprüfung", "Q&A", "תשובות"],
    ),
    [
        _event_type(
            7,
            "「志望理由書」の添削と O'Brien's very long session title that never seems to end",
            120,
            0,
            "jpy",
            "",
        ),
        _event_type(8, "Mock interview", 60, 6000, "jpy", "<script>alert(1)</script>"),
    ],
    "عبد الرحمن بن محمد الفهد O'Neil",
    "a.very.long.address.that.does.not.break.by.itself@an-equally-long-subdomain.example.com",
    "Asia/Tokyo",
)


def directory(cast: Cast) -> list[Bag]:
    """Six entries of the directory: with a price, free only, and taking no bookings."""
    priced = Bag(mentor=cast.mentor, from_price=4000, currency="usd", has_free=True)
    yen = Bag(mentor=ODD.mentor, from_price=6000, currency="jpy", has_free=False)
    free = Bag(mentor=cast.mentor, from_price=None, currency="usd", has_free=True)
    closed = Bag(mentor=PLAIN.mentor, from_price=None, currency="usd", has_free=False)
    return [priced, yen, free, closed, priced, free]


def _link(label: str = "", month: int = 11) -> Bag:
    return Bag(
        label=label,
        url=f"/mentor/amara/book/1?month={month}",
        part_url=f"/mentor/amara/book/1/calendar?month={month}",
    )


def _day(number: int, chosen: int | None) -> Bag:
    free = number > 22 and number not in {28, 29}
    count = 6 if free else 0
    said = f"{count} times available" if count else "no times"
    return Bag(
        date=f"2026-11-{number:02}",
        number=number,
        label=f"{number} November, {said}",
        count=count,
        is_today=number == 22,
        is_chosen=number == chosen,
        url=f"/mentor/amara/book/1?day={number}",
        part_url=f"/mentor/amara/book/1/calendar?day={number}",
    )


def calendar(cast: Cast, *, chosen: int | None = 25, **changes: object) -> Bag:
    """November 2026 with six times a day from the 23rd on."""
    days = [None] * 6 + [_day(number, chosen) for number in range(1, 31)] + [None] * 6
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    starts = [START + timedelta(minutes=90 * step) for step in range(-3, 3)]
    shown = Bag(
        month_label="November 2026",
        weekday_names=[(name[:2], name) for name in names],
        weeks=[days[at : at + 7] for at in range(0, 42, 7)],
        previous=None,
        next=_link(month=12),
        chosen_day_label="Wednesday 25 November" if chosen else None,
        slots=[_slot(start) for start in starts] if chosen else [],
        next_available=None,
        nothing=None,
        zone="Europe/Paris",
        zones=[("Europe/Paris", "Paris (UTC+1)"), ("Asia/Tokyo", "Tokyo (UTC+9)"), ("UTC", "UTC")],
        clock="24",
        clock_switch=_link("12-hour clock"),
        unavailable=None,
        as_of=None,
    )
    vars(shown).update(changes)
    return shown


def _slot(start: datetime) -> Bag:
    return Bag(
        start=start,
        label=f"{start + timedelta(hours=1):%H:%M}",
        mentor_label=f"{start - timedelta(hours=5):%H:%M} for Amara",
    )


def calendars(cast: Cast) -> list[tuple[str, Bag, str | None]]:
    """The states a calendar can be in, each with the sentence about a lost time, if any."""
    empty = [[None] * 7] * 5
    sentence = "The calendar cannot be read right now. Please try again in a few minutes."
    soonest = _link("Next available: Tue 8 Dec", 12)
    return [
        ("time", calendar(cast), None),
        (
            "time-taken",
            calendar(cast),
            "Somebody else has just taken 14:30. These times of the same day are still free.",
        ),
        ("time-unchosen", calendar(cast, chosen=None), None),
        (
            "time-empty",
            calendar(cast, chosen=None, weeks=empty, next_available=soonest, zone_is_guess=True),
            None,
        ),
        (
            "time-never",
            calendar(cast, chosen=None, weeks=empty, nothing="No free time up to 22 January."),
            None,
        ),
        ("time-down", calendar(cast, chosen=None, unavailable=sentence), None),
    ]


def _state(
    key: str, tone: str, heading: str, sentence: str, *, steps: tuple[str, ...] = (), again: bool = False
) -> Bag:
    actions = [Bag(label="Book another time", url="/", primary=True)] if again else []
    waiting = key in {"checking", "paid_confirming", "refunding"}
    return Bag(
        key=key,
        tone=tone,
        heading=heading,
        sentence=sentence,
        is_waiting=waiting,
        next_steps=steps,
        actions=actions,
    )


STATES = [
    _state(
        "checking",
        "wait",
        "Checking your payment",
        "This usually takes a few seconds. You need not pay again.",
    ),
    _state(
        "paid_confirming",
        "wait",
        "Paid, booking your session",
        "Your payment has arrived. We are writing it into the mentor’s calendar.",
    ),
    _state(
        "confirmed",
        "ok",
        "Your session is booked",
        "Paid and confirmed.",
        steps=(
            "We sent a confirmation to jun@example.com, with a calendar file.",
            "Amara reads your note before you meet.",
            "Your payment is held until Sat 28 Nov 2026, 15:15 (Europe/Paris). Until then you can report a problem.",
        ),
    ),
    _state("failed", "bad", "The payment did not go through", "Nothing was charged.", again=True),
    _state("expired", "note", "The time is no longer held", "Nothing was charged.", again=True),
    _state(
        "refunding",
        "wait",
        "Your money is on its way back",
        "The mentor’s calendar refused the hour, so we refund all of it.",
    ),
    _state(
        "refunded",
        "note",
        "Refunded in full",
        "$60.00 goes back to your card within 5 to 10 days.",
        again=True,
    ),
]
STATUSES = [
    (
        "Booking",
        [
            _status("Held", "wait", "This time is kept for you while you pay."),
            _status("Confirmed", "ok", "Your session is booked."),
            _status("Cancelled", "plain", "This session will not take place."),
        ],
    ),
    (
        "Payment",
        [
            _status("Waiting for payment", "wait", "Nothing was charged yet."),
            _status("Paid", "ok", "The payment has arrived."),
            _status("Failed", "bad", "The bank refused the payment."),
            _status("Refunded", "note", "All of it went back to the card."),
        ],
    ),
]
