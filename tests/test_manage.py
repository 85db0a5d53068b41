"""The attendee's own page: who may open it, what it says, what cancelling returns, and what it gives to keep."""

import re
from datetime import timedelta

import pytest
from werkzeug.routing import Rule

from discuno.bookings import links
from discuno.bookings.models import Booking
from discuno.kit import links as signed
from discuno.payments.models import Refund
from tests.factories import (
    JUN,
    advance_to,
    all_of,
    change,
    dump,
    paid,
    someone,
    subjects,
    the,
)
from tests.house import House
from tests.owner import cancel, confirmed, link_of, owner
from tests.reporting import Holder

pytestmark = pytest.mark.story

SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)


def _routes(house: House) -> list[tuple[str, Rule]]:
    """Every route of the page, each with its method."""
    ours = ("manage.", "reschedule.", "find.")
    rules = [
        r for r in house.app.url_map.iter_rules() if r.endpoint.startswith(ours) and "token" in r.arguments
    ]
    return [(method, rule) for rule in rules for method in (rule.methods or set()) & {"GET", "POST"}]


def test_every_route_opens_to_the_bookings_own_link_alone(house: House) -> None:
    _, holder = confirmed(house)
    other = someone(house)
    other.fill_in(other.hold(at=4), email="ada@example.com", name="Ada")
    good = holder.path.removeprefix("/booking/")
    old = house.read(lambda: signed.seal(links.ATTENDEE, {"b": _public_id(house), "v": 0}))
    forged = f"{good[:-2]}{'A' if good[-2] != 'A' else 'B'}{good[-1]}"
    mentors = house.read(lambda: signed.seal(links.MENTOR, {"b": _public_id(house), "v": 1}))
    others = link_of(house, 2).removeprefix("/booking/")
    before = dump(house)
    tried = _routes(house)
    assert len(tried) >= 10
    for method, rule in tried:
        path = f"/{str(rule).split('>/')[-1]}" if ">/" in str(rule) else ""
        for token, status in ((forged, 404), (mentors, 404), (old, 410), (others, 0)):
            holder.path = f"/booking/{token}"
            is_sent = method == "POST" and path == "/send-link"
            if is_sent and token in (old, others):
                continue  # it serves old links; see test_find
            if token != others:
                answer = holder.client.get(f"{holder.path}{path}") if method == "GET" else holder.sends(path)
                assert answer.status_code == status, f"{method} {rule}"
                assert JUN not in answer.text
            elif method == "GET":
                assert JUN not in holder.client.get(f"{holder.path}{path}").text
    assert dump(house) == before


def _public_id(house: House) -> str:
    return all_of(house, Booking)[0].public_id


def test_the_last_page_leads_to_a_page_that_is_nobodys_to_keep_to_list_or_to_tell_of(house: House) -> None:
    booked_in, session_id = paid(house)
    house.settle_down()
    stranger = someone(house).complete_page("amara", session_id)
    assert "/booking/ey" not in stranger
    assert "is in the e-mail" in stranger
    [path] = set(re.findall(r'href="(/booking/[^"/]{20,})"', booked_in.complete_page("amara", session_id)))
    jun = Holder(house.app.test_client(), path)
    for more in ("", "/state", "/cancel", "/reschedule", "/calendar.ics", "/receipt"):
        answer = jun.client.get(f"{jun.path}{more}")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert not re.search(r"<script[^>]*stripe", answer.text)
        part = jun.client.get(f"{jun.path}{more}", headers={"HX-Request": "true"}).text
        ids = re.findall(r'\sid="([^"]+)"', part)
        assert len(ids) == len(set(ids))
        assert re.match(r"\s*<(section|div) id=\"bookings-", part) or more == "/calendar.ics"
    page = jun.reads()
    assert "Your session is confirmed" in page
    assert "You paid $60.00" in page
    assert "every 2s" not in page
    assert "for <bdi>Amara</bdi>" in page  # both zones, for they differ
    assert "$54.00" not in page  # the mentor's share is the mentor's


