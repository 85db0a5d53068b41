"""Finding and adding people who have an account."""

import sqlalchemy as sa

from discuno.accounts.models import Role, User, UserSession
from discuno.kit import clock
from discuno.kit.db import one_or_none, session

HOMES = {Role.MENTOR: "/dashboard", Role.ADMIN: "/admin", Role.SUPPORT: "/admin"}
AREAS = ("/dashboard", "/admin")  # each is one role's alone


def by_email(email: str) -> User | None:
    """Whose address it is."""
    return one_or_none(sa.select(User).where(User.email == email.lower()))


def may_enter(user: User) -> bool:
    """Whether they have pages of their own here."""
    return user.role in HOMES


def has_been_here(user: User) -> bool:
    """Whether they have ever signed in."""
    return bool(session().execute(sa.select(sa.exists().where(UserSession.user_id == user.id))).scalar())


def way_in(user: User, next_path: str = "") -> str:
    """Where somebody is led who has signed in: to what they wanted if it is theirs, else to their own pages."""
    home = HOMES[user.role]
    is_anothers = any(_lies_in(next_path, area) and not _lies_in(home, area) for area in AREAS)
    return next_path if next_path and not is_anothers else home


def _lies_in(path: str, area: str) -> bool:
    return path == area or path.startswith((f"{area}/", f"{area}?"))


def add(email: str, name: str, role: Role) -> User:
    """Somebody new."""
    user = User(email=email.lower(), name=name, created_at=clock.now())
    user.take_role(role)
    session().add(user)
    session().flush()
    return user


def one_at_a_time() -> None:
    """People are added one after the other until the unit of work ends: no address and no name is taken twice."""
    session().execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("discuno_user"))))
