"""Mentors are invited, by an admin or the operator; admins are made by the operator alone."""

from datetime import timedelta

import pytest

from discuno import journey, policy
from discuno.accounts.models import AuditEntry, LinkPurpose, Role, SignInLink, User
from discuno.kit.db import transaction
from discuno.mentors.models import Mentor
from discuno.mentors.newcomers import username_of
from discuno.notifications.models import Email
from tests.factories import ADMIN, all_of, subjects
from tests.house import House
from tests.people import Person, link_to, while_it_is_open
from tests.signing import AMARA, OWEN, signed_in, staff

pytestmark = pytest.mark.story

NIA, PAGE = "nia@example.com", "/admin/mentors"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def admin(house: House) -> Person:
    """An admin who is signed in."""
    person = Person(house)
    person.client = staff(house)
    return person


def operate(house: House, *command: str) -> str:
    """What a command of the operator's says."""
    return str(house.app.test_cli_runner().invoke(args=list(command)).output)


def invitations(house: House) -> list[SignInLink]:
    return [link for link in all_of(house, SignInLink) if link.purpose == LinkPurpose.INVITATION]


def test_an_invited_mentor_comes_in_by_letter_from_any_browser_once(house: House, admin: Person) -> None:
    answer = admin.sends(PAGE, page=PAGE, name=" Nía  Ó'Brien ", email="Nia@Example.com")
    assert (answer.status_code, answer.location) == (303, "/admin/mentors?invited=4")
    page = admin.reads(answer.location)
    assert "An invitation for <bdi>Nía Ó'Brien</bdi> is on its way" in page
    assert "Invite again" in page
    link = link_to(house, NIA)
    letter = house.letters(NIA)[0]["text"]
    assert f"Invited by: {ADMIN}" in letter
    mentor = all_of(house, Mentor)[-1]
    assert (mentor.username, mentor.zone, mentor.profile_saved_at) == ("nia-obrien", "UTC", None)
    nia = Person(house)
    assert "Welcome, <bdi>Nía Ó'Brien" in nia.reads(link)
    assert nia.presses(link).location == "/dashboard"
    assert nia.is_in()
    other = Person(house)
    assert "This link was used" in other.presses(link).text
    assert not other.is_in()
    assert "Invite again" not in admin.reads(f"{PAGE}?q=NIA%40")
    entry = all_of(house, AuditEntry)[0]
    assert (entry.actor, entry.action, entry.after) == (
        ADMIN,
        "invite_mentor",
        {"name": "Nía Ó'Brien", "email": NIA},
    )


@pytest.mark.parametrize(
    ("later", "status"), [(policy.INVITATION_LIFE - MINUTE, 200), (policy.INVITATION_LIFE, 410)]
)
def test_an_invitation_is_good_for_seven_days(house: House, later: timedelta, status: int) -> None:
    operate(house, "invite-mentor", NIA, "Nia")
    link = link_to(house, NIA)
    house.advance(later)
    assert Person(house).client.get(link).status_code == status


def test_invited_again_the_newest_link_alone_works_and_pressed_twice_there_is_one(
    house: House, admin: Person
) -> None:
    for _ in range(2):
        admin.sends(PAGE, page=PAGE, name="Nia", email=NIA)
    assert len(invitations(house)) == 1
    old = link_to(house, NIA)
    house.advance(policy.INVITE_AGAIN)
    admin.sends(PAGE, page=PAGE, name="Nia Brown", email=NIA)
    new = link_to(house, NIA)
    assert len(house.letters(NIA)) == 2
    assert len(all_of(house, Mentor)) == 3
    nia = Person(house)
    answer = nia.presses(old)
    assert answer.status_code == 410
    assert "There is a newer invitation" in answer.text
    assert "Welcome, <bdi>Nia Brown" in nia.reads(new)
    assert nia.presses(new).status_code == 303
    answer = admin.sends(PAGE, page=PAGE, name="Nia", email=NIA)
    assert answer.status_code == 409
    assert "Nia Brown is a mentor already" in answer.text


def test_asked_for_by_two_at_a_time_there_is_one_mentor_and_one_letter(house: House) -> None:
    def invite() -> None:
        with house.app.app_context(), transaction():
            journey.invite("Nia", NIA, "operator")

    with house.app.app_context(), transaction():
        journey.invite("Nia", NIA, "operator")
        while_it_is_open(invite)
    assert [mentor.username for mentor in all_of(house, Mentor)] == ["amara", "owen", "nia"]
    assert [email.recipient for email in all_of(house, Email)] == [NIA]


