"""Who looks after payments gives a letter and a code: set up, given, on paper, reset, and forgotten in time."""

import re
from datetime import timedelta

import pyotp
import pytest
from werkzeug.test import TestResponse

from discuno import journey, policy
from discuno.accounts import second
from discuno.accounts import service as accounts
from discuno.accounts.audit import Actor
from discuno.accounts.models import AuditEntry, RecoveryCode, Role, SecondFactor, User, UserSession
from discuno.accounts.second import Answer
from discuno.kit import clock
from discuno.kit.db import locked, transaction
from discuno.notifications.models import Email
from tests.factories import all_of, dump, subjects, the
from tests.house import House
from tests.people import Person, link_to, while_it_is_open
from tests.signing import ADMIN, AMARA, SUPPORT, code_of, signed_in, staff, token_for

pytestmark = pytest.mark.story

SECOND = timedelta(seconds=1)
STEP = timedelta(seconds=second.STEP)
CODE, NEW, PAPER = "/sign-in/code", "/sign-in/code/new", "/sign-in/code/recovery"


def one_of(house: House, email: str = ADMIN, **how: bool) -> Person:
    """One of the staff, signed in by letter, with or without the code."""
    person = Person(house)
    person.client = staff(house, email, **how)
    return person


@pytest.fixture
def ada(house: House) -> Person:
    """An admin who has given no code yet."""
    return one_of(house, proved=False)


def gives(person: Person, code: str, **form: str) -> TestResponse:
    return person.sends(CODE, page=f"{CODE}?by=paper", code=code, **form)


def actions(house: House) -> list[str]:
    return [entry.action for entry in all_of(house, AuditEntry)]


def newcomer(house: House) -> Person:
    """An admin without an app, just in by letter."""
    with house.app.app_context(), transaction():
        accounts.add(ADMIN, "Ada Okonkwo", Role.ADMIN)
    person = Person(house)
    person.client = signed_in(house, ADMIN)
    return person


