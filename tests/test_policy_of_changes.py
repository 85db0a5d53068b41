"""What may still be done with a booking, cell by cell: cancelled, moved, reported, and by whom."""

from datetime import UTC, datetime, timedelta

import pytest

from discuno import policy
from discuno.policy import Canceller, CancelRefund, ReportReason

START = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = policy.FREE_CANCELLATION
ALL, NOTHING, A_PERSON = CancelRefund.ALL, CancelRefund.NOTHING, CancelRefund.A_PERSON_DECIDES

EARLY, LATE, LAST, BEGUN = START - DAY, START - DAY + SECOND, START - SECOND, START


@pytest.mark.parametrize(
    ("by", "now", "allowed", "refund"),
    [
        ("attendee", EARLY - SECOND, True, ALL),
        ("attendee", EARLY, True, ALL),  # 24 hours to the second are enough
        ("attendee", LATE, True, NOTHING),
        ("attendee", LAST, True, NOTHING),
        ("attendee", BEGUN, False, NOTHING),
        ("mentor", EARLY, True, ALL),
        ("mentor", LATE, True, ALL),
        ("mentor", LAST, True, ALL),
        ("mentor", BEGUN, False, NOTHING),
        ("calendar", EARLY, True, ALL),
        ("calendar", LATE, True, A_PERSON),
        ("calendar", BEGUN, True, A_PERSON),  # what the calendar has done is done; only the money is open
        ("admin", EARLY, True, ALL),
        ("admin", BEGUN, True, ALL),
        ("house", LATE, True, ALL),
    ],
)
def test_who_cancels_and_when_decides_what_goes_back(
    by: Canceller, now: datetime, allowed: bool, refund: CancelRefund
) -> None:
    answer = policy.cancellation(by, now=now, starts_at=START)
    assert (answer.allowed, answer.refund) == (allowed, refund)
    assert answer.rule.endswith(".")


@pytest.mark.parametrize(
    ("now", "moves", "may"),
    [
        (START - policy.MOVE_UNTIL, 0, True),
        (START - policy.MOVE_UNTIL + SECOND, 0, False),
        (START - policy.MOVE_UNTIL, policy.MAX_MOVES - 1, True),
        (START - policy.MOVE_UNTIL, policy.MAX_MOVES, False),
        (START, 0, False),
    ],
)
def test_a_session_is_moved_so_often_and_until_then(now: datetime, moves: int, may: bool) -> None:
    why_not = policy.why_not_moved(now=now, starts_at=START, moves=moves)
    assert (why_not is None) == may


def test_a_problem_is_reported_until_the_very_end_of_the_period_and_not_at_it() -> None:
    ends = START + timedelta(hours=72)
    assert policy.may_report(now=ends - SECOND, dispute_period_ends=ends)
    assert not policy.may_report(now=ends, dispute_period_ends=ends)
    assert not policy.may_report(now=START, dispute_period_ends=None)


def test_nobody_is_said_to_be_absent_before_they_are_late() -> None:
    late = START + policy.ABSENT_AFTER
    assert ReportReason.MENTOR_ABSENT not in policy.reasons_to_report(now=late - SECOND, starts_at=START)
    assert policy.reasons_to_report(now=late, starts_at=START) == list(ReportReason)
    assert not policy.may_say_absent(now=late - SECOND, starts_at=START)
    assert policy.may_say_absent(now=late, starts_at=START)


def test_every_reason_has_words() -> None:
    assert all(reason.words for reason in ReportReason)
