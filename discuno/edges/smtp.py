"""A mail server of one's own, for letters that Resend does not take. Raises the errors of mail.py.

SMTP knows no key: what was handed over without an answer is never handed over again by us.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from discuno.config import Settings
from discuno.edges.mail import CarrierBusy, CarrierRefused, CarrierUnsure, OutgoingLetter
from discuno.kit import clock, failpoints
from discuno.kit.db import leave_transaction

TIMEOUT = 15  # seconds
PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Server:
    """Where the mail server is, and who we are to it."""

    host: str
    port: int
    is_tls: bool  # from the first byte; else STARTTLS, without which only this machine is spoken to
    user: str
    password: str


_server: Server | None = None


def configure(settings: Settings) -> None:
    """Take the address from the settings; none means that there is no such server."""
    global _server
    _server = _read(settings.smtp_url.get_secret_value()) if settings.smtp_url is not None else None


def _read(url: str) -> Server:
    parts = urlsplit(url)
    return Server(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def is_there() -> bool:
    """Whether there is such a server."""
    return _server is not None


def send(letter: OutgoingLetter, *, message_id: str) -> None:
    """Hand over a letter. Whoever takes it may see by its Message-ID that it is the same one."""
    leave_transaction()
    if _server is None:
        raise CarrierRefused("no mail server is set")
    try:
        message = _message(letter, message_id)
    except ValueError as error:  # what no header may hold
        raise CarrierRefused(str(error)) from error
    with _connected(_server) as connection:
        failpoints.reach("smtp", "before")
        _hand_over(connection, message)
        failpoints.reach("smtp", "after")


@contextmanager
def _connected(server: Server) -> Iterator[smtplib.SMTP]:
    """Until it has let us in nothing was taken."""
    secure = ssl.create_default_context()
    try:
        if server.is_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT, context=secure
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT)
            if server.host not in LOOPBACK:
                connection.starttls(context=secure)
        if server.user:
            connection.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as error:
        raise CarrierRefused(f"{error.smtp_code} the mail server does not let us in") from error
    except (OSError, smtplib.SMTPException) as error:
        raise CarrierBusy(f"no connection to the mail server: {type(error).__name__}") from error
    try:
        yield connection
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()


def _hand_over(connection: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        [(code, said)] = error.recipients.values()
        raise _answered(code, said) from error
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code, error.smtp_error) from error
    except (OSError, smtplib.SMTPException) as error:
        raise CarrierUnsure(f"the mail server fell silent: {type(error).__name__}") from error


def _answered(code: int, said: bytes | str) -> Exception:
    """4xx: not now; 5xx: no (RFC 5321, 4.2.1)."""
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    answer = f"{code} {words}"[:500]
    return CarrierBusy(answer) if 400 <= code < 500 else CarrierRefused(answer)


def _message(letter: OutgoingLetter, message_id: str) -> EmailMessage:
    """Text, HTML, and a calendar part beside them, which is how mail programs know an invitation; then the file."""
    message = EmailMessage()
    message["From"], message["To"], message["Reply-To"] = letter.sender, letter.to, letter.reply_to
    message["Subject"], message["Message-ID"] = letter.subject, message_id
    message["Date"] = format_datetime(clock.now())
    for name, value in letter.headers.items():
        message[name] = value
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for file in letter.attachments:
        kind, _, rest = file.content_type.partition(";")
        subtype = kind.strip().partition("/")[2]
        params = dict(part.strip().split("=", 1) for part in rest.split(";") if "=" in part)
        if subtype == "calendar":
            del params["charset"]  # the text sets its own
            message.add_alternative(file.content.decode(), subtype=subtype, params=params)
    for file in letter.attachments:
        message.add_attachment(
            file.content, maintype="application", subtype="octet-stream", filename=file.filename
        )
    return message
