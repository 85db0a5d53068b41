"""Payments as admins see them: found by whatever names them, filtered, in a file, and each one whole, to the cent."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import pytest
import sqlalchemy as sa

from discuno.admin.money import finding, payment_sight
from discuno.admin.money.finding import Reading
from discuno.admin.money.stripe_pages import StripePages
from discuno.bookings.models import Booking
from discuno.kit.db import db, session
from discuno.payments.models import Payment, Refund
from discuno.payouts.models import MentorStripeAccount, Payout, Transfer, TransferReversal
from discuno.sandbox.settings import SandboxSettings
from discuno.webhooks.models import WebhookEvent
from tests.bank import at_fault, dispute, let_it_end, sold
from tests.catalogue import AMARA, OWEN
from tests.crowd import Crowd
from tests.factories import all_of, change, someone
from tests.house import House
from tests.reporting import Holder
from tests.signing import SUPPORT, staff

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def lived(built_house: House) -> House:
    """Payment 1 went to the bank, was refunded in part and charged back; 2 is Zoë's with Owen, unpaid."""
    built_house.begin_with(AMARA, OWEN)
    let_it_end(sold(built_house))
    admin = Holder(staff(built_house, SUPPORT), "")
    assert admin.reads("/admin/payments")
    built_house.control(
        "POST", f"stripe/charges/{all_of(built_house, Payment)[0].stripe_charge_id}/refund", {"amount": 1000}
    )
    built_house.settle_down()
    dispute(built_house, amount=2000)
    someone(built_house).reach_payment("owen", name="Zoë O’Brien-Smith", email="zoe.brien+uni@example.org")
    change(
        built_house, "UPDATE discuno_payment SET created_at = created_at + interval '40 days' WHERE id = 2"
    )
    return built_house


@pytest.fixture
def sam(lived: House) -> Holder:
    """Somebody who may look at everything."""
    return Holder(staff(lived, SUPPORT), "/admin/payments")


def found(house: House, **asked: str) -> list[int]:
    with house.app.app_context():
        return [payment.id for payment in finding.page(Reading(asked).wanted).payments]


ZOE = [
    "zoe.brien+uni@example.org",
    "zoe.brien+uni@",
    "zoe.brien",
    "zoë",
    "O’Brien",
    "Brien-Smith",
    "smith zo",
]
NOBODY = [
    "pi_nothing",
    "tr_nobody_has",
    "payment 77",
    "juniper",
    "'",
    "\\",
    ":* & |",
    "%",
    "@",
    "é",
    "9" * 17,
]


def names(house: House) -> dict[str, list[int]]:
    """Everything that names the first payment, and who is not named by it."""
    payment, booking = all_of(house, Payment)[0], all_of(house, Booking)[0]
    kinds = ("checkout.session.completed", "charge.dispute.created", "charge.refunded")
    events = [event.external_id for event in all_of(house, WebhookEvent) if event.type in kinds]
    first = [
        payment.stripe_payment_intent_id,
        payment.stripe_charge_id,
        payment.stripe_checkout_session_id,
        payment.stripe_entry_id,
        all_of(house, Transfer)[0].stripe_transfer_id,
        all_of(house, Refund)[0].stripe_refund_id,
        all_of(house, Payout)[0].stripe_payout_id,
        all_of(house, MentorStripeAccount)[0].stripe_account_id,
        house.stripe("dispute")[0]["id"],
        *(reversal.stripe_reversal_id for reversal in all_of(house, TransferReversal)),
        *events,
        booking.public_id,
        *("1", "payment 1", "Booking #1", "case 1", "transfer 1"),
        *("jun@example.com", "JUN@EXAMPLE.COM", "jun@ex", "jun", "tanaka jun", "Tan"),
    ]
    return {
        **{key: [1] for key in filter(None, first)},
        **{key: [2] for key in ZOE},
        **{key: [] for key in NOBODY},
    }


def test_a_payment_is_found_by_whatever_names_it(lived: House) -> None:
    wanted = names(lived)
    assert len(wanted) > 35
    assert {name: found(lived, q=name) for name in wanted} == wanted


FILTERS: dict[tuple[tuple[str, str], ...], list[int]] = {
    (): [2, 1],
    (("status", "DISPUTED"),): [1],
    (("status", "PENDING"), ("q", "zoë")): [2],
    (("status", "PENDING"), ("q", "jun")): [],
    (("only", "disputed"),): [1],
    (("only", "on_hold"),): [],
    (("only", "attention"),): [],
    (("only", "stuck"),): [],
    (("only", "refunding"),): [],
    (("mentor", "owen"),): [2],
    (("mentor", "nobody"),): [],
    (("currency", "gbp"),): [2],
    (("currency", "usd"), ("least", "60")): [1],
    (("currency", "usd"), ("least", "60.01")): [],
    (("status", "no such"), ("only", "no such")): [2, 1],
}


