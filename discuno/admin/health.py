"""Whether this process lives, and whether it can serve."""

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from discuno.edges import queue
from discuno.kit import security
from discuno.kit.db import session

bp = security.open_to("machine", Blueprint("health", __name__))


@bp.get("/livez")
def livez() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """The database answers. Redis is reported but not required: work waits for it in the outbox."""
    try:
        session().connection()
        database = True
    except SQLAlchemyError:
        database = False
    redis = queue.is_there()
    body = jsonify(status="ok" if database else "unready", database=database, redis=redis)
    return body, 200 if database else 503
