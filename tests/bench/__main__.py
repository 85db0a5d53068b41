"""CPU and wall time of what is asked most often, in one process against the embedded servers.

Numbers of one machine in one hour: compare ratios, not absolutes.
"""

import gzip
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median

import stripe
from flask.testing import FlaskClient

from discuno.sandbox.settings import SandboxSettings
from tests.attendee import Attendee
from tests.bench import dashboards, release
from tests.catalogue import AMARA, OWEN
from tests.house import House, running_house

ROUNDS, TIMES = 5, 60
SESSION_EVENT = {
    "object": "event",
    "api_version": "2026-10-28.endive",
    "type": "charge.updated",
    "livemode": False,
    "data": {"object": {"id": "ch_bench", "object": "charge", "metadata": {"filler": "x" * 2000}}},
}


def webhooks(client: FlaskClient) -> Callable[[int], None]:
    """One unique signed event of 2.2 kB: verify, store, answer."""
    secret = SandboxSettings.stripe_webhook_secret

    def deliver(number: int) -> None:
        body = json.dumps({**SESSION_EVENT, "id": f"evt_{time.monotonic_ns()}_{number}"})
        header = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time()))
        answer = client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": header})
        assert answer.status_code == 200

    return deliver


def page(client: FlaskClient, url: str, *, part: bool = False) -> Callable[[int], None]:
    """One page, or its part as htmx gets it."""
    headers = {"HX-Request": "true"} if part else {}

    def read(_number: int) -> None:
        assert client.get(url, headers=headers).status_code == 200

    return read


def measure(work: Callable[[int], None]) -> tuple[float, float]:
    """Median CPU and wall milliseconds of one go, over rounds of many."""
    cpu, wall = [], []
    work(0)
    for _ in range(ROUNDS):
        cpu_began, wall_began = time.process_time(), time.perf_counter()
        for number in range(TIMES):
            work(number)
        cpu.append((time.process_time() - cpu_began) * 1000 / TIMES)
        wall.append((time.perf_counter() - wall_began) * 1000 / TIMES)
    return median(cpu), median(wall)


def run(house: House) -> list[str]:
    """Measure everything; one line each."""
    client = house.app.test_client()
    jun = Attendee(house, client)
    [review, *_] = jun.offers("amara")
    calendar = f"/mentor/amara/book/{review}/calendar?zone=Europe/Paris&day={jun.day()}"
    session_id = jun.reach_payment()
    asked = {
        "webhook stored": webhooks(client),
        "directory": page(client, "/"),
        "time step, whole page": page(client, f"/mentor/amara/book/{review}?zone=Europe/Paris"),
        "another day (part)": page(client, calendar, part=True),
        "status poll (part)": page(client, f"/mentor/amara/book/status?session_id={session_id}", part=True),
    }
    lines = []
    for name, work in asked.items():
        cpu, wall = measure(work)
        lines.append(f"{name:24} {cpu:7.2f} ms CPU {wall:7.2f} ms wall")
    part = client.get(calendar, headers={"HX-Request": "true"}).data
    lines.append(f"{'another day (part)':24} {len(gzip.compress(part, 9)):7} bytes gzipped")
    return lines


def main() -> None:
    """Run it in a house of its own, its logs kept out of the way; `dashboards` alone when that is asked for."""
    if sys.argv[1:] == ["dashboards"]:
        with redirect_stdout(io.StringIO()):
            lines = dashboards.measure()
        sys.stdout.write("\n".join(lines) + "\n")
        return
    with (
        tempfile.TemporaryDirectory() as directory,
        redirect_stdout(io.StringIO()),
        running_house(Path(directory)) as house,
    ):
        house.begin_with(AMARA, OWEN)
        lines = run(house)
    with redirect_stdout(io.StringIO()):
        lines += release.measure()
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
