"""Bulk runs: the rows are frozen at the start, each is done once whatever is killed, and none stops another."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno import policy
from discuno.accounts.audit import Actor
from discuno.accounts.models import AuditEntry, Role, User
from discuno.admin.machines import bulk_jobs, bulk_runs
from discuno.admin.machines.bulk_acts import ACTS
from discuno.admin.models import BulkItem, BulkRun, BulkStatus
from discuno.bookings.models import Booking
from discuno.edges import queue
from discuno.journey import bulk
from discuno.kit import failpoints, outbox
from discuno.kit.db import rows, session, transaction
from discuno.kit.errors import DomainError
from discuno.kit.outbox import Job
from discuno.payments.models import Payment
from tests.bank import sold
from tests.crowd import Crowd
from tests.factories import advance_to, all_of, change, the
from tests.house import House
from tests.reporting import Holder, attendee
from tests.signing import ADMIN, SECOND_ADMIN, SUPPORT, code_of, staff

WHY = "The bank asks for time."
ADA = Actor(ADMIN)
NEW = "/admin/bulk/new?act=hold"
REPORTED = (
    "INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at) "
    "SELECT id, 'report', 'open', false, 'other', 6000, 'usd', now() FROM discuno_payment"
)


@pytest.fixture
def crowd(house: House) -> House:
    """Six payments of two mentors, none on hold."""
    world, settings = house.sandbox.world, house.sandbox.app.extensions["sandbox_settings"]
    with house.app.app_context():
        Crowd(world, settings).gather(mentors=2, each=3)
    return house


@pytest.fixture(autouse=True)
def no_failpoint_outlives_its_test() -> Iterator[None]:
    yield
    failpoints.arm(None)


def begin(house: House, act: str = "hold", most: int = 100) -> int:
    """An admin begins a run over all rows that match."""
    staff(house)
    with house.app.app_context(), transaction():
        return bulk_runs.start(act, ACTS[act].matching({}), WHY, ADA, at_most=most).id


def work(house: House, run_id: int) -> None:
    """Do the job's pieces until it is over, as a worker would."""
    with house.app.app_context():
        while True:
            try:
                bulk_jobs.bulk_run(run_id)
            except outbox.Later:
                continue
            return


def outcomes(house: House) -> list[str | None]:
    return [item.outcome for item in all_of(house, BulkItem)]


def held(house: House) -> list[bool]:
    return [payment.dispute_requested for payment in all_of(house, Payment)]


def acts(house: House, action: str = "hold") -> list[str]:
    """What the audit log says of the single acts."""
    return sorted(e.about for e in all_of(house, AuditEntry) if e.action == action)


def each_payment(house: House) -> list[str]:
    return sorted(f"payment:{payment.id}" for payment in all_of(house, Payment))


def the_action(house: House) -> str:
    """How a single hold is called in the log."""
    return next(e.action for e in all_of(house, AuditEntry) if e.about.startswith("payment:"))


def test_each_row_is_done_and_audited_as_if_by_hand(crowd: House) -> None:
    run_id = begin(crowd)
    work(crowd, run_id)
    run = the(crowd, BulkRun)
    assert (run.status, run.total, run.ended_at is not None) == (BulkStatus.DONE, 6, True)
    assert outcomes(crowd) == ["done"] * 6
    assert held(crowd) == [True] * 6
    assert acts(crowd, the_action(crowd)) == each_payment(crowd)
    entry = all_of(crowd, AuditEntry)[-1]
    assert (entry.actor, entry.reason) == (ADMIN, f"{WHY} (bulk run {run_id})")


@pytest.mark.parametrize("act", ["hold", "claim_cases"])
def test_who_has_lost_the_role_meanwhile_does_nothing_more(crowd: House, act: str) -> None:
    if act == "claim_cases":
        change(crowd, REPORTED)
    run_id = begin(crowd, act)
    with crowd.app.app_context(), transaction():
        session().execute(sa.select(User).where(User.email == ADMIN)).scalar_one().take_role(Role.SUPPORT)
    work(crowd, run_id)
    assert {(item.outcome, item.words) for item in all_of(crowd, BulkItem)} == {("failed", bulk.NOBODY)}
    assert (any(held(crowd)), acts(crowd, act)) == (False, [])


