"""What an address takes of our letters: some decline the optional ones, and some cannot or do not want to get any.

Letters about somebody's money or hour go to every address all the same: who does not get them sees it on a page.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.models import Role
from discuno.kit import clock, links
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.notifications.models import Email, EmailStatus, MailAddress, OptionalKind
from discuno.notifications.service import ADMIN

SALT = "letters"
TO_MENTORS = (OptionalKind.MONEY,)  # nobody else gets these
STOPPED = {
    EmailStatus.BOUNCED.value: "letters to this address come back",
    EmailStatus.COMPLAINED.value: "its reader has marked a letter as spam",
}


def of(address: str) -> MailAddress | None:
    """What is known of an address; most are not known."""
    return one_or_none(sa.select(MailAddress).where(MailAddress.address == address.lower()))


def known(address: str) -> MailAddress:
    """The same, made known if need be; ours until the unit of work ends."""
    make_known([address])
    found = of(address)
    assert found is not None  # noqa: S101 - it was written a line ago
    return locked(MailAddress, found.id)


def why_not(address: str, kind: OptionalKind) -> str | None:
    """Why an optional letter of this kind is not sent to an address, or None."""
    found = of(address)
    if found is None:
        return None
    if found.stopped_because is not None:
        return STOPPED[found.stopped_because]
    return "its reader has declined letters of this kind" if kind in found.declined else None


def make_known(addresses: Iterable[str]) -> None:
    """Many at once, in an order that is the same for everybody: two who meet wait, and do not block each other."""
    found = sorted({address.lower() for address in addresses})
    if found:
        values = [{"address": address, "declined": []} for address in found]
        insert = sa.dialects.postgresql.insert(MailAddress).values(values)
        session().execute(insert.on_conflict_do_nothing(index_elements=["address"]))


# What the reader wants


def kinds(address: str) -> list[OptionalKind]:
    """The kinds that concern whoever reads there; a mentor is told of their money, too."""
    user = accounts.by_email(address)
    is_mentor = user is not None and user.role == Role.MENTOR
    return [kind for kind in OptionalKind if is_mentor or kind not in TO_MENTORS]


def choose(address: MailAddress, declined: Iterable[OptionalKind], actor: Actor) -> None:
    """From now on it gets none of these kinds. What was said before is not written down again."""
    before, after = sorted(address.declined), sorted({kind.value for kind in declined})
    if before != after:
        address.declined = after
        about = f"address:{address.id}"
        audit.note(actor, "choose letters", about, before={"declined": before}, after={"declined": after})


def path(address: MailAddress) -> str:
    """The page on which a reader says what they want; whoever has the letter has it."""
    return f"/letters/{links.seal(SALT, {'id': address.id})}"


def path_for(address: str) -> str:
    """The same for an address of which perhaps nothing is known yet."""
    return path(of(address) or known(address))


def by_token(token: str) -> MailAddress | None:
    """Whose page that is, or None when it is not one of ours."""
    said = links.unseal(SALT, token)
    return session().get(MailAddress, said["id"]) if said is not None else None


# What the carrier says


def stop(email: Email, because: EmailStatus) -> None:
    """An address has not taken a letter, or its reader complained: it gets no optional ones. A complaint stays.

    Letters to the admin are none of these: they go on, whatever becomes of one.
    """
    if email.recipient == ADMIN:
        return
    found = known(email.recipient)
    if found.stopped_because != EmailStatus.COMPLAINED:
        found.stopped_because, found.stopped_by_id = because.value, email.id
        found.stopped_at = clock.now()


def resume(address: MailAddress, actor: Actor, reason: str) -> bool:
    """Somebody says that it takes letters again; False when it did. Raises DomainError without a reason."""
    before = {"stopped": address.stopped_because}
    if not _takes_letters(address):
        return False
    audit.record(actor, "resume letters", f"address:{address.id}", reason, before=before)
    return True


def _takes_letters(address: MailAddress) -> bool:
    """Forget why it did not; False when there is nothing to forget."""
    if address.stopped_because is None:
        return False
    address.stopped_at = address.stopped_because = address.stopped_by_id = None
    return True


def arrived(email: Email) -> None:
    """A letter has reached it: what came back before was of that day. Who has complained still has."""
    if of(email.recipient) is None:
        return
    found = known(email.recipient)
    if found.stopped_because == EmailStatus.BOUNCED and email.id >= (found.stopped_by_id or 0):
        _takes_letters(found)


def stopped_among(asked: Iterable[str]) -> dict[str, MailAddress]:
    """Those of these addresses that get no optional letters, by address."""
    same = MailAddress.address.in_([address.lower() for address in asked])
    found = rows(sa.select(MailAddress).where(same, MailAddress.stopped_at.is_not(None)))
    return {address.address: address for address in found}


def is_stopped(address: str) -> bool:
    """Whether it gets no optional letters because of what became of an earlier one."""
    return bool(stopped_among([address]))
