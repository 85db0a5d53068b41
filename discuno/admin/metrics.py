"""The door for a monitor such as Prometheus: figures about the machine, never about money or people."""

from collections.abc import Iterable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from discuno.admin.machines import vitals
from discuno.admin.machines.vitals import Figure
from discuno.edges import queue
from discuno.kit import clock, limits, security
from discuno.kit.db import transaction
from discuno.policy import METRICS

bp = security.open_to("machine", Blueprint("metrics", __name__))
STARTED = clock.now().timestamp()  # when this program was loaded


@bp.get("/metrics")
@limits.at_most(*METRICS)
def metrics() -> Response:
    """Every figure as it is now. Without a database there are none, and 503 says so."""
    redis = queue.is_there()
    try:
        with transaction():
            figures = vitals.look()
    except SQLAlchemyError:
        return _answer("# The database does not answer.\n", 503)
    here = [
        Figure("redis_up", "Whether Redis answers.", {"": redis}),
        Figure(
            "process_start_timestamp_seconds", "When the process that answers was started.", {"": STARTED}
        ),
    ]
    return _answer(_drawn([*figures, *here]))


def _drawn(figures: Iterable[Figure]) -> bytes:
    """In a registry of their own: the library's shared one would add up over requests."""
    registry = CollectorRegistry()
    for figure in figures:
        names = (figure.label,) if figure.label else ()
        gauge = Gauge(figure.name, figure.says, names, namespace="discuno", registry=registry)
        for label, value in figure.values.items():
            (gauge.labels(label) if names else gauge).set(value)
    return generate_latest(registry)


def _answer(text: str | bytes, status: int = 200) -> Response:
    response = Response(text, status, content_type=CONTENT_TYPE_PLAIN_0_0_4)
    response.headers["Cache-Control"] = "no-store"
    return response
