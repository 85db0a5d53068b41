"""The mentor's page about being paid: to Stripe and back, and how the account stands, in words."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from discuno.accounts.models import AuditEntry
from discuno.kit.outbox import Job
from discuno.payouts import countries
from discuno.payouts.models import MentorStripeAccount
from tests.factories import all_of, change, the
from tests.house import House
from tests.mentors import NIA, open_account, steer
from tests.reporting import Holder
from tests.signing import signed_in

PAGE, NIAS = "/dashboard/stripe", str(NIA["email"])
GIVEN = {"onboarding": "/stripe/hosted/onboarding/", "dashboard": "/stripe/hosted/express/"}


@pytest.fixture
def nia(bare: House) -> House:
    """A house with one mentor, who has no account anywhere."""
    bare.plant(NIA)
    return bare


def at_page(house: House) -> Holder:
    return Holder(signed_in(house, NIAS), PAGE)


def audited(house: House) -> list[tuple[str, str, Any]]:
    return [(e.actor, e.action, e.after) for e in all_of(house, AuditEntry) if e.actor == NIAS]


def test_the_page_leads_to_stripe_and_says_how_it_stands_on_return(nia: House) -> None:
    her = at_page(nia)
    assert "Set up payments with Stripe" in her.reads()
    first = her.sends("", country="ie")
    assert (first.status_code, first.headers["Cache-Control"]) == (303, "no-store")
    assert GIVEN["onboarding"] in first.location
    again = her.client.get(f"{PAGE}/again")
    assert again.status_code == 303
    assert again.location != first.location
    assert her.client.get(f"{PAGE}/back").location.endswith(PAGE)
    html = her.reads()
    for words in ("Not finished", "a bank account to pay you to", "Finish at Stripe"):
        assert words in html
    assert "Choose a country" not in html
    account = the(nia, MentorStripeAccount)
    nia.control("POST", f"stripe/accounts/{account.stripe_account_id}/onboard")
    assert account.country == "IE"
    nia.work()
    her.client.get(f"{PAGE}/back")
    assert "Your account can receive money. Your paid sessions can be booked." in her.reads()
    assert GIVEN["dashboard"] in her.sends("/dashboard").location
    opened = (NIAS, "open_account", {"country": "ie"})
    assert audited(nia) == [opened, (NIAS, "open_stripe_dashboard", None)]


def test_a_country_is_asked_for_and_one_that_may_not_be_chosen_makes_no_account(nia: House) -> None:
    her = at_page(nia)
    assert '<option value="us" selected>United States</option>' in her.reads()  # by her zone
    for country in ("", "jp", "US", "<b>"):
        answer = her.sends("", country=country)
        assert (answer.status_code, "Please choose the country" in answer.text) == (422, True)
    assert all_of(nia, MentorStripeAccount) == []
    assert [countries.of_zone(zone) for zone in ("Europe/London", "Asia/Tokyo", "UTC")] == ["gb", None, None]


def test_who_chooses_another_country_while_stripe_is_away_gets_one_account_there(nia: House) -> None:
    nia.fault("/stripe/v2/core/accounts", "drop_before", times=-1)
    her = at_page(nia)
    for country in ("fr", "de"):
        assert her.sends("", country=country).status_code == 503
    nia.control("DELETE", "faults")
    change(nia, "UPDATE discuno_job SET run_at = now()")
    nia.settle_down()
    assert (the(nia, MentorStripeAccount).country, len(nia.stripe("account"))) == ("DE", 1)
    assert not [job for job in all_of(nia, Job) if job.task == "open_account"]


def test_a_browser_may_follow_the_form_to_stripe(nia: House) -> None:
    policy = at_page(nia).client.get(PAGE).headers["Content-Security-Policy"]
    assert f"form-action 'self' https://connect.stripe.com https://*.stripe.com {nia.sandbox.url};" in policy


def test_without_stripe_the_page_says_so_and_nothing_is_lost(nia: House) -> None:
    nia.fault("/stripe/", "drop_before", times=-1)
    answer = at_page(nia).sends("", country="us")
    assert answer.status_code == 503
    assert "We cannot reach Stripe right now" in answer.text


def test_a_refused_mentor_has_no_button_to_press(nia: House) -> None:
    open_account(nia)
    steer(nia, "", {"requirements": {"disabled_reason": "rejected.listed"}}, username="nia")
    html = at_page(nia).reads()
    assert "Stripe does not accept your account." in html
    assert 'href="mailto:admin@discuno.example"' in html
    assert f'action="{PAGE}"' not in html


def test_the_account_of_one_mentor_is_never_another_ones(nia: House) -> None:
    open_account(nia)
    nia.plant({**NIA, "username": "bo", "name": "Bo", "email": "bo@discuno.example"})
    bo = Holder(signed_in(nia, "bo@discuno.example"), PAGE)
    assert "Set up payments with Stripe" in bo.reads()
    assert bo.sends("/dashboard").status_code == 409
    assert bo.client.get(f"{PAGE}/again").location.endswith(PAGE)


@pytest.mark.parametrize("path", ["x", "x.y.z/back", "x/again"])
def test_an_old_link_leads_to_the_page_that_asks_who_it_is(nia: House, path: str) -> None:
    client: FlaskClient = nia.app.test_client()
    answer = client.get(f"/onboarding/{path}")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert client.get(PAGE).location.startswith("/sign-in")
