"""Somebody signed in, without the letter: for tests that are about something else."""

from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno.accounts import access, sessions
from discuno.accounts.models import User
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
