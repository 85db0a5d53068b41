"""The reconciliation page: what differs, when the books were compared, comparing now, and accepting."""

import pytest

from discuno.accounts.models import AuditEntry
from discuno.admin.models import Drift
from discuno.kit.outbox import Job
from discuno.notifications.models import Alert, Email
from tests.factories import all_of, change, the
from tests.house import House
from tests.reporting import Holder
from tests.signing import ADMIN, SUPPORT, staff

WHY = "Our own payout of last Friday."


@pytest.fixture
def differs(house: House) -> House:
    """A house to whose balance at Stripe somebody has added money that we know nothing of."""
    house.control("POST", "stripe/balance", {"amount": 500, "currency": "usd"})
    assert Holder(staff(house), "/admin/reconciliation").sends("/run", reason="To see.").status_code == 303
    house.settle_down()
    return house


def test_to_compare_now_finds_what_differs_tells_it_once_and_accepting_all_ends_the_alert(
    differs: House,
) -> None:
    found = [drift for drift in all_of(differs, Drift) if drift.resolved_at is None]
    assert found
    assert [email.template for email in all_of(differs, Email) if email.recipient == "admin"] == [
        "drift_admin"
    ]
    assert [alert.cause for alert in all_of(differs, Alert)] == ["books"]
    page = Holder(staff(differs), "/admin/reconciliation")
    assert found[0].about in page.reads()
    assert "1 new" in page.reads() or f"{len(found)} new" in page.reads()
    assert page.sends(f"/{found[0].id}/accept", reason="").status_code == 422
    for drift in found:
        for _ in range(2):
            assert page.sends(f"/{drift.id}/accept", reason=WHY).status_code == 303
    assert the(differs, Alert).ended_at is not None
    assert "The books agree" in page.reads()
    assert found[0].about in page.reads("?state=settled")
    assert WHY in page.reads(f"/{found[0].id}")
    drawn = f"Settled {len(found)}, Found {len(found)}. The numbers are in the table below."
    assert drawn in " ".join(page.reads("?period=30d").split())
    acts = [entry for entry in all_of(differs, AuditEntry) if entry.action == "accept drift"]
    assert [(act.actor, act.reason) for act in acts] == [(ADMIN, WHY)] * len(found)


def test_while_a_comparison_goes_on_none_is_begun(bare: House) -> None:
    page = Holder(staff(bare), "/admin/reconciliation")
    assert page.sends("/run", reason="").status_code == 422
    for _ in range(2):
        assert page.sends("/run", reason="To see.").status_code == 303
    assert [job.task for job in all_of(bare, Job)] == ["reconcile"]
    change(
        bare,
        "INSERT INTO discuno_job (task, args, queue, run_at, created_at, attempts, again) VALUES ('reconcile_page', "
        "jsonb_build_object('began', now(), 'step', 'charges'), 'default', now(), now(), 0, false)",
    )
    answer = page.sends("/run", reason="To see.")
    assert answer.status_code == 409
    assert "A comparison is going on" in answer.text
    assert "now at: charges" in answer.text


def test_support_sees_what_differs_and_accepts_nothing(bare: House) -> None:
    change(
        bare,
        "INSERT INTO discuno_drift (kind, about, ours, theirs, difference, currency, first_seen_at, last_seen_at) "
        "VALUES ('movement', 'txn_1', 'nothing', '$5.00', 500, 'usd', now(), now())",
    )
    support = Holder(staff(bare, SUPPORT), "/admin/reconciliation")
    assert "txn_1" in support.reads()
    assert "Accept it" not in support.reads("/1")
    assert support.sends("/1/accept", reason=WHY).status_code == 403
    assert support.sends("/run", reason=WHY).status_code == 403
    assert the(bare, Drift).resolved_at is None
    assert all_of(bare, Job) == []
