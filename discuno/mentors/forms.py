"""What a mentor types about themselves and their session types, checked: one sentence a field that is wrong."""

from typing import Any

from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from discuno import policy
from discuno.kit import money
from discuno.kit.forms import Form
from discuno.kit.text import as_typed, one_line
from discuno.kit.web import zone_of
from discuno.mentors import offers, profiles
from discuno.mentors.models import EventType, Mentor
from discuno.mentors.offers import Wanted
from discuno.mentors.profiles import Profile

LONGEST_TEXT = 4000
LONGEST_BREAK, LONGEST_NOTICE = 480, 43_200  # minutes; as the database says
SHORTEST_SESSION, LONGEST_SESSION = 5, 480


def _text(value: str | None) -> str:
    """Trimmed, with line ends counted as the browser counts them."""
    return as_typed(value or "").strip()


def whole(text: str, least: int, most: int, sentence: str) -> int:
    """A whole number within bounds. Raises ValidationError with the sentence."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6 and least <= int(digits) <= most):
        raise ValidationError(sentence)
    return int(digits)


class ProfileForm(Form):
    """Who the mentor is, and how far ahead and how often they can be booked."""

    name = StringField(
        filters=[one_line],
        validators=[
            DataRequired("Please give the name that attendees see."),
            Length(max=200, message="Please use a name of at most 200 characters."),
        ],
    )
    username = StringField(filters=[lambda text: one_line(text).lower()])
    headline = StringField(
        filters=[one_line],
        validators=[Length(max=120, message="Please keep the headline to 120 characters.")],
    )
    bio = TextAreaField(
        filters=[_text],
        validators=[Length(max=LONGEST_TEXT, message=f"Please use at most {LONGEST_TEXT:,} characters.")],
    )
    topics = StringField(filters=[one_line])
    zone = StringField()
    booking_window_days = StringField(filters=[one_line])
    daily_maximum = StringField(filters=[one_line])

    def __init__(self, mentor: Mentor) -> None:
        super().__init__()
        self.mentor = mentor

    def validate_username(self, field: Any) -> None:
        """Fit for an address, and nobody else's."""
        problem = profiles.username_problem(field.data)
        if problem is None and profiles.is_taken(field.data, self.mentor):
            problem = profiles.IN_USE
        if problem is not None and field.data != self.mentor.username:
            raise ValidationError(problem)

    def validate_topics(self, field: Any) -> None:
        """Not too many, not too long."""
        problem = profiles.topics_problem(profiles.topics_of(field.data))
        if problem is not None:
            raise ValidationError(problem)

    def validate_zone(self, field: Any) -> None:
        """One that the clock knows."""
        if zone_of(field.data) is None:
            raise ValidationError("Please choose a time zone from the list.")

    def validate_booking_window_days(self, field: Any) -> None:
        """A day to a year."""
        whole(field.data, 1, 365, "Please give a number of days from 1 to 365.")

    def validate_daily_maximum(self, field: Any) -> None:
        """None, or a number of sessions."""
        if field.data:
            whole(field.data, 1, 100, "Please give a number from 1 to 100, or nothing for no limit.")

    def profile(self) -> Profile:
        """The checked answers."""
        return Profile(
            name=self.name.data,
            username=self.username.data,
            headline=self.headline.data,
            bio=self.bio.data,
            topics=profiles.topics_of(self.topics.data),
            zone=self.zone.data,
            booking_window_days=int(self.booking_window_days.data),
            daily_maximum=int(self.daily_maximum.data) if self.daily_maximum.data else None,
        )


class TypeForm(Form):
    """A session type. What comes from Cal.com is not asked for, and not taken from whoever sends it anyway."""

    title = StringField(filters=[one_line])
    description = TextAreaField(
        filters=[_text],
        validators=[Length(max=LONGEST_TEXT, message=f"Please use at most {LONGEST_TEXT:,} characters.")],
    )
    duration_minutes = StringField(filters=[one_line])
    currency = StringField(filters=[lambda text: one_line(text).lower()])
    price = StringField(filters=[one_line])
    buffer_minutes = StringField(filters=[one_line])
    notice_minutes = StringField(filters=[one_line])
    enabled = StringField()

    def __init__(self, event_type: EventType | None) -> None:
        super().__init__()
        self.event_type = event_type
        self.theirs = event_type if event_type is not None and offers.is_from_calcom(event_type) else None
        if self.theirs is not None:
            del self.title, self.description, self.duration_minutes

    def validate_title(self, field: Any) -> None:
        """Something, and not too long."""
        if not 1 <= len(field.data) <= 120:
            raise ValidationError("Please give it a title of at most 120 characters.")

    def validate_duration_minutes(self, field: Any) -> None:
        """Five minutes to eight hours."""
        words = f"Please give a number of minutes from {SHORTEST_SESSION} to {LONGEST_SESSION}."
        whole(field.data, SHORTEST_SESSION, LONGEST_SESSION, words)

    def validate_currency(self, field: Any) -> None:
        """One we sell in, or the one it has."""
        had = self.event_type.currency if self.event_type is not None else None
        if field.data not in policy.MINIMUM_CHARGE and field.data != had:
            raise ValidationError("Please choose a currency from the list.")

    def validate_price(self, field: Any) -> None:
        """An amount of the currency that Stripe can charge, or nothing at all for a free session."""
        currency = self.currency.data
        try:
            price = money.parse(field.data, currency)
        except ValueError as refused:
            raise ValidationError(str(refused)) from refused
        least, most = policy.MINIMUM_CHARGE.get(currency, 0), policy.largest_price(currency)
        if 0 < price < least:
            words = money.in_words(least, currency)
            raise ValidationError(f"Stripe charges {words} or more. Type 0 for a free session.")
        if price > most:
            raise ValidationError(f"A session can cost {money.in_words(most, currency)} at most.")

    def validate_buffer_minutes(self, field: Any) -> None:
        """Up to eight hours."""
        whole(field.data, 0, LONGEST_BREAK, f"Please give a break of 0 to {LONGEST_BREAK} minutes.")

    def validate_notice_minutes(self, field: Any) -> None:
        """Up to thirty days."""
        whole(field.data, 0, LONGEST_NOTICE, "Please choose a notice of at most 30 days.")

    def wanted(self) -> Wanted:
        """The checked answers."""
        said = self.theirs
        return Wanted(
            title=said.title if said else self.title.data,
            description=said.description if said else self.description.data,
            duration_minutes=said.duration_minutes if said else int(self.duration_minutes.data),
            price=money.parse(self.price.data, self.currency.data),
            currency=self.currency.data,
            buffer_minutes=int(self.buffer_minutes.data),
            notice_minutes=int(self.notice_minutes.data),
            enabled=bool(self.enabled.data),
        )
