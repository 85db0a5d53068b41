"""A mentor's own pages: who they are is asked of `me()`, never of the address."""

import sqlalchemy as sa
from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from discuno.accounts import access
from discuno.accounts.models import Role
from discuno.kit import security
from discuno.kit.db import one_or_none
from discuno.kit.errors import NotFound
from discuno.mentors.models import Mentor


def me() -> Mentor:
    """The mentor who is signed in. Raises NotFound for everybody else, and for who is no mentor any more."""
    user = access.user()
    if user is None or user.role != Role.MENTOR:
        raise NotFound
    found = one_or_none(sa.select(Mentor).where(Mentor.user_id == user.id))
    if found is None:
        raise NotFound
    return found


def mentor() -> AnyResponse | None:
    """A guard: mentors alone. Somebody else who is signed in finds nothing here."""
    asked = access.signed_in()
    if asked is None:
        me()
    return asked


security.GUARDS["mentor"] = mentor


def private(name: str, import_name: str, prefix: str = "") -> Blueprint:
    """A blueprint of a mentor's own pages under /dashboard."""
    return security.private("mentor", name, import_name, f"/dashboard{prefix}")
