"""One JSON line per event on stdout, without secrets."""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog
from structlog.types import Processor

SECRET = re.compile(
    r"\b(?P<key>(?:sk|rk|whsec|re|cal|cs)_(?:live_|test_)?[A-Za-z0-9]{0,2})[A-Za-z0-9_]{6,}"
    r"|Bearer [^\s\"]+|://[^/@\s]+:[^/@\s]+@"
    r"|/(?:booking|session|onboarding|sign-in|letters|calendar)/[^\s\"'/?]{30,}"  # somebody's link
    r"|(?<=\)=\()[^\n]*(?=\)[ .])|(?<=Failing row contains \()[^\n]*"  # values in Postgres' words: Key (name)=(…) is
)


def without_secrets(text: str) -> str:
    """A text without anything that looks like a key. Session ids keep their beginning."""
    return SECRET.sub(lambda found: (found["key"] or "") + "…", text)


def in_every_text(value: Any, cut: Callable[[str], str]) -> Any:
    """The same, whatever it is made of, with every text in it cut."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, Mapping):
        return {name: in_every_text(inner, cut) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [in_every_text(inner, cut) for inner in value]
    return value


def _redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of every value, tracebacks included."""
    return {name: in_every_text(value, without_secrets) for name, value in event.items()}


BEFORE: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
LAST: tuple[Processor, ...] = (
    structlog.processors.format_exc_info,
    _redact,
    structlog.processors.JSONRenderer(),
)


def formatter() -> logging.Formatter:
    """The same lines for programs that log in Python's own way: gunicorn, RQ, the SDKs."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *BEFORE],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *LAST],
    )


def configure() -> None:
    """Set up logging for this process."""
    structlog.configure(
        processors=[*BEFORE, *LAST],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
