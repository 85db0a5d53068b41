"""`make run` as a newcomer meets it: the Procfile's processes, the clock moved from another terminal."""

import json
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.attendee import Attendee
from tests.local.real_checkout import Browser, FarHouse, flask, link_checkout, wait_for
from tests.local.stand_in import descendants, free_pair, read_until, stop_twice, supervisor

AMARA = "amara-okafor"
CONFIRMED = "Your session is confirmed"
CLAIMED = "SELECT count(*) FROM discuno_job WHERE claimed_until IS NOT NULL"
PUSHED = "SELECT count(*) FROM discuno_job WHERE task = 'handle_event' AND pushed_at IS NOT NULL"
SOON = 20.0  # seconds; "within seconds" on a busy machine
A_MINUTE = 60.0


@pytest.mark.story
def test_the_real_processes_book_forget_redis_move_the_money_and_keep_the_data(tmp_path: Path) -> None:
    checkout, port = link_checkout(tmp_path), free_pair()
    house, jun = FarHouse(checkout), Browser(f"http://127.0.0.1:{port}")
    attendee = Attendee(house, jun)

    with supervisor(checkout, port) as run:
        assert "Discuno runs." in read_until(run, "Stop  ")
        first = attendee.reach_payment(AMARA)
        attendee.pay(first)
        wait_until_told(attendee, first, letters=1)
        second = attendee.reach_payment(AMARA)
        pay_while_redis_forgets(attendee, second, process_of(run, "worker"))
        wait_until_told(attendee, second, letters=2)
        assert house.stripe("transfer") == []

        flask(checkout, "sandbox", "advance", "20d")
        flask(checkout, "sandbox", "advance", "72h")
        wait_for(lambda: len(house.stripe("transfer")) == 2, "both transfers", SOON)
        all_stop_when_one_dies(run, "scheduler")
    assert_lines_are_json(checkout)

    with supervisor(checkout, port) as run:
        assert "Discuno runs." in read_until(run, "Stop  ")
        assert "Your session is over" in attendee.complete_page(AMARA, first)
        assert [transfer["amount"] for transfer in house.stripe("transfer")] == [5400, 5400]
        family = descendants(run)
        assert "Stopped." in stop_twice(run)
    assert run.returncode == 0
    assert [p for p in family if p.is_running()] == []


def wait_until_told(attendee: Attendee, session_id: str, letters: int) -> None:
    """The page says so, and both have been written to."""
    wait_for(lambda: CONFIRMED in attendee.complete_page(AMARA, session_id), CONFIRMED, SOON)
    for address in ("jun@example.com", "amara@discuno.example"):
        wait_for(lambda to=address: len(attendee.house.subjects(to)) == letters, f"{letters} letters", SOON)


def pay_while_redis_forgets(attendee: Attendee, session_id: str, worker: psutil.Process) -> None:
    """The webhook comes while the worker hangs; Redis, which alone could wake it, loses everything."""
    house = attendee.house
    wait_for(lambda: not house.query(CLAIMED), "an idle worker", SOON)
    worker.suspend()
    attendee.pay(session_id)
    wait_for(lambda: house.query(PUSHED), "the webhook's work in Redis", SOON)
    house.redis.flushall()
    worker.resume()
    house.control("POST", "advance", {"seconds": 31})
    house.query(
        "UPDATE discuno_clock SET ahead = ahead + interval '31 s'"
    )  # rows are told to Redis again after 30
    wait_for(lambda: not house.query(PUSHED), "the work to be done all the same", A_MINUTE)


def process_of(run: subprocess.Popen[str], name: str) -> psutil.Process:
    return next(process for process in descendants(run) if process.cmdline()[-1] == name)


def all_stop_when_one_dies(run: subprocess.Popen[str], name: str) -> None:
    family = descendants(run)
    process_of(run, name).kill()
    said, _ = run.communicate(timeout=SOON)
    assert f"{name} died (exit code -9)" in said
    assert run.returncode == 1
    assert [p for p in family if p.is_running()] == []


def assert_lines_are_json(checkout: Path) -> None:
    """What the deployed processes say, from first to last."""
    for name in ("web", "worker", "scheduler"):
        for line in (checkout / f".local/logs/{name}.log").read_text().splitlines():
            assert {"event", "level", "timestamp"} <= json.loads(line).keys(), line
