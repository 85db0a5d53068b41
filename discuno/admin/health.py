"""Whether this process lives, and whether it can serve."""

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from discuno.edges import queue
from discuno.kit import outbox, security
from discuno.policy import CLOCK_IS_SILENT

bp = security.open_to("machine", Blueprint("health", __name__))


@bp.get("/livez")
def livez() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The database answers. Redis is reported but not required: work waits for it in the outbox.

    So is the clock: whether what comes by it has come. When every worker stands still nobody inside can tell.
    """
    clock = None
    try:
        clock = not outbox.silent(CLOCK_IS_SILENT)
        database = True
    except SQLAlchemyError:
        database = False
    redis = queue.is_there()
    body = jsonify(status="ok" if database else "unready", database=database, redis=redis, clock=clock)
    return body, 200 if database else 503