def test_every_act_has_words_and_somebody_who_does_it() -> None:
    assert ACTS.keys() == bulk.DO.keys()
    for act in ACTS.values():
        assert act.label
        assert act.sentence.endswith(".")


TROUBLE = {  # what is wrong, and how it is afterwards
    "lift_hold": (
        "UPDATE discuno_payment SET dispute_requested = true",
        "SELECT dispute_requested FROM discuno_payment",
        False,
    ),
    "retry_transfer": (
        "UPDATE discuno_transfer SET blocked_by = 'refused', retry_count = 3",
        "SELECT retry_count FROM discuno_transfer",
        0,
    ),
    "resend_letter": (
        "UPDATE discuno_email SET status = 'failed', resend_id = NULL "
        "WHERE id = (SELECT min(id) FROM discuno_email)",
        "SELECT status FROM discuno_email WHERE id = (SELECT min(id) FROM discuno_email)",
        "sent",
    ),
    "replay_webhook": (
        "UPDATE discuno_webhook_event SET handled_at = NULL, error = 'x' WHERE type LIKE 'checkout%'",
        "SELECT handled_at IS NOT NULL AND error IS NULL FROM discuno_webhook_event WHERE type LIKE 'checkout%'",
        True,
    ),
    "retry_job": (
        "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again, dead_at) "
        "VALUES ('watch_payment', '{\"payment_id\": 1}', 'money', now(), now(), 20, false, now())",
        "SELECT count(*) FROM discuno_job WHERE task = 'watch_payment'",
        0,
    ),
    "claim_cases": (
        "UPDATE discuno_dispute SET assignee_id = NULL, claimed_at = NULL",
        "SELECT email FROM discuno_dispute d JOIN discuno_user u ON u.id = d.assignee_id",
        ADMIN,
    ),
}


def test_every_act_puts_right_what_it_is_for_and_says_so_in_the_log(house: House) -> None:
    sold(house)
    booking = the(house, Booking)
    advance_to(house, booking.starts_at + timedelta(minutes=15))
    attendee(house, booking.id).sends("/report", reason="mentor_absent", text="I waited, and nobody came.")
    house.settle_down()
    admins(house)  # is employed
    for trouble, _, _ in TROUBLE.values():
        change(house, trouble)
    for act in TROUBLE:
        begin(house, act)
    house.settle_down()
    assert [(item.outcome, item.words) for item in all_of(house, BulkItem)] == [("done", "")] * len(TROUBLE)
    for act, (_, question, answer) in TROUBLE.items():
        found = house.read(lambda question=question: session().execute(sa.text(question)).scalars().all())
        assert found == ([answer] if act != "retry_job" else [0]), act
    single = [e for e in all_of(house, AuditEntry) if e.reason.endswith(")") and "(bulk run" in e.reason]
    assert len(single) == len(TROUBLE) - 1  # a case is claimed without a reason
    assert [e.about for e in all_of(house, AuditEntry) if e.action == "claim a case"] == ["dispute:1"]


def test_the_rows_are_frozen_at_the_start(crowd: House) -> None:
    change(crowd, "UPDATE discuno_payment SET dispute_requested = (id % 2 = 0)")
    run_id, before = begin(crowd), held(crowd)
    change(crowd, "UPDATE discuno_payment SET dispute_requested = false")
    work(crowd, run_id)
    assert held(crowd) == [not was for was in before]


def test_what_is_done_already_is_said_to_be_so(crowd: House) -> None:
    run_id = begin(crowd)
    change(crowd, "UPDATE discuno_payment SET dispute_requested = true")
    work(crowd, run_id)
    assert outcomes(crowd) == ["skipped"] * 6
    assert {item.words for item in all_of(crowd, BulkItem)} != {""}


