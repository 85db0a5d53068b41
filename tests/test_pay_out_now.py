"""Pay out now: what is available is shown, one wish is one payout, and every no is a sentence that loses nothing."""

import re
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient

from discuno.accounts.models import AuditEntry
from discuno.kit import failpoints
from discuno.payouts.models import Payout
from tests.factories import all_of, change, the
from tests.house import House
from tests.mentors import AMARAS, account_of, end_payout, has, paid_out, share_arrives
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

PAGE = "/dashboard/payouts/request"
BALANCE = "GET /stripe/v1/balance$"


@pytest.fixture
def on_request(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Mentors decide when they are paid out."""
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "on_request")
    return house


@pytest.fixture
def amara(on_request: House) -> FlaskClient:
    """Amara, with $54.00 in her account."""
    has(on_request, 5400)
    return signed_in(on_request, AMARA)


def wish(client: FlaskClient, currency: str = "usd") -> dict[str, str]:
    """The form of a currency as the page has filled it."""
    page = client.get(PAGE).text
    [form] = [
        f for f in re.findall(r"<form class=\"card.*?</form>", page, re.S) if f'value="{currency}"' in f
    ]
    return dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', form))


def order(client: FlaskClient, form: dict[str, str], **change: str) -> Any:
    return client.post(PAGE, data={**form, **change})


def test_all_there_is_goes_with_one_press_and_is_followed_to_the_bank(
    on_request: House, amara: FlaskClient
) -> None:
    form = wish(amara)
    assert form["amount"] == "54.00"
    answer = order(amara, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard/payouts/1")
    polled = 'hx-get="/dashboard/payouts/1" hx-trigger="every '
    page = amara.get("/dashboard/payouts/1").text
    assert "The payout is being made." in page
    assert f'{polled}2s"' in page
    on_request.settle_down()
    assert paid_out(on_request) == [(5400, "usd")]
    assert f'{polled}60s"' in amara.get("/dashboard/payouts/1").text
    end_payout(on_request, "paid")
    page = amara.get("/dashboard/payouts/1").text
    assert "It should be in your bank since" in page
    assert polled not in page


def test_less_than_all_can_go_and_the_log_says_who_asked(on_request: House, amara: FlaskClient) -> None:
    order(amara, wish(amara), amount="$20.50")
    on_request.settle_down()
    assert paid_out(on_request) == [(2050, "usd")]
    entry = the(on_request, AuditEntry)
    assert (entry.actor, entry.action, entry.about, entry.reason, entry.address, entry.after) == (
        *(AMARAS, "pay_out", "payout:1", "Asked for by the mentor.", "127.0.0.1"),
        {"amount": 2050, "currency": "usd"},
    )
    assert wish(amara)["amount"] == "33.50"


def test_two_clicks_at_once_and_one_more_later_make_one_payout(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    both, met = threading.Barrier(2, timeout=20), list[int]()

    def meet(point: str) -> None:
        if point.endswith("balance_of:after") and threading.current_thread().name.startswith("click"):
            met.append(both.wait())  # both have heard what is available before either writes

    clients, answers = [amara, signed_in(on_request, AMARA)], []
    with clients[1].session_transaction() as second, amara.session_transaction() as first:
        second["csrf_token"] = first["csrf_token"]
    failpoints.arm(meet)
    threads = [
        threading.Thread(target=lambda c=c: answers.append(order(c, form)), name=f"click {n}")
        for n, c in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failpoints.arm(None)
    assert sorted(met) == [0, 1]
    answers.append(order(amara, form))
    assert [(a.status_code, a.headers["Location"]) for a in answers] == [(303, "/dashboard/payouts/1")] * 3
    on_request.settle_down()
    assert paid_out(on_request) == [(5400, "usd")]
    assert len(all_of(on_request, AuditEntry)) == 1


def test_a_wish_that_was_done_is_answered_while_stripe_is_away(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    order(amara, form)
    on_request.fault(BALANCE, "drop_before", times=-1)
    assert order(amara, form).headers["Location"] == "/dashboard/payouts/1"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("54.01", "You can have at most $54.00 paid out now."),
        ("0", "Please give an amount above zero."),
        ("", "Type an amount."),
        ("a lot", "Type the amount in USD as a number, such as 1250.50."),
        ("<b>", "Type the amount in USD as a number, such as 1250.50."),
        ("1.005", "An amount in USD has at most 2 digits after the point."),
    ],
)
def test_an_amount_that_cannot_be_is_answered_with_a_sentence_and_what_was_typed(
    on_request: House, amara: FlaskClient, amount: str, words: str
) -> None:
    form = wish(amara)
    answer = order(amara, form, amount=amount)
    assert answer.status_code == 422
    assert answer.text.count(words) == 2  # above, and at the field
    typed = amount.replace("<", "&lt;").replace(">", "&gt;")
    assert f'value="{typed}"' in answer.text
    assert f'value="{form["nonce"]}"' in answer.text
    assert all_of(on_request, Payout) == []
    assert order(amara, form).status_code == 303


def test_stripe_away_says_so_and_loses_nothing(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    on_request.fault(BALANCE, "drop_before", times=-1)
    for answer in (amara.get(PAGE), order(amara, form)):
        assert answer.status_code == 503
        assert "We cannot reach Stripe right now. Nothing was lost" in answer.text
    on_request.control("DELETE", "faults")
    assert all_of(on_request, Payout) == []
    assert order(amara, form).status_code == 303


DISABLED = "UPDATE discuno_mentor_stripe_account SET payouts_enabled = false"
SUSPENDED = "UPDATE discuno_mentor SET suspended_at = now(), suspended_reason = 'test'"
NO_ACCOUNT = "UPDATE discuno_mentor_stripe_account SET status = 'closed'"
NOTHING = "There is nothing that could be paid out right now."


@pytest.mark.parametrize(
    ("stop", "words", "refused"),
    [
        (DISABLED, "Stripe pays nothing out of the account until it has what it asks for.", None),
        (SUSPENDED, "account with us is suspended", None),
        (NO_ACCOUNT, "No Stripe account yet", "Connect a Stripe account first."),
    ],
)
def test_what_stands_against_it_is_said_before_and_after_the_click(
    on_request: House, amara: FlaskClient, stop: str, words: str, refused: str | None
) -> None:
    form = wish(amara)
    change(on_request, stop)
    page, answer = amara.get(PAGE), order(amara, form)
    assert (page.status_code, answer.status_code) == (200, 409)
    assert words in page.text
    assert (refused or words) in answer.text
    assert all_of(on_request, Payout) == []


def test_with_nothing_there_the_page_says_so_and_the_button_does_nothing(
    on_request: House, amara: FlaskClient
) -> None:
    form = wish(amara)
    has(on_request, -5400)
    answer = order(amara, form)
    assert (answer.status_code, all_of(on_request, Payout)) == (409, [])
    assert NOTHING in answer.text
    assert "Nothing is available right now" in amara.get(PAGE).text


def test_while_one_is_being_made_the_page_leads_to_it(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    order(amara, form, amount="10")
    page = amara.get(PAGE).text
    assert "A payout of $10.00 is being made right now." in page
    assert 'name="amount"' not in page
    answer = order(amara, form, nonce="another-wish-of-another-tab")
    assert (answer.status_code, len(all_of(on_request, Payout))) == (409, 1)


def test_each_currency_has_a_form_and_a_wish_of_its_own(on_request: House, amara: FlaskClient) -> None:
    has(on_request, 900, "eur")
    euros, dollars = wish(amara, "eur"), wish(amara)
    assert euros["amount"] == "9.00"
    assert euros["nonce"] != dollars["nonce"]
    order(amara, euros)
    order(amara, dollars)
    on_request.settle_down()
    assert sorted(paid_out(on_request)) == [(900, "eur"), (5400, "usd")]


def test_a_form_that_was_tampered_with_does_nothing(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    for change_ in ({"nonce": "x"}, {"nonce": "a' OR 1=1 -- aaaaaaaaa"}, {"currency": "doubloon"}):
        assert order(amara, form, **change_).status_code == 422
    assert all_of(on_request, Payout) == []


def test_another_mentors_wish_opens_nothing(on_request: House, amara: FlaskClient) -> None:
    form = wish(amara)
    order(amara, form)
    owen = signed_in(on_request, OWEN)
    assert owen.get("/dashboard/payouts/1").status_code == 404
    has(on_request, 700, "gbp", "owen")
    answer = order(owen, wish(owen, "gbp"), nonce=form["nonce"])
    assert answer.headers["Location"] == "/dashboard/payouts/2"  # the same word, but Owen's own payout


def test_where_payouts_are_made_by_themselves_there_is_nothing_to_ask_for(house: House) -> None:
    share_arrives(house)
    amara = signed_in(house, AMARA)
    page = amara.get(PAGE)
    assert "Payouts are made by themselves" in page.text
    assert 'name="amount"' not in page.text
    token = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
    assert token is not None
    answer = amara.post(PAGE, data={"csrf_token": token[1]})
    assert (answer.status_code, account_of(house).id) == (409, 1)
    assert all_of(house, Payout) == []
