"""The switch that stops every transfer: none goes while it is on, and all go on after."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape

import pytest

from discuno import policy
from discuno.accounts.models import AuditEntry
from discuno.payouts import release
from discuno.payouts.models import Pause, Transfer
from tests.bank import at_stripe, let_it_end
from tests.factories import all_of, change, the, work_until_done
from tests.house import House
from tests.mentors import has
from tests.reporting import Holder
from tests.signing import ADMIN, AMARA, SECOND_ADMIN, SUPPORT, code_of, signed_in, staff

pytestmark = pytest.mark.story

WHY = "The bank has asked us to wait."
HOUR = timedelta(hours=1)


def admin(house: House, email: str = ADMIN, *, fresh: bool = True) -> Holder:
    return Holder(staff(house, email, fresh=fresh), "/admin/pauses")


def turn(house: House, way: str, email: str = ADMIN) -> int:
    return admin(house, email).sends(f"/transfers/{way}", reason=WHY).status_code


def test_while_transfers_are_paused_none_goes_and_afterwards_all_do(held: House) -> None:
    assert [turn(held, "pause"), turn(held, "pause", SECOND_ADMIN)] == [303, 303]
    let_it_end(held)
    work_until_done(held, 2, HOUR)
    assert (at_stripe(held), the(held, Transfer).blocked_by) == ([], policy.Reason.PAUSED)
    assert "1 transfer waits because of it: $54.00." in admin(held).reads()
    money = unescape(signed_in(held, AMARA).get("/dashboard/money").text)
    assert "Discuno has paused all transfers" in money or "transfers are paused" in money
    with held.app.app_context():
        assert release.release(5.0).processed == 0  # what the clock, the cron endpoint and a worker call
    assert [turn(held, "resume"), turn(held, "resume")] == [303, 303]
    held.settle_down()
    assert at_stripe(held) == [5400]
    entries = [(e.actor, e.action, e.reason) for e in all_of(held, AuditEntry)]
    assert entries == [(ADMIN, "pause transfers", WHY), (ADMIN, "resume transfers", WHY)]


def test_two_admins_who_pause_at_once_make_one_pause(house: House) -> None:
    admins = [admin(house), admin(house, SECOND_ADMIN)]
    with ThreadPoolExecutor(2) as hands:
        done = list(hands.map(lambda a: a.sends("/transfers/pause", reason=WHY).status_code, admins))
    assert (done, len(all_of(house, Pause)), len(all_of(house, AuditEntry))) == ([303, 303], 1, 1)


def test_what_is_being_made_when_transfers_are_paused_lands(held: House) -> None:
    def pause() -> None:
        change(
            held,
            "INSERT INTO discuno_pause (reason, began_at, began_by) VALUES ('now', discuno_now(), 'ada')",
        )

    held.fault("POST /stripe/v1/transfers$", "drop_after", times=2)  # made, and nobody has heard of it
    let_it_end(held)
    pause()
    work_until_done(held, 2, timedelta(minutes=2))
    assert (at_stripe(held), the(held, Transfer).status) == ([5400], "sent")


def test_payouts_are_not_transfers_and_go_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", "on_request")
    has(house, 5400)
    turn(house, "pause")
    assert "$54.00" in signed_in(house, AMARA).get("/dashboard/payouts/request").text


def test_the_switch_asks_for_a_reason_and_for_a_code_and_support_cannot_turn_it(house: House) -> None:
    stale = admin(house, fresh=False)
    assert stale.sends("/transfers/pause", reason="").status_code == 422
    refused = stale.sends("/transfers/pause", reason=WHY, code="000000")
    assert refused.status_code == 422
    assert WHY in refused.text
    assert admin(house, SUPPORT).sends("/transfers/pause", reason=WHY).status_code == 403
    assert 'name="reason"' not in admin(house, SUPPORT).reads()
    assert all_of(house, Pause) == []
    assert stale.sends("/transfers/pause", reason=WHY, code=code_of(house)).status_code == 303
    assert len(all_of(house, Pause)) == 1


def test_everything_that_is_stopped_is_on_one_page(held: House) -> None:
    change(held, "UPDATE discuno_payment SET dispute_requested = true")
    change(
        held, "UPDATE discuno_mentor SET suspended_at = discuno_now(), suspended_reason = 'A <b>doubt</b>'"
    )
    turn(held, "pause")
    turn(held, "resume")
    turn(held, "pause")
    page = admin(held).reads()
    assert "Amara Okafor" in page
    assert "A &lt;b&gt;doubt&lt;/b&gt;" in page
    assert 'href="/admin/payments/1"' in page
    assert "$54.00 of it is held for the mentor" in page
    assert page.count(WHY) == 3  # the one that is on, and two in what was
