"""Who looks after payments: added, changed, locked out, by an admin who proves it; and mentors who are suspended."""

import re
import tomllib
from datetime import timedelta

import pyotp
import pytest
import requests
from werkzeug.test import TestResponse

from discuno import cli, journey, policy, seed
from discuno.accounts import second
from discuno.accounts.audit import Actor
from discuno.accounts.models import AuditEntry, Role, SecondFactor, User, UserSession
from discuno.kit import clock
from discuno.kit.db import transaction
from discuno.kit.errors import DomainError
from discuno.mentors.models import Mentor
from tests.factories import all_of, subjects
from tests.house import House
from tests.people import Person, while_it_is_open
from tests.signing import ADMIN, AMARA, OWEN, SECOND_ADMIN, SUPPORT, code_of, signed_in, staff

pytestmark = pytest.mark.story

PAGE, LIN = "/admin/people", "lin@discuno.example"
WHY = "She begins on Monday."


def one_of(house: House, email: str, **how: bool) -> Person:
    person = Person(house)
    person.client = staff(house, email, **how)
    return person


@pytest.fixture
def ada(house: House) -> Person:
    """An admin who has given a code just now."""
    return one_of(house, ADMIN)


def page_of(house: House, email: str) -> str:
    [number] = [user.id for user in all_of(house, User) if user.email == email]
    return f"{PAGE}/{number}"


def does(house: House, person: Person, act: str, email: str, **form: str) -> TestResponse:
    """One of the acts on somebody's page."""
    page = page_of(house, email)
    return person.sends(page, page=PAGE, **{"act": act, "reason": "as we agreed", **form})


def adds(person: Person, **form: str) -> TestResponse:
    return person.sends(
        PAGE, page=PAGE, **{"name": "Lin Wei", "email": LIN, "role": "support", "reason": WHY, **form}
    )


def roles(house: House) -> dict[str, Role]:
    return {user.email: user.role for user in all_of(house, User)}


def entries(house: House) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.reason) for entry in all_of(house, AuditEntry)]


# The staff


def test_somebody_is_added_once_and_told_so_by_letter(house: House, ada: Person) -> None:
    for _ in range(2):
        assert adds(ada).location == PAGE
    assert roles(house)[LIN] == Role.SUPPORT
    assert entries(house) == [(ADMIN, "add staff", WHY)]
    assert "Lin Wei" in ada.reads(PAGE)
    assert "No authenticator app yet" in ada.reads(PAGE)
    house.work()
    [letter] = house.letters(LIN)
    told = " ".join(letter["text"].split())
    assert f"{ADMIN} has asked Lin Wei to look after payments at Discuno, as support." in told
    assert Person(house).signs_in(LIN).location == "/admin"


@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"email": AMARA}, "email", "belongs to Amara Okafor, who is a mentor"),
        ({"email": ADMIN}, "email", "Ada Okonkwo is here already"),
        ({"role": "mentor"}, "role", "Please choose one"),
        ({"name": " "}, "name", "Please give their name"),
        ({"reason": " "}, "reason", "Please say why"),
    ],
)
def test_who_cannot_be_added_is_refused_in_words(
    house: House, ada: Person, form: dict[str, str], field: str, sentence: str
) -> None:
    before = roles(house)
    answer = adds(ada, **form)
    assert answer.status_code in (409, 422)
    assert sentence in answer.text
    assert f'id="field-{field}-error"' in answer.text
    assert (roles(house), entries(house)) == (before, [])


def test_without_a_code_given_lately_one_is_asked_for_and_the_rest_stays_typed(house: House) -> None:
    ada = one_of(house, ADMIN, fresh=False)
    assert "The code of your authenticator app" in ada.reads(PAGE)
    answer = adds(ada, code="000000")
    assert answer.status_code == 422
    assert "That code is not right" in answer.text
    assert WHY in answer.text
    assert "000000" not in answer.text
    code = code_of(house)
    assert adds(ada, name="", code=code).status_code == 422  # the code is not spent on a form that is wrong
    assert adds(ada, code=code).status_code == 303
    assert "The code of your authenticator app" not in ada.reads(PAGE)


