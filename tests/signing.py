"""Somebody signed in, without the letter: for tests that are about something else."""

from datetime import timedelta
from typing import Any

import pyotp
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno import policy
from discuno.accounts import access, second, sessions
from discuno.accounts import service as accounts
from discuno.accounts.models import Role, User, UserSession
from discuno.kit import clock
from discuno.kit.db import session, transaction
from tests.house import House

AMARA, OWEN = "amara@discuno.example", "owen@discuno.example"


def token_for(house: House, email: str) -> str:
    """A sign-in of somebody; the token that its cookie would hold."""
    with house.app.app_context(), transaction():
        user = session().execute(sa.select(User).where(User.email == email)).scalar_one()
        return sessions.begin(user, "a test")


def signed_in(house: House, email: str) -> FlaskClient:
    """A browser without JavaScript in which somebody is signed in."""
    client = house.app.test_client()
    token = token_for(house, email)
    with client.session_transaction() as cookie:
        cookie[access.COOKIE] = token
        cookie["_fresh"] = True
    return client


def cookie_for(house: House, email: str) -> dict[str, Any]:
    """The same for a browser of Playwright's: `context.add_cookies([cookie_for(house, AMARA)])`."""
    seal = house.app.session_interface.get_signing_serializer(house.app)
    value = seal.dumps({access.COOKIE: token_for(house, email), "_fresh": True})
    return {"name": house.app.config["SESSION_COOKIE_NAME"], "value": value, "url": house.url}


ADMIN, SECOND_ADMIN, SUPPORT = "admin@discuno.example", "zoe@discuno.example", "sam@discuno.example"
STAFF = {
    ADMIN: ("Ada Okonkwo", Role.ADMIN),
    SECOND_ADMIN: ("Zoë Lindqvist", Role.ADMIN),
    SUPPORT: ("Sam Ortiz", Role.SUPPORT),
}


def staff(house: House, email: str = ADMIN, *, proved: bool = True, fresh: bool = True) -> FlaskClient:
    """A browser in which one of the staff is signed in, made if need be; and the code was typed, lately or not."""
    _employ(house, email)
    client = signed_in(house, email)
    with house.app.app_context(), transaction():
        row = session().execute(sa.select(UserSession).order_by(UserSession.id.desc()).limit(1)).scalar_one()
        if proved:
            row.proved_at = clock.now() - (timedelta() if fresh else policy.PROVED_FOR)
    return client


def staff_cookie(house: House, email: str = ADMIN) -> dict[str, Any]:
    """The same for a browser of Playwright's."""
    _employ(house, email)
    cookie = cookie_for(house, email)
    with house.app.app_context(), transaction():
        row = session().execute(sa.select(UserSession).order_by(UserSession.id.desc()).limit(1)).scalar_one()
        row.proved_at = clock.now()
    return cookie


def code_of(house: House, email: str = ADMIN) -> str:
    """What their authenticator app shows now."""
    with house.app.app_context(), transaction():
        user = session().execute(sa.select(User).where(User.email == email)).scalar_one()
        factor = second.of(user)
        assert factor is not None
        secret = second.secret_of(factor)
        assert secret is not None
        return pyotp.TOTP(secret).at(clock.now())


def _employ(house: House, email: str) -> None:
    name, role = STAFF[email]
    with house.app.app_context(), transaction():
        user = accounts.by_email(email) or accounts.add(email, name, Role.ATTENDEE)
        if user.role != role:
            user.take_role(role)
            user.admitted_at = clock.now() - policy.NEW_ADMIN_WAITS
        if not second.is_set_up(user):
            second.plant(user, pyotp.random_base32())
