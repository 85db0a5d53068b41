"""Who looks after payments: how they prove that it is they, and who of them may do what."""

import sqlalchemy as sa

from discuno.accounts import audit, browsers, second, sessions
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.models import STAFF, AuditEntry, Role, User, UserSession
from discuno.accounts.second import Answer
from discuno.kit.db import locked, session
from discuno.kit.errors import DomainError
from discuno.notifications import service as letters

NOT_YOURSELF = "Nobody does this to themselves. Ask another admin."
LAST_ADMIN = "They are the last admin. Make somebody else an admin first."
NOT_STAFF = "They do not look after payments any more."

# 18. A code is given in a browser. Each of these is called under the user's lock.


def take_code(here: UserSession, typed: str, actor: Actor) -> Answer:
    """Take a code; a recovery code is told of by letter. Two at once: the second finds that it was given."""
    if second.is_fresh(here):
        return Answer.APP
    answer = second.take(here.user, typed)
    if answer.is_taken:
        second.prove(here)
    if answer is Answer.PAPER:
        left = second.codes_left(here.user)
        _tell(here.user, audit.note(actor, answer.action, _about(here.user), after=_where(here, left=left)))
    elif answer in (Answer.APP, Answer.WRONG):
        audit.note(actor, answer.action, _about(here.user))
    return answer


def begin_app(user: User, actor: Actor) -> None:
    """A secret for an app, to be shown. Nothing counts yet."""
    if second.begin(user):
        audit.note(actor, "second factor begun", _about(user))


def set_up_app(here: UserSession, typed: str, actor: Actor) -> tuple[Answer, list[str]]:
    """The first code of an app: it counts from now on, and the recovery codes that go with it."""
    user, was_there = here.user, second.is_set_up(here.user)
    answer = second.confirm(user, typed)
    if not answer.is_taken:
        if answer is Answer.WRONG:
            audit.note(actor, answer.action, _about(user))
        return answer, []
    second.prove(here)
    action = "second factor replaced" if was_there else "second factor set up"
    _tell(user, audit.note(actor, action, _about(user), after=_where(here)))
    return answer, second.write_codes(user)


def write_recovery_codes(here: UserSession, actor: Actor) -> list[str]:
    """New recovery codes, in place of all earlier ones."""
    _tell(here.user, audit.note(actor, "recovery codes written", _about(here.user), after=_where(here)))
    return second.write_codes(here.user)


def _where(here: UserSession, **more: int) -> audit.Facts:
    return {"browser": browsers.in_words(here.browser), **more}


def _about(user: User) -> str:
    return f"user:{user.id}"


def _tell(user: User, entry: AuditEntry) -> None:
    """To them, and to whoever reads the admin's mailbox: whoever did it, one of the two knows whether it is right."""
    session().flush()  # the letter is about this entry
    for recipient in (user.email, letters.ADMIN):
        letters.tell(f"staff:{entry.id}", recipient, "staff_changed", entry_id=entry.id)


# 19. Who may do what. People are changed one at a time: there is always an admin.


def person(user_id: int) -> User:
    """Somebody as they are now, ours until the unit of work ends. Raises NotFound."""
    accounts.one_at_a_time()
    return locked(User, user_id)


def add_staff(email: str, name: str, role: Role, reason: str, actor: str | Actor) -> bool:
    """Somebody looks after payments from now on, and signs in by letter; False when they do so already.

    Raises DomainError for a mentor, and for who is there in the other role.
    """
    accounts.one_at_a_time()
    user = accounts.by_email(email) or accounts.add(email, name, Role.ATTENDEE)
    if user.role == role:
        return False
    if user.role == Role.MENTOR:
        raise DomainError(
            f"This address belongs to {user.name}, who is a mentor. Use another one.", status=409
        )
    if user.role in STAFF:
        raise DomainError(f"{user.name} is here already: change their role on their own page.", status=409)
    user.name = name
    user.take_role(role)
    facts = {"name": user.name, "email": user.email, "role": role.value}
    _tell(user, audit.record(actor, "add staff", _about(user), reason, after=facts))
    return True


def change_role(user: User, role: Role, reason: str, actor: Actor) -> bool:
    """Admin, support, or neither (ATTENDEE): all their sign-ins end, and they prove anew who they are.

    False when it is so already. Raises DomainError for oneself and for the last admin.
    """
    if user.role == role:
        return False
    _check_is_anothers(user, actor)
    if user.role == Role.ADMIN and _other_admins(user) == 0:
        raise DomainError(LAST_ADMIN, status=409)
    before = {"role": user.role.value}
    user.take_role(role)
    sessions.end_all(user)
    if role not in STAFF:
        second.forget(user)
    action = "change role" if role in STAFF else "remove from staff"
    _tell(user, audit.record(actor, action, _about(user), reason, before=before, after={"role": role.value}))
    return True


def end_sign_ins(user: User, reason: str, actor: Actor) -> int:
    """Signed out everywhere, by somebody else; how many they were."""
    _check_is_anothers(user, actor)
    number = len(sessions.of_user(user))
    if number:
        sessions.end_all(user)
        audit.record(actor, "end sign-ins", _about(user), reason, before={"sign_ins": number})
    return number


def reset_second_factor(user: User, reason: str, actor: str | Actor) -> bool:
    """For who has lost phone and paper: signed out everywhere, they come in by letter and set up another app.

    False when there is none.
    """
    _check_is_anothers(user, actor)
    if second.of(user) is None:
        return False
    before = {"recovery_codes": second.codes_left(user)}
    second.forget(user)
    user.take_role(user.role)
    sessions.end_all(user)
    _tell(user, audit.record(actor, "reset second factor", _about(user), reason, before=before))
    return True


def _check_is_anothers(user: User, actor: str | Actor) -> None:
    if user.role not in STAFF:
        raise DomainError(NOT_STAFF, status=409)
    if user.email == (actor.name if isinstance(actor, Actor) else actor):
        raise DomainError(NOT_YOURSELF, status=409)


def _other_admins(user: User) -> int:
    others = sa.select(sa.func.count()).where(User.role == Role.ADMIN, User.id != user.id)
    return int(session().execute(others).scalar_one())
