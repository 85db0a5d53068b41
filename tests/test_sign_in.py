"""Signing in by letter: for who has an account, once, soon, and in the browser that asked."""

from datetime import timedelta
from unicodedata import category

import pytest

from discuno import policy
from discuno.accounts import links
from discuno.accounts.models import AuditEntry, SignInLink, UserSession
from discuno.kit import logs
from discuno.kit.db import locked, transaction
from discuno.kit.outbox import Job
from discuno.kit.web import local_path
from discuno.notifications.models import Email
from tests.factories import all_of, change, dump, the
from tests.house import House
from tests.people import Person, link_to, while_it_is_open
from tests.signing import AMARA, OWEN, signed_in

pytestmark = pytest.mark.story

NOBODY = "nobody@example.com"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def person(house: House) -> Person:
    return Person(house)


def test_a_mentor_signs_in_by_letter_and_comes_to_where_they_wanted(house: House, person: Person) -> None:
    led = person.client.get("/dashboard/payouts?period=2026")
    assert led.location == "/sign-in?next=%2Fdashboard%2Fpayouts%3Fperiod%3D2026"
    assert 'value="/dashboard/payouts?period=2026"' in person.reads(led.location)
    before = person.cookie()
    answer = person.signs_in(AMARA.upper(), next="/dashboard/payouts?period=2026")
    assert (answer.status_code, answer.location) == (303, "/dashboard/payouts?period=2026")
    assert "Safari on an iPhone" in person.reads("/sign-ins")
    assert person.client.get("/sign-in").location == "/dashboard"
    assert person.cookie() != before
    letter = house.letters(AMARA)[-1]
    assert "works once, for 10 minutes" in letter["text"]
    assert "The link works until" in letter["text"]
    [entry] = all_of(house, AuditEntry)
    assert (entry.actor, entry.action, entry.address) == (AMARA, "sign_in", "127.0.0.1")


def test_whether_somebody_has_an_account_is_told_to_their_mailbox_alone(house: House) -> None:
    answers, work = [], []
    for email in (AMARA, NOBODY):
        asker = Person(house)
        answer = asker.asks(email)
        page = asker.client.get(answer.location)
        answers.append((answer.status_code, answer.data, answer.location, page.status_code, page.data))
        work.append(sorted(answer.headers.keys()))
    assert answers[0] == answers[1]
    assert work[0] == work[1]
    assert [job.task for job in all_of(house, Job)].count("send_sign_in_link") == 2
    house.work()
    assert [link.email for link in all_of(house, SignInLink)] == [AMARA, NOBODY]
    assert [email.recipient for email in all_of(house, Email)] == [AMARA]


def test_who_is_no_mentor_any_more_gets_no_letter_and_their_link_opens_nothing(
    house: House, person: Person
) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    change(house, "UPDATE discuno_user SET role = 'attendee' WHERE email = :email", email=AMARA)
    assert person.presses(link).status_code == 404
    assert person.client.get(link).status_code == 404
    person.asks(AMARA)
    house.work()
    assert len(all_of(house, Email)) == 1
    assert all_of(house, UserSession) == []


def test_looking_at_a_link_changes_nothing(house: House, person: Person) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    tables = [f"discuno_{name}" for name in ("sign_in_link", "user_session", "audit_entry", "job")]
    house.settle_down()  # the carrier's news of the letter has come
    before = dump(house, *tables)
    for client in (person.client, Person(house).client):
        assert client.head(link).status_code in (200, 409)
        assert client.get(link).status_code in (200, 409)
    assert "Welcome, <bdi>Amara Okafor" in person.client.get(link).text
    assert dump(house, *tables) == before
    assert person.presses(link).status_code == 303


def test_a_link_works_in_the_browser_that_asked_for_it_alone(house: House, person: Person) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    elsewhere = Person(house)
    elsewhere.asks(NOBODY)  # it holds a nonce too, but another one
    for answer in (elsewhere.client.get(link), elsewhere.presses(link)):
        assert answer.status_code == 409
        assert "Open this link where you asked for it" in answer.text
        assert 'action="/sign-in"' in answer.text
        assert AMARA not in answer.text
    assert not elsewhere.is_in()
    assert the_link(house).used_at is None
    assert person.presses(link).status_code == 303