@pytest.mark.parametrize("error", [DomainError("This one may not."), ValueError("a bug")])
def test_one_rows_failure_stops_no_other_and_is_kept_in_words(
    crowd: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    third = all_of(crowd, Payment)[2].id
    honest = bulk.DO["hold"]

    def act(row_id: int, actor: Actor, reason: str) -> str | None:
        said = honest(row_id, actor, reason)
        if row_id == third:
            raise error
        return said

    monkeypatch.setitem(bulk.DO, "hold", act)
    work(crowd, begin(crowd))
    assert outcomes(crowd) == ["done", "done", "failed", "done", "done", "done"]
    assert held(crowd) == [True, True, False, True, True, True]
    words = all_of(crowd, BulkItem)[2].words
    assert words == ("This one may not." if isinstance(error, DomainError) else bulk_jobs.OUR_FAULT)


class Killed(BaseException):
    """As by SIGKILL: nothing of ours catches it."""


def test_killed_at_every_point_once_each_row_is_done_once(crowd: House) -> None:
    run_id = begin(crowd)
    passed: set[str] = set()
    kills = 0

    def kill(point: str) -> None:
        seen = f"{point} {len([o for o in outcomes(crowd) if o])}" if point.endswith("after") else point
        if "bulk_jobs" in point and seen not in passed:
            passed.add(seen)
            raise Killed

    failpoints.arm(kill)
    while True:
        try:
            work(crowd, run_id)
            break
        except Killed:
            kills += 1
    assert kills >= 8
    assert outcomes(crowd) == ["done"] * 6
    assert the(crowd, BulkRun).status == BulkStatus.DONE
    assert acts(crowd, the_action(crowd)) == each_payment(crowd)


def test_two_workers_at_once_do_each_row_once(crowd: House) -> None:
    run_id = begin(crowd)
    hands = [threading.Thread(target=work, args=(crowd, run_id)) for _ in range(2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert outcomes(crowd) == ["done"] * 6
    assert acts(crowd, the_action(crowd)) == each_payment(crowd)


def test_it_goes_in_pieces_between_which_other_work_has_its_turn(
    crowd: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "PIECE", 4)
    begin(crowd)
    with crowd.app.app_context():
        with transaction():
            [job] = [job for job in rows(sa.select(Job)) if job.task == "bulk_run"]
        queue.run(job.id)
        assert outcomes(crowd).count("done") == 4
        queue.run(job.id)
    assert the(crowd, BulkRun).status == BulkStatus.DONE
    assert [job.task for job in all_of(crowd, Job) if job.task == "bulk_run"] == []


# At the pages


def admins(house: House, email: str = ADMIN) -> FlaskClient:
    return staff(house, email)


def sends(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    """Fill the form of a page in and send it; the status, and where it leads or what it says."""
    answer = Holder(client, path).sends("", **form)
    return answer.status_code, answer.location or answer.text


def hidden(client: FlaskClient, path: str) -> dict[str, str]:
    """What the page remembers."""
    html = client.get(path).text
    return {n: html.split(f'name="{n}" value="')[1].split('"')[0] for n in ("count", "after")}


def test_a_run_is_begun_with_a_reason_and_watched_and_its_result_is_a_file(crowd: House) -> None:
    ada = admins(crowd)
    html = ada.get(NEW).text
    assert "Do this to 6 payments that are not on hold" in html
    seen = hidden(ada, NEW)
    assert sends(ada, NEW, reason=" ", **seen)[0] == 422
    status, there = sends(ada, NEW, reason=WHY, **seen)
    assert status == 303
    running = ada.get(there).text
    assert "0 of 6 looked at" in running
    assert 'hx-trigger="every 2s"' in running
    assert "Stop this run" in running
    crowd.work()
    over = ada.get(there).text
    assert "6 of 6 looked at" in over
    assert "hx-trigger" not in over
    assert "Stop this run" not in over
    sheet = ada.get(f"{there}.csv").get_data().decode("utf-8-sig").splitlines()
    assert sheet[0] == "payment,outcome,words"
    assert [line.split(",")[1] for line in sheet[1:]] == ["Done"] * 6


def test_a_form_sent_twice_begins_one_run(crowd: House) -> None:
    ada = admins(crowd)
    seen = hidden(ada, NEW)
    first, again = (sends(ada, NEW, reason=WHY, **seen) for _ in range(2))
    crowd.work()
    late = sends(ada, NEW, reason=WHY, **seen)
    assert first == again == late
    assert len(all_of(crowd, BulkRun)) == 1


def test_two_admins_do_not_begin_the_same_at_once(crowd: House) -> None:
    ada, zoe = admins(crowd), admins(crowd, SECOND_ADMIN)
    seen = hidden(zoe, NEW)
    assert sends(ada, NEW, reason=WHY, **hidden(ada, NEW))[0] == 303
    status, text = sends(zoe, NEW, reason=WHY, **seen)
    assert status == 409
    assert f"This is being done already, by {ADMIN}." in text


def test_no_more_rows_than_were_seen_are_agreed_to(crowd: House) -> None:
    change(crowd, "UPDATE discuno_payment SET dispute_requested = (id % 2 = 0)")
    ada = admins(crowd)
    seen = hidden(ada, NEW)
    change(crowd, "UPDATE discuno_payment SET dispute_requested = false")
    status, text = sends(ada, NEW, reason=WHY, **seen)
    assert status == 409
    assert "More rows match by now" in text
    assert (all_of(crowd, BulkRun), all_of(crowd, BulkItem)) == ([], [])
    change(crowd, "UPDATE discuno_payment SET dispute_requested = true")
    assert "Nothing matches any more" in sends(ada, NEW, reason=WHY, **seen)[1]


def test_a_run_takes_no_more_than_it_may_and_says_so(crowd: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "BULK_MOST", 4)
    ada = admins(crowd)
    assert "More than 4 match." in ada.get(NEW).text
    assert sends(ada, NEW, reason=WHY, **hidden(ada, NEW))[0] == 303
    assert the(crowd, BulkRun).total == 4


def test_what_moves_money_asks_for_a_code_and_what_does_not_asks_for_none(crowd: House) -> None:
    stale = staff(crowd, ADMIN, fresh=False)
    seen = hidden(stale, NEW)
    assert sends(stale, NEW, reason=WHY, **seen)[0] == 422
    assert "authenticator" not in stale.get("/admin/bulk/new?act=retry_job").text
    assert sends(stale, NEW, reason=WHY, code=code_of(crowd), **seen)[0] == 303


def test_a_filter_of_the_address_says_which_rows(crowd: House) -> None:
    ada = admins(crowd)
    mine = f"{NEW}&mentor=crowd-1"
    assert sends(ada, mine, reason=WHY, **hidden(ada, mine))[0] == 303
    assert the(crowd, BulkRun).total == 3


def test_nothing_more_is_done_once_a_run_was_stopped(crowd: House, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = begin(crowd)
    monkeypatch.setattr(bulk_jobs, "PIECE", 2)
    with crowd.app.app_context(), pytest.raises(outbox.Later):
        bulk_jobs.bulk_run(run_id)
    ada = admins(crowd)
    for _ in range(2):
        assert sends(ada, f"/admin/bulk/{run_id}/stop") == (303, f"/admin/bulk/{run_id}")
    crowd.work()
    assert outcomes(crowd) == ["done", "done", None, None, None, None]
    assert the(crowd, BulkRun).status == BulkStatus.STOPPED


def test_support_sees_runs_and_begins_none(crowd: House) -> None:
    begin(crowd)
    sam = admins(crowd, SUPPORT)
    assert "Stop this run" not in sam.get(f"/admin/bulk/{the(crowd, BulkRun).id}").text
    assert "Do this to" not in sam.get(NEW).text
    assert sam.get("/admin/bulk").status_code == 200


@pytest.mark.parametrize("path", ["/admin/bulk/new?act=nothing", "/admin/bulk/99", "/admin/bulk/99.csv"])
def test_what_is_not_there_is_not_found(house: House, path: str) -> None:
    assert admins(house).get(path).status_code == 404
