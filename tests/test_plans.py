"""How the database answers the monitors: by the indexes made for them, and never by reading a table through."""

import re

import pytest
from flask.testing import FlaskClient

from discuno.admin.money import sums_jobs
from tests import signing
from tests.bench import million
from tests.house import House
from tests.plans import asked_by, plan

pytestmark = pytest.mark.story

BIG = ("payment", "transfer", "ledger_entry", "booking", "dispute", "refund", "audit_entry", "day_sum")
PAGES = {  # which indexes each page goes by
    "/admin/status?period=30d": ("payment_created_at", "payment_status"),
    "/admin/status?status=DISPUTED": ("payment_created_at", "payment_status"),
    "/admin/transfers?tab=due": ("transfer_due", "transfer_blocked", "transfer_sent_at"),
    "/admin/transfers?tab=waiting": ("transfer_due",),
    "/admin/transfers?tab=blocked&reason=report": ("transfer_blocked",),
    "/admin/transfers?tab=refused": ("transfer_blocked",),
    "/admin/transfers?tab=sent": ("transfer_sent_at",),
    "/admin/transfers/dry-run": ("transfer_due", "transfer_blocked", "ledger_entry_payment_id"),
    "/admin/revenue": ("day_sum_day", "ledger_entry_posted_at", "payment_(settled_elsewhere|paid_at)"),
    "/admin/revenue?group=mentor": ("day_sum_day", "ledger_entry_posted_at"),
    "/admin/revenue?group=type&mentor=1": ("day_sum", "ledger_entry_(posted_at|mentor)"),
    "/metrics": ("transfer_due", "transfer_blocked", "refund_open", "job_dead"),
    "/admin/disputes/metrics": ("dispute_opened_at", "dispute_closed_at", "audit_entry_(action|at)"),
}


@pytest.fixture(scope="module")
def years(built_house: House) -> House:
    """Two years, with few payments in them."""
    built_house.empty()
    with built_house.app.app_context():
        million.fill(3000, quick=False)
        sums_jobs.rebuild(None)
    return built_house


@pytest.fixture(scope="module")
def ada(years: House) -> FlaskClient:
    return signing.staff(years)


@pytest.mark.parametrize("url", PAGES)
def test_no_page_reads_a_whole_table(years: House, ada: FlaskClient, url: str) -> None:
    plans = [plan(years, asked, only_indexes=True) for asked in asked_by(years, ada, url)]
    whole = "\n".join(plans)
    read_through = re.findall(r"Seq Scan on discuno_(\w+)", whole)
    assert set(read_through) & set(BIG) == set(), whole
    for index in PAGES[url]:
        assert re.search(rf"[ou][xq]_discuno_{index}|ix_discuno_{index}", whole), (index, whole)
