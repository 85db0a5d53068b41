"""The money monitors: figures that are the rows', rows behind each, and nothing that reads a whole table."""

import csv
import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno.admin import spans
from discuno.admin.cases import case_sums
from discuno.admin.money import status_sums, sums_jobs, transfer_sums
from discuno.kit.db import transaction
from tests import signing
from tests.crowd import Crowd
from tests.factories import change, in_the_house
from tests.house import House
from tests.plans import asked_by
from tests.test_plans import PAGES

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def crowd(built_house: House) -> House:
    """Sixty payments of two mentors, some odd ones among them; the first days are summed."""
    built_house.empty()
    with built_house.app.app_context():
        sandbox = built_house.sandbox
        Crowd(sandbox.world, sandbox.app.extensions["sandbox_settings"]).gather(2, 30)
        with transaction() as unit:
            for statement in ODD:
                unit.execute(sa.text(statement))
        sums_jobs.sum_days()
    return built_house


ODD = (
    "UPDATE discuno_payment SET created_at = discuno_now() - interval '1 day', "
    "paid_at = discuno_now() - interval '1 day'",
    "UPDATE discuno_payment SET status = 'DISPUTED' WHERE id IN (1, 2)",
    "UPDATE discuno_payment SET status = 'REFUNDED' WHERE id = 3",
    "UPDATE discuno_payment SET status = 'FAILED' WHERE id IN (4, 5, 6)",
    "UPDATE discuno_payment SET settlement_currency = 'eur' WHERE id = 7",
    "UPDATE discuno_transfer SET blocked_by = 'report' WHERE payment_id IN (1, 2)",
    "UPDATE discuno_transfer SET blocked_by = 'refused', retry_count = 3, error = 'account_closed: No.' "
    "WHERE payment_id = 8",
    "UPDATE discuno_transfer SET next_try_at = discuno_now() + interval '9 h' WHERE payment_id = 9",
    "UPDATE discuno_transfer SET status = 'sent', stripe_transfer_id = 'tr_' || id, retry_count = 1, "
    "sent_at = discuno_now() - interval '2 h' WHERE payment_id = 10",
    """INSERT INTO discuno_dispute (payment_id, kind, status, is_inquiry, reason, amount, currency, opened_at,
         closed_at, decision, decision_reason)
       SELECT 1, 'report', 'closed', false, 'other', 6000, 'usd', discuno_now() - interval '1 day',
         discuno_now() - interval '2 h', 'refunded', 'x'
       UNION ALL SELECT 2, 'chargeback', 'open', false, 'fraudulent', 6000, 'usd', discuno_now(), null, null, null
       UNION ALL SELECT 3, 'chargeback', 'open', true, 'general', 6000, 'usd', discuno_now(), null, null, null""",
    """INSERT INTO discuno_audit_entry (at, actor, action, about, reason)
       VALUES (discuno_now(), 'zoe@discuno.example', 'report refunded', 'dispute:1', 'x')""",
)


@pytest.fixture
def ada(crowd: House) -> FlaskClient:
    return signing.staff(crowd)


def text(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())


def test_payments_by_status_in_a_period_and_now(crowd: House, ada: FlaskClient) -> None:
    with crowd.app.app_context(), transaction():
        found = status_sums.in_span(spans.of_name("30d"))
        still = {each.status: (each.number, each.amounts) for each in status_sums.now()}
    assert (found.begun, found.paid, found.not_paid, found.conversion) == (60, 57, 3, "95.0 %")
    assert still["SUCCEEDED"] == (54, {"usd": 324000})
    assert still["DISPUTED"] == (2, {"usd": 12000})
    assert {s.name: s.total for s in found.chart.series}["Disputed"] == 2
    page = text(ada.get("/admin/status").text)
    for words in ("Begun 60 payments", "Paid 57 95.0 % of those decided", "Disputed 2 $120.00"):
        assert words in page
    only = ada.get("/admin/status?status=REFUNDED").text
    assert [int(n) for n in re.findall(r'href="/admin/payments/(\d+)"', only)] == [3]


@pytest.mark.parametrize(
    ("url", "row"),
    [
        ("/admin/status", r'href="/admin/payments/(\d+)"><strong>'),
        ("/admin/transfers?tab=due", r'href="/admin/payments/(\d+)"><strong>'),
    ],
)
def test_rows_come_fifty_at_a_time_each_once(ada: FlaskClient, url: str, row: str) -> None:
    first = ada.get(url).text
    [more] = re.findall(r'<p><a class="btn" href="([^"]+)">(?:Earlier|Later) ones', first)
    second = ada.get(more.replace("&amp;", "&")).text
    shown = [re.findall(row, page) for page in (first, second)]
    assert len(shown[0]) == 50
    assert shown[1]
    assert not set(shown[0]) & set(shown[1])
    assert len(shown[0] + shown[1]) == (60 if "status" in url else 55)
    assert "ones</a>" not in second


