"""`flask doctor` says what is wrong and what to do, and exits 1."""

import pytest

from tests.factories import change, tamper
from tests.house import House
from tests.mentors import account_of

pytestmark = pytest.mark.story

# The doctor


def doctor(house: House) -> tuple[int, str]:
    result = house.app.test_cli_runner().invoke(args=["doctor"])
    return result.exit_code, result.output


def test_the_doctor_finds_nothing_in_a_healthy_house(house: House) -> None:
    code, said = doctor(house)
    assert (code, said.splitlines()[-1]) == (0, "All is well.")
    assert "2 looked at, all ours and on manual payouts" in said


def test_the_doctor_names_the_account_that_is_wrong_and_what_to_do(house: House) -> None:
    amara, owen = account_of(house), account_of(house, "owen")
    tamper(house, "account", settings={"payouts": {"schedule": {"interval": "daily"}}})
    code, said = doctor(house)
    assert code == 1
    wrong = [line for line in said.splitlines() if line.startswith("NO ")]
    assert wrong == [
        f"NO  Account {owen.stripe_account_id} of Owen Hughes: its payouts are daily, not manual"
    ]
    tamper(house, "account", metadata={"mentor_id": str(amara.mentor_id)})
    house.control("POST", f"stripe/accounts/{amara.stripe_account_id}/close", {"quiet": True})
    _, said = doctor(house)
    assert f"Account {owen.stripe_account_id} of Owen Hughes: it carries the mentor id 1" in said
    assert f"Account {amara.stripe_account_id} of Amara Okafor: it is not connected with us" in said
    assert said.splitlines()[-1] == "3 things need you."


def test_the_doctor_says_what_is_late_or_given_up_and_that_the_platform_would_be_swept(house: House) -> None:
    house.sandbox.world.put("stripe.setting", {"id": "platform_schedule", "schedule": {"interval": "daily"}})
    change(
        house,
        "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again, dead_at) VALUES "
        "('refresh_account', '{}', 'default', now() - interval '1 hour', now(), 0, false, NULL), "
        "('send_letter', '{}', 'mail', now(), now(), 20, false, now())",
    )
    code, said = doctor(house)
    assert code == 1
    wrong = [line for line in said.splitlines() if line.startswith("NO ")]
    assert wrong == [
        "NO  Jobs: 1 should have run two minutes ago",
        "NO  Jobs given up: send_letter",
        "NO  Platform payouts: they are daily",
    ]


def test_the_doctor_says_when_stripe_does_not_answer(house: House) -> None:
    house.fault("/stripe/v1/balance", "drop_before", times=-1)
    code, said = doctor(house)
    assert code == 1
    assert "NO  Stripe:" in said
    assert "STRIPE_SECRET_KEY" in said
