"""A sandbox over HTTP, a place that receives its webhooks, and the real Stripe client between them."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests
import stripe
from flask import Flask, request
from stripe import checkout
from werkzeug.serving import make_server

from discuno.sandbox.app import serve
from discuno.sandbox.settings import SandboxSettings

SECRETS = {
    "/webhooks/stripe": SandboxSettings.stripe_webhook_secret,
    "/webhooks/stripe/connect": SandboxSettings.stripe_connect_webhook_secret,
}
LINE = {
    "quantity": 1,
    "price_data": {"currency": "usd", "unit_amount": 6000, "product_data": {"name": "Mentor session"}},
}
SESSION: dict[str, Any] = {
    "ui_mode": "elements",
    "mode": "payment",
    "line_items": [LINE],
    "customer_email": "ada@example.com",
    "billing_address_collection": "required",
    "allowed_payment_method_types": ["card"],
    "adaptive_pricing": {"enabled": False},
    "metadata": {"booking": "7"},
    "payment_intent_data": {"transfer_group": "booking_7", "metadata": {"booking": "7"}},
    "return_url": "http://127.0.0.1/done?session_id={CHECKOUT_SESSION_ID}",
}
RECIPIENT: dict[str, Any] = {
    "contact_email": "grace@example.com",
    "display_name": "Grace",
    "dashboard": "express",
    "identity": {"country": "us", "entity_type": "individual"},
    "configuration": {
        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    },
    "defaults": {
        "currency": "usd",
        "responsibilities": {"fees_collector": "application", "losses_collector": "application"},
    },
    "include": ["configuration.recipient"],
}


@dataclass
class Inbox:
    """What the app would have received; `answers` are used up first, then it says 200."""

    events: list[tuple[str, str, str]] = field(default_factory=list)  # path, body, signature
    answers: list[int] = field(default_factory=list)

    def app(self) -> Flask:
        """The receiving end."""
        app = Flask("inbox")

        @app.post("/<path:path>")
        def receive(path: str) -> tuple[str, int]:
            signature = request.headers.get("Stripe-Signature", "")
            self.events.append((f"/{path}", request.get_data(as_text=True), signature))
            return "", self.answers.pop(0) if self.answers else 200

        return app


class Bench:
    """One sandbox, its client and its inbox."""

    def __init__(self, journal: Path | None = None) -> None:
        self.inbox = Inbox()
        self._receiver = make_server("127.0.0.1", 0, self.inbox.app(), threaded=True)
        threading.Thread(target=self._receiver.serve_forever, args=(0.05,), daemon=True).start()
        settings = SandboxSettings(app_url=f"http://127.0.0.1:{self._receiver.port}", journal=journal)
        self.sandbox = serve(settings)
        self.url = self.sandbox.url
        self.client = self.client_with()
        self.v1 = self.client.v1

    def client_with(
        self, key: str = SandboxSettings.stripe_secret_key, **options: Any
    ) -> stripe.StripeClient:
        """A client of this sandbox."""
        return stripe.StripeClient(
            key, base_addresses={"api": f"{self.url}/stripe", "files": f"{self.url}/stripe"}, **options
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.stop()
        self._receiver.shutdown()
        self._receiver.server_close()

    def control(self, lever: str, /, method: str = "POST", **said: Any) -> Any:
        """Pull a lever."""
        response = requests.request(method, f"{self.url}/control{lever}", json=said, timeout=10)
        response.raise_for_status()
        return response.json()

    def fault(self, **rule: Any) -> None:
        """Plant a fault."""
        self.control("/faults", **rule)

    def session(self, **change: Any) -> checkout.Session:
        """An open session of 60 dollars."""
        return self.v1.checkout.sessions.create({**SESSION, **change})

    def pay(self, session_id: str, **said: Any) -> Any:
        """Pay it as the browser would."""
        return self.control(f"/stripe/sessions/{session_id}/pay", **said)

    def paid_charge(self, card: str = "4242424242424242", **change: Any) -> stripe.Charge:
        """The charge of a session just paid."""
        session = self.session(**change)
        assert self.pay(session.id, card=card) == {"type": "success"}
        expand = ["payment_intent.latest_charge"]
        paid = self.v1.checkout.sessions.retrieve(session.id, {"expand": expand})
        return paid.payment_intent.latest_charge

    def mentor(self) -> str:
        """A connected account that may receive transfers and keeps its balance."""
        account = self.client.v2.core.accounts.create(RECIPIENT)
        self.control(f"/stripe/accounts/{account.id}/onboard")
        manual = {"payouts": {"schedule": {"interval": "manual"}}}
        self.client.raw_request("post", "/v1/balance_settings", payments=manual, stripe_account=account.id)
        return account.id

    def transfer(self, destination: str, **change: Any) -> stripe.Transfer:
        """54 dollars to a mentor."""
        params = {"amount": 5400, "currency": "usd", "destination": destination}
        return self.v1.transfers.create({**params, **change})

    def settle(self) -> None:
        """Let three days go by."""
        self.control("/advance", seconds=3 * 86400)

    def webhooks(self, path: str = "/webhooks/stripe") -> list[stripe.Event]:
        """Every snapshot event delivered there, its signature verified."""
        self.control("/deliveries/flush")
        bodies = [(body, sig) for where, body, sig in self.inbox.events if where == path]
        return [
            stripe.Webhook.construct_event(body, sig, SECRETS[path])
            for body, sig in bodies
            if '"v2.core.event"' not in body
        ]

    def told(self, path: str = "/webhooks/stripe") -> list[str]:
        """The types of those events, in order."""
        return [event.type for event in self.webhooks(path)]

    def reset(self) -> None:
        """Begin anew."""
        self.control("/reset")
        self.inbox.events.clear()
        self.inbox.answers.clear()
