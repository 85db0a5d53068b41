"""The mentor's page about being paid: to Stripe and back by a signed link."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from discuno.kit import links
from discuno.payouts import accounts
from discuno.payouts.models import MentorStripeAccount
from tests.factories import the
from tests.house import House
from tests.mentors import NIA, open_account, steer

pytestmark = pytest.mark.story

DAY = timedelta(days=1)


@pytest.fixture
def nia(bare: House) -> House:
    """A house with one mentor, who has no account anywhere."""
    bare.plant(NIA)
    return bare


# The mentor's page


def token_of(house: House, username: str) -> str:
    link = house.app.test_cli_runner().invoke(args=["onboarding", username]).output.strip()
    assert link.startswith(f"{house.url}/onboarding/")
    return str(link.rsplit("/", 1)[1])


def press(client: FlaskClient, page: str, where: str = "") -> Any:
    html = client.get(page).text
    csrf = html.split('name="csrf_token" value="')[1].split('"')[0]
    return client.post(page + where, data={"csrf_token": csrf})


def test_the_page_leads_to_stripe_and_says_how_it_stands_on_return(nia: House) -> None:
    client, page = nia.app.test_client(), f"/onboarding/{token_of(nia, 'nia')}"
    assert "Set up payments with Stripe" in client.get(page).text
    first = press(client, page)
    assert first.status_code == 303
    assert "/stripe/hosted/onboarding/" in first.location
    assert first.headers["Cache-Control"] == "no-store"
    again = client.get(f"{page}/again")
    assert again.status_code == 303
    assert again.location != first.location
    assert client.get(f"{page}/back").location.endswith(page)
    html = client.get(page).text
    assert "Not finished" in html
    assert "a bank account to pay you to" in html
    stripe_id = the(nia, MentorStripeAccount).stripe_account_id
    nia.control("POST", f"stripe/accounts/{stripe_id}/onboard")
    client.get(f"{page}/back")
    assert "Ready" in client.get(page).text
    dashboard = press(client, page, "/dashboard")
    assert "/stripe/hosted/express/" in dashboard.location


def test_a_browser_may_follow_the_form_to_stripe(nia: House) -> None:
    answer = nia.app.test_client().get(f"/onboarding/{token_of(nia, 'nia')}")
    policy = answer.headers["Content-Security-Policy"]
    assert f"form-action 'self' https://connect.stripe.com https://*.stripe.com {nia.sandbox.url};" in policy


def test_without_stripe_the_page_says_so_and_nothing_is_lost(nia: House) -> None:
    client, page = nia.app.test_client(), f"/onboarding/{token_of(nia, 'nia')}"
    nia.fault("/stripe/", "drop_before", times=-1)
    answer = press(client, page)
    assert answer.status_code == 503
    assert "We cannot reach Stripe right now" in answer.text


def test_a_refused_mentor_has_no_button_to_press(nia: House) -> None:
    open_account(nia)
    steer(nia, "", {"requirements": {"disabled_reason": "rejected.listed"}}, username="nia")
    html = nia.app.test_client().get(f"/onboarding/{token_of(nia, 'nia')}").text
    assert "Stripe does not accept this account." in html
    assert "Continue at Stripe" not in html


def test_a_link_that_is_not_ours_is_a_kind_404(nia: House) -> None:
    with nia.app.app_context():
        other_use = links.sign("something else", {"mentor": 1, "version": 1})
        old_version = links.sign(accounts.ONBOARDING, {"mentor": 1, "version": 0})
        nobody = links.sign(accounts.ONBOARDING, {"mentor": 999, "version": 1})
        assert links.read(accounts.ONBOARDING, token_of(nia, "nia"), -DAY) is None  # too old
    for token in ("x", "x.y.z", other_use, old_version, nobody, token_of(nia, "nia") + "x"):
        for path in ("", "/again", "/back"):
            answer = nia.app.test_client().get(f"/onboarding/{token}{path}")
            assert answer.status_code == 404
    assert "we send you a new one" in nia.app.test_client().get("/onboarding/x").text
