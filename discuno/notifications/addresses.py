"""What an address takes of our letters: some decline the optional ones, and some cannot or do not want to get any.

Letters about somebody's money or hour go to every address all the same: who does not get them sees it on a page.
"""

import sqlalchemy as sa

from discuno.kit import clock, links
from discuno.kit.db import locked, one_or_none, rows, session
from discuno.notifications.models import Email, EmailStatus, MailAddress, OptionalKind

SALT = "letters"
STOPPED = {
    EmailStatus.BOUNCED.value: "letters to this address come back",
    EmailStatus.COMPLAINED.value: "its reader has marked a letter as spam",
}


def of(address: str) -> MailAddress | None:
    """What is known of an address; most are not known."""
    return one_or_none(sa.select(MailAddress).where(MailAddress.address == address.lower()))


def known(address: str) -> MailAddress:
    """The same, made known if need be; ours until the unit of work ends."""
    insert = sa.dialects.postgresql.insert(MailAddress).values(address=address.lower(), declined=[])
    session().execute(insert.on_conflict_do_nothing(index_elements=["address"]))
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


# What the reader wants


def path(address: MailAddress) -> str:
    """The page on which a reader says what they want; whoever has the letter has it."""
    return f"/letters/{links.seal(SALT, {'id': address.id})}"


def by_token(token: str) -> MailAddress | None:
    """Whose page that is, or None when it is not one of ours."""
    said = links.unseal(SALT, token)
    return session().get(MailAddress, said["id"]) if said is not None else None


# What the carrier says


def stop(email: Email, because: EmailStatus) -> None:
    """An address has not taken a letter, or its reader complained: it gets no optional ones. A complaint stays."""
    found = known(email.recipient)
    if found.stopped_because != EmailStatus.COMPLAINED:
        found.stopped_because, found.stopped_by_id = because.value, email.id
        found.stopped_at = clock.now()


def resume(address: MailAddress) -> bool:
    """It takes letters again; False when it did."""
    if address.stopped_because is None:
        return False
    address.stopped_at = address.stopped_because = address.stopped_by_id = None
    return True


def arrived(address: str) -> None:
    """A letter has reached it: what came back before was of that day. Who has complained still has."""
    found = of(address)
    if found is not None and found.stopped_because == EmailStatus.BOUNCED:
        resume(known(address))


def stopped(limit: int = 100) -> list[MailAddress]:
    """Those that get no optional letters, the latest first."""
    wanted = sa.select(MailAddress).where(MailAddress.stopped_at.is_not(None))
    return rows(wanted.order_by(MailAddress.stopped_at.desc(), MailAddress.id.desc()).limit(limit))
