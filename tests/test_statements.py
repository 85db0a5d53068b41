"""Statements: each refund, reversal and debt is a line of its own, and months are those of the mentor."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from discuno.kit import clock
from discuno.kit.db import locked, transaction
from discuno.payments import ledger
from discuno.payments.models import Account, Payment, PostingKind
from discuno.payouts import statements
from discuno.payouts.periods import Period
from discuno.payouts.statements import WORDS
from tests.factories import change
from tests.house import House
from tests.reporting import sell_at_once
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

STATEMENTS = "/dashboard/statements"
K = PostingKind


@pytest.fixture
def eventful(house: House) -> House:
    """A session sold in November, paid out, refunded after that, and half of the debt ended by another's share."""
    for n in range(2):
        sell_at_once(house, days=2 + n)
    change(house, "SET LOCAL session_replication_role = replica; DELETE FROM discuno_ledger_entry")
    with house.app.app_context(), transaction():
        first, second = locked(Payment, 1), locked(Payment, 2)
        clock.follow(datetime(2027, 12, 1, 4, 59, 0, tzinfo=UTC))  # a minute before midnight in New York
        ledger.captured(first, "ch_1")
        ledger.stripe_fee(first, "txn_1", 204)
        clock.follow(datetime(2027, 12, 1, 5, 0, 1, tzinfo=UTC))
        ledger.transferred(first, 5400, "tr_1")
        ledger.paid_out(1, 5400, "usd", "po_1")
        ledger.money_left(first, 6000, K.REFUND, "re_1")
        ledger.captured(second, "ch_2")
        ledger.debt_netted(second, 2000, "transfer:2:1")
        ledger.payout_undone(1, 5400, "usd", "po_1")
        ledger.reversed_(first, 3000, "trr_1")
        clock.follow(datetime(2028, 1, 1, 5, 0, 1, tzinfo=UTC))
        legs = {Account.DEBT: -400, Account.LOSS: 400}
        ledger.post(K.WRITE_OFF, "debt_1", legs, currency="usd", payment_id=None, mentor_id=1)
    return house


@pytest.fixture
def amara(eventful: House) -> FlaskClient:
    return signed_in(eventful, AMARA)


