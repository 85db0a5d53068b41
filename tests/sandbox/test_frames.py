"""The frames of the sandbox's Stripe.js, in a browser: where cards are typed, and where the bank asks."""

import re
from urllib.parse import urlencode

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.sandbox.storefront import Shop, card_of, error_of, fill, open_step, pay_button

pytestmark = pytest.mark.story


def test_card_digits_never_reach_the_app(page: Page, shop: Shop) -> None:
    sent: list[tuple[str, str]] = []
    page.on("request", lambda asked: sent.append((asked.url, asked.post_data or "")))
    open_step(page, shop, shop.session())
    fill(page)
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")
    carriers = {url for url, body in sent if "4242424242424242" in url + body}
    assert carriers == {f"{shop.sandbox_url}/js/payment_methods"}


def test_the_helper_fills_the_test_card(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    card_of(page).get_by_role("button", name="Use 4242").click()
    expect(card_of(page).get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    expect(pay_button(page)).to_be_disabled()  # the address is still empty


def test_wrong_fields_are_named_where_they_stand(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    number = card_of(page).get_by_label("Card number")
    number.press_sequentially("4242424242424241")
    number.blur()
    expect(card_of(page).get_by_role("alert").first).to_have_text("Your card number is invalid.")
    expect(number).to_have_attribute("aria-invalid", "true")


def test_nothing_in_a_frame_can_be_clicked_or_typed_before_its_script_listens(page: Page, shop: Shop) -> None:
    """A click that came too early was lost, and the page waited for the bank's answer for ever."""
    held: list[Route] = []
    page.context.route(
        re.compile(r"/js/frames/(payment|address|challenge)\.js"), lambda route: held.append(route)
    )

    def let_go(scripts: int) -> None:
        while len(held) < scripts:
            page.wait_for_timeout(20)
        while held:
            held.pop().continue_()

    secret = shop.session().client_secret
    page.goto(f"{shop.app_url}/pay?{urlencode({'secret': secret})}", wait_until="commit")
    address = page.frame_locator("[data-slot=address] iframe")
    bank = page.frame_locator("body > iframe[title='Your bank asks you to confirm']")
    expect(card_of(page).get_by_label("Card number")).to_be_disabled()
    expect(card_of(page).get_by_role("button")).to_be_disabled()
    expect(address.get_by_label("Address", exact=True)).to_be_disabled()
    let_go(scripts=2)
    fill(page, "4000000000003220")
    pay_button(page).click()
    expect(bank.get_by_role("button", name="Complete")).to_be_disabled()
    expect(bank.get_by_role("button", name="Fail")).to_be_disabled()
    let_go(scripts=1)
    bank.get_by_role("button", name="Fail").click()
    expect(error_of(page)).to_contain_text("authenticate")


def test_the_fields_follow_the_pages_colours(page: Page, shop: Shop) -> None:
    page.emulate_media(color_scheme="light")
    open_step(page, shop, shop.session())
    number = card_of(page).get_by_label("Card number")
    expect(number).to_have_css("background-color", "rgb(255, 254, 251)")
    expect(number).to_have_css("border-color", "rgb(201, 195, 178)")
    page.emulate_media(color_scheme="dark")
    expect(number).to_have_css("background-color", "rgb(27, 32, 34)")


def test_another_sites_page_may_neither_read_nor_frame_it(shop: Shop) -> None:
    secret = {"client_secret": shop.session().client_secret or ""}
    stranger = requests.get(
        f"{shop.sandbox_url}/js/sessions", params=secret, headers={"Origin": "https://example.com"}, timeout=5
    )
    assert stranger.status_code == 403
    ours = requests.get(
        f"{shop.sandbox_url}/js/sessions", params=secret, headers={"Origin": shop.app_url}, timeout=5
    )
    assert ours.headers["Access-Control-Allow-Origin"] == shop.app_url
    frame = requests.get(f"{shop.sandbox_url}/js/frames/payment.html", timeout=5)
    policy = frame.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {shop.app_url}")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["frames/payment.html", "frames/address.html", "challenge/pi_none"])
def test_the_frames_are_accessible(page: Page, shop: Shop, path: str) -> None:
    page.goto(f"{shop.sandbox_url}/js/{path}")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert found.response["violations"] == []
