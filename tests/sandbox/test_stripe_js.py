"""The payment step in a browser: our script, unchanged, on the sandbox's Stripe.js."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.sandbox.storefront import Shop, card_of, error_of, fill, open_step, pay_button, planted

pytestmark = pytest.mark.story


def test_the_button_waits_for_the_fields_and_a_paid_session_leads_on(page: Page, shop: Shop) -> None:
    session = shop.session()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    open_step(page, shop, session)
    expect(pay_button(page)).to_have_text("Pay $60.00")
    expect(pay_button(page)).to_be_disabled()
    fill(page)
    expect(card_of(page).get_by_label("Card number")).to_have_value("4242 4242 4242 4242")
    expect(card_of(page).get_by_label("Expiration date")).to_have_value("12 / 34")
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")
    assert shop.status(session) == ("complete", "paid")
    assert complaints == []  # no breach of the security policy among them


def test_enter_in_a_card_field_pays(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    fill(page)
    expect(pay_button(page)).to_be_enabled()
    card_of(page).get_by_label("Security code").press("Enter")
    page.wait_for_url(f"{shop.app_url}/done")


def test_a_declined_card_says_why_and_another_one_pays(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page, "4000000000000002")
    pay_button(page).click()
    expect(error_of(page)).to_contain_text("declined")
    expect(error_of(page)).to_contain_text("Try another card.")
    expect(error_of(page)).to_be_focused()
    expect(pay_button(page)).to_be_enabled()
    fill(page)
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")
    assert shop.status(session) == ("complete", "paid")


def test_an_answer_lost_on_the_way_does_not_hide_that_it_was_paid(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page)
    rule = {"path": "POST /js/sessions/confirm", "action": "drop_after", "times": -1}
    with planted(shop, rule):
        pay_button(page).click()
        page.wait_for_url(f"{shop.app_url}/done")
    assert shop.status(session) == ("complete", "paid")


def test_a_service_out_of_reach_leaves_the_form_usable(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page)
    with planted(shop, {"path": "POST /js/sessions/confirm", "action": "drop_before", "times": -1}):
        pay_button(page).click()
        expect(error_of(page)).to_contain_text("could not be reached")
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")


@pytest.mark.parametrize("answer", ["Complete", "Fail"])
def test_the_bank_may_ask_the_cardholder_first(page: Page, shop: Shop, answer: str) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page, "4000000000003220")
    pay_button(page).click()
    expect(pay_button(page)).to_have_text("Paying… $60.00")
    expect(page.locator("discuno-checkout")).to_have_attribute("aria-busy", "true")
    bank = page.frame_locator("body > iframe[title='Your bank asks you to confirm']")
    bank.get_by_role("button", name=answer).click()
    if answer == "Complete":
        page.wait_for_url(f"{shop.app_url}/done")
        assert shop.status(session) == ("complete", "paid")
    else:
        expect(error_of(page)).to_contain_text("authenticate")
        expect(pay_button(page)).to_be_enabled()
        assert shop.status(session) == ("open", "unpaid")


def test_an_expired_session_offers_another_time(page: Page, shop: Shop) -> None:
    session = shop.session()
    shop.client.v1.checkout.sessions.expire(session.id)
    open_step(page, shop, session)
    expect(error_of(page)).to_contain_text("Nothing has been charged")
    expect(error_of(page).get_by_role("link")).to_have_attribute("href", "/again")
    expect(pay_button(page)).to_be_disabled()


def test_a_session_that_expires_while_open_is_not_paid(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page)
    shop.client.v1.checkout.sessions.expire(session.id)
    pay_button(page).click()
    expect(error_of(page).get_by_role("link", name="Choose a time again")).to_be_visible()
    expect(pay_button(page)).to_be_disabled()


def test_a_session_paid_elsewhere_leads_on(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    fill(page)
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")
    page.goto(f"{shop.app_url}/pay?{urlencode({'secret': session.client_secret})}")
    page.wait_for_url(f"{shop.app_url}/done")


def test_an_unknown_session_offers_to_try_again(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.app_url}/pay?secret=cs_test_none_secret_none")
    expect(error_of(page)).to_contain_text("did not load. Nothing has been charged.")
    expect(error_of(page).get_by_role("button", name="Try again")).to_be_visible()


def test_a_blocked_script_is_explained(page: Page, shop: Shop) -> None:
    page.clock.install()
    page.goto(f"{shop.app_url}/pay?{urlencode({'secret': 'cs_x_secret_x', 'script': '/nowhere.js'})}")
    page.clock.run_for(9_000)
    expect(error_of(page)).to_contain_text("js.stripe.com")
    expect(error_of(page).get_by_role("button", name="Try again")).to_be_visible()


def test_an_element_taken_away_and_put_back_mounts_afresh(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    page.evaluate("window.part = document.querySelector('discuno-checkout'), part.remove()")
    expect(page.locator("iframe")).to_have_count(1)  # Stripe's own, on the body
    page.evaluate("document.querySelector('main').append(part)")
    expect(card_of(page).get_by_label("Card number")).to_be_visible()
    fill(page)
    pay_button(page).click()
    page.wait_for_url(f"{shop.app_url}/done")


def test_moves_leave_one_set_of_fields(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    page.evaluate("""() => { const part = document.querySelector('discuno-checkout');
        for (const place of ['aside', 'main', 'aside']) document.querySelector(place).append(part); }""")
    expect(card_of(page).get_by_label("Card number")).to_be_visible()
    expect(page.locator("discuno-checkout iframe")).to_have_count(2)
    card_of(page).get_by_label("Card number").press_sequentially("4242")
    page.evaluate("""() => document.querySelector('main').moveBefore(
        document.querySelector('discuno-checkout'), null)""")
    expect(card_of(page).get_by_label("Card number")).to_have_value("4242")


def test_a_body_that_lost_stripes_own_frame_offers_to_reload(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    page.evaluate("""() => { const part = document.querySelector('discuno-checkout');
        document.body.replaceChildren(document.createElement('main'));
        document.querySelector('main').append(part); }""")
    error_of(page).get_by_role("button", name="Try again").click()
    expect(card_of(page).get_by_label("Card number")).to_be_visible()


def test_a_payment_under_way_survives_the_loss_of_its_element(page: Page, shop: Shop) -> None:
    session = shop.session()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(error.message))
    open_step(page, shop, session)
    fill(page)
    page.evaluate("""() => { const send = window.fetch;
        window.fetch = (url, init) => {
          if (String(url).endsWith('/confirm')) document.querySelector('discuno-checkout').remove();
          return send(url, init);
        }; }""")
    with page.expect_response("**/js/sessions?*"):  # the last thing the stand-in asks
        pay_button(page).click()
    expect(page.locator("discuno-checkout")).to_have_count(0)
    assert shop.status(session) == ("complete", "paid")
    assert page.url.startswith(f"{shop.app_url}/pay")
    assert not mistakes


def test_integration_mistakes_are_thrown_as_stripe_throws_them(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    said = page.evaluate(
        """async (clientSecret) => {
          const said = [];
          const attempt = async (work) => { try { await work(); } catch (error) { said.push(error.name); } };
          await attempt(() => Stripe('sk_test_1'));
          const stripe = Stripe('pk_test_1');
          await attempt(() => stripe.initCheckout({ clientSecret }));
          await attempt(() => stripe.initCheckoutElementsSdk({ fetchClientSecret: () => clientSecret }));
          const sdk = stripe.initCheckoutElementsSdk({ clientSecret: Promise.resolve(clientSecret) });
          sdk.createPaymentElement().mount(document.querySelector('aside'));
          await attempt(() => sdk.createPaymentElement());
          const { actions } = await sdk.loadActions();
          await attempt(() => actions.confirm());  // its total was never read
          await attempt(() => actions.applyPromotionCode('X'));
          const session = actions.getSession();
          session.currency === 'usd' && (session.status.type = 'complete');
          return [...said, actions.getSession().status.type];
        }""",
        session.client_secret,
    )
    assert said == ["IntegrationError"] * 6 + ["open"]


def test_an_update_on_the_server_keeps_the_button_shut(page: Page, shop: Shop) -> None:
    open_step(page, shop, shop.session())
    seen = page.evaluate(
        """async (clientSecret) => {
          const sdk = Stripe('pk_test_1').initCheckoutElementsSdk({ clientSecret });
          const payment = sdk.createPaymentElement();
          const seen = [];
          const complete = new Promise((resolve) => payment.on('change', (event) => event.complete && resolve()));
          document.querySelector('discuno-checkout').remove();
          payment.mount(document.querySelector('aside'));
          const { actions } = await sdk.loadActions();
          window.complete = complete.then(async () => {
            seen.push(actions.getSession().canConfirm);
            sdk.on('change', (session) => seen.push(session.canConfirm));
            const result = await actions.runServerUpdate(async () => {});
            return [...seen, result.type];
          });
        }""",
        shop.session().client_secret,
    )
    assert seen is None
    page.frame_locator("aside iframe").get_by_role("button", name="Use 4242").click()
    assert page.evaluate("window.complete") == [True, False, True, "success"]


def test_redirect_always_goes_to_the_sessions_return_url(page: Page, shop: Shop) -> None:
    session = shop.session()
    open_step(page, shop, session)
    page.evaluate(
        """async (clientSecret) => {
          document.querySelector('discuno-checkout').remove();
          const sdk = Stripe('pk_test_1').initCheckoutElementsSdk({ clientSecret });
          sdk.createPaymentElement().mount(document.querySelector('aside'));
          sdk.on('change', (session) => session.canConfirm && window.actions.confirm());
          window.actions = (await sdk.loadActions()).actions;
          window.actions.getSession().total.total.amount;
        }""",
        session.client_secret,
    )
    page.frame_locator("aside iframe").get_by_role("button", name="Use 4242").click()
    page.wait_for_url(f"{shop.app_url}/done?session_id={session.id}")
