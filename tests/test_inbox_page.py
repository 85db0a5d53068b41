"""The inbox page: what came, what became of it, replaying what was handled, and leaving what cannot be."""

import json
from datetime import timedelta

import pytest

from discuno.accounts.models import AuditEntry
from discuno.kit import outbox
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert
from discuno.policy import EVENT_FAILS
from discuno.webhooks.models import WebhookEvent
from tests.factories import all_of, change, dump, event, paid, tell_us, the
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, SUPPORT, staff

WHY = "Stripe's support asked for it."
MONEY = tuple(
    f"discuno_{name}"
    for name in ("payment", "refund", "transfer", "transfer_reversal", "dispute", "ledger_entry", "payout", "booking",
                 "email", "alert", "mentor_stripe_account")
)  # fmt: skip


def fails(house: House, times: int) -> WebhookEvent:
    """An event about nobody, tried so often."""
    tell_us(house, event())
    for _ in range(times):
        house.work()
        house.advance(outbox.LONGEST_RETRY)
    return first(house)


def first(house: House) -> WebhookEvent:
    return all_of(house, WebhookEvent)[0]


def work_of(house: House) -> list[Job]:
    """What is still to be done about the first event."""
    return [job for job in all_of(house, Job) if job.unique_key == "event:1"]


def photograph(house: House) -> dict[str, list[str]]:
    """All about money, without when we last looked and look next."""
    change(house, "UPDATE discuno_payment SET asked_at = NULL")
    change(house, "UPDATE discuno_mentor_stripe_account SET refreshed_at = NULL")
    return dump(house, *MONEY)


def test_to_replay_what_was_handled_changes_nothing_but_its_own_attempts(house: House) -> None:
    paid(house)
    house.settle_down()
    events = all_of(house, WebhookEvent)
    assert len(events) > 4
    assert all(each.handled_at for each in events)
    admin, before = staff(house), photograph(house)
    for each in events:
        assert Holder(admin, f"/admin/webhooks/{each.id}").sends("/replay", reason=WHY).status_code == 303
    assert {job.task for job in all_of(house, Job) if (job.unique_key or "").startswith("event:")} == {
        "handle_event"
    }
    house.work()
    assert photograph(house) == before
    for was, now in zip(events, all_of(house, WebhookEvent), strict=True):
        assert (now.attempts, now.error, now.outcome) == (was.attempts + 1, None, was.outcome)
        assert now.handled_at is not None
        assert was.handled_at is not None
        assert now.handled_at > was.handled_at
    acts = [entry for entry in all_of(house, AuditEntry) if entry.action == "replay webhook"]
    assert {entry.about for entry in acts} == {f"event:{each.id}" for each in events}


def test_replayed_twice_before_a_worker_comes_it_is_handled_once(house: House) -> None:
    paid(house)
    house.settle_down()
    before = all_of(house, WebhookEvent)[0].attempts
    page = Holder(staff(house), "/admin/webhooks/1")
    for _ in range(2):
        assert page.sends("/replay", reason=WHY).status_code == 303
    assert "Its work" in page.reads()
    house.work()
    assert all_of(house, WebhookEvent)[0].attempts == before + 1


def test_a_failing_event_is_told_once_and_over_when_a_replay_explains_it(bare: House) -> None:
    failing = fails(bare, EVENT_FAILS - 1)
    assert all_of(bare, Alert) == []
    bare.work()
    assert (the(bare, Alert).cause, the(bare, Alert).path) == ("event:1", f"/admin/webhooks/{failing.id}")
    change(bare, "UPDATE discuno_webhook_event SET type = 'nothing.to_us'")
    Holder(staff(bare), "/admin/webhooks/1").sends("/replay", reason=WHY)
    bare.work()
    assert the(bare, Alert).ended_at is not None
    assert first(bare).outcome == "nothing to do"


def test_one_that_was_given_up_is_tried_anew_by_a_replay(bare: House) -> None:
    fails(bare, outbox.MAX_ATTEMPTS + 1)
    assert work_of(bare)[0].dead_at is not None
    Holder(staff(bare), "/admin/webhooks/1").sends("/replay", reason=WHY)
    assert [(job.dead_at, job.attempts) for job in work_of(bare)] == [(None, 0)]


def test_an_ignored_event_is_never_tried_again_and_says_who_left_it(bare: House) -> None:
    fails(bare, EVENT_FAILS)
    page = Holder(staff(bare), "/admin/webhooks/1")
    assert page.sends("/ignore", reason="").status_code == 422
    for _ in range(2):
        assert page.sends("/ignore", reason="Another shop's.").status_code == 303
    left = first(bare)
    assert (left.ignored_by, left.outcome) == (ADMIN, "ignored: Another shop's.")
    assert work_of(bare) == []
    assert the(bare, Alert).ended_at is not None
    assert "Ignored" in page.reads()
    bare.advance(timedelta(days=1))
    bare.work()
    assert first(bare).attempts == left.attempts
    assert len([entry for entry in all_of(bare, AuditEntry) if entry.action == "ignore webhook"]) == 1


