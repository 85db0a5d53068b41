"""Hypothesis lives the lives of payments; a failure is a short story of what happened, and its last line is why.

`CHAOS=long` lives many more (`CHAOS_LIVES=…` says how many); `CHAOS_SEED=…` lives the same ones again. What lands is
held to one seed, so that a change is not red for what was there before; everybody else's run tries new lives.
"""

import os
import secrets

import hypothesis
import pytest
import stripe
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.chaos.life import Life
from tests.house import House

SEED_OF_CI = "20261123"
LONG = os.environ.get("CHAOS") == "long"
LIVES, STEPS = (int(os.environ.get("CHAOS_LIVES", "300")), 40) if LONG else (10, 20)
SETTINGS = hypothesis.settings(
    max_examples=LIVES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK repeats at once what it would repeat half a second later."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.0)


@pytest.mark.story
def test_whatever_happens_every_promise_holds_and_in_the_end_all_is_in_order(built_house: House) -> None:
    anything = SEED_OF_CI if os.environ.get("CI") else str(secrets.randbelow(2**32))
    seed = int(os.environ.get("CHAOS_SEED", anything))
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when it fails

    def life() -> RuleBasedStateMachine:
        return Life(built_house)

    run_state_machine_as_test(hypothesis.seed(seed)(life), settings=SETTINGS)