@pytest.mark.parametrize(
    ("act", "email", "role", "action"),
    [
        ("support", SECOND_ADMIN, Role.SUPPORT, "change role"),
        ("admin", SUPPORT, Role.ADMIN, "change role"),
        ("remove", SUPPORT, Role.ATTENDEE, "remove from staff"),
    ],
)
def test_a_role_is_changed_once_and_every_sign_in_ends(
    house: House, ada: Person, act: str, email: str, role: Role, action: str
) -> None:
    other = one_of(house, email)
    before = roles(house)[email]
    place = page_of(house, email)
    for _ in range(2):
        answer = ada.sends(place, page=PAGE, act=act, reason="as we agreed")
        assert answer.location == (PAGE if act == "remove" else place)
    assert roles(house)[email] == role
    assert not other.is_in("/sign-ins")
    [entry] = all_of(house, AuditEntry)
    assert (entry.action, entry.before, entry.after) == (action, {"role": before.value}, {"role": role.value})
    house.work()
    assert len(subjects(house, email)) == 1


def test_a_sign_in_that_had_run_out_does_not_come_back_with_another_role(house: House) -> None:
    sam = one_of(house, SUPPORT)
    house.advance(policy.STAFF_IDLE)
    assert not sam.is_in("/sign-ins")
    does(house, one_of(house, ADMIN), "remove", SUPPORT)
    assert not sam.is_in("/sign-ins")


def test_sign_ins_are_ended_and_a_lost_app_is_taken_away(house: House, ada: Person) -> None:
    sam = one_of(house, SUPPORT)
    for _ in range(2):
        assert does(house, ada, "end", SUPPORT).status_code == 303
    assert not sam.is_in("/sign-ins")
    sam = one_of(house, SUPPORT)
    for _ in range(2):
        assert does(house, ada, "reset", SUPPORT).status_code == 303
    assert not sam.is_in("/sign-ins")
    assert [factor.user_id for factor in all_of(house, SecondFactor)] == [
        all_of(house, UserSession)[0].user_id
    ]
    assert [action for _, action, _ in entries(house)] == ["end sign-ins", "reset second factor"]
    shown = ada.reads(page_of(house, SUPPORT))
    assert "Not set up yet" in shown
    assert "Reset second factor" in shown


@pytest.mark.parametrize("act", ["remove", "reset"])
def test_nobody_does_it_to_themselves(house: House, ada: Person, act: str) -> None:
    one_of(house, SECOND_ADMIN)
    answer = does(house, ada, act, ADMIN)
    assert answer.status_code == 409
    assert "Ask another admin" in answer.text
    assert entries(house) == []
    assert ada.is_in(PAGE)


def test_two_admins_who_remove_each_other_leave_one(house: House, ada: Person) -> None:
    one_of(house, SECOND_ADMIN)
    numbers = {user.email: user.id for user in all_of(house, User)}

    def remove(whom: str, by: str) -> None:
        journey.change_role(journey.person(numbers[whom]), Role.ATTENDEE, "out", Actor(by))

    def other() -> str:
        with house.app.app_context(), pytest.raises(DomainError) as refused, transaction():
            remove(ADMIN, SECOND_ADMIN)
        return refused.value.message

    with house.app.app_context(), transaction():
        remove(SECOND_ADMIN, ADMIN)
        said = while_it_is_open(other)
    assert "the last admin" in said
    assert roles(house)[ADMIN] == Role.ADMIN


def test_support_sees_everybody_and_has_no_lever(house: House, ada: Person) -> None:
    sam = one_of(house, SUPPORT)
    for page in (PAGE, page_of(house, ADMIN), "/admin/mentors", "/admin/mentors/1/suspension"):
        shown = sam.reads(page)
        assert set(re.findall(r'method="post" action="([^"]+)"', shown)) == {"/sign-out"}, page
    for page in (PAGE, page_of(house, ADMIN), "/admin/mentors", "/admin/mentors/1/suspension"):
        answer = sam.sends(page, page="/sign-ins", act="remove", reason="because")
        assert answer.status_code == 403
        assert "ask an admin" in answer.text
    assert entries(house) == []


