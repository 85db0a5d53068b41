"""Who changes something and leaves no word of it: watched in every test of the whole suite, browsers' included."""

import re
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, g, has_request_context, request

from discuno.kit import security

PRIVATE = ("mentor", "signed_in", "admin")  # entrances behind which somebody is signed in
WRITES = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:public\.)?discuno_(\w+)", re.I)
NOBODYS = {"user_session"}  # that they were here: no act of theirs
# How Cal.com has answered is no act of theirs either.
LEARNED = {f"calcom_{what}" for what in ("checked_at", "problem", "seen", "linked_at", "gone_at")}
unaudited: list[str] = []


def _is_learned(statement: str) -> bool:
    """Whether an UPDATE writes down nothing but what somebody else has answered."""
    columns = re.findall(r"(?:SET|,)\s*(\w+)\s*=", statement)
    return bool(columns) and set(columns) <= LEARNED


def install(app: Flask) -> None:
    """Watch the requests of this app: what each one writes, and whether the audit log is among it."""

    @sa.event.listens_for(sa.Engine, "after_cursor_execute")
    def _see(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        found = WRITES.match(statement) if has_request_context() else None
        if found and cursor.rowcount != 0 and not _is_learned(statement):
            g.setdefault("wrote", set()).add(found[1])

    @app.after_request
    def _judge(response: Response) -> Response:
        wrote = g.pop("wrote", set()) - NOBODYS
        entrance = security.ENTRANCES.get((request.endpoint or "").rpartition(".")[0], "")
        acted = request.method not in security.SAFE and entrance in PRIVATE and response.status_code < 400
        if acted and wrote and "audit_entry" not in wrote:
            unaudited.append(f"{request.method} {request.url_rule}: wrote {', '.join(sorted(wrote))}")
        return response