def test_what_waits_and_why(crowd: House, ada: FlaskClient) -> None:
    with crowd.app.app_context(), transaction():
        found = transfer_sums.waiting()
        sent = transfer_sums.sent(spans.of_name("7d"))
    assert {tab: pile.number for tab, pile in found.tabs.items()} == {
        "due": 55,
        "waiting": 1,
        "blocked": 2,
        "refused": 1,
    }
    assert found.tabs["blocked"].amounts == {"usd": 10800}
    assert (found.refusals[3], found.codes) == (1, {"account_closed": 1})
    assert (sent.number, sent.again, sent.piles["usd"].amounts["usd"]) == (1, 1, 5400)
    page = text(ada.get("/admin/transfers?tab=blocked&reason=report").text)
    assert "The attendee has reported a problem. 2 $108.00" in page
    given_up = ada.get("/admin/transfers?tab=refused").text
    assert "account_closed: No." in given_up
    assert 'href="/admin/payments/8">Try it again' in given_up


def test_the_dry_run_names_amounts_and_reasons_and_a_pause_stops_all(crowd: House, ada: FlaskClient) -> None:
    until = in_the_house(crowd) + timedelta(hours=10)
    address = f"/admin/transfers/dry-run?until={until:%Y-%m-%dT%H:%M}"
    page = text(ada.get(address).text)
    assert "Would move in USD" in page
    assert "The cardholder's bank has disputed the payment." in page.replace("&#39;", "'")
    with crowd.app.app_context(), transaction() as unit:
        unit.execute(
            sa.text(
                "INSERT INTO discuno_pause (reason, began_at, began_by) VALUES ('x', discuno_now(), 'ada')"
            )
        )
    stopped = text(ada.get(address).text)
    change(crowd, "DELETE FROM discuno_pause")
    assert "All transfers are paused" in stopped
    assert "Nothing would move" in stopped
    assert "Would move in USD" not in stopped


@pytest.mark.parametrize("typed", ["soon", "1999-01-01T00:00", "9999-01-01T00:00", "2026-13-01"])
def test_a_moment_that_is_none_is_told_so(ada: FlaskClient, typed: str) -> None:
    page = ada.get(f"/admin/transfers/dry-run?until={typed}")
    assert page.status_code == 200
    assert "Please give a day and time from now on" in page.text


def test_revenue_is_the_ledgers_and_drills_down(crowd: House, ada: FlaskClient) -> None:
    page = text(ada.get("/admin/revenue?period=7d").text)
    assert "Paid by attendees $3,600.00 60 payments" in page
    assert "Platform fees $360.00" in page
    assert "Net $360.00" in page
    assert "Stripe settled one payment of this period in another currency" in page
    mentors = ada.get("/admin/revenue?period=7d&group=mentor").text
    assert "Mentor 0" in mentors
    assert "Mentor 1" in mentors
    [inner] = re.findall(r'href="(/admin/revenue\?[^"]*mentor=1[^"]*)"', mentors)
    types = text(ada.get(inner.replace("&amp;", "&")).text)
    assert "Revenue from Mentor 0" in types
    assert "Paid by attendees $1,800.00 30 payments" in types


@pytest.mark.parametrize("group", ["time", "mentor", "type"])
def test_the_table_for_a_spreadsheet_adds_up_to_the_page(ada: FlaskClient, group: str) -> None:
    answer = ada.get(f"/admin/revenue.csv?period=7d&group={group}")
    assert answer.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert sum(float(line["Gross"]) for line in lines) == 3600
    assert sum(float(line["Net"]) for line in lines) == 360
    assert {line["Currency"] for line in lines} == {"USD"}
    assert len(lines) == (1 if group == "time" else 2)


def test_dispute_metrics(crowd: House, ada: FlaskClient) -> None:
    with crowd.app.app_context(), transaction():
        span = spans.of_name("90d")
        opened = case_sums.opened(span)
        reports, chargebacks = case_sums.ended(span)
        deciders = case_sums.deciders(span)
        [most, *_] = case_sums.mentors(span)
    assert opened.totals == (1, 1, 60)  # an inquiry is no chargeback
    assert reports.median is not None
    assert round(reports.median / timedelta(minutes=1)) == 22 * 60
    assert reports.outcomes == [("Refunded", 1)]
    assert chargebacks.number == 0
    assert deciders == [("zoe@discuno.example", 1)]
    assert (most.reports, most.chargebacks, most.payments) == (1, 1, 30)
    page = text(ada.get("/admin/disputes/metrics").text)
    assert "Chargeback rate 1.67 % 1 of 60 payments" in page
    assert "half within 22 h" in page


@pytest.mark.parametrize("url", [url for url in PAGES if "dry" not in url])
def test_a_page_asks_the_same_number_of_questions_however_many_rows_there_are(
    crowd: House, ada: FlaskClient, url: str
) -> None:
    few = len(asked_by(crowd, ada, url + ("&" if "?" in url else "?") + "from=2020-01-01&to=2020-02-01"))
    assert len(asked_by(crowd, ada, url)) <= few + 2
    assert few <= 20
