"""A mentor's Stripe account: made once, on manual payouts, as Stripe says it is, and lost without losing money."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import stripe as sdk

from discuno.accounts.models import AuditEntry
from discuno.edges.stripe import StripeDown
from discuno.edges.stripe import accounts as stripe_accounts
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.payments.models import Payment
from discuno.payouts import accounts, onboarding
from discuno.payouts.models import MentorStripeAccount, Transfer
from tests.factories import ADMIN, advance_to, all_of, change, paid, subjects, the, work_until_done
from tests.house import House
from tests.mentors import AMARAS, NIA, account_of, change_at_stripe, do, open_account, steer, sweep

pytestmark = pytest.mark.story

MAKE = r"POST /stripe/(v1|v2/core)/accounts$"
SETTINGS = "/stripe/v1/balance_settings"
DAY = timedelta(days=1)
TRANSFER_STOPPED = {"transfers": "inactive", "requirements": {"currently_due": ["individual.id_number"]}}


@pytest.fixture
def nia(bare: House) -> House:
    """A house with one mentor, who has no account anywhere."""
    bare.plant(NIA)
    return bare


def at_stripe(house: House, stripe_id: str) -> dict[str, Any]:
    [found] = [account for account in house.stripe("account") if account["id"] == stripe_id]
    return found


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest, nia: House, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(nia.app.extensions["settings"], "stripe_accounts_api", request.param)
    return str(request.param)


# Made


def test_an_account_is_ours_by_its_metadata_on_manual_payouts_and_ready_when_the_mentor_is(
    nia: House, api: str
) -> None:
    stripe_id = open_account(nia)
    nia.settle_down()
    account = the(nia, MentorStripeAccount)
    assert (account.status, account.can_receive, account.api) == ("onboarding", False, api)
    assert account.manual_payouts_configured_at is not None
    made = at_stripe(nia, stripe_id)
    assert made["metadata"] == {"mentor_id": str(account.mentor_id)}
    assert made["settings"]["payouts"]["schedule"] == {"interval": "manual"}
    steer(nia, "/onboard", username="nia")
    account = the(nia, MentorStripeAccount)
    assert (account.status, account.can_receive, account.payouts_enabled) == ("active", True, True)
    assert (account.country, account.requirements, account.is_ours) == ("US", [], True)


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("action", "later"),
    [
        ("drop_after", timedelta(minutes=2)),
        ("error_after", timedelta(hours=25)),
        pytest.param("drop_before", timedelta(minutes=2), marks=pytest.mark.story),
    ],
    ids=str,
)
def test_an_account_whose_answer_was_lost_is_made_once(nia: House, action: str, later: timedelta) -> None:
    nia.fault(MAKE, action, times=2)
    with pytest.raises(StripeDown):
        open_account(nia)
    assert all_of(nia, MentorStripeAccount) == []
    work_until_done(nia, 2, later)
    [made] = nia.stripe("account")
    assert the(nia, MentorStripeAccount).stripe_account_id == made["id"]


def test_two_clicks_at_once_make_one_account(nia: House) -> None:
    nia.fault(MAKE, "slow", seconds=0.3)
    clicks = [threading.Thread(target=open_account, args=(nia,)) for _ in range(3)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    nia.settle_down()
    [made] = nia.stripe("account")
    assert the(nia, MentorStripeAccount).stripe_account_id == made["id"]


def test_the_country_gives_the_currency() -> None:
    assert [accounts.currency_of(c) for c in ("us", "gb", "de", "th", "zz")] == [
        "usd",
        "gbp",
        "eur",
        "thb",
        "usd",
    ]


# On manual payouts


def test_the_sdk_raises_after_stripe_has_set_the_schedule_which_is_why_we_ask_by_the_raw_request(
    nia: House,
) -> None:
    stripe_id = open_account(nia)
    settings = nia.app.extensions["settings"]
    client = sdk.StripeClient(
        settings.stripe_secret_key.get_secret_value(), base_addresses={"api": settings.stripe_api_base}
    )
    with pytest.raises(AttributeError):
        client.v1.balance_settings.update(
            {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, {"stripe_account": stripe_id}
        )
    assert do(nia, stripe_accounts.payout_interval, stripe_id) == "manual"


DAILY = {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
IN_THE_WAY: dict[str, tuple[str, dict[str, Any]]] = {
    "the call is lost": (f"POST {SETTINGS}", {"action": "drop_before", "times": 2}),
    "the answer is lost": (f"POST {SETTINGS}", {"action": "drop_after", "times": 2}),
    "Stripe fails": (f"POST {SETTINGS}", {"action": "error", "times": 2}),
    "read back it is daily": (f"GET {SETTINGS}", {"action": "error", "status": 200, "body": DAILY}),
    "reading back fails": (f"GET {SETTINGS}", {"action": "error", "times": 2}),
}


OFTEN = ("the answer is lost", "read back it is daily")


@pytest.mark.parametrize(
    "trouble", [pytest.param(t, marks=[] if t in OFTEN else pytest.mark.story) for t in IN_THE_WAY]
)
def test_manual_payouts_are_believed_only_when_read_back(nia: House, trouble: str) -> None:
    path, fault = IN_THE_WAY[trouble]
    stripe_id = open_account(nia)
    nia.fault(path, **fault)
    nia.control("POST", f"stripe/accounts/{stripe_id}/onboard")
    nia.settle_down()
    account = the(nia, MentorStripeAccount)
    assert (account.status, account.can_receive) == ("active", False)
    work_until_done(nia, 1, timedelta(minutes=1))
    assert the(nia, MentorStripeAccount).can_receive
    assert at_stripe(nia, stripe_id)["settings"]["payouts"]["schedule"] == {"interval": "manual"}


def test_a_schedule_that_somebody_switched_back_is_set_again_and_an_admin_hears_of_it_once(
    house: House,
) -> None:
    stripe_id = account_of(house).stripe_account_id
    change_at_stripe(house, settings={"payouts": {"schedule": {"interval": "daily"}}})
    change(house, "UPDATE discuno_mentor_stripe_account SET refreshed_at = NULL")
    sweep(house, "look_at_accounts")
    assert at_stripe(house, stripe_id)["settings"]["payouts"]["schedule"] == {"interval": "manual"}
    assert account_of(house).can_receive
    work_until_done(house, 2, timedelta(hours=7))
    assert subjects(house, ADMIN) == ["The payout schedule of Amara Okafor was changed"]


# Looked at


@pytest.mark.parametrize(
    ("told", "status", "asked"),
    [
        (TRANSFER_STOPPED, "restricted", ["your tax or identity number"]),
        ({"transfers": "inactive", "requirements": {"disabled_reason": "rejected.fraud"}}, "rejected", []),
        ({"transfers": "pending"}, "restricted", []),
    ],
    ids=str,
)
def test_how_an_account_stands_is_stripes_word(
    nia: House, api: str, told: dict[str, Any], status: str, asked: list[str]
) -> None:
    open_account(nia)
    nia.settle_down()
    steer(nia, "/onboard", username="nia")
    steer(nia, "", told, username="nia")
    account = the(nia, MentorStripeAccount)
    assert (account.status, accounts.asked_in_words(account)) == (status, asked), api
    assert account.can_receive == (status == "active")
    assert account.status.label
    assert account.status.sentence


def test_an_older_word_of_stripes_does_not_replace_a_newer_one(house: House) -> None:
    account = account_of(house)
    with house.app.app_context():
        began = clock.now()
        old = stripe_accounts.look_at_account(account.stripe_account_id, account.api)
    steer(house, "", {"transfers": "inactive"})
    with house.app.app_context(), transaction():
        assert not accounts.take(accounts.locked_account(account.id), old, began - timedelta(seconds=1))
    assert account_of(house).status == "restricted"


def test_every_live_account_is_looked_at_now_and_then_and_one_without_an_answer_keeps_no_other(
    house: House,
) -> None:
    first, second = all_of(house, MentorStripeAccount)
    house.fault(f"GET /stripe/v2/core/accounts/{first.stripe_account_id}", "error", times=2)
    change(house, "UPDATE discuno_mentor_stripe_account SET refreshed_at = NULL")
    sweep(house, "look_at_accounts")
    assert [a.refreshed_at is None for a in all_of(house, MentorStripeAccount)] == [True, False]
    work_until_done(house, 1, timedelta(minutes=1))
    assert account_of(house).refreshed_at is not None
    before = account_of(house, "owen").refreshed_at
    work_until_done(house, 2, timedelta(hours=7))
    after = account_of(house, "owen").refreshed_at
    assert before is not None
    assert after is not None
    assert after > before
    assert second.status == "active"


def test_nobodys_account_is_a_lookup_error(house: House) -> None:
    for door in (onboarding.refresh, onboarding.deauthorized):
        with pytest.raises(LookupError):
            do(house, door, "acct_nobody")


# Money that waits for it


@pytest.fixture
def due(house: House) -> House:
    """A confirmed, paid session whose dispute period is over in five seconds."""
    paid(house)
    house.settle_down()
    ends = the(house, Payment).dispute_period_ends
    assert ends is not None
    advance_to(house, ends - timedelta(seconds=5))
    house.settle_down()
    return house


def let_it_end(house: House) -> None:
    work_until_done(house, 1, timedelta(seconds=6))


def sent(house: House) -> list[str]:
    return [transfer["destination"] for transfer in house.stripe("transfer")]


ASKS = "Stripe needs something from you before you can be paid"


def test_money_that_meets_a_restricted_account_waits_with_a_letter_and_goes_when_it_is_fixed(
    due: House,
) -> None:
    steer(due, "", TRANSFER_STOPPED)
    let_it_end(due)
    work_until_done(due, 2, timedelta(hours=2))
    assert (sent(due), the(due, Transfer).blocked_by) == ([], "account")
    assert subjects(due, AMARAS).count(ASKS) == 1
    assert the(due, Transfer).retry_count == 0
    steer(due, "/onboard")
    assert sent(due) == [account_of(due).stripe_account_id]
    assert the(due, Payment).status == "TRANSFERRED"


def test_an_account_that_stripe_restricts_in_the_very_moment_is_learned_from_the_refusal(due: House) -> None:
    change_at_stripe(due, capabilities={"transfers": "inactive"})
    let_it_end(due)
    assert (sent(due), the(due, Transfer).blocked_by) == ([], "account")
    assert account_of(due).status == "restricted"
    assert subjects(due, AMARAS).count(ASKS) == 1
    assert "Stripe has stopped transfers" in due.letters(AMARAS)[-1]["text"]
    steer(due, "/onboard")
    assert sent(due) == [account_of(due).stripe_account_id]


def test_a_mentor_is_not_written_to_for_what_only_we_can_do(due: House) -> None:
    change_at_stripe(due, settings={"payouts": {"schedule": {"interval": "daily"}}})
    change(due, "UPDATE discuno_mentor_stripe_account SET manual_payouts_configured_at = NULL")
    do(due, onboarding.refresh, account_of(due).stripe_account_id)
    due.settle_down()
    assert ASKS not in subjects(due, AMARAS)


def test_a_mentor_is_warned_before_stripes_deadline_once(due: House) -> None:
    with due.app.app_context():
        soon = int((clock.now() + 5 * DAY).timestamp())
    requirements = {"currently_due": ["individual.verification.document"], "current_deadline": soon}
    for _ in range(2):
        steer(due, "", {"requirements": requirements})
    assert account_of(due).deadline is not None
    assert subjects(due, AMARAS).count("Stripe needs something from you soon") == 1
    letter = due.letters(AMARAS)[-1]
    assert "a document that proves who you are" in letter["text"]
    assert "/dashboard/stripe" in letter["text"]


@pytest.mark.parametrize("quiet", [pytest.param(False, marks=pytest.mark.story), True])
def test_a_closed_account_gets_nothing_and_what_waited_goes_to_the_mentors_new_one(
    due: House, quiet: bool
) -> None:
    old = account_of(due)
    steer(due, "/close", {"quiet": quiet})
    let_it_end(due)
    work_until_done(due, 1, timedelta(hours=7))
    sweep(due, "look_at_accounts")
    assert account_of(due).status == "closed"
    assert sent(due) == []
    assert subjects(due, AMARAS).count("Your Stripe account is no longer connected") == 1
    assert subjects(due, ADMIN).count("Amara Okafor's Stripe account is no longer connected") == 1
    new = str(do(due, onboarding.open_account, old.mentor_id, "us"))
    due.settle_down()
    steer(due, "/onboard")
    due.settle_down()
    rows = [a for a in all_of(due, MentorStripeAccount) if a.mentor_id == old.mentor_id]
    assert [(a.stripe_account_id, str(a.status)) for a in rows] == [
        (old.stripe_account_id, "closed"),
        (new, "active"),
    ]
    assert sent(due) == [new]


def test_a_key_that_knows_none_of_our_accounts_closes_none(house: House) -> None:
    gone = {"action": "error", "status": 403, "times": -1, "body": {"error": {"code": "account_invalid"}}}
    house.fault("/accounts/acct_", **gone)
    change(house, "UPDATE discuno_mentor_stripe_account SET refreshed_at = NULL")
    sweep(house, "look_at_accounts")
    assert [a.status for a in all_of(house, MentorStripeAccount)] == ["active", "active"]
    assert subjects(house, AMARAS) == []


def test_an_account_that_carries_another_mentors_id_gets_nothing_until_it_is_put_right(due: House) -> None:
    account = account_of(due)
    owens = account_of(due, "owen").mentor_id
    for mentor_id, is_ours in ((owens, False), (account.mentor_id, True)):
        change_at_stripe(due, metadata={"mentor_id": str(mentor_id)})
        do(due, onboarding.refresh, account.stripe_account_id)
        let_it_end(due)
        assert (account_of(due).is_ours, bool(sent(due))) == (is_ours, is_ours)
    told = f"{account.stripe_account_id} does not belong to Amara Okafor"
    assert subjects(due, ADMIN).count(told) == 1


def test_an_account_without_our_mark_is_believed_once_somebody_vouches_for_it(house: House) -> None:
    account = all_of(house, MentorStripeAccount)[0]
    house.sandbox.world.put(
        "stripe.account",
        {**house.sandbox.world.get("stripe.account", account.stripe_account_id), "metadata": {}},
    )
    with house.app.app_context():
        onboarding.refresh(account.stripe_account_id)
    assert not all_of(house, MentorStripeAccount)[0].can_receive
    said = house.app.test_cli_runner().invoke(args=["mark-account", "amara", "--reason", "she wrote to us"])
    assert said.exit_code == 0, said.output
    assert all_of(house, MentorStripeAccount)[0].can_receive
    [entry] = all_of(house, AuditEntry)
    assert (entry.actor, entry.action, entry.reason) == ("operator", "mark_account", "she wrote to us")