def secret_on(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found, "the page shows no secret"
    return found[1].replace(" ", "")


def sets_up(house: House, person: Person) -> tuple[str, TestResponse]:
    """The secret of an app, and the answer to its first code."""
    assert person.sends(f"{NEW}/begin", page=NEW, next="/admin/mentors").status_code == 303
    secret = secret_on(person.reads(NEW))
    return secret, person.sends(NEW, page=NEW, code=now_of(house, secret), next="/admin/mentors")


def now_of(house: House, secret: str, later: timedelta = timedelta()) -> str:
    """What an app with this secret shows."""
    with house.app.app_context(), transaction():
        return pyotp.TOTP(secret).at(clock.now() + later)


def codes_on(page: str) -> list[str]:
    return re.findall(r"<code>((?:[2-9A-Z]{4}-){2}[2-9A-Z]{4})</code>", page)


# Giving a code


def test_a_letter_alone_opens_nothing_under_admin_and_a_code_opens_all_of_it(
    house: House, ada: Person
) -> None:
    for page in ("/admin", "/admin/mentors?q=x", "/admin/people"):
        assert ada.client.get(page).location.startswith(f"{CODE}?next=%2Fadmin")
    copied = ada.cookie()
    answer = gives(ada, code_of(house), next="/admin/mentors?q=x")
    assert (answer.status_code, answer.location) == (303, "/admin/mentors?q=x")
    assert ada.is_in("/admin/mentors")
    assert actions(house) == ["second factor given"]
    ada.bring(copied)  # a copy of the cookie of before is worth nothing
    assert ada.client.get("/admin/mentors").location.startswith("/sign-in?")


def test_the_way_in_by_letter_leads_to_the_code_and_on_to_what_was_wanted(house: House) -> None:
    one_of(house, proved=False)
    person = Person(house)
    there = person.signs_in(ADMIN, next="/admin/people").location
    asked = person.client.get(there).location
    assert (there, asked) == ("/admin/people", f"{CODE}?next=%2Fadmin%2Fpeople")
    assert "/admin/people" in person.reads(asked)


def test_a_code_is_for_staff_alone(house: House) -> None:
    amara = Person(house)
    amara.client = signed_in(house, AMARA)
    for page in (CODE, NEW, PAPER):
        assert amara.client.get(page).status_code == 404
        assert amara.sends(page, page="/sign-ins", code="123456").status_code == 404
        assert Person(house).client.get(page).location.startswith("/sign-in?next=")
    assert all_of(house, SecondFactor) == []


def test_it_is_given_again_after_twelve_hours_and_is_fresh_for_ten_minutes(house: House) -> None:
    ada = one_of(house)
    row = the(house, UserSession)

    def holds() -> tuple[bool, bool]:
        with house.app.app_context(), transaction():
            found = locked(UserSession, row.id)
            return second.is_proved(found), second.is_fresh(found)

    house.advance(policy.PROVED_FOR - SECOND * 5)
    assert holds() == (True, True)
    house.advance(SECOND * 5)
    assert holds() == (True, False)
    assert ada.is_in("/admin/mentors")
    house.advance(policy.SECOND_FACTOR_LIFE - policy.PROVED_FOR)
    assert holds() == (False, False)


def test_staff_who_ask_for_nothing_are_out_after_twelve_hours(house: House) -> None:
    ada = one_of(house)
    house.advance(policy.STAFF_IDLE - STEP)
    assert ada.is_in("/sign-ins")
    assert "after 12 hours without a visit" in ada.reads("/sign-ins")
    house.advance(policy.STAFF_IDLE)
    assert not ada.is_in("/sign-ins")


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clocks_may_differ_by_thirty_seconds(house: House, ada: Person, steps: int, taken: bool) -> None:
    with house.app.app_context(), transaction():
        factor = second.of(locked(User, the(house, SecondFactor).user_id))
        secret = second.secret_of(factor) if factor else None
    assert secret
    assert (gives(ada, now_of(house, secret, steps * STEP)).status_code == 303) == taken


def test_a_code_is_taken_once_and_never_an_older_one_after_it(house: House, ada: Person) -> None:
    code = code_of(house)
    assert gives(ada, f" {code[:3]} {code[3:]} ").status_code == 303
    again = one_of(house, proved=False)
    answer = gives(again, code)
    assert answer.status_code == 422
    assert "was used already" in answer.text
    assert again.client.get("/admin").location == f"{CODE}?next=%2Fadmin"


def test_of_two_at_once_with_one_code_one_is_let_in(house: House, ada: Person) -> None:
    token_for(house, ADMIN)
    here, there = all_of(house, UserSession)
    code = code_of(house)

    def take(session_id: int) -> Answer:
        row = locked(UserSession, session_id)
        locked(User, row.user_id)
        return journey.take_code(row, code, Actor(ADMIN))

    def other() -> Answer:
        with house.app.app_context(), transaction():
            return take(there.id)

    with house.app.app_context(), transaction():
        first = take(here.id)
        second_one = while_it_is_open(other)
    assert (first, second_one) == (Answer.APP, Answer.WRONG)


def test_pressed_twice_in_one_browser_a_form_goes_through_twice(house: House) -> None:
    one_of(house, fresh=False)
    code, row = code_of(house), the(house, UserSession)

    def take() -> Answer:
        with house.app.app_context(), transaction():
            locked(User, row.user_id)
            return journey.take_code(locked(UserSession, row.id), code, Actor(ADMIN))

    assert [take(), take()] == [Answer.APP, Answer.APP]
    assert actions(house) == ["second factor given"]


@pytest.mark.parametrize("typed", ["", "12345", "１２３４５６", "é" * 12, "x" * 41, "ABCD-EFGH-JKLM"])
def test_a_code_that_is_none_is_refused_in_words_and_not_shown_again(
    house: House, ada: Person, typed: str
) -> None:
    answer = gives(ada, typed)
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text
    assert not typed or typed not in answer.text


def test_after_five_wrong_codes_none_is_looked_at_for_five_minutes(house: House, ada: Person) -> None:
    for _ in range(policy.CODES_REFUSED):
        assert "That code is not right" in gives(ada, "000000").text
    assert "Please wait five minutes" in gives(ada, code_of(house)).text
    house.advance(policy.CODES_REST - SECOND * 20)
    assert "Please wait five minutes" in gives(ada, code_of(house)).text
    house.advance(SECOND * 20)
    assert gives(ada, code_of(house)).status_code == 303
    assert actions(house) == ["second factor refused"] * policy.CODES_REFUSED + ["second factor given"]


def test_nobody_is_led_elsewhere(house: House, ada: Person) -> None:
    assert gives(ada, code_of(house), next="//evil.example").location == "/admin"


# Setting up an app


def test_an_app_is_set_up_with_its_first_code_and_the_paper_is_shown_once(house: House) -> None:
    ada = newcomer(house)
    assert ada.client.get("/admin").location == f"{CODE}?next=%2Fadmin"
    assert ada.client.get(f"{CODE}?next=/admin").location == f"{NEW}?next=/admin"
    assert "<code>" not in ada.reads(NEW)
    secret, answer = sets_up(house, ada)
    assert answer.status_code == 200
    codes = codes_on(answer.text)
    assert len(set(codes)) == policy.RECOVERY_CODES
    assert 'href="/admin/mentors"' in answer.text
    assert ada.is_in("/admin/mentors")
    for page in (NEW, PAPER, CODE, "/admin/people"):
        shown = ada.client.get(page).text
        assert secret not in shown.replace(" ", "")
        assert "data:image" not in shown
        assert codes[0] not in shown
    assert actions(house) == ["second factor begun", "second factor set up"]
    assert "10 recovery codes" in ada.reads(PAPER)


def test_the_secret_and_the_codes_stand_nowhere_in_plain(house: House) -> None:
    ada = newcomer(house)
    secret, answer = sets_up(house, ada)
    house.work()
    rows = repr(dump(house)) + repr(house.letters(ADMIN))
    for plain in (secret, *codes_on(answer.text), *(c.replace("-", "") for c in codes_on(answer.text))):
        assert plain not in rows


def test_looking_at_the_page_plants_nothing_and_the_secret_stays_the_same_for_a_while(house: House) -> None:
    ada = newcomer(house)
    ada.reads(NEW)
    assert all_of(house, SecondFactor) == []
    begun = [secret_on(ada.sends(f"{NEW}/begin", page=NEW) and ada.reads(NEW)) for _ in range(2)]
    assert begun[0] == begun[1]
    assert "data:image/svg+xml" in ada.reads(NEW)
    assert "That code is not right" in ada.sends(NEW, page=NEW, code="000000").text
    assert ada.client.get("/admin").location == f"{CODE}?next=%2Fadmin"
    assert gives(ada, now_of(house, begun[0])).status_code == 422  # it counts nowhere else yet


def test_who_has_only_an_old_cookie_sets_nothing_up(house: House) -> None:
    ada = newcomer(house)
    ada.sends(f"{NEW}/begin", page=NEW)
    secret = secret_on(ada.reads(NEW))
    house.advance(policy.SET_UP_WITHIN)
    page = ada.reads(NEW)
    assert "Please sign in again" in page
    assert "<code>" not in page
    assert ada.sends(f"{NEW}/begin", page=NEW).status_code == 403
    assert ada.sends(NEW, page=NEW, code=now_of(house, secret)).status_code == 403
    assert ada.signs_in(ADMIN).location == "/admin"
    assert "<code>" not in ada.reads(NEW)  # the secret of before is too old to be shown
    new, answer = sets_up(house, ada)
    assert (answer.status_code, new != secret) == (200, True)


def test_another_app_needs_proof_and_the_old_one_counts_until_its_first_code(house: House) -> None:
    ada = one_of(house, fresh=False)
    old = secret_of(house)
    assert "<code>" not in ada.reads(NEW)
    assert ada.sends(f"{NEW}/begin", page=NEW, code="000000").status_code == 422
    assert ada.sends(f"{NEW}/begin", page=NEW, code=code_of(house)).status_code == 303
    secret = secret_on(ada.reads(NEW))
    assert secret_of(house) == old
    assert secret != old
    answer = ada.sends(NEW, page=NEW, code=now_of(house, secret))
    assert len(codes_on(answer.text)) == policy.RECOVERY_CODES
    assert secret_of(house) == secret
    house.work()
    assert subjects(house, ADMIN)[-1] == "An authenticator app was replaced: Ada Okonkwo"


def secret_of(house: House) -> str | None:
    with house.app.app_context(), transaction():
        return second.secret_of(the(house, SecondFactor))


def test_the_last_click_made_twice_sets_up_one_app(house: House) -> None:
    ada = newcomer(house)
    secret, _ = sets_up(house, ada)
    assert ada.sends(NEW, page=PAPER, code=now_of(house, secret)).location == NEW
    assert len(all_of(house, RecoveryCode)) == policy.RECOVERY_CODES
    assert actions(house) == ["second factor begun", "second factor set up"]


# On paper


def test_a_recovery_code_lets_in_once_and_is_told_of_by_letter(house: House, ada: Person) -> None:
    codes = written(house)
    answer = gives(ada, codes[0].lower(), next="/admin/mentors")
    assert answer.location == f"{PAPER}?used=1&next=/admin/mentors"
    page = ada.reads(answer.location)
    assert "You have 9 recovery codes left" in page
    assert gives(one_of(house, proved=False), codes[0]).status_code == 422
    house.work()
    letters = [letter for letter in house.letters(ADMIN) if "recovery code was used" in letter["subject"]]
    assert (
        len(letters) == len([mail for mail in all_of(house, Email) if mail.template == "staff_changed"]) == 2
    )
    for words in ("Ada Okonkwo", "Browser: A browser", "Address: 127.0.0.1", "Recovery codes left: 9"):
        assert words in letters[0]["text"]
    assert codes[0] not in letters[0]["text"]


def written(house: House) -> list[str]:
    with house.app.app_context(), transaction():
        return second.write_codes(locked(User, the(house, SecondFactor).user_id))


def test_new_recovery_codes_need_proof_and_take_the_place_of_the_old(house: House) -> None:
    ada = one_of(house, fresh=False)
    old = written(house)
    assert ada.sends(PAPER, page=PAPER, code="").status_code == 422
    answer = ada.sends(PAPER, page=PAPER, code=code_of(house))
    assert answer.headers["Cache-Control"] == "no-store"
    new = codes_on(answer.text)
    assert len(new) == policy.RECOVERY_CODES
    assert gives(one_of(house, proved=False), old[0]).status_code == 422
    assert gives(one_of(house, proved=False), new[0]).status_code == 303


def test_a_code_on_paper_is_of_one_person(house: House, ada: Person) -> None:
    codes = written(house)
    assert gives(one_of(house, SUPPORT, proved=False), codes[0]).status_code == 422
    assert gives(ada, codes[0]).status_code == 303


# Lost


def test_the_operator_takes_app_and_paper_away_and_every_sign_in_ends(house: House) -> None:
    ada = one_of(house)
    written(house)
    runner = house.app.test_cli_runner()
    said = [
        runner.invoke(args=["reset-second-factor", ADMIN, "--reason", "phone and paper lost"]).output
        for _ in range(2)
    ]
    assert "is signed out everywhere" in said[0]
    assert "has no authenticator app" in said[1]
    assert (all_of(house, SecondFactor), all_of(house, RecoveryCode)) == ([], [])
    assert not ada.is_in("/sign-ins")
    [entry] = all_of(house, AuditEntry)
    words = ("operator", "reset second factor", "phone and paper lost")
    assert (entry.actor, entry.action, entry.reason) == words
    assert ada.presses(link_to_after_asking(house, ada)).location == "/admin"
    assert sets_up(house, ada)[1].status_code == 200
    assert "An authenticator app was taken away: Ada Okonkwo" in subjects(house, ADMIN)
    assert (
        "Nobody who looks after" in runner.invoke(args=["reset-second-factor", AMARA, "--reason", "x"]).output
    )


def link_to_after_asking(house: House, person: Person) -> str:
    person.asks(ADMIN)
    return link_to(house, ADMIN)


def test_a_secret_sealed_under_another_key_counts_not_and_the_paper_does(house: House, ada: Person) -> None:
    codes, code = written(house), code_of(house)
    house.app.secret_key, kept = "another", house.app.secret_key
    try:
        with house.app.app_context(), transaction():
            user = locked(User, the(house, SecondFactor).user_id)
            assert [second.take(user, typed) for typed in (code, codes[0])] == [Answer.WRONG, Answer.PAPER]
    finally:
        house.app.secret_key = kept
