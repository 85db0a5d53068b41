"""The audit log: found again by who, what, about what, why and when; told as a difference; and its chain."""

import threading
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from discuno.accounts import audit
from discuno.accounts.audit import Actor
from discuno.accounts.models import AuditEntry, AuditSeal
from discuno.admin.books import invariants
from discuno.admin.people import auditing
from discuno.edges import queue
from discuno.kit import outbox
from discuno.kit.db import rows, session, transaction
from discuno.kit.errors import DomainError
from tests.factories import all_of
from tests.house import House
from tests.signing import ADMIN, SUPPORT, staff

ZOE = Actor("zoe@discuno.example", "192.0.2.7")


def write(house: House, *acts: tuple[str, str, str, Any, Any]) -> None:
    """Acts of Zoë's: what, about what, why, before and after; a transaction each."""
    for action, about, reason, before, after in acts:
        with house.app.app_context(), transaction():
            audit.record(ZOE, action, about, reason, before=before, after=after)


@pytest.fixture
def told(house: House) -> House:
    """Three acts of Zoë's on a quiet day."""
    write(
        house,
        ("hold", "payment:12", "The bank has called about <Jun>.", None, None),
        (
            "suspend",
            "mentor:1",
            "Nobody answers there.",
            {"state": "on", "kept": 1},
            {"state": "off", "kept": 1},
        ),
        ("lift_hold", "payment:12", "The bank was satisfied.", None, None),
    )
    return house


def found(house: House, query: str) -> list[str]:
    """The acts that a page shows, the newest first."""
    html = staff(house, ADMIN).get(f"/admin/audit?{query}").text
    shown = {e.id: e.action for e in all_of(house, AuditEntry)}
    return [shown[n] for n in sorted(shown, reverse=True) if f"entry {n}<" in html]


ALL = ["lift_hold", "suspend", "hold"]


MEANT = {
    "": ALL,
    "actor=Zoe%40discuno.example": ALL,
    "actor=zoe": [],
    "action=hold": ["hold"],
    "about=payment%3A12": ["lift_hold", "hold"],
    "about=payment%3A1": [],
    "q=bank": ["lift_hold", "hold"],
    "q=satis+bank": ["lift_hold"],
    "q=%26+%21%28": ALL,
    "from=2000-01-01&to=2000-01-02": [],
    "from=2000-01-01": ALL,
    "q=bank&action=hold&about=payment%3A12": ["hold"],
}


def test_entries_are_found_by_who_what_about_what_why_and_when(told: House) -> None:
    assert {query: found(told, query) for query in MEANT} == MEANT


def test_an_entry_says_who_from_where_why_and_only_what_has_changed(told: House) -> None:
    html = staff(told, SUPPORT).get("/admin/audit").text
    assert "The bank has called about &lt;Jun&gt;." in html
    assert "zoe@discuno.example</bdi>, from 192.0.2.7" in html
    assert "<del><bdi>on</bdi></del> → <ins><bdi>off</bdi></ins>" in html
    assert "kept:" not in html
    assert '<a href="/admin/mentors?q=amara">mentor:1</a>' in html
    assert '<a href="/admin/payments/12">payment:12</a>' in html


def test_a_filter_that_cannot_be_read_is_said_and_left_out(told: House) -> None:
    admin = staff(told, ADMIN)
    answer = admin.get("/admin/audit?from=soon")
    assert answer.status_code == 422
    assert "Please give a day such as 2026-11-25. That filter was left out." in answer.text
    assert "Nobody answers there." in answer.text
    assert admin.get("/admin/audit/entries.csv?from=soon").status_code == 422


def test_pages_go_on_where_the_last_one_ended_by_number_and_by_day(
    told: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "A_PAGE", 2)
    for query in ("", "from=2000-01-01&"):
        last_shown = all_of(told, AuditEntry)[1].id
        html = staff(told, ADMIN).get(f"/admin/audit?{query}").text
        assert f"before={last_shown}" in html
        assert found(told, query) == ALL[:2]
        assert found(told, f"{query}before={last_shown}") == ALL[2:]


def test_the_same_entries_come_as_a_file_that_computes_nothing(told: House) -> None:
    write(told, ("hold", "payment:13", "=1+1", None, {"a": 1}))
    sheet = staff(told, ADMIN).get("/admin/audit/entries.csv?action=hold").get_data().decode("utf-8-sig")
    lines = sheet.splitlines()
    assert lines[0].startswith("entry,time (UTC),who,from,what,about,why,before,after")
    assert [line.split(",")[5] for line in lines[1:]] == ["payment:13", "payment:12"]
    assert "'=1+1" in lines[1]


