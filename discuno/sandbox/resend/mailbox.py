"""The mailbox page: every letter the app sent, as its reader would see it, and what may become of it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from discuno.sandbox.resend.answers import iso
from discuno.sandbox.resend.delivery import happen, opened
from discuno.sandbox.resend.gate import Desk
from discuno.sandbox.resend.letters import ADDRESS, bare, content
from discuno.sandbox.world import Record

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TABS = ("html", "text", "source", "file")
WIDTHS = {"": "Desktop", "phone": "Phone, 320 px"}  # how the HTML is looked at
LIGHTS = {"": "Light", "dark": "Dark"}
TONES = {"bounced": "bad", "complained": "bad", "suppressed": "bad", "opened": "ok", "delivered": "ok"}
RESEND, SMTP = "resend", "smtp"  # by which a letter came
CARRIERS = {RESEND: "Resend", SMTP: "Mail server"}
# What may still be told of a letter, by the last that was: its button, and the words on it.
TO_COME = {
    "sent": {"delivered": "It arrives", "bounced": "It bounces"},
    "delivered": {"bounced": "It bounces after all", "complained": "Its reader marks it as spam"},
    "opened": {"bounced": "It bounces after all", "complained": "Its reader marks it as spam"},
}
MOST_SHOWN = 200
REFRESH_SECONDS = 5


def overview(desk: Desk) -> Response:
    """GET /mailbox: newest first, for one recipient with ?to=; reloads itself with ?follow=1."""
    letters = _found(desk)[:MOST_SHOWN]
    refresh = REFRESH_SECONDS if request.args.get("follow") else None
    to = request.args.get("to", "").strip()
    return _page("mailbox/list.html", letters=letters, to=to, refresh=refresh, now=desk.world.now())


def as_json(desk: Desk) -> Response:
    """GET /mailbox.json: the same for programs; reading it does not count as opening."""
    return jsonify([_plain(letter) for letter in _found(desk)])


def message(desk: Desk, letter_id: str) -> Response:
    """GET /mailbox/<id>: one letter; looking at it counts as opening it."""
    with desk.world.lock:
        letter = opened(desk, _letter(desk, letter_id))
    tab = request.args.get("view", "html" if letter["html"] else "text")
    if tab not in TABS:
        abort(404)
    look = {name: request.args.get(name, "") for name in ("width", "light")}
    return _page(
        "mailbox/message.html",
        letter=letter,
        tab=tab,
        look={name: chosen for name, chosen in look.items() if chosen in (*WIDTHS, *LIGHTS)},
        source=_source(letter) if tab == "source" else [],
        file=_as_text(letter, request.args.get("file", 0, int)) if tab == "file" else None,
        to_come=_to_come(letter),
    )


def befall(desk: Desk, letter_id: str) -> AnyResponse:
    """POST /mailbox/<id>/happen: let `event` become of it, as its button says; the app is told."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403, "Letters are tried out on their own page.")
    with desk.world.lock:
        letter = _letter(desk, letter_id)
        event = request.form.get("event", "")
        if event not in _to_come(letter):
            abort(409, f"A letter that was {letter['last_event']} can not be {event or 'nothing'} now.")
        happen(desk, letter, event, [bare(address) for address in letter["to"]])
    return redirect(url_for("resend.message", letter_id=letter_id), 303)


