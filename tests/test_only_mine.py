"""Only mine: every address of the mentors' pages, walked as their mentor, another one, an admin, an attendee, nobody.

The walk reads the app's own map of addresses. One that names a thing which the walk cannot name fails it.
"""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from discuno.accounts import access, sessions
from discuno.bookings.models import Booking
from discuno.disputes.models import Dispute, DisputeFile
from discuno.kit import security
from discuno.mentors.models import EventType
from discuno.payouts.models import Payout, Transfer
from tests.addresses import go, private_addresses
from tests.bank import sold, transferred
from tests.factories import advance_to, all_of, dump, paid, the
from tests.house import House
from tests.reporting import PNG, attendee
from tests.signing import ADMIN, AMARA, OWEN, signed_in, staff

pytestmark = pytest.mark.story

WORDS = ("Jun Tanaka", "jun@example.com", "$54.00")  # with ids of Stripe's: what only Amara's pages may say


@pytest.fixture
def lived(house: House) -> House:
    """Amara's first session is paid out, her second is reported, with a file; Owen has sold nothing."""
    transferred(sold(house))
    house.settle_down()
    paid(house)
    house.settle_down()
    reported = all_of(house, Booking)[-1]
    advance_to(house, reported.starts_at + timedelta(minutes=15))
    sent = attendee(house, reported.id).sends(
        "/report", (("proof.png", PNG),), reason="mentor_absent", text="I waited, and nobody came to it."
    )
    assert sent.status_code == 303
    house.settle_down()
    return house


def hers(house: House, amara: FlaskClient) -> dict[tuple[str, str], Any]:
    """How Amara's things are named in an address, by blueprint and argument."""
    booking, case = all_of(house, Booking)[-1], all_of(house, Dispute)[0]
    [file], [payout] = all_of(house, DisputeFile), all_of(house, Payout)
    offer = all_of(house, EventType)[0]
    with amara.session_transaction() as cookie:
        sign_in = house.read(lambda: sessions.find(cookie[access.COOKIE]))
    assert (booking.mentor.user.email, offer.mentor.user.email) == (AMARA, AMARA)
    return {
        ("hosting", "public_id"): booking.public_id,
        ("cases", "case_id"): case.id,
        ("cases", "public_id"): file.public_id,
        ("types", "type_id"): offer.id,
        ("calendar_link", "type_id"): offer.id,
        ("payouts", "payout_id"): payout.id,
        ("sign_ins", "session_id"): sign_in.id,
    }


def test_what_is_hers_is_not_there_for_anybody_else(lived: House) -> None:
    named = hers(lived, signed_in(lived, AMARA))
    strangers = {"mentor": signed_in(lived, OWEN), "admin": staff(lived, ADMIN)}
    walked = 0
    for address in private_addresses(lived):
        for who, client in strangers.items():
            is_others = address.names_a_thing and address.entrance != "admin"  # who may look at everything
            if is_others or address.entrance not in (who, "signed_in"):
                before = dump(lived)
                assert go(lived, client, address, named).status_code == 404, f"{who}: {address}"
                assert dump(lived) == before, f"{who}: {address} has changed something"
                walked += 1
    assert walked > 60


def test_whoever_is_not_signed_in_is_asked_to_and_changes_nothing(lived: House) -> None:
    named = hers(lived, signed_in(lived, AMARA))
    jun = lived.app.test_client()
    jun.get("/mentor/amara/book?clock=12")  # an attendee's browser, with a cookie of ours
    before = dump(lived)
    for address in private_addresses(lived):
        for client in (lived.app.test_client(), jun):
            answer = go(lived, client, address, named)
            if address.rule.endpoint in security.LARGE:  # a body of theirs is not even read
                assert answer.status_code == 404, f"{address}: {answer.status_code}"
            else:
                assert answer.status_code == 303, f"{address}: {answer.status_code}"
                assert answer.location.startswith("/sign-in"), f"{address}: {answer.location}"
    assert dump(lived) == before


def test_her_own_pages_say_what_no_list_of_another_mentor_says(lived: House) -> None:
    amara, owen = signed_in(lived, AMARA), signed_in(lived, OWEN)
    named, said = hers(lived, amara), ""
    secrets = {*WORDS, all_of(lived, Transfer)[0].stripe_transfer_id, the(lived, Payout).stripe_payout_id}
    for address in private_addresses(lived):
        is_staffs = address.entrance == "admin" or address.rule.endpoint.startswith("second_factor.")
        if address.verb == "GET" and not is_staffs:
            page = go(lived, amara, address, named)
            assert page.status_code in (200, 303), f"{address}: {page.status_code}"
            said += page.data.decode(errors="replace")  # the file is no text
            if not address.names_a_thing:
                page = go(lived, owen, address, named)
                assert {s for s in secrets if s in page.text} == set(), (
                    f"{address} shows Owen what is Amara's"
                )
    assert {s for s in secrets if s not in said} == set()  # or the walk would prove nothing
