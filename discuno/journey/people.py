"""How people come in: a mentor is invited, and everybody signs in by letter."""

from discuno import policy
from discuno.accounts import audit, links
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.models import Role, SignInLink, User
from discuno.kit import clock
from discuno.kit.errors import DomainError
from discuno.mentors import newcomers
from discuno.notifications import service as letters

# Somebody wants to sign in.


def sign_in_asked(link: SignInLink) -> None:
    """Owe the letter to who has an account under the address that was typed; anybody else is owed nothing."""
    user = accounts.by_email(link.email)
    if user is None or not accounts.may_enter(user) or links.is_too_many(link, user):
        return
    link.user = user
    letters.tell(f"sign-in:{link.id}", user.email, "sign_in", link_id=link.id)


# A mentor is invited.


def invite(name: str, email: str, actor: str | Actor) -> SignInLink:
    """Ask somebody to be a mentor, or ask again who has not come; pressed twice, the first invitation stands.

    Raises DomainError for who is here already.
    """
    accounts.one_at_a_time()
    user = accounts.by_email(email)
    if user is None:
        user = accounts.add(email, name, Role.MENTOR)
        newcomers.add(user)
    else:
        _check_may_be_invited(user)
        user.name = name
    return _standing(user) or _new_invitation(user, actor)


def _check_may_be_invited(user: User) -> None:
    if user.role != Role.MENTOR:
        raise DomainError(
            "This address belongs to one of our staff, who cannot be a mentor as well.", status=409
        )
    mentor = newcomers.of_user(user)
    if accounts.has_been_here(user) or (mentor is not None and mentor.profile_saved_at is not None):
        raise DomainError(f"{user.name} is a mentor already, and signs in with this address.", status=409)


def _standing(user: User) -> SignInLink | None:
    """The invitation that has only just been sent."""
    newest = links.newest_invitation(user.id)
    is_fresh = newest is not None and clock.now() - newest.asked_at < policy.INVITE_AGAIN
    return newest if is_fresh else None


def _new_invitation(user: User, actor: str | Actor) -> SignInLink:
    link = links.invite(user)
    audit.note(actor, "invite_mentor", f"user:{user.id}", after={"name": user.name, "email": user.email})
    letters.tell(f"invitation:{link.id}", user.email, "invitation", link_id=link.id)
    return link
