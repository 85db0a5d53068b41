"""The mentor's money page: the figures, a line a session, filters in the address, and twelve months drawn."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from discuno import journey
from discuno.bookings.service import Attendee
from discuno.kit import clock
from discuno.kit.db import db, session, transaction
from discuno.mentors import service as mentors
from discuno.payments import ledger
from discuno.payments.models import Payment
from discuno.payouts import chart, sold
from discuno.payouts.models import RELEASE, Transfer, TransferStatus
from tests.house import House
from tests.mentors import account_of
from tests.reporting import seen_paid
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

MONEY = "/dashboard/money"
HOSTILE = '<img src=x onerror=alert(1)> "J"'


def sell(house: House, number: int, *, sent: int = 0, name: str = "Jun Tanaka", days: int = 2) -> None:
    """So many confirmed, paid sessions in our rows alone, and of the first of them the share transferred."""
    account = account_of(house)
    with house.app.app_context(), transaction():
        offer = mentors.offered(mentors.by_username("amara"))[0]
        start = (clock.now() + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        for n in range(number):
            booking = journey.choose_time(
                offer, start + timedelta(hours=n), visitor=f"v{n}", zone="Europe/Paris"
            )
            who = Attendee(f"{name} {n}", f"jun{n}@example.com", "", "")
            payment = journey.give_details(booking, who)
            assert payment is not None
            journey.payment_seen(payment, seen_paid(payment))
            journey.booking_confirmed(booking)
            if n < sent:
                send(payment, account.id)


def send(payment: Payment, account_id: int) -> None:
    """The share is in the mentor's account, as the rows have it."""
    name, now = f"tr_{payment.id}", clock.now()
    [transfer] = payment.transfers or [Transfer(payment=payment, kind=RELEASE, created_at=now)]
    transfer.account_id, transfer.amount, transfer.currency = (
        account_id,
        payment.mentor_amount,
        payment.currency,
    )
    transfer.stripe_transfer_id, transfer.sent_at = name, now
    transfer.move_to(TransferStatus.SENT)
    session().flush()
    ledger.transferred(payment, payment.mentor_amount, name)


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile."""
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def names(html: str) -> list[str]:
    return re.findall(r"<bdi>(Jun Tanaka \d+)</bdi>", html)


@pytest.fixture
def amara(house: House) -> FlaskClient:
    return signed_in(house, AMARA)


def test_before_anything_was_sold_the_page_says_what_will_be_there(house: House, amara: FlaskClient) -> None:
    html = amara.get(MONEY).text
    assert "No paid sessions yet" in html
    assert html.count("$0.00") == 5
    assert '<svg class="chart"' not in html


def test_a_page_of_twenty_five_asks_no_more_of_the_database_than_one_of_one(
    house: House, amara: FlaskClient
) -> None:
    sell(house, 1, sent=1)
    with counted(house) as one:
        assert len(names(amara.get(MONEY).text)) == 1
    sell(house, 24, sent=12, days=20)
    with counted(house) as many:
        html = amara.get(MONEY).text
    assert len(names(html)) == sold.A_PAGE
    assert len(many) == len(one)
    assert len(one) < 45


def test_older_sessions_are_a_link_away_and_none_is_shown_twice(
    house: House, amara: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sold, "A_PAGE", 2)
    sell(house, 5)
    pages, url = [], MONEY
    while url:
        html = amara.get(url).text
        pages.append("".join(name[-1] for name in names(html)))
        older = re.search(r'id="payouts-older"><a class="btn" href="([^"]+)"', html)
        url = older[1].replace("&amp;", "&") if older else ""
    assert pages == ["43", "21", "0"]


SHOWN = {
    "": "3210",
    "at=held": "32",
    "at=account": "10",
    "at=bank": "",
    "at=stuck": "",
    "at=returned": "",
    "at=nonsense": "3210",
    "q=tanaka+2": "2",
    "q=JUN1%40": "1",
    "q=%25": "",
    "at=held&q=jun": "32",
    "at=held&before=4": "2",
    "before=x": "3210",
}


def test_the_address_says_what_is_shown(house: House, amara: FlaskClient) -> None:
    sell(house, 4, sent=2)
    pages = {query: amara.get(f"{MONEY}?{query}").text for query in SHOWN}
    assert {query: "".join(name[-1] for name in names(html)) for query, html in pages.items()} == SHOWN
    assert {query for query, html in pages.items() if "No session fits" in html} == {
        query for query, shown in SHOWN.items() if not shown
    }


def test_each_sees_their_own_alone(house: House, amara: FlaskClient, client: FlaskClient) -> None:
    sell(house, 2, sent=1)
    assert "$54.00" in amara.get(MONEY).text
    owens = signed_in(house, OWEN).get(MONEY).text
    assert names(owens) == []
    assert "£0.00" in owens
    assert client.get(MONEY).status_code == 303


def test_the_figures_stand_on_top_with_the_path_of_each_session(house: House, amara: FlaskClient) -> None:
    sell(house, 2, sent=1)
    html = amara.get(MONEY).text
    assert re.findall(r'<dd class="num">([^<]+)</dd>', html)[:4] == ["$54.00", "$54.00", "$0.00", "$0.00"]
    assert "Held until" in html
    assert 'title="tr_1"' in html
    assert "your time, New York" in html
    assert "pending" not in html.lower()


def test_pay_out_now_is_offered_only_where_the_mentor_asks(
    house: House, amara: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    offers = {}
    for mode in ("on_request", "automatic"):
        monkeypatch.setattr(house.app.extensions["settings"], "payout_mode", mode)
        offers[mode] = "Pay out now" in amara.get(MONEY).text
    assert offers == {"on_request": True, "automatic": False}


def test_what_people_are_called_is_shown_and_does_nothing(house: House, amara: FlaskClient) -> None:
    sell(house, 1, name=HOSTILE)
    html = amara.get(f"{MONEY}?q=%3Cimg").text
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


# Twelve months


def test_the_months_are_the_mentors_and_the_drawing_has_its_numbers_beside_it(
    house: House, amara: FlaskClient
) -> None:
    sell(house, 2)
    html = amara.get(MONEY).text
    assert 'role="img" aria-label="In twelve months up to' in html
    assert "you earned $108.00" in html
    assert html.count('<th scope="row">') == 13
    assert html.count('<rect class="earned"') == 1


def drawn(*earned: int, paid: int = 0, returned: int = 0, currency: str = "usd") -> chart.Chart:
    months = [chart.Month(clock.now().date(), amount, paid, returned) for amount in earned]
    return chart.Chart(currency, months + [chart.Month(clock.now().date())] * (12 - len(earned)))


@pytest.mark.parametrize(
    ("earned", "currency", "ticks"),
    [
        (5400, "usd", [0, 2000, 4000]),
        (39900, "usd", [0, 10000, 20000, 30000]),
        (80000, "usd", [0, 20000, 40000, 60000, 80000]),
        (7, "usd", [0]),
        (9000, "jpy", [0, 5000]),
    ],
)
def test_the_lines_across_are_round_amounts(earned: int, currency: str, ticks: list[int]) -> None:
    assert [tick.amount for tick in drawn(earned, currency=currency).ticks] == ticks


@pytest.mark.parametrize(
    "amounts", [(0, 0, 0), (5400, 0, 0), (5400, 9900, 1), (100, 5400, 99999), (0, 0, 700)]
)
def test_every_bar_lies_within_the_drawing_and_is_as_long_as_its_amount(
    amounts: tuple[int, int, int],
) -> None:
    earned, paid, returned = amounts
    found = drawn(earned, 2 * earned, paid=paid, returned=returned)
    for bar in found.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= 100
        assert bar.y >= 0
        assert bar.y + bar.height <= 100.001
    heights = [bar.height for bar in found.bars if bar.kind == "earned"]
    assert heights == [] or heights[1] == pytest.approx(2 * heights[0])
