"""The audit log: found again by who, what, about what, why and when; as a file; and the check of its chain."""

import json
from typing import Any

from flask import Response, request, url_for

from discuno.admin import desk
from discuno.admin.people import auditing
from discuno.admin.people.auditing import Wanted
from discuno.kit import sheets
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.kit.web import row_number

bp = desk.private("admin_audit", __name__, "/admin/audit")
HEADER = ("entry", "time (UTC)", "who", "from", "what", "about", "why", "before", "after")


@bp.get("")
def listing() -> Response:
    """The newest entries that are wanted; the filters are in the address."""
    wanted, wrong = auditing.read(request.args)
    before = row_number(request.args.get("before"))
    with transaction():
        found = auditing.page(wanted, before)
        entries = found[: auditing.A_PAGE]
        context: dict[str, Any] = {
            "entries": entries,
            "places": auditing.places(entries),
            "actions": [("", "Anything"), *((name, name.replace("_", " ")) for name in auditing.actions())],
            "head": auditing.head(),
        }
    response = desk.page(
        "admin/_audit.html",
        "Audit log",
        422 if wrong else 200,
        wanted=wanted,
        wrong=wrong,
        typed={name: request.args.get(name, "") for name in ("from", "to")},
        is_later=before is not None,
        older_url=_address(wanted, before=entries[-1].id) if len(found) > len(entries) else None,
        csv_url=f"{url_for('.csv')}?{wanted.as_query()}".rstrip("?"),
        changes=auditing.changes,
        **context,
    )
    if before is None:  # the filters as they are now, without the empty ones
        response.headers["HX-Replace-Url"] = _address(wanted)
    return response


def _address(wanted: Wanted, **more: object) -> str:
    return f"{url_for('.listing')}?{wanted.as_query(**more)}".rstrip("?")


@bp.get("/chain")
def chain() -> Response:
    """Whether the newest entries are what was written, and the newest seal."""
    with transaction():
        found, head = auditing.chain(), auditing.head()
    return desk.page(
        "admin/_audit_chain.html", "Is the log whole?", chain=found, head=head, most=auditing.CHECKED
    )


@bp.get("/entries.csv")
def csv() -> Response:
    """The same entries as a file, of at most so many."""
    wanted, wrong = auditing.read(request.args)
    if wrong:  # half a filter would be a file that says less, or more, than was asked for
        raise DomainError(next(iter(wrong.values())), status=422)
    with transaction():
        entries = auditing.page(wanted, size=auditing.IN_A_FILE)[: auditing.IN_A_FILE]
        rows = [
            (
                *(e.id, sheets.instant(e.at, "UTC"), e.actor, e.address, e.action, e.about, e.reason),
                *(json.dumps(facts, ensure_ascii=False) if facts else None for facts in (e.before, e.after)),
            )
            for e in entries
        ]
    return sheets.download("discuno-audit", HEADER, rows)
