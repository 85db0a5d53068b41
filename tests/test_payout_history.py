"""A mentor's payouts: found by status, day, attendee and Stripe id, a page at a time; each opens to its sessions."""

import csv
import io
import re
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from discuno.kit.db import session
from discuno.payments.models import Account, LedgerEntry, Payment
from discuno.payouts import words
from discuno.payouts.models import Payout, PayoutStatus
from tests.bank import another
from tests.factories import all_of, change
from tests.house import House
from tests.mentors import end_payout, has, look, paid_out, share_arrives, sweep
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

PAYOUTS = "/dashboard/payouts"
ROW = re.compile(rf'href="{PAYOUTS}/(\d+)"')


@pytest.fixture
def amara(house: House) -> FlaskClient:
    return signed_in(house, AMARA)


def make(house: House, count: int, status: str = "paid", **more: str) -> None:
    """So many payouts of a dollar, two dollars, …, made a day apart; Stripe knows nothing of them."""
    change(
        house,
        "INSERT INTO discuno_payout (account_id, amount, currency, status, origin, stripe_payout_id, arrives_on, "
        "failure_code, epoch, unknown_count, next_try_at, created_at) "
        "SELECT 1, n * 100, 'usd', CAST(:status AS text), 'automatic', 'po_' || CAST(:status AS text) || n, "
        "timestamptz '2027-03-10 00:00Z', :code, 1, 0, now(), "
        "timestamptz '2027-03-01 04:30Z' + n * interval '1 day' FROM generate_series(1, :n) n",
        **{"n": count, "status": status, "code": more.get("code")},
    )


def found(client: FlaskClient, query: str = "") -> list[int]:
    """The payouts on a page of the history, as it lists them."""
    answer = client.get(f"{PAYOUTS}?{query}")
    assert answer.status_code == 200
    return [int(number) for number in ROW.findall(answer.text)]


def lines(client: FlaskClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


# The list


def test_before_the_first_payout_the_page_says_what_will_be_there(amara: FlaskClient) -> None:
    page = amara.get(PAYOUTS).text
    assert "No payout yet" in page
    assert "Pay out now" not in page
    assert "Payouts are made by themselves" in page


def test_pages_follow_one_another_without_a_gap_also_while_new_ones_come(
    house: House, amara: FlaskClient
) -> None:
    make(house, 45)
    seen, url = found(amara), PAYOUTS
    for n in range(2):
        [older] = set(re.findall(r'<a class="btn push" href="([^"]*)"', amara.get(url).text))
        make(house, 1, "canceled" if n else "failed", code="declined")
        url = older.replace("&amp;", "&")
        seen += found(amara, url.partition("?")[2])
    assert seen == list(range(45, 0, -1))
    assert "Older</a>" not in amara.get(url).text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("status=bank", [3, 2, 1]),
        ("status=back", [5, 4]),
        ("status=made", []),
        ("status=nonsense", [5, 4, 3, 2, 1]),
        (
            "from=2027-03-02",
            [5, 3, 2],
        ),  # half past four in the morning in London is the day before in New York
        ("to=2027-03-01", [4, 1]),
        ("from=2027-03-02&to=2027-03-02", [5, 2]),
        ("from=2027-03-02&to=2027-03-02&status=back", [5]),
        ("q=po_failed1", [4]),
        ("q=%20po_failed1%20", [4]),
        ("q=po_", []),
        ("q=%25", []),
        ("from=0001-01-01&to=9999-12-31", [5, 4, 3, 2, 1]),
        ("before=3", [2, 1]),
        (f"before={10**30}", [5, 4, 3, 2, 1]),
        ("before=x", [5, 4, 3, 2, 1]),
    ],
)
def test_filters_are_in_the_address_and_days_are_the_mentors_own(
    house: House, amara: FlaskClient, query: str, numbers: list[int]
) -> None:
    make(house, 3)
    make(house, 2, "failed", code="declined")
    assert found(amara, query) == numbers


@pytest.mark.parametrize(
    ("query", "words_"),
    [
        ("from=yesterday", "Please give a day such as 2026-11-25."),
        ("to=2027-02-30", "Please give a day such as 2026-11-25."),
        ("from=2027-03-02&to=2027-03-01", "The last day lies before the first one."),
    ],
)
def test_a_day_that_is_none_is_left_out_and_said(
    house: House, amara: FlaskClient, query: str, words_: str
) -> None:
    make(house, 1)
    answer = amara.get(f"{PAYOUTS}?{query}")
    assert answer.status_code == 422
    assert words_ in answer.text


def test_for_htmx_the_address_is_kept_true(house: House, amara: FlaskClient) -> None:
    answer = amara.get(f"{PAYOUTS}?q=&status=back&from=&to=", headers={"HX-Request": "true"})
    assert answer.headers["HX-Replace-Url"] == f"{PAYOUTS}?status=back"
    assert "<html" not in answer.text
    assert "No payout found" in answer.text


