"""Being signed in: for so long, in so many browsers, and over for good when it is over."""

from datetime import timedelta

import pytest

from discuno import policy
from discuno.accounts import browsers
from discuno.accounts.models import AuditEntry, UserSession
from tests.factories import all_of, change
from tests.house import House
from tests.people import Person
from tests.signing import AMARA, OWEN, signed_in

MINUTE = timedelta(minutes=1)


def person_as(house: House, email: str) -> Person:
    """Somebody who is signed in."""
    person = Person(house)
    person.client = signed_in(house, email)
    return person


@pytest.fixture
def amara(house: House) -> Person:
    return person_as(house, AMARA)


def test_a_copied_cookie_opens_nothing_after_signing_out(house: House, amara: Person) -> None:
    copied = amara.cookie()
    answer = amara.sends("/sign-out", page="/sign-ins")
    assert answer.location == "/signed-out"
    assert "You are signed out" in amara.reads("/signed-out")
    assert not amara.is_in()
    amara.bring(copied)
    assert not amara.is_in()
    assert amara.client.get("/dashboard/stripe").location.startswith("/sign-in?next=")
    assert amara.sends("/sign-out").status_code == 303  # who is out already is told the same


def test_signing_out_everywhere_ends_every_sign_in_of_one_person(house: House, amara: Person) -> None:
    phone, owen = person_as(house, AMARA), person_as(house, OWEN)
    assert amara.reads("/sign-ins").count("Last seen") == 2
    assert amara.sends("/sign-ins/end-all", page="/sign-ins").location == "/signed-out"
    assert [person.is_in() for person in (amara, phone, owen)] == [False, False, True]
    assert [entry.action for entry in all_of(house, AuditEntry)] == ["sign_out_everywhere"]


def test_one_browser_is_signed_out_from_another_twice_as_once(house: House, amara: Person) -> None:
    phone = person_as(house, AMARA)
    for _ in range(2):
        assert amara.sends("/sign-ins/2/end", page="/sign-ins").location == "/sign-ins"
    assert [amara.is_in(), phone.is_in()] == [True, False]
    assert amara.sends("/sign-ins/1/end", page="/sign-ins").location == "/signed-out"
    assert not amara.is_in()


def test_nobody_ends_or_sees_the_sign_ins_of_another(house: House, amara: Person) -> None:
    owen = person_as(house, OWEN)
    assert amara.sends("/sign-ins/2/end", page="/sign-ins").status_code == 404
    assert amara.sends("/sign-ins/99999999999999999999/end", page="/sign-ins").status_code == 404
    assert owen.is_in()
    assert amara.reads("/sign-ins").count("Last seen") == 1
    stranger = Person(house)
    assert stranger.client.get("/sign-ins").location == "/sign-in?next=%2Fsign-ins"
    assert stranger.sends("/sign-ins/end-all").location == "/sign-in"


def test_who_asks_for_nothing_is_out_after_three_days(house: House, amara: Person) -> None:
    house.advance(policy.SESSION_IDLE - MINUTE)
    assert amara.is_in()
    house.advance(policy.SESSION_IDLE - MINUTE)
    assert amara.is_in()  # it was seen in between
    house.advance(policy.SESSION_IDLE + MINUTE)
    assert not amara.is_in()


def test_who_asks_all_the_time_is_out_after_thirty_days(house: House, amara: Person) -> None:
    step = policy.SESSION_IDLE - MINUTE
    days = 0 * step
    while days + step < policy.SESSION_LIFE:
        house.advance(step)
        days += step
        assert amara.is_in(), days
    house.advance(step)
    assert not amara.is_in()


def test_who_is_no_mentor_any_more_finds_nothing_though_still_signed_in(house: House, amara: Person) -> None:
    assert amara.is_in("/dashboard")
    change(house, "UPDATE discuno_user SET role = 'attendee' WHERE email = :email", email=AMARA)
    assert amara.client.get("/dashboard").status_code == 404


def test_being_here_is_written_down_every_five_minutes_at_most(house: House, amara: Person) -> None:
    [before] = all_of(house, UserSession)
    house.advance(policy.SEEN_EVERY - MINUTE)
    amara.is_in()
    [same] = all_of(house, UserSession)
    house.advance(2 * MINUTE)
    amara.is_in()
    [after] = all_of(house, UserSession)
    assert before.seen_at == same.seen_at < after.seen_at


def test_the_pages_of_somebody_signed_in_are_kept_by_no_cache(amara: Person) -> None:
    for path in ("/sign-ins", "/signed-out", "/sign-in/sent"):
        headers = amara.client.get(path).headers
        assert (headers["Cache-Control"], headers["X-Robots-Tag"]) == ("no-store", "noindex, nofollow")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/19.0 Safari/605", "Safari on a Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPad; CPU OS 19_0) CriOS/140.0 Safari/605", "Chrome on an iPad"),
        ("<script>alert(1)</script>", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_in_our_own_words(agent: str, words: str) -> None:
    assert browsers.in_words(agent) == words