def test_the_payload_is_shown_without_what_lets_somebody_in(bare: House) -> None:
    told = event()
    told["data"]["object"] = {
        "id": "pi_1",
        "client_secret": "pi_1_secret_x",
        "nested": [{"access_token": "tok"}],
        "name": "<b>Zoë</b>",
    }
    tell_us(bare, told)
    page = staff(bare).get("/admin/webhooks/1").text
    assert "pi_1_secret_x" not in page
    assert '"access_token": "tok"' not in page
    assert "(not shown)" in page
    assert "<b>Zoë</b>" not in page
    assert "&lt;b&gt;Zoë&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a.failing", "b.waiting", "c.handled", "d.ignored"}),
        ("state=failing", {"a.failing"}),
        ("state=waiting", {"b.waiting"}),
        ("state=handled", {"c.handled"}),
        ("state=ignored", {"d.ignored"}),
        ("provider=calcom", {"b.waiting"}),
        ("type=c.handled", {"c.handled"}),
        ("q=x3", {"c.handled"}),
        ("q=acct_9", {"d.ignored"}),
        ("q=x", set()),
        ("before=2", {"a.failing"}),
        ("before=nonsense&state=nonsense", {"a.failing", "b.waiting", "c.handled", "d.ignored"}),
    ],
)
def test_events_are_found_by_how_they_stand_and_whose_they_are(
    bare: House, query: str, found: set[str]
) -> None:
    one_of_each(bare)
    page = staff(bare).get(f"/admin/webhooks?{query}").text
    shown = {
        name for name in ("a.failing", "b.waiting", "c.handled", "d.ignored") if f"<bdi>{name}</bdi>" in page
    }
    assert shown == found


def test_what_came_in_a_span_of_time_is_counted_and_drawn(bare: House) -> None:
    one_of_each(bare)
    change(
        bare, "UPDATE discuno_webhook_event SET received_at = received_at - interval '9 days' WHERE id = 3"
    )
    admin = staff(bare)
    drawn = "Handled {}, Ignored 1, Not handled 2. The numbers are in the table below."
    for query, handled in (("", 0), ("?period=30d", 1)):
        page = " ".join(admin.get(f"/admin/webhooks{query}").text.split())
        assert drawn.format(handled) in page
    assert "before the first one" in admin.get("/admin/webhooks?from=2026-02-02&to=2026-01-01").text


def one_of_each(house: House) -> None:
    """An event in each state, just now."""
    change(
        house,
        "INSERT INTO discuno_webhook_event (provider, external_id, type, account, livemode, payload, received_at, "
        "handled_at, outcome, attempts, error, ignored_by) VALUES "
        "('stripe', 'x1', 'a.failing', NULL, false, '{}', discuno_now(), NULL, NULL, 3, 'odd', NULL), "
        "('calcom', 'x2', 'b.waiting', NULL, false, '{}', discuno_now(), NULL, NULL, 0, NULL, NULL), "
        "('stripe', 'x3', 'c.handled', NULL, false, '{}', discuno_now(), discuno_now(), 'done', 1, NULL, NULL), "
        "('stripe', 'x4', 'd.ignored', 'acct_9', false, '{}', discuno_now(), discuno_now(), 'ignored', 1, 'odd', "
        "'ada')",
    )


def test_support_reads_events_and_moves_none(bare: House) -> None:
    tell_us(bare, event())
    support = Holder(staff(bare, SUPPORT), "/admin/webhooks/1")
    assert "Replay" not in support.reads()
    before = dump(bare, "discuno_webhook_event", "discuno_job", "discuno_audit_entry")
    for way in ("/replay", "/ignore"):
        assert support.sends(way, reason=WHY).status_code == 403
    assert dump(bare, "discuno_webhook_event", "discuno_job", "discuno_audit_entry") == before


def test_what_a_replay_cannot_handle_stays_handled_and_shows_the_error(bare: House) -> None:
    tell_us(bare, event())
    change(
        bare,
        "UPDATE discuno_webhook_event SET handled_at = discuno_now(), outcome = 'payment 1', attempts = 1",
    )
    change(bare, "DELETE FROM discuno_job")
    page = Holder(staff(bare), "/admin/webhooks/1")
    page.sends("/replay", reason=WHY)
    bare.work()
    stored = first(bare)
    assert stored.handled_at is not None
    assert "no payment" in str(stored.error)
    assert json.dumps(stored.payload) != "{}"
    assert "no payment" in page.reads()
