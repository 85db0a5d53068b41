"""A shop of one page for the browser tests: our script on the sandbox's Stripe.js; and what a customer does."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import requests
import stripe
from flask import Flask, Response, render_template_string, request
from playwright.sync_api import FrameLocator, Locator, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from discuno.sandbox.app import create_sandbox
from discuno.sandbox.settings import SandboxSettings

ROOT = Path(__file__).parents[2]
SCREEN = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Payment</title>
<link rel="stylesheet" href="/page.css">
<script src="{{ script }}" defer></script><script type="module" src="/static/checkout.js"></script></head>
<body><main><h1>Payment</h1>
<discuno-checkout publishable-key="pk_test_sandbox" client-secret="{{ secret }}" done-url="/done"
 data-expired-url="/again"><form>
<div data-slot="payment" data-skeleton></div><div data-slot="address"></div>
<p data-slot="error" role="alert" tabindex="-1" hidden></p>
<button data-slot="pay" disabled><span data-slot="pay-label">Pay</span> <span data-slot="total"></span></button>
</form></discuno-checkout></main><aside></aside></body></html>"""
STYLE = """:root { color-scheme: light dark; --paper: #faf8f3; --surface: #fffefb; --ink: #1c211e;
 --accent: #0d6a4d; --on-accent: #fff; --bad: #b02a20; --line-strong: #c9c3b2;
 --sans: system-ui, sans-serif; --r: 8px; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181a; --surface: #1b2022; --ink: #eceee9;
 --accent: #5cc79d; --on-accent: #08251a; --bad: #f2897e; --line-strong: #454e50; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 var(--sans); }
main { max-width: 34rem; margin: 1rem auto; padding: 1rem; } h1 { font-family: Georgia, serif; }
form { display: grid; gap: 1rem; } [data-skeleton] { min-height: 9rem; } [data-slot=error] { color: var(--bad); }
[data-slot=pay] { min-height: 3rem; border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent);
 font: 600 1rem var(--sans); } [data-slot=pay]:disabled { opacity: .55; }"""


@dataclass(frozen=True)
class Shop:
    """A sandbox, an app of one page that uses it, and the session it sells."""

    app_url: str
    sandbox_url: str
    client: stripe.StripeClient

    def session(self) -> stripe.checkout.Session:
        """An open Checkout Session over $60.00."""
        return self.client.v1.checkout.sessions.create(
            {
                "ui_mode": "elements",
                "mode": "payment",
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": "usd",
                            "unit_amount": 6000,
                            "product_data": {"name": "Application review"},
                        },
                    }
                ],
                "customer_email": "jun@example.com",
                "billing_address_collection": "required",
                "return_url": f"{self.app_url}/done?session_id={{CHECKOUT_SESSION_ID}}",
            }
        )

    def status(self, session: stripe.checkout.Session) -> tuple[str | None, str]:
        """What the server knows of a session by now."""
        known = self.client.v1.checkout.sessions.retrieve(session.id)
        return known.status, known.payment_status


def storefront(sandbox_url: str) -> Flask:
    """The page the element stands in, under the security policy of the real one."""
    app = Flask(__name__, static_folder=str(ROOT / "static"))

    @app.get("/pay")
    def screen() -> str:
        script = request.args.get("script", f"{sandbox_url}/js/stripe.js")
        return render_template_string(SCREEN, script=script, secret=request.args["secret"])

    @app.get("/page.css")
    def style() -> Response:
        return Response(STYLE, content_type="text/css")

    @app.get("/done")
    @app.get("/again")
    def elsewhere() -> str:
        return f"<!doctype html><title>Elsewhere</title>{request.path}"

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' {sandbox_url}; style-src 'self'; "
            f"connect-src 'self' {sandbox_url}; frame-src {sandbox_url}"
        )
        return response

    return app


def serve(app: Flask, server: BaseWSGIServer) -> threading.Thread:
    """Answer requests of `server` with `app` in the background."""
    server.app = app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    return thread


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Sandbox and app on ports of their own, for as long as the block lasts."""
    servers = [make_server("127.0.0.1", 0, Flask("nobody"), threaded=True) for _ in range(2)]
    app_url, sandbox_url = (f"http://127.0.0.1:{server.port}" for server in servers)
    sandbox = create_sandbox(SandboxSettings(app_url=app_url, own_url=sandbox_url))
    threads = [serve(storefront(sandbox_url), servers[0]), serve(sandbox, servers[1])]
    client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": f"{sandbox_url}/stripe"})
    yield Shop(app_url, sandbox_url, client)
    for server in servers:
        server.shutdown()
    for thread in threads:
        thread.join()


def card_of(page: Page) -> FrameLocator:
    return page.frame_locator("[data-slot=payment] iframe")


def open_step(page: Page, shop: Shop, session: stripe.checkout.Session, **query: str) -> None:
    """Load the page of a session and wait until its fields are there."""
    page.goto(f"{shop.app_url}/pay?{urlencode({'secret': session.client_secret, **query})}")
    expect(card_of(page).get_by_label("Card number")).to_be_visible()


def fill(page: Page, number: str = "4242424242424242") -> None:
    """Type a card and an address, as a person would."""
    card = card_of(page)
    for label, value in (("Card number", number), ("Expiration date", "1234"), ("Security code", "123")):
        card.get_by_label(label).clear()
        card.get_by_label(label).press_sequentially(value)
    address = page.frame_locator("[data-slot=address] iframe")
    values = ("Jun Tanaka", "1 Main Street", "Boston", "02139")
    for label, value in zip(("Full name", "Address", "City", "Postal code"), values, strict=True):
        address.get_by_label(label, exact=True).fill(value)


@contextmanager
def planted(shop: Shop, rule: Mapping[str, object]) -> Iterator[None]:
    """A fault of the sandbox, for as long as the block lasts."""
    requests.post(f"{shop.sandbox_url}/control/faults", json=rule, timeout=5).raise_for_status()
    yield
    requests.delete(f"{shop.sandbox_url}/control/faults", timeout=5).raise_for_status()


def pay_button(page: Page) -> Locator:
    return page.locator("[data-slot=pay]")


def error_of(page: Page) -> Locator:
    return page.get_by_role("alert")
