"""Who plays in the samples: three mentors with their Stripe accounts, somebody new, and two of the staff."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from discuno.accounts.models import Role, User
from discuno.kit.db import Base
from discuno.mentors import calendars
from discuno.mentors.models import Calendar, EventType, Mentor
from discuno.mentors.newcomers import username_of
from discuno.payouts.models import AccountStatus, MentorStripeAccount

FIRST = 10**15  # no row of the house will ever have such a number, so that no link of a sample opens anything
DAY = timedelta(days=1)
# Users; a mentor, their session type and their account have the same number.
LUCIA, NOOR, TOMAS, NEWCOMER, ADMIN, SUPPORT = (FIRST + n for n in range(1, 7))
GONE = FIRST + 20  # an account that was disconnected
TITLE, MINUTES = "Changing careers: a first map", 45


def cast(now: datetime) -> Iterator[Base]:
    """All of them. Noor has to see to her account and her calendar; Tomás is suspended, and his money lies long."""
    yield from _mentor(LUCIA, "Lucía Ferreira Dahl", "America/Sao_Paulo", now)
    yield _account(LUCIA, now)
    yield from _mentor(
        NOOR,
        "Noor van der Meer",
        "Asia/Tokyo",
        now,
        calendar=Calendar.CALCOM,
        calcom_key="a key that opens nothing",
        calcom_username="noor",
        calcom_problem=calendars.KEY_REFUSED,
    )
    asked = {"requirements": ["external_account", "individual.verification.document"]}
    yield _account(NOOR, now, status=AccountStatus.RESTRICTED, payouts_enabled=False, **asked)
    yield _account(GONE, now, mentor_id=NOOR, status=AccountStatus.CLOSED)
    yield from _mentor(TOMAS, "Tomás Ó Briain", "Europe/Dublin", now, suspended_at=now - 2 * DAY)
    yield _account(TOMAS, now, deadline=now + 10 * DAY, country="IE", **asked)
    yield _user(NEWCOMER, "Ines Aydın", now)
    yield _user(ADMIN, "Ada Lindqvist", now, role=Role.ADMIN, admitted_at=now - 90 * DAY)
    yield _user(SUPPORT, "Sam Achterberg", now, role=Role.SUPPORT, admitted_at=now - 30 * DAY)


def _user(number: int, name: str, now: datetime, role: Role = Role.MENTOR, **more: object) -> User:
    email = f"{username_of(name.split()[0])}@discuno.example"
    return User(id=number, email=email, name=name, role=role, created_at=now - 90 * DAY, **more)


def _mentor(number: int, name: str, zone: str, now: datetime, **more: object) -> Iterator[Base]:
    user = _user(number, name, now)
    yield user
    username = f"a.{username_of(name)}"  # nobody's: a real one has no dot
    yield Mentor(id=number, user_id=number, username=username, zone=zone, **more)
    yield EventType(id=number, mentor_id=number, title=TITLE, duration_minutes=MINUTES, price=6000)


def _account(number: int, now: datetime, **more: object) -> MentorStripeAccount:
    given = {
        "mentor_id": number,
        "stripe_account_id": f"acct_sample{number - FIRST}",
        "status": AccountStatus.ACTIVE,
        "transfers": "active",
        "payouts_enabled": True,
        "country": "US",
        "manual_payouts_configured_at": now - 80 * DAY,
        "created_at": now - 80 * DAY,
    }
    return MentorStripeAccount(id=number, **{**given, **more})
