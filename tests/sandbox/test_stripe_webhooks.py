"""Webhooks that get lost, doubled and refused; events kept; a world that survives a restart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from discuno.sandbox.__main__ import settings_from
from discuno.sandbox.app import LiveKey, create_sandbox
from discuno.sandbox.settings import SandboxSettings
from tests.sandbox.stripe_bench import Bench

pytestmark = pytest.mark.story


def test_a_refused_webhook_comes_again_with_the_same_id(bench: Bench) -> None:
    bench.inbox.answers += [500]
    bench.v1.checkout.sessions.expire(bench.session().id)
    bench.webhooks()
    first, second = bench.webhooks()
    assert first.id == second.id
    [delivery] = bench.control("/deliveries", method="GET")
    assert (delivery["state"], delivery["tries"], delivery["status"]) == ("delivered", 2, 200)


def test_weather_loses_and_doubles_webhooks(bench: Bench) -> None:
    bench.control("/weather/stripe", lose=1)
    bench.v1.checkout.sessions.expire(bench.session().id)
    assert bench.told() == []
    bench.control("/weather/stripe", duplicate=2)
    bench.v1.checkout.sessions.expire(bench.session().id)
    events = bench.webhooks()
    assert len(events) == 2
    assert events[0].id == events[1].id


def test_a_lost_webhook_can_be_resent_by_hand(bench: Bench) -> None:
    bench.control("/weather/stripe", lose=1)
    bench.v1.checkout.sessions.expire(bench.session().id)
    [delivery] = bench.control("/deliveries", method="GET")
    bench.control(f"/deliveries/{delivery['id']}/resend")
    assert bench.told() == ["checkout.session.expired"]


def test_events_are_listed_by_type_time_and_delivery(bench: Bench) -> None:
    bench.inbox.answers += [500] * 100
    session = bench.session()
    bench.pay(session.id)
    types = ["checkout.session.completed", "charge.succeeded"]
    found = bench.v1.events.list({"types": types, "delivery_success": False}).data
    assert [e.type for e in found] == types
    bench.inbox.answers.clear()
    bench.told()
    assert bench.v1.events.list({"delivery_success": False}).data == []
    later = bench.v1.events.list({"created": {"gte": found[0].created + 60}})
    assert later.data == []
    assert bench.v1.events.retrieve(found[0].id).data.object.id == session.id


def test_a_journal_keeps_the_world_over_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "sandbox.jsonl"
    with Bench(journal) as before:
        charge = before.paid_charge()
        before.settle()
    with Bench(journal) as after:
        assert after.v1.charges.retrieve(charge.id).amount == 6000
        assert after.v1.balance.retrieve().available[0].amount == 5796
        assert after.control("/state", method="GET")["shift"] == 3 * 86400


def test_a_journal_from_before_balances_were_kept_is_added_up(bench: Bench) -> None:
    bench.paid_charge("4000000000000077")
    bench.paid_charge()
    world = bench.sandbox.world
    for row in world.all("stripe.balance"):
        world.delete("stripe.balance", row["id"])
    bench.settle()
    found = bench.v1.balance.retrieve()
    assert (found.available[0].amount, found.pending[0].amount) == (2 * 5796, 0)


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_live_keys_are_refused(key: str) -> None:
    with pytest.raises(LiveKey, match="STRIPE_SECRET_KEY"):
        create_sandbox(SandboxSettings(stripe_secret_key=key))


def test_the_process_says_why_it_does_not_start() -> None:
    environ = {**os.environ, "CALCOM_API_KEY": "cal_live_1"}
    ended = subprocess.run(
        [sys.executable, "-m", "discuno.sandbox"], env=environ, capture_output=True, text=True, check=False
    )
    words = "The sandbox does not start with live keys: CALCOM_API_KEY is one.\n"
    assert (ended.stderr, ended.stdout, ended.returncode) == (words, "", 2)


def test_settings_come_from_the_environment() -> None:
    settings = settings_from({"BASE_URL": "http://a/", "SANDBOX_JOURNAL": "x.jsonl", "RESEND_API_KEY": ""})
    assert (settings.app_url, settings.journal) == ("http://a", Path("x.jsonl"))
    assert settings.resend_api_key == SandboxSettings.resend_api_key
