"""The jobs page: what waits, is late, runs, fails or was given up; and having it done now."""

import re
from datetime import timedelta

import pytest

from discuno.accounts.models import AuditEntry
from discuno.edges import queue
from discuno.kit import outbox
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert
from tests.factories import all_of, change, dump, event, tell_us, the
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, SUPPORT, staff

WHY = "The outage is over."
ROWS = (
    "INSERT INTO discuno_job (task, args, queue, unique_key, run_at, created_at, attempts, again, error, dead_at, "
    "claimed_until) VALUES "
    "('pay_out', '{\"account_id\": 1}', 'money', 'k1', now() - interval '1 day', now(), 20, false, 'no', now(), "
    "NULL), "
    "('pay_out', '{\"account_id\": 2}', 'money', 'k2', now() - interval '1 day', now(), 1, false, NULL, NULL, "
    "now() + interval '1 minute'), "
    "('confirm_booking', '{}', 'money', 'k3', now() - interval '5 minutes', now(), 0, false, NULL, NULL, NULL), "
    "('confirm_booking', '{}', 'money', 'k4', now() + interval '5 minutes', now(), 3, false, 'odd', NULL, NULL), "
    "('send_letter', '{}', 'mail', 'k5', now() + interval '1 day', now(), 0, false, NULL, NULL, NULL)"
).replace("now()", "discuno_now()")
STANDS = {"dead": {1}, "running": {2}, "late": {3}, "failing": {4}, "waiting": {5}}


def shown(page: str) -> set[int]:
    listed = page.partition('id="jobs-list"')[2]
    return {int(number) for number in re.findall(r'href="/admin/jobs/(\d+)"', listed)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {1, 2, 3, 4, 5}),
        *((f"state={state}", numbers) for state, numbers in STANDS.items()),
        ("task=pay_out", {1, 2}),
        ("task=pay_out&state=dead", {1}),
        ("q=k4", {4}),
        ("before=3", {1, 2}),
    ],
)
def test_work_is_found_by_how_it_stands(bare: House, query: str, found: set[int]) -> None:
    change(bare, ROWS)
    assert shown(staff(bare).get(f"/admin/jobs?{query}").text) == found


def test_work_is_counted_by_task_and_what_comes_by_the_clock_is_listed(bare: House) -> None:
    change(bare, ROWS)
    with bare.app.app_context():
        queue.tick()
        bare.work()
    page = " ".join(staff(bare).get("/admin/jobs").text.split())
    for name in outbox.PERIODIC:
        assert name in page
    assert re.search(r"pay_out</a></th><td class=\"num\">1</td>", page)
    assert "<dt>Redis</dt><dd>answers</dd>" in page


def test_what_is_due_is_drawn_by_its_day(bare: House) -> None:
    change(bare, ROWS)
    change(bare, "UPDATE discuno_job SET run_at = discuno_now() + interval '30 days' WHERE unique_key = 'k5'")
    page = " ".join(staff(bare).get("/admin/jobs").text.split())
    assert "Not late 2, Late 1, Given up 1. The numbers are in the table below." in page


def test_each_row_is_counted_in_one_state_alone(bare: House) -> None:
    change(bare, ROWS)
    page = " ".join(staff(bare).get("/admin/jobs").text.split())
    assert re.findall(r"state=(\w+)\">[^<]+</a></dt><dd class=\"num\">(\d+)</dd>", page) == [
        (state, "1") for state in STANDS
    ]


def test_work_that_was_given_up_is_tried_anew_and_its_alert_is_over(bare: House) -> None:
    tell_us(bare, event())
    change(bare, "UPDATE discuno_job SET task = 'pay_out', args = '{\"account_id\": 99}', attempts = 19")
    bare.work()
    assert the(bare, Alert).cause == "job:1"
    page = Holder(staff(bare), "/admin/jobs/1")
    assert page.sends("/retry", reason="").status_code == 422
    assert page.sends("/retry", reason=WHY).status_code == 303
    again = the(bare, Job)
    assert (again.dead_at, again.attempts) == (None, 0)
    assert the(bare, Alert).ended_at is not None
    [act] = [entry for entry in all_of(bare, AuditEntry) if entry.action == "retry job"]
    assert (act.actor, act.about, act.reason) == (ADMIN, "job:1", WHY)
    change(bare, "UPDATE discuno_job SET task = 'no_such_task'")
    assert page.client.get("/admin/jobs/1").status_code == 200


def test_what_a_worker_is_at_is_left_to_it(bare: House) -> None:
    change(bare, ROWS)
    answer = Holder(staff(bare), "/admin/jobs/2").sends("/retry", reason=WHY)
    assert answer.status_code == 409
    assert "A worker is at it" in answer.text
    assert WHY in answer.text


def test_support_sees_work_and_begins_none(bare: House) -> None:
    change(bare, ROWS)
    support = Holder(staff(bare, SUPPORT), "/admin/jobs/1")
    assert "Retry it" not in support.reads()
    before = dump(bare, "discuno_job")
    assert support.sends("/retry", reason=WHY).status_code == 403
    assert dump(bare, "discuno_job") == before


def test_work_that_is_done_has_no_page(bare: House) -> None:
    answer = staff(bare).get("/admin/jobs/5")
    assert answer.status_code == 404
    assert "This work is done" in answer.text


def test_what_should_have_come_half_an_hour_ago_is_late_on_the_page(bare: House) -> None:
    with bare.app.app_context():
        queue.tick()
    bare.advance(timedelta(minutes=40))
    page = staff(bare).get("/admin/jobs").text
    assert page.count('<span class="tag wait">Late</span>') >= len(outbox.PERIODIC)