@pytest.mark.parametrize("status", list(PayoutStatus))
def test_every_status_with_every_code_has_words(status: PayoutStatus) -> None:
    for code in (None, *words.BANK_SAID, *words.NOT_MADE, "something_new"):
        payout = Payout(status=status, failure_code=code, origin="automatic", arrives_on=None)
        assert words.sentence(payout).endswith(".")
        assert "None" not in words.sentence(payout)
        assert bool(words.to_do(payout)) == (status == PayoutStatus.FAILED)
        assert words.steps(payout)[0]["label"] == "Made by itself"


# One payout


def test_a_payout_opens_to_its_sessions_and_is_found_by_whose_they_are(house: House) -> None:
    share_arrives(house, mode="automatic")
    another(house)
    amara = signed_in(house, AMARA)
    first, second = all_of(house, Payout)
    payment = all_of(house, Payment)[1]
    page = amara.get(f"{PAYOUTS}/{second.id}").text
    assert f'href="/dashboard/bookings/{payment.booking.public_id}"' in page
    assert page.count("$54.00") >= 3
    assert str(second.stripe_payout_id) in page
    for q in ("jun tan", "jun@EXAMPLE.com"):
        assert found(amara, f"q={q}") == [second.id, first.id]
    for q in (payment.stripe_charge_id, payment.stripe_payment_intent_id, _transfer_of(house, payment.id)):
        assert found(amara, f"q={q}") == [second.id]
    assert found(amara, "q=somebody else") == []
    end_payout(house, "failed", failure_code="account_closed")
    page = amara.get(f"{PAYOUTS}/{second.id}").text
    assert "The bank account was closed. The money is in your Stripe account again." in page
    assert "Please give Stripe another bank account." in page
    assert f'href="/dashboard/bookings/{payment.booking.public_id}"' in page
    assert second.id in found(amara, f"q={payment.stripe_charge_id}")
    theirs = lines(amara, "/dashboard/payouts.csv?status=back")
    assert [(row["status"], row["charge"]) for row in theirs] == [("Sent back", payment.stripe_charge_id)]


def _transfer_of(house: House, payment_id: int) -> str:
    made = house.read(lambda: session().get_one(Payment, payment_id).transfer_id)
    return str(made)


def test_what_nobody_can_explain_is_a_piece_of_its_own(house: House, amara: FlaskClient) -> None:
    has(house, 5400)
    look(house)
    page = amara.get(f"{PAYOUTS}/1").text
    assert "Other money" in page
    [line] = lines(amara, "/dashboard/payouts.csv")
    assert (line["amount"], line["session"]) == ("54.00", "Not of a session that we know")
    assert paid_out(house) == [(5400, "usd")]


@pytest.mark.parametrize("path", [f"{PAYOUTS}/1", f"{PAYOUTS}/2", f"{PAYOUTS}/{10**30}"])
def test_another_mentors_payout_is_not_there(house: House, path: str) -> None:
    make(house, 1)
    owen = signed_in(house, OWEN)
    assert owen.get(path).status_code == 404
    assert found(owen) == []
    assert lines(owen, "/dashboard/payouts.csv") == []


# The file


def test_a_payouts_lines_add_up_to_its_amount_however_the_shares_are_cut(house: House) -> None:
    share_arrives(house)
    sweep_in_parts(house, [2000, 3000])
    another(house)
    amara = signed_in(house, AMARA)
    rows = lines(amara, "/dashboard/payouts.csv")
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["payout"]] = sums.get(row["payout"], Decimal()) + Decimal(row["amount"])
    assert sums == {str(p.stripe_payout_id): Decimal(p.amount) / 100 for p in all_of(house, Payout)}
    assert len(rows) == 4  # the last one holds what was left of the first share, and the second
    in_bank = sum(e.amount for e in all_of(house, LedgerEntry) if e.account == Account.BANK)
    assert sum(sums.values()) * 100 == in_bank


def sweep_in_parts(house: House, amounts: list[int]) -> None:
    """Payouts of less than all there is, as a mentor would ask for them."""
    for amount in amounts:
        has(house, amount - 5400)
        sweep(house)
        has(house, 5400 - amount)


def test_an_attendees_name_never_becomes_a_formula(house: House) -> None:
    share_arrives(house, mode="automatic")
    amara = signed_in(house, AMARA)
    for name in ("=HYPERLINK(1)", "+1", "-1", "@x", "＝1"):
        change(house, "UPDATE discuno_booking SET attendee_name = :name, title = :name", name=name)
        [row] = lines(amara, "/dashboard/payouts.csv")
        assert (row["attendee"], row["session"], row["amount"]) == (f"'{name}", f"'{name}", "54.00")


def test_the_file_keeps_to_the_filters_and_is_for_nobody_to_keep(house: House, amara: FlaskClient) -> None:
    make(house, 3)
    make(house, 2, "failed", code="declined")
    answer = amara.get("/dashboard/payouts.csv?status=back")
    assert len(answer.text.splitlines()) == 3
    assert answer.headers["Content-Disposition"] == 'attachment; filename="discuno-payouts-amara.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert [line["made"] for line in lines(amara, "/dashboard/payouts.csv?q=po_paid1")] == [
        "2027-03-01T23:30:00-05:00"
    ]
    refused = amara.get("/dashboard/payouts.csv?from=soon")
    assert (refused.status_code, refused.content_type) == (422, "text/html; charset=utf-8")