# The chain


def behind_the_triggers(house: House, sql: str, **values: Any) -> None:
    with house.app.app_context(), transaction() as unit:
        unit.execute(sa.text("SET LOCAL session_replication_role = replica"))
        unit.execute(sa.text(sql), values)


def chain_page(house: House) -> str:
    return str(staff(house, SUPPORT).get("/admin/audit/chain").text)


def test_a_whole_chain_is_said_to_be_whole_and_its_newest_seal_is_shown(told: House) -> None:
    newest = all_of(told, AuditSeal)[-1]
    html = chain_page(told)
    assert "The log is whole: all 3 entries are what was written." in html
    assert newest.digest in html
    assert newest.digest in staff(told, ADMIN).get("/admin/audit").text


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE discuno_audit_entry SET reason = 'Something else.' WHERE id = :id",
        "UPDATE discuno_audit_entry SET after = '{\"kept\": 2}' WHERE id = :id",
        "DELETE FROM discuno_audit_entry WHERE id = :id",
        "DELETE FROM discuno_audit_seal WHERE entry_id = :id",
        "UPDATE discuno_audit_seal SET digest = repeat('0', 64) WHERE entry_id = :id",
        "WITH seal AS (DELETE FROM discuno_audit_seal WHERE entry_id = :id) "
        "DELETE FROM discuno_audit_entry WHERE id = :id",
    ],
)
def test_what_is_changed_or_removed_behind_the_triggers_is_named(told: House, harm: str) -> None:
    entry_id = all_of(told, AuditEntry)[1].id
    behind_the_triggers(told, harm, id=entry_id)
    assert "The log is not whole." in chain_page(told)
    named = [v for v in told.read(lambda: invariants.check()) if v.name == "I13"]
    assert named
    pages = [fault for fault, _ in told.read(lambda: auditing.chain()).faults]
    assert [f"audit entry {n}" for n in pages] == [v.about for v in named]
    assert set(pages) <= {entry_id, entry_id + 1}


def test_a_look_at_the_newest_alone_says_nothing_of_older_ones(told: House) -> None:
    oldest = all_of(told, AuditEntry)[0].id
    behind_the_triggers(told, "UPDATE discuno_audit_entry SET reason = 'x' WHERE id = :id", id=oldest)
    assert told.read(lambda: auditing.chain(2)).is_whole
    assert not told.read(lambda: auditing.chain(3)).is_whole


def test_acts_at_once_make_one_chain(house: House) -> None:
    ready = threading.Barrier(4)

    def act(number: int) -> None:
        with house.app.app_context(), transaction():
            audit.record(ZOE, "hold", f"payment:{number}", "At once.")
            session().flush()
            ready.wait(5)

    hands = [threading.Thread(target=act, args=(n,)) for n in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert len(all_of(house, AuditSeal)) == 4
    assert house.read(lambda: auditing.chain()).is_whole


def test_what_was_not_committed_leaves_neither_entry_nor_seal(told: House) -> None:
    before = len(all_of(told, AuditSeal))
    with suppress(DomainError), told.app.app_context(), transaction():
        audit.record(ZOE, "hold", "payment:14", "It comes to nothing.")
        session().flush()
        session().execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))  # the seal is written now, and goes again
        assert len(rows(sa.select(AuditSeal))) == before + 1
        raise DomainError("No.")
    assert len(all_of(told, AuditSeal)) == before
    write(told, ("hold", "payment:15", "It counts.", None, None))
    assert told.read(lambda: auditing.chain()).is_whole


def test_every_night_the_newest_seal_goes_to_the_houses_log(
    told: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with told.app.app_context():
        with transaction():
            outbox.add("log_audit_head")
        queue.run_due()
    newest = all_of(told, AuditSeal)[-1]
    line = next(line for line in capsys.readouterr().out.splitlines() if '"audit_head"' in line)
    assert newest.digest in line
    assert f'"seal": {newest.id}' in line


def test_where_nothing_was_done_the_page_says_so(house: House) -> None:
    assert "Nothing was done yet" in staff(house, ADMIN).get("/admin/audit").text
    assert "There is nothing in the log yet." in chain_page(house)