@pytest.mark.parametrize(
    ("left", "goes_back", "refunded"),
    # A minute to read and press in; to the second the rule is held by test_policy_of_changes.
    [
        (DAY + timedelta(minutes=1), "You get $60.00 back.", 6000),
        (DAY - SECOND, "Nothing goes back of your $60.00.", 0),
    ],
)
def test_cancelling_returns_exactly_what_was_shown(
    house: House, left: timedelta, goes_back: str, refunded: int
) -> None:
    _, jun = confirmed(house)
    advance_to(house, the(house, Booking).starts_at - left)
    shown = jun.reads("/cancel")
    assert goes_back in shown
    assert cancel(jun, "I am <b>ill</b>", page=shown).status_code == 303
    assert cancel(jun, page=shown).status_code == 303  # a second click, or Back and again
    house.settle_down()
    assert sum(r.amount for r in all_of(house, Refund)) == refunded
    assert sum(r["amount"] for r in house.stripe("refund")) == refunded
    page = jun.reads()
    assert "You have cancelled this session" in page
    assert ("We have returned your $60.00" if refunded else "No money goes back.") in page
    assert "I am &lt;b&gt;ill&lt;/b&gt;" in page
    assert sum("ancelled" in subject for subject in subjects(house, JUN)) == 1


def test_what_was_agreed_to_when_the_rule_was_another_is_asked_again(house: House) -> None:
    _, jun = confirmed(house)
    shown = jun.reads("/cancel")
    advance_to(house, the(house, Booking).starts_at - DAY + SECOND)
    answer = cancel(jun, page=shown)
    assert answer.status_code == 409
    assert "Nothing goes back of your $60.00." in answer.text
    assert the(house, Booking).status == "confirmed"
    assert cancel(jun, page=answer.text).status_code == 303
    assert the(house, Booking).status == "cancelled"


def test_what_has_begun_or_is_at_the_bank_is_said_so(house: House) -> None:
    paid(house, card="4000000000000259")  # the bank is asked at once
    house.settle_down()
    holder = owner(house)
    assert "Your bank decides about this payment" in holder.reads()
    assert "decides about it, so we return nothing besides" in holder.reads("/cancel")
    advance_to(house, the(house, Booking).starts_at)
    for link, way_in in (("https://meet.example/1", True), ("javascript:alert(1)", False)):
        change(house, "UPDATE discuno_booking SET meeting_url = :link", link=link)
        page = holder.reads()
        assert link in page
        assert (f'href="{link}"' in page) == ("Join the session" in page) == way_in
    page = holder.reads("/cancel")
    assert "The session has begun" in page
    assert 'name="agreed"' not in page
    assert holder.sends("/cancel", sequence="0", agreed="nothing").status_code == 409
    assert the(house, Booking).status == "confirmed"


def test_calendar_receipt_and_page_follow_a_cancellation(house: House) -> None:
    _, jun = confirmed(house)
    change(house, "UPDATE discuno_booking SET attendee_name = '<script>x</script>'")
    file = jun.client.get(f"{jun.path}/calendar.ics")
    assert file.headers["Content-Type"] == "text/calendar; charset=utf-8; method=REQUEST"
    assert file.headers["Content-Disposition"] == 'attachment; filename="invite.ics"'
    assert "/booking/ey" in file.text.replace("\r\n ", "")
    receipt = jun.reads("/receipt")
    for words in ("Amara Okafor", "Total paid", "$60.00", "R-2", "&lt;script&gt;x"):
        assert words in receipt
    cancel(jun)
    assert "method=CANCEL" in jun.client.get(f"{jun.path}/calendar.ics").headers["Content-Type"]
    [poll] = re.findall(r'hx-get="([^"]+/state[^"]*)" hx-trigger="every 2s"', jun.reads())
    htmx = {"HX-Request": "true"}
    assert jun.client.get(poll, headers=htmx).status_code == 204  # nothing new
    house.settle_down()
    fresh = jun.client.get(poll, headers=htmx).text
    assert "We have returned your $60.00" in fresh
    assert "every 2s" not in fresh
    assert "<html" not in fresh
    assert "Total after refunds</dt><dd>$0.00" in jun.reads("/receipt")


def test_a_booking_that_came_to_nothing_has_kind_words_and_nothing_to_press(house: House) -> None:
    jun = someone(house)
    jun.reach_payment()
    house.advance(timedelta(hours=2))
    house.settle_down()
    holder = owner(house)
    page = holder.reads()
    assert "This booking was not paid" in page
    assert "Choose a time again" in page
    assert "/cancel" not in page
    assert "This session is not confirmed" in holder.reads("/cancel")
    assert "This session is not confirmed" in holder.reads("/reschedule")
    assert holder.client.get(f"{holder.path}/receipt").status_code == 409
    assert holder.client.get(f"{holder.path}/calendar.ics").status_code == 409