def test_who_is_no_staff_has_no_page_there(house: House, ada: Person) -> None:
    assert ada.client.get(page_of(house, AMARA)).status_code == 404
    assert ada.client.get(f"{PAGE}/999999").status_code == 404
    assert does(house, ada, "admin", AMARA).status_code == 404
    assert roles(house)[AMARA] == Role.MENTOR


def test_support_is_made_on_the_command_line_too(house: House) -> None:
    runner = house.app.test_cli_runner()
    said = runner.invoke(args=["create-admin", LIN, "--name", "Lin Wei", "--support"]).output
    assert f"{LIN} is support now" in said
    assert "here already" in runner.invoke(args=["create-admin", LIN]).output
    assert entries(house) == [("operator", "add staff", "on the command line")]


# Suspending a mentor


def test_a_mentor_is_suspended_with_a_reason_and_the_suspension_ends(house: House, ada: Person) -> None:
    place = "/admin/mentors/1/suspension"
    for _ in range(2):
        assert ada.sends(place, page=place, act="suspend", reason="Reports of no-shows.").location == place
    shown = ada.reads("/admin/mentors?only=suspended")
    assert f"by <bdi>{ADMIN}</bdi>: <bdi>Reports of no-shows.</bdi>" in shown
    assert "/admin/payments?mentor=amara" in shown
    assert OWEN not in shown
    assert "takes no bookings at the moment" in Person(house).reads("/mentor/amara")
    amara = Person(house)
    amara.client = signed_in(house, AMARA)
    assert "Reports of no-shows." in amara.reads("/dashboard")
    for _ in range(2):
        ada.sends(place, page=place, act="end", reason="We have spoken.")
    assert [mentor.suspended_at for mentor in all_of(house, Mentor)] == [None, None]
    assert [(action, reason) for _, action, reason in entries(house)] == [
        ("suspend", "Reports of no-shows."),
        ("end suspension", "We have spoken."),
    ]
    assert "Nobody is suspended" in ada.reads("/admin/mentors?only=suspended")


@pytest.mark.parametrize(
    ("form", "sentence"), [({"reason": ""}, "Please say why"), ({"reason": "x"}, "That code is not right")]
)
def test_suspending_needs_a_reason_and_a_code(house: House, form: dict[str, str], sentence: str) -> None:
    ada, place = one_of(house, ADMIN, fresh=False), "/admin/mentors/1/suspension"
    answer = ada.sends(place, page=place, act="suspend", code="000000", **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert all_of(house, Mentor)[0].suspended_at is None
    assert ada.client.get("/admin/mentors/999/suspension").status_code == 404


# The sandbox's phone


def test_the_seeded_staff_come_in_by_the_codes_of_the_sandboxs_phone(house: House) -> None:
    catalogue = tomllib.loads(cli.CATALOGUE.read_text())
    for _ in range(2):
        with house.app.app_context():
            for entry in catalogue["staff"]:
                seed.employ(entry)
    assert {email: role for email, role in roles(house).items() if role != Role.MENTOR} == {
        ADMIN: Role.ADMIN,
        SECOND_ADMIN: Role.ADMIN,
        SUPPORT: Role.SUPPORT,
    }
    house.advance(timedelta(hours=72))
    shown = requests.get(f"{house.sandbox.url}/authenticator", timeout=10)
    assert int(shown.headers["Refresh"]) <= second.STEP + 1
    codes = re.findall(r"(\d{3} \d{3})</dd>", shown.text)
    zoe = Person(house)
    zoe.signs_in(SECOND_ADMIN)
    assert zoe.sends("/sign-in/code", page="/sign-ins", code=codes[1]).location == "/admin"


def test_another_app_is_added_to_the_sandboxs_phone_by_hand(house: House) -> None:
    phone, secret = f"{house.sandbox.url}/authenticator", pyotp.random_base32()
    assert "That is no secret" in requests.post(phone, data={"secret": "111"}, timeout=10).text
    shown = requests.post(phone, data={"name": "Lin", "secret": secret.lower()}, timeout=10).text
    with house.app.app_context(), transaction():
        code = pyotp.TOTP(secret).at(clock.now())
    assert "Lin" in shown
    assert f"{code[:3]} {code[3:]}" in shown
