"""Asked for exactly once: what becomes of the key after every kind of answer, and after none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from discuno.edges.stripe import StripeDown
from discuno.kit import outgoing
from discuno.kit.outgoing import KEY_IS_OLD, SETTLE, Result
from discuno.payouts.jobs import TRANSFER
from discuno.payouts.models import Transfer
from tests.crowd import Crowd
from tests.factories import change, the
from tests.house import House

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def row(attempted: timedelta | None, answered: timedelta | None = None) -> Transfer:
    """An intention that was first sent so long ago, and answered with a 5xx so long ago."""
    return Transfer(
        epoch=1,
        unknown_count=2,
        attempted_at=None if attempted is None else NOW - attempted,
        answered_at=None if answered is None else NOW - answered,
    )


@pytest.mark.parametrize(
    ("attempted", "answered", "proves"),
    [
        (None, None, False),
        (MOMENT, None, False),  # silence: the request may still arrive
        (KEY_IS_OLD - MOMENT, None, False),
        (KEY_IS_OLD, None, True),
        (SETTLE, MOMENT, False),  # a 5xx: it may still be at work
        (SETTLE, SETTLE - MOMENT, False),
        (SETTLE, SETTLE, True),
        (KEY_IS_OLD, MOMENT, True),
    ],
)
def test_an_empty_look_up_proves_absence_only_a_minute_after_a_5xx_or_when_the_key_is_old(
    attempted: timedelta | None, answered: timedelta | None, proves: bool
) -> None:
    assert outgoing.may_renew(row(attempted, answered), NOW) is proves


def test_a_new_epoch_knows_nothing_of_the_one_before() -> None:
    begun = row(SETTLE, SETTLE)
    outgoing.renew(begun)
    assert (begun.epoch, begun.has_unknown_outcome, begun.answered_at, begun.unknown_count) == (
        2,
        False,
        None,
        0,
    )


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    waits = [outgoing.backoff(tries).total_seconds() for tries in (0, 1, 2, 3, 8, 9, 1000)]
    assert waits == [5, 5, 10, 20, 640, 900, 900]


# Against the stand-in


@pytest.fixture
def due(bare: House) -> House:
    """One share that may go; what Stripe tells us by itself is lost."""
    bare.control("POST", "weather/stripe", {"lose": -1})
    with bare.app.app_context():
        Crowd(bare.sandbox.world, bare.sandbox.app.extensions["sandbox_settings"]).gather(1, 1)
    return bare


def trouble(house: House, action: str, **more: Any) -> None:
    """Of the next call to make a transfer; the SDK repeats most calls once by itself."""
    house.fault("POST /stripe/v1/transfers$", action, **{"times": 2, **more})


def send(house: House) -> tuple[Result, str]:
    """One try; what became of it, and the key that the next one would have."""
    with house.app.app_context():
        result = outgoing.carry_out(TRANSFER, 1)
    return result, the(house, Transfer).key


@pytest.mark.parametrize("action", ["drop_before", "rate_limit", "lock_timeout"])
def test_after_silence_and_when_stripe_is_busy_the_same_key_is_sent_again(due: House, action: str) -> None:
    trouble(due, action)
    assert send(due) == (Result.WAITS, "transfer:1:1")
    due.control("DELETE", "faults")
    assert send(due) == (Result.MADE, "transfer:1:1")
    assert [t["amount"] for t in due.stripe("transfer")] == [5400]


def test_after_a_5xx_nothing_is_sent_for_a_minute_and_then_under_a_new_key(due: House) -> None:
    trouble(due, "error", status=500)
    assert send(due) == (Result.WAITS, "transfer:1:1")
    assert send(due) == (Result.WAITS, "transfer:1:1")
    assert due.stripe("transfer") == []
    due.advance(SETTLE + MOMENT)
    assert send(due) == (Result.MADE, "transfer:1:2")


def test_a_key_that_stripe_may_soon_forget_is_not_sent_again(due: House) -> None:
    trouble(due, "drop_before")
    send(due)
    due.advance(KEY_IS_OLD + MOMENT)
    assert send(due) == (Result.MADE, "transfer:1:2")


def test_what_was_made_and_not_answered_is_found_whatever_its_key_is_by_now(due: House) -> None:
    trouble(due, "drop_after")
    send(due)
    change(due, "UPDATE discuno_transfer SET epoch = 7")
    assert send(due)[0] is Result.MADE
    assert len(due.stripe("transfer")) == 1


def test_a_definite_no_is_answered_with_a_new_key_and_silence_before_it_is_forgotten(due: House) -> None:
    body = {"error": {"type": "invalid_request_error", "code": "parameter_invalid", "message": "No."}}
    trouble(due, "error", times=1, status=400, body=body)
    assert send(due) == (Result.REFUSED, "transfer:1:2")
    assert not the(due, Transfer).has_unknown_outcome


def test_the_intention_is_written_down_before_stripe_hears_of_it(due: House) -> None:
    seen = []

    def look(request: Any) -> Any:
        seen.append(the(due, Transfer))
        raise StripeDown("the line is dead")

    kind = outgoing.Kind(**{**vars(TRANSFER), "create": look})
    with due.app.app_context():
        assert outgoing.carry_out(kind, 1) is Result.WAITS
    [before] = seen
    assert (before.status, before.has_unknown_outcome, before.amount) == ("sending", True, 5400)
    assert before.claimed_until is not None


def test_a_key_that_met_another_request_stops_everything_until_a_person_has_looked(due: House) -> None:
    trouble(due, "drop_before")
    send(due)
    reused = {
        "error": {"type": "idempotency_error", "message": "Keys can only be used with the same parameters."}
    }
    due.control("DELETE", "faults")
    trouble(due, "error", status=400, body=reused)
    assert send(due) == (Result.WAITS, "transfer:1:1")
    assert the(due, Transfer).payment.needs_attention == "transfer 1: idempotency_error"