def test_filters_say_what_they_leave(lived: House) -> None:
    assert {asked: found(lived, **dict(asked)) for asked in FILTERS} == FILTERS


def test_days_are_those_of_utc_and_both_count(lived: House) -> None:
    first, second = (payment.created_at.date().isoformat() for payment in all_of(lived, Payment))
    assert found(lived, **{"from": second}) == [2]
    assert found(lived, to=first) == [1]
    assert found(lived, **{"from": first, "to": second}) == [2, 1]
    assert found(lived, **{"from": first, "to": first}) == [1]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("least=60", "choose the currency"),
        ("least=much&currency=usd", "as a number"),
        ("from=yesterday", "such as 2026-11-25"),
        ("from=2026-11-02&to=2026-11-01", "before the first"),
    ],
)
def test_a_filter_that_cannot_be_read_is_left_out_and_said(sam: Holder, asked: str, sentence: str) -> None:
    answer = sam.client.get(f"/admin/payments?{asked}")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'href="/admin/payments/1"' in answer.text
    assert sam.client.get(f"/admin/payments.csv?{asked}").status_code == 422


def test_one_payment_is_seen_whole_and_adds_up(lived: House, sam: Holder) -> None:
    page = unescape(sam.reads("/1"))
    payment = all_of(lived, Payment)[0]
    for seen in (
        payment.stripe_charge_id,
        payment.stripe_entry_id,
        "Chargeback",
        "In the books",
        "capture",
        "Letters",
    ):
        assert str(seen) in page, seen
    assert StripePages(False).of(str(payment.stripe_payment_intent_id)) in page

    def sides() -> tuple[int, int, dict[str, int]]:
        told = payment_sight.where_every_cent_is(session().get_one(Payment, 1))
        return told.total, told.placed, {line.label: line.amount for line in told.where}

    there, placed, where = lived.read(sides)
    assert there == placed
    assert (where["Returned to the attendee"], where["Taken by the bank"]) == (1000, 2000)
    assert at_fault(lived) == []


def test_a_payment_without_money_shows_what_there_is(sam: Holder) -> None:
    page = unescape(sam.reads("/2"))
    assert "There is no money of it in the books" in page
    assert "Zoë O’Brien-Smith" in page
    for path in ("/77", "/77/refund", "/1/nothing", "/9999999999999999999"):
        assert sam.client.get(f"/admin/payments{path}").status_code == 404


def test_links_lead_to_the_dashboard_of_the_keys_that_are_used() -> None:
    live, test = StripePages(True), StripePages(False)
    assert live.of("pi_1") == "https://dashboard.stripe.com/payments/pi_1"
    assert test.of("acct_1") == "https://dashboard.stripe.com/test/connect/accounts/acct_1"
    assert test.of("po_1", "acct_1") == "https://dashboard.stripe.com/acct_1/test/payouts/po_1"
    assert live.of("cs_1") == "https://dashboard.stripe.com/search?query=cs_1"


# Many


@pytest.fixture(scope="module")
def crowded(built_house: House) -> House:
    """Sixty payments of three mentors."""
    built_house.begin_with(AMARA, OWEN)
    with built_house.app.app_context():
        Crowd(built_house.sandbox.world, SandboxSettings()).gather(mentors=3, each=20)
    change(built_house, "UPDATE discuno_payment SET customer_name = '=cmd()' WHERE id = 7")
    return built_house


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    asked: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    with house.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", count)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", count)


def test_a_page_asks_as_often_for_fifty_payments_as_for_one(crowded: House) -> None:
    client = staff(crowded, SUPPORT)
    asked = []
    for path in ("/admin/payments?q=payment+1", "/admin/payments"):
        with counted(crowded) as statements:
            assert client.get(path).status_code == 200
        asked.append(len(statements))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("asked", ["", "from=2020-01-01"])
def test_the_older_ones_are_a_page_further_and_none_twice(crowded: House, asked: str) -> None:
    with crowded.app.app_context():
        wanted = Reading(dict([asked.split("=")]) if asked else {}).wanted
        first = finding.page(wanted)
        rest = finding.page(wanted, first.payments[-1].id)
    ids = [payment.id for payment in (*first.payments, *rest.payments)]
    assert (first.has_older, len(first.payments), rest.has_older) == (True, 50, False)
    assert (len(set(ids)), len(ids)) == (60, 60)


def test_a_file_has_all_of_them_is_safe_to_open_and_says_where_it_was_cut(
    crowded: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = staff(crowded, SUPPORT)

    def file() -> list[list[str]]:
        text = client.get("/admin/payments.csv").data.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    monkeypatch.setattr(finding, "AT_ONCE", 25)
    whole = file()
    assert [row[0] for row in whole] == ["payment", *(str(n) for n in range(60, 0, -1))]
    assert next(row[4] for row in whole if row[0] == "7") == "'=cmd()"
    monkeypatch.setattr(finding, "IN_A_FILE", 40)
    cut = file()
    assert len(cut) == 42
    assert cut[-1][0].startswith("There are more")
