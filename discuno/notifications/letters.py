"""One function a letter: what it says, made from the rows as they are when it is sent.

A letter is words, not markup: heading, paragraphs, a table of facts, links, one action. `render` draws every one
of them in the same HTML and the same plain text, so that the two can never disagree. What strangers have typed
stands in facts, each on a line of its own, and never inside a sentence of ours; only names do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from inspect import getdoc

import css_inline
from flask import render_template

from discuno.bookings.ics import CalendarFile
from discuno.bookings.models import Booking
from discuno.kit import outbox
from discuno.kit.db import session
from discuno.kit.money import in_words
from discuno.kit.text import apart, as_typed, one_line
from discuno.kit.web import moment
from discuno.notifications import plain
from discuno.notifications.models import AlertKind, OptionalKind
from discuno.payments.models import Payment
from discuno.payouts.models import Transfer


@dataclass(frozen=True)
class Letter:
    """A letter in words. `sender` is the part of the address before the @; `action` is a label and a path.

    `links` are more of these, drawn as a list under the facts; `calendar` is a file that goes with the letter.
    """

    subject: str
    sender: str
    heading: str
    paragraphs: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    action: tuple[str, str] | None = None
    reason: str = ""
    calendar: CalendarFile | None = None


Write = Callable[[int], Letter]
Unless = Callable[[int, datetime], bool]  # the id, and when the letter was owed


@dataclass(frozen=True)
class Template:
    """How a letter is written: the name of the id it is about, the function, and when it is not sent after all.

    `optional` is the kind under which its reader may decline it; `attaches`: a calendar file goes with it.
    """

    about: str
    write: Write
    unless: Unless | None
    optional: OptionalKind | None
    attaches: bool

    @property
    def reader(self) -> str:
        """To whom it goes, as its docstring begins: "To the attendee: …"."""
        return self._said()[0].removeprefix("To ")

    @property
    def says(self) -> str:
        """What it tells, as its docstring goes on."""
        said = self._said()[1]
        return said[:1].upper() + said[1:]

    def _said(self) -> tuple[str, str]:
        to, _, what = (getdoc(self.write) or "").partition("\n")[0].partition(": ")
        return to, what


LETTERS: dict[str, Template] = {}


def letter(
    template: str,
    about: str,
    unless: Unless | None = None,
    optional: OptionalKind | None = None,
    attaches: bool = False,
) -> Callable[[Write], Write]:
    """Register a letter. It is dropped if, when it is to be sent, `unless` says that it is no longer true.

    The first line of its docstring is read on the admins' pages: "To the attendee: what it tells."
    """

    def register(write: Write) -> Write:
        LETTERS[template] = Template(about, write, unless, optional, attaches)
        return write

    return register


def session_facts(booking: Booking, zone: str) -> list[tuple[str, str]]:
    """What both sides must find in a letter about a session."""
    facts = [
        ("Session", f"{apart(booking.title)}, {booking.duration_minutes} minutes"),
        ("Mentor", booking.mentor.name),
        ("Attendee", booking.attendee_name or ""),
        ("When", moment(booking.starts_at, zone)),
    ]
    other = booking.mentor.zone if zone == booking.attendee_zone else booking.attendee_zone
    if other != zone:
        facts.append(("In the other time zone", moment(booking.starts_at, other)))
    if booking.meeting_url:
        facts.append(("Where", booking.meeting_url))
    return facts


ATTENDEE_REASON = "You get this letter because you booked a session at Discuno."
MENTOR_REASON = "You get this letter because you offer sessions at Discuno."
ADMIN_REASON = "You get this letter because you look after payments at Discuno."


def runbook(kind: AlertKind) -> tuple[str, str]:
    """The last fact of a letter to the admin: where it is written what to do."""
    return ("Runbook", f"docs/runbooks/{kind}.md")


@letter("payment_attention", about="payment_id")
def payment_attention(payment_id: int) -> Letter:
    """To the admin: money that is not what our row says."""
    payment = session().get_one(Payment, payment_id)
    return Letter(
        subject=f"Payment {payment.id} needs attention",
        sender="alerts",
        heading="A payment does not match our record",
        paragraphs=[payment.needs_attention or "", "Nothing is transferred until somebody has looked at it."],
        facts=[
            ("Our amount", in_words(payment.amount, payment.currency)),
            ("Checkout Session", payment.stripe_checkout_session_id or ""),
            ("Booking", str(payment.booking_id)),
            runbook(AlertKind.PAYMENT),
        ],
        action=("See the payment", f"/admin/payments/{payment.id}"),
        reason=ADMIN_REASON,
    )


@letter("transfer_stuck_admin", about="transfer_id")
def transfer_stuck_admin(transfer_id: int) -> Letter:
    """To the admin: a transfer was refused three times."""
    transfer = session().get_one(Transfer, transfer_id)
    return Letter(
        subject=f"Transfer {transfer.id} was refused {transfer.retry_count} times",
        sender="alerts",
        heading="A transfer is stuck",
        paragraphs=[f"Stripe's code is {transfer.error}. It goes on being tried, at longer intervals."],
        facts=[
            ("Amount", in_words(transfer.amount, transfer.currency)),
            ("Mentor", transfer.payment.booking.mentor.name),
            ("Payment", str(transfer.payment_id)),
            runbook(AlertKind.TRANSFER),
        ],
        action=("See the payment", f"/admin/payments/{transfer.payment_id}"),
        reason=ADMIN_REASON,
    )


def _is_done(job_id: int, _owed_at: datetime) -> bool:
    """The row of work that is done is gone."""
    return session().get(outbox.Job, job_id) is None


@letter("job_dead_admin", about="job_id", unless=_is_done)
def job_dead_admin(job_id: int) -> Letter:
    """To the admin: work that was given up."""
    job = session().get_one(outbox.Job, job_id)
    return Letter(
        subject=f"Given up after {job.attempts} attempts: {job.task}",
        sender="alerts",
        heading="A job was given up",
        paragraphs=[job.error or "No reason was recorded."],
        facts=[
            ("Task", job.task),
            ("About", ", ".join(f"{name} {value}" for name, value in job.args.items())),
            ("Job", str(job.id)),
            runbook(AlertKind.WEBHOOK if job.task == "handle_event" else AlertKind.JOB),
        ],
        action=("See the work", f"/admin/jobs/{job.id}"),
        reason=ADMIN_REASON,
    )


def write(template: str, about: Mapping[str, int]) -> Letter:
    """The letter of a template, as things stand."""
    known = LETTERS[template]
    return known.write(about[known.about])


def is_outdated(template: str, about: Mapping[str, int], owed_at: datetime) -> bool:
    """Whether a letter that was owed then would no longer be true."""
    known = LETTERS[template]
    return known.unless is not None and known.unless(about[known.about], owed_at)


@dataclass(frozen=True)
class Drawn:
    """A letter as it is sent."""

    subject: str
    html: str
    text: str


def render(words: Letter, base_url: str, choices: str | None = None) -> Drawn:
    """Draw a letter: HTML with its styles in the tags, and the same in plain text.

    `choices` is the path on which its reader may decline such letters, for one that is optional.
    """
    words = _tidy(words)
    context = {
        "letter": words,
        "base_url": base_url,
        "choices": choices,
        "is_answered": words.reason != ADMIN_REASON,  # answers go to the admins
    }
    html = _inliner().inline(render_template("letters/letter.html", **context))
    text = render_template("letters/letter.txt", **context, wrapped=plain.wrapped, fact=plain.fact)
    return Drawn(words.subject, html, plain.tidy(text))


def _tidy(words: Letter) -> Letter:
    """Every sentence on one line, whatever a name contains; what somebody typed keeps its lines."""
    return replace(
        words,
        subject=one_line(words.subject),
        heading=one_line(words.heading),
        paragraphs=[one_line(paragraph) for paragraph in words.paragraphs],
        facts=[(name, as_typed(value)) for name, value in words.facts],
        links=[(one_line(label), path) for label, path in words.links],
    )


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)
