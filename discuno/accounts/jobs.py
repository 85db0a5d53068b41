"""The work behind the sign-in form, done out of sight of whoever asked."""

from discuno import journey
from discuno.accounts import links
from discuno.accounts.models import SignInLink
from discuno.kit import outbox
from discuno.kit.db import transaction


@outbox.task("send_sign_in_link", queue="mail")
def send_sign_in_link(link_id: int) -> None:
    """Owe the letter if somebody has the address that was typed; forget old requests."""
    with transaction() as unit:
        links.forget_old()
        link = unit.get(SignInLink, link_id)
        if link is not None and link.user_id is None:
            journey.sign_in_asked(link)