def the_link(house: House) -> SignInLink:
    return all_of(house, SignInLink)[0]


def test_a_link_lets_in_once_pressed_at_the_same_time_or_again(house: House, person: Person) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    second = Person(house)
    second.bring(person.cookie())
    with house.app.app_context(), transaction():
        links.use_up(locked(SignInLink, 1))
        assert while_it_is_open(lambda: second.presses(link)).status_code == 410
    assert all_of(house, UserSession) == []
    change(house, "UPDATE discuno_sign_in_link SET used_at = NULL")
    assert [person.presses(link).status_code for _ in range(2)] == [303, 303]  # led on, not let in again
    assert second.presses(link).status_code == 410
    assert the(house, UserSession).user.email == AMARA
    assert "This link was used" in second.client.get(link).text


def test_a_late_answer_to_a_second_click_does_not_sign_out_again(house: House, person: Person) -> None:
    person.asks(AMARA)
    link, before = link_to(house, AMARA), person.cookie()
    assert person.presses(link).status_code == 303
    second = Person(house)
    second.bring(before)  # sent before the first answer came
    answer = second.presses(link)
    assert answer.status_code == 410
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("after", "status"), [(9, 200), (11, 410)])
def test_a_link_is_good_for_ten_minutes(house: House, person: Person, after: int, status: int) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    house.advance(after * MINUTE)
    answer = person.client.get(link)
    assert answer.status_code == status
    assert ("This link is too old" in answer.text) == (status == 410)
    assert person.presses(link).status_code == (303 if status == 200 else 410)


def test_a_letter_that_comes_too_late_is_not_sent(house: House, person: Person) -> None:
    person.asks(AMARA)
    change(house, "UPDATE discuno_sign_in_link SET asked_at = asked_at - interval '11 minutes'")
    house.work()
    assert house.letters(AMARA) == []
    assert the(house, Email).status == "dropped"


def test_old_requests_are_forgotten_and_a_link_of_theirs_says_that_it_does_not_work(
    house: House, person: Person
) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    house.advance(policy.FORGET_REQUESTS + MINUTE)
    person.asks(OWEN)
    house.work()
    assert [row.email for row in all_of(house, SignInLink)] == [OWEN]
    assert person.client.get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "eyJsaW5rIjoxfQ.forged", "a" * 300])
def test_a_token_of_nobodys_opens_nothing(person: Person, token: str) -> None:
    for answer in (person.client.get(f"/sign-in/{token}"), person.presses(f"/sign-in/{token}")):
        assert answer.status_code == 404
        assert "This link does not work" in answer.text


def test_an_address_gets_five_letters_an_hour_that_nobody_uses(house: House) -> None:
    for number in range(7):
        Person(house).asks(AMARA)
        house.work()
        assert len(house.letters(AMARA)) == min(number + 1, policy.MAX_UNUSED_LINKS)
    house.advance(policy.UNUSED_LINKS_WITHIN + MINUTE)
    Person(house).asks(AMARA)
    house.work()
    assert len(house.letters(AMARA)) == policy.MAX_UNUSED_LINKS + 1


def test_strangers_who_ask_cannot_keep_somebody_out_of_the_browser_they_use(house: House) -> None:
    amara = Person(house)
    amara.signs_in(AMARA)
    amara.sends("/sign-out")
    for _ in range(policy.MAX_UNUSED_LINKS + 1):
        Person(house).asks(AMARA)
    house.work()
    assert amara.signs_in(AMARA).location == "/dashboard"


def test_a_browser_may_ask_six_times_an_hour(person: Person) -> None:
    answers = [person.asks(NOBODY).status_code for _ in range(8)]
    assert answers == [303] * 7 + [429]  # the first had no cookie yet


def test_what_is_no_address_is_said_so_and_the_way_is_kept(person: Person) -> None:
    answer = person.asks("amara@<b>", next="/dashboard/money")
    assert answer.status_code == 422
    assert "does not look like an e-mail address" in answer.text
    assert "amara@&lt;b&gt;" in answer.text
    assert 'name="next" value="/dashboard/money"' in answer.text


def test_nothing_that_was_true_before_signing_in_opens_anything_after(house: House, person: Person) -> None:
    person.asks(AMARA)
    link, planted, token = link_to(house, AMARA), person.cookie(), person.token()
    assert person.presses(link).status_code == 303
    thief = Person(house)
    thief.bring(planted)  # the cookie that stood there before
    assert not thief.is_in()
    assert person.client.post("/sign-out", data={"csrf_token": token}).status_code == 400
    assert person.is_in()