def read(client: FlaskClient, name: str) -> list[dict[str, str]]:
    answer = client.get(f"{STATEMENTS}/{name}.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def columns(row: dict[str, str]) -> tuple[str, ...]:
    names = ("net", "held", "in your Stripe account", "owed by you", "sent to your bank")
    return (row["what"], *(row[name] for name in names))


def test_every_kind_of_move_is_a_line_of_its_own(amara: FlaskClient) -> None:
    rows = read(amara, "2027-12")
    assert [columns(row) for row in rows] == [
        ("Opening balance", "54.00", "54.00", "0.00", "0.00", "0.00"),
        ("Transferred to your Stripe account", "0.00", "-54.00", "54.00", "0.00", "0.00"),
        ("Paid out to your bank", "-54.00", "0.00", "-54.00", "0.00", "54.00"),
        ("Refund to the attendee", "-54.00", "-54.00", "0.00", "0.00", "0.00"),
        ("Became a debt: it was no longer held", "0.00", "54.00", "0.00", "54.00", "0.00"),
        ("Session paid", "54.00", "54.00", "0.00", "0.00", "0.00"),
        ("Share used for what you owed", "0.00", "-20.00", "0.00", "-20.00", "0.00"),
        ("Payout came back from your bank", "54.00", "0.00", "54.00", "0.00", "-54.00"),
        ("Taken back from your Stripe account", "0.00", "30.00", "-30.00", "0.00", "0.00"),
        ("Ended a debt", "0.00", "-30.00", "0.00", "-30.00", "0.00"),
        ("Closing balance", "54.00", "34.00", "24.00", "4.00", "0.00"),
    ]
    refund = rows[3]
    assert (refund["paid by attendee"], refund["our fee"], refund["reference"]) == ("-60.00", "-6.00", "re_1")
    assert (refund["session"], refund["attendee"]) == ("Application review", "Jun Tanaka")


def test_months_are_those_of_the_mentors_zone_and_follow_one_another(amara: FlaskClient) -> None:
    november, december, january = (read(amara, name) for name in ("2027-11", "2027-12", "2028-01"))
    assert [row["what"] for row in november] == ["Opening balance", "Session paid", "Closing balance"]
    assert november[1]["posted"] == "2027-11-30T23:59:00-05:00"
    assert columns(november[-1])[1:] == columns(december[0])[1:]
    assert columns(december[-1])[1:] == columns(january[0])[1:]
    assert [columns(row)[:2] for row in january[1:]] == [
        ("Debt forgiven", "4.00"),
        ("Closing balance", "58.00"),
    ]
    year = read(amara, "2027")
    assert [columns(row) for row in year[1:-1]] == [
        columns(row) for row in (*november[1:-1], *december[1:-1])
    ]


def test_the_page_says_what_the_period_came_to(amara: FlaskClient) -> None:
    page = amara.get(f"{STATEMENTS}/2027").text
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd[^>]*>([^<]*)</dd>", page))
    assert facts == {
        "Paid by attendees": "$120.00",
        "Returned to attendees and their banks": "−$60.00",
        "Our fee": "−$6.00",
        "You earned": "$54.00",
        "Sent to your bank": "$0.00",
    }
    assert "Statement, 2027" in page
    assert "Debts forgiven" in amara.get(f"{STATEMENTS}/2028-01").text


def test_the_list_of_statements_has_what_each_came_to(amara: FlaskClient) -> None:
    page = amara.get(STATEMENTS).text
    rows = re.findall(r"<tr>.*?</tr>", page, re.S)
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", row)).split() for row in rows]
    assert [" ".join(row) for row in told if "USD" in row] == [
        "January 2028 USD $4.00 $0.00 CSV of 2028-01",
        "2028 USD $4.00 $0.00",
        "December 2027 USD $0.00 $0.00 CSV of 2027-12",
        "November 2027 USD $54.00 $0.00 CSV of 2027-11",
        "2027 USD $54.00 $0.00",
    ]


def test_a_time_without_moves_says_so_or_shows_what_lay(amara: FlaskClient) -> None:
    assert "Nothing moved" in amara.get(f"{STATEMENTS}/2020-01").text
    [opening, closing] = read(amara, "2028-02")
    assert columns(opening)[1:] == columns(closing)[1:] == ("58.00", "34.00", "24.00", "0.00", "0.00")


@pytest.mark.parametrize("name", ["2027-13", "2027-00", "1999", "2027-1", "27", "x", "2027-11-01", "٢٠٢٧"])
def test_what_is_no_period_is_not_there(amara: FlaskClient, name: str) -> None:
    assert amara.get(f"{STATEMENTS}/{name}").status_code == 404
    assert amara.get(f"{STATEMENTS}/{name}.csv").status_code == 404


def test_another_mentor_sees_their_own_books_alone(eventful: House) -> None:
    owen = signed_in(eventful, OWEN)
    assert "No statement yet" in owen.get(STATEMENTS).text
    assert "Nothing moved" in owen.get(f"{STATEMENTS}/2027").text
    assert read(owen, "2027") == []


def test_every_move_there_is_has_words() -> None:
    assert set(K) - set(statements.OURS_ALONE) <= set(WORDS)


@pytest.mark.parametrize(
    ("period", "hours"),
    [
        (Period(2027, 3, "America/New_York"), 31 * 24 - 1),  # an hour is left out in March
        (Period(2027, 11, "America/New_York"), 30 * 24 + 1),
        (Period(2027, 12, "Asia/Kathmandu"), 31 * 24),
        (Period(2028, None, "Pacific/Auckland"), 366 * 24),
    ],
)
def test_a_period_is_as_long_as_it_is_in_its_zone(period: Period, hours: int) -> None:
    assert (period.ends - period.begins).total_seconds() == hours * 3600