def body(desk: Desk, letter_id: str) -> Response:
    """GET /mailbox/<id>/html: the letter's own HTML, with no script, no network, and links in new tabs."""
    html = _letter(desk, letter_id)["html"]
    if not html:
        abort(404)
    response = Response(_links_in_new_tabs(html))
    # Letters carry their styles inline, because mail readers know no others; this is their frame's policy alone.
    response.headers["Content-Security-Policy"] = (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
        f"style-src 'unsafe-inline'; img-src data: {desk.settings.app_url}; frame-ancestors 'self'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def attachment(desk: Desk, letter_id: str, number: int) -> Response:
    """GET /mailbox/<id>/attachments/<n>: the file, always as a download."""
    attachments = _letter(desk, letter_id)["attachments"]
    if number >= len(attachments):
        abort(404)
    kept = attachments[number]
    response = Response(content(kept), content_type=kept["content_type"])
    response.headers.set("Content-Disposition", "attachment", filename=kept["filename"])
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def moment(seconds: int) -> str:
    """Unix seconds for people, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%-d %b %Y, %H:%M:%S")


def tone(event: str) -> str:
    """The colour role of a delivery state."""
    return TONES.get(event, "note")


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} kB"


def _found(desk: Desk) -> list[Record]:
    """Letters, newest first; with ?to= those to that address, or to any that holds that part of one."""
    asked = request.args.get("to", "").strip().lower()
    wanted = bare(asked) or asked
    whole = ADDRESS.fullmatch(wanted) is not None
    letters = reversed(desk.world.all("resend_email"))
    recipients = ((mail, [bare(address) for address in mail["to"]]) for mail in letters)
    return [mail for mail, to in recipients if wanted in to or (not whole and wanted in " ".join(to))]


def _letter(desk: Desk, letter_id: str) -> Record:
    letter = desk.world.get("resend_email", letter_id)
    if letter is None:
        abort(404)
    return letter


def _carrier(letter: Record) -> str:
    return str(letter.get("carrier", RESEND))


def _to_come(letter: Record) -> dict[str, str]:
    """Its buttons. A mail server tells nobody what becomes of a letter."""
    return TO_COME.get(letter["last_event"], {}) if _carrier(letter) == RESEND else {}


def _as_text(letter: Record, number: int) -> Record:
    """A file that can be read, with its text; 404 for one that is not there, or is no text."""
    files = letter["attachments"]
    if not 0 <= number < len(files) or not is_text(files[number]):
        abort(404)
    return {**files[number], "number": number, "text": content(files[number]).decode("utf-8", "replace")}


def is_text(kept: Record) -> bool:
    """Whether a file can be read on the page."""
    return str(kept["content_type"]).startswith("text/")


def _plain(letter: Record) -> dict[str, Any]:
    shown = ("id", "from", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "headers", "tags")
    meta = ("filename", "content_type", "size")
    return {
        **{field: letter[field] for field in shown},
        "attachments": [
            {**{field: kept[field] for field in meta}, "url": f"/mailbox/{letter['id']}/attachments/{number}"}
            for number, kept in enumerate(letter["attachments"])
        ],
        "state": letter["last_event"],
        "carrier": _carrier(letter),
        "events": [{**past, "at": iso(past["at"])} for past in letter["events"]],
        "created": iso(letter["created"]),
    }


def _source(letter: Record) -> list[tuple[str, str]]:
    """The header lines a mail reader would show."""
    stamp = datetime.fromtimestamp(letter["created"], UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    lists = ("to", "cc", "bcc", "reply_to")
    lines = [("From", letter["from"])]
    lines += [(name.title().replace("_", "-"), ", ".join(letter[name])) for name in lists if letter[name]]
    lines += [("Subject", letter["subject"])]
    made = {"Date": stamp, "Message-ID": f"<{letter['id']}@resend.dev>"}  # a mail server's letter has its own
    lines += list({**made, **letter["headers"]}.items())
    lines += [("Tag", f"{tag['name']} = {tag['value']}") for tag in letter["tags"]]
    return lines


def _links_in_new_tabs(html: str) -> str:
    base = '<base target="_blank">'
    with_base, count = re.subn(r"(<head\b[^>]*>)", rf"\1{base}", html, count=1, flags=re.IGNORECASE)
    return with_base if count else base + html


def _page(template: str, **values: Any) -> Response:
    told = {
        "moment": moment,
        "tone": tone,
        "size": size,
        "is_text": is_text,
        "carrier": lambda letter: CARRIERS[_carrier(letter)],
        "widths": WIDTHS,
        "lights": LIGHTS,
    }
    page = Response(render_template(template, **values, **told))
    page.headers["Content-Security-Policy"] = PAGE_POLICY
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


ROUTES: list[tuple[str, str, Callable[..., AnyResponse]]] = [
    ("GET", "/mailbox", overview),
    ("GET", "/mailbox.json", as_json),
    ("GET", "/mailbox/<letter_id>", message),
    ("POST", "/mailbox/<letter_id>/happen", befall),
    ("GET", "/mailbox/<letter_id>/html", body),
    ("GET", "/mailbox/<letter_id>/attachments/<int:number>", attachment),
]
