"""Brings webhooks to the app: signed, retried, and on demand lost, doubled, late or reordered."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import requests

from discuno.sandbox.world import Record, World

Signer = Callable[[bytes], Mapping[str, str]]
RETRY_AFTER = (0.5, 1, 2, 5, 10, 30, 60, 120)  # seconds; a sandbox is impatient where Stripe takes days


@dataclass
class Weather:
    """How deliveries of one vendor fare; counts run down, -1 stays."""

    id: str  # vendor
    lose: int = 0  # so many deliveries never leave (the vendor believes they did)
    lose_knowing: int = 0  # so many are given up at once (the vendor knows: your endpoint was down)
    duplicate: int = 1  # each delivery is made so many times
    delay: float = 0.0  # seconds before the first try
    shuffle: bool = False  # due deliveries leave in random order


class Courier:
    """Deliveries live in the world, so that a restart loses none; one thread carries them."""

    def __init__(self, world: World, signers: Mapping[str, Signer]) -> None:
        self.world = world
        self.signers = signers  # by channel: "stripe", "stripe_connect", "calcom", "resend"
        self._wake = threading.Event()
        self._stop = threading.Event()
        self.carrying = threading.Lock()  # held for a round of deliveries; two rounds would deliver twice
        self._thread: threading.Thread | None = None

    def weather(self, channel: str) -> Weather:
        """The weather of a channel, fair unless told otherwise."""
        return Weather(**(self.world.get("weather", channel) or {"id": channel}))

    def set_weather(self, channel: str, **change: Any) -> None:
        """Change the weather of a channel."""
        self.world.put("weather", asdict(Weather(**{**asdict(self.weather(channel)), **change})))

    def send(self, channel: str, url: str, body: str, about: str, reference: str = "") -> None:
        """Owe one webhook: `about` is the event type, `reference` the vendor's id of the event."""
        weather = self.weather(channel)
        for count, state in (("lose", "lost"), ("lose_knowing", "given_up")):
            left = getattr(weather, count)
            if left:
                self._file(_delivery(channel, url, body, about, reference, state=state))
                self.set_weather(channel, **{count: max(-1, left - 1)})
                return
        delivery = _delivery(channel, url, body, about, reference, state="due")
        for _ in range(max(1, weather.duplicate)):
            self._file({**delivery, "due": time.time() + weather.delay})
        self._wake.set()

    def _file(self, delivery: Record) -> None:
        self.world.put("delivery", {**delivery, "id": self.world.new_id("dlv_")})

    def start(self) -> None:
        """Carry deliveries in the background until `stop`."""
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the delivery in hand and stop."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(timeout=0.1)
            self._wake.clear()
            self.deliver_due()

    def deliver_due(self, *, early: bool = False) -> int:
        """Try every due delivery once, or every owed one when `early`; returns how many were tried."""
        with self.carrying:
            owed = list(self.world.find("delivery", state="due"))
            due = [d for d in owed if early or d["due"] <= time.time()]
            if any(self.weather(d["channel"]).shuffle for d in due):
                random.shuffle(due)
            for delivery in due:
                self._try(delivery)
            return len(due)

    def resend(self, delivery_id: str) -> None:
        """Make a delivery due again, whatever became of it."""
        delivery = self.world.get("delivery", delivery_id)
        if delivery is not None:
            self.world.put("delivery", {**delivery, "state": "due", "due": time.time(), "tries": 0})
            self._wake.set()

    def _try(self, delivery: Record) -> None:
        body = delivery["body"].encode()
        headers = {"Content-Type": "application/json", **self.signers[delivery["channel"]](body)}
        try:
            status = requests.post(
                delivery["url"], data=body, headers=headers, timeout=10, allow_redirects=False
            ).status_code
        except requests.RequestException:
            status = 0
        tries = delivery["tries"] + 1
        done = 200 <= status < 300
        state = "delivered" if done else "given_up" if tries > len(RETRY_AFTER) else "due"
        due = time.time() + RETRY_AFTER[min(tries, len(RETRY_AFTER)) - 1]
        self.world.put("delivery", {**delivery, "state": state, "tries": tries, "status": status, "due": due})


def _delivery(channel: str, url: str, body: str, about: str, reference: str, *, state: str) -> Record:
    return {
        "channel": channel,
        "url": url,
        "body": body,
        "about": about,
        "reference": reference,
        "state": state,  # due | delivered | lost | given_up
        "due": 0.0,
        "tries": 0,
        "status": None,
    }
