"""One JSON line per event on stdout, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.types import Processor

SECRET = re.compile(
    r"\b(sk|rk|whsec|re|cal|cs)_(?:live_|test_)?[A-Za-z0-9_]{8,}|Bearer \S+|://[^/@\s]+:[^/@\s]+@"
)


def _redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take anything that looks like a key out, tracebacks included. Session ids keep their beginning."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = SECRET.sub(lambda found: found.group()[:10] + "…", value)
    return event


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
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