def test_who_signs_in_as_another_is_signed_out_as_the_first(house: House, person: Person) -> None:
    person.signs_in(AMARA)
    first = person.cookie()
    person.client.get("/sign-in")
    other = Person(house)
    other.bring(first)
    change(house, "UPDATE discuno_sign_in_link SET used_at = NULL, user_id = 2, browser = NULL")
    link = link_to(house, AMARA)
    assert "Welcome, <bdi>Owen Hughes" in person.client.get(link).text
    assert person.presses(link).status_code == 303
    assert not other.is_in()
    assert OWEN in person.reads("/sign-ins")


def test_a_link_of_ones_own_leads_on_without_being_used_up(house: House) -> None:
    person = Person(house)
    person.asks(AMARA, next="/dashboard/money")
    link = link_to(house, AMARA)
    person.client = signed_in(house, AMARA)
    assert person.client.get(link).location == "/dashboard/money"
    assert the(house, SignInLink).used_at is None


ELSEWHERE = [
    *("//evil.example", "///evil.example", "////evil.example", "//evil.example/dashboard", "//@evil.example"),
    *("/\\evil.example", "/\\/evil.example", "\\\\evil.example", "\\/evil.example", "/\\\\evil.example"),
    *("/a\\b", "\\evil", "https:evil.example", "https:/evil.example", "https://evil.example"),
    *("HTTPS://evil.example", "http://evil.example/dashboard", "ftp://evil.example", "ws://evil.example"),
    *("javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)"),
    *("data:text/html,x", "vbscript:x", "mailto:a@b.example", "blob:x", "file:///etc/passwd", "about:blank"),
    *("/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", "\n//evil.example"),
    *(
        "/\x00/evil.example",
        "/\x0b/evil.example",
        "/\x1f/evil.example",
        "/\x7f/evil.example",
        "/\x85/evil.example",
    ),
    *("/\u2028/evil.example", "/\u2029/evil.example", "/\u202e/evil.example", "/\ufeff/evil.example"),
    *("/\u00a0/evil.example", "/\u3000/evil.example", "/\u200b/evil.example", "/\ud800"),
    *("/dashboard\r\nSet-Cookie: a=b", "/dashboard\nLocation: https://evil.example", "/dashboard\x00"),
    *(
        "evil.example",
        "evil.example/dashboard",
        "www.evil.example",
        "@evil.example",
        ":80",
        "?next=x",
        "#x",
        ".",
    ),
    *("..", "../dashboard", "./dashboard", " /dashboard", " //evil.example", "", "/" + "a" * 2000),
]


def test_sixty_ways_to_lead_somebody_elsewhere_lead_nowhere(person: Person) -> None:
    assert len(ELSEWHERE) >= 60
    assert [path for path in ELSEWHERE if local_path(path)] == []
    typed = [path for path in ELSEWHERE if category(path[1:2] or "a") != "Cs" and "\0" not in path]
    for path in typed[::6]:  # and not by the page either
        assert 'name="next"' not in person.client.get("/sign-in", query_string={"next": path}).text, path
        answer = person.sends("/sign-in", email="no", next=path)
        assert 'name="next"' not in answer.text, path


@pytest.mark.parametrize(
    ("email", "wanted", "led"),
    [
        (AMARA, "/dashboard/payouts", "/dashboard/payouts"),
        (AMARA, "/sign-ins", "/sign-ins"),
        (AMARA, "/admin", "/dashboard"),
        (AMARA, "/admin/mentors?x=1", "/dashboard"),
        (AMARA, "//evil.example", "/dashboard"),
        (AMARA, "", "/dashboard"),
    ],
)
def test_nobody_is_led_to_what_is_not_theirs(person: Person, email: str, wanted: str, led: str) -> None:
    assert person.signs_in(email, next=wanted).location == led


def test_a_link_is_never_logged(house: House, person: Person) -> None:
    person.asks(AMARA)
    link = link_to(house, AMARA)
    assert logs.SECRET.sub("…", f"GET {house.url}{link} 500") == f"GET {house.url}… 500"