def test_who_has_come_in_without_their_invitation_leaves_nothing_behind_that_opens(house: House) -> None:
    operate(house, "invite-mentor", NIA, "Nia")
    link = link_to(house, NIA)
    assert Person(house).signs_in(NIA).location == "/dashboard"
    assert "This link was used" in Person(house).presses(link).text


@pytest.mark.parametrize(
    ("name", "email", "sentence"),
    [
        ("Amara", AMARA.upper(), "Amara Okafor is a mentor already"),
        ("Ada", ADMIN, "This address belongs to one of our staff"),
        ("", NIA, "Please give their name"),
        ("Nia", "nia@", "does not look like an e-mail address"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused_in_words(
    house: House, admin: Person, name: str, email: str, sentence: str
) -> None:
    answer = admin.sends(PAGE, page=PAGE, name=name, email=email)
    assert answer.status_code in (409, 422)
    assert sentence in answer.text
    assert f'value="{email}"' in answer.text
    assert invitations(house) == []


def test_names_become_addresses_and_no_two_are_the_same(house: House) -> None:
    with house.app.app_context():
        for number, name in enumerate(["Owen", "Owen", "Owen", "株式会社", "…"]):
            with transaction():
                journey.invite(name, f"{number}@example.com", "operator")
    assert [m.username for m in all_of(house, Mentor)[2:]] == [
        "owen-2",
        "owen-3",
        "owen-4",
        "mentor",
        "mentor-2",
    ]


@pytest.mark.parametrize(
    ("name", "username"),
    [
        ("Lucía Ferreira", "lucia-ferreira"),
        ("Ólafur  Þór O’Neil", "olafur-thor-oneil"),
        ("Weiß & Søn", "weiss-son"),
        ("../admin", "admin"),
        ("x" * 200, "x" * 60),
        ("李", "mentor"),
    ],
)
def test_a_username_is_spelled_from_the_name(name: str, username: str) -> None:
    assert username_of(name) == username


def test_the_list_of_mentors_is_found_by_words_and_turned_by_pages(house: House, admin: Person) -> None:
    with house.app.app_context(), transaction():
        for number in range(31):
            journey.invite(f"Mentor {number}", f"m{number}@example.com", "operator")
    first = admin.reads(PAGE)
    assert "m30@example.com" in first
    assert "m0@example.com" not in first
    assert "m0@example.com" in admin.reads(f"{PAGE}?before=4")
    found = admin.reads(f"{PAGE}?q=okafor+AMARA")
    assert "Stripe: ready" in found
    assert "can be booked and paid" in found
    assert OWEN not in found
    assert f'href="{PAGE}?before=4&q=Mentor"' in admin.reads(f"{PAGE}?q=Mentor")
    assert "Nobody found" in admin.reads(f"{PAGE}?q=%25")
    for odd in (
        "before=x",
        "before=99999999999999999999",
        "before=-1",
        "invited=99999999999999999999",
        "q=%F0",
    ):
        assert admin.client.get(f"{PAGE}?{odd}").status_code == 200


def test_the_admins_page_is_for_admins_alone(house: House, admin: Person) -> None:
    assert Person(house).client.get(PAGE).location == "/sign-in?next=%2Fadmin%2Fmentors"
    mentor = Person(house)
    mentor.client = signed_in(house, AMARA)
    assert mentor.client.get(PAGE).status_code == 404
    assert mentor.sends(PAGE, page="/sign-ins", name="Nia", email=NIA).status_code == 404
    assert invitations(house) == []
    assert admin.is_in(PAGE)


def test_an_admin_is_made_once_and_signs_in_by_letter(house: House) -> None:
    said = [operate(house, "create-admin", ADMIN) for _ in range(2)]
    assert said == [
        f"{ADMIN} is an admin now, and signs in at {house.url}/sign-in.\n",
        f"{ADMIN} is an admin already, and signs in at {house.url}/sign-in.\n",
    ]
    assert [user.email for user in all_of(house, User) if user.role == Role.ADMIN] == [ADMIN]
    assert Person(house).signs_in(ADMIN, next="/dashboard").location == "/admin"
    assert "belongs to Amara Okafor, who is a mentor" in operate(house, "create-admin", AMARA)
    assert "must have an @-sign" in operate(house, "create-admin", "ada")


def test_the_operator_invites_and_is_told_why_not(house: House) -> None:
    assert f"on its way to {NIA}" in operate(house, "invite-mentor", NIA, "Nia")
    assert "is a mentor already" in operate(house, "invite-mentor", AMARA, "Amara")
    assert "give the name" in operate(house, "invite-mentor", "x@example.com", " ")
    house.work()
    assert subjects(house, NIA) == ["You are invited to be a mentor at Discuno"]
    assert "Invited by" not in house.letters(NIA)[0]["text"]
    assert [email.template for email in all_of(house, Email)] == ["invitation"]
