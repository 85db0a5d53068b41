"""A mentor's profile: what may stand in it, whose address is whose, and what does not break when it changes."""

import pytest

from discuno.accounts.models import AuditEntry
from discuno.mentors import profiles
from discuno.mentors.forms import ProfileForm
from discuno.mentors.models import Mentor
from tests.catalogue import AMARA, OWEN
from tests.factories import all_of, change, dump, paid, someone, standing
from tests.house import House
from tests.settings import PROFILE, post, send
from tests.signing import signed_in

PAGE = "/dashboard/profile"


def amara_of(house: House) -> Mentor:
    return all_of(house, Mentor)[0]


def test_a_saved_profile_is_what_attendees_read_and_is_written_down(house: House) -> None:
    change(house, "UPDATE discuno_mentor SET profile_saved_at = NULL WHERE username = 'amara'")
    wanted = {
        **PROFILE,
        **{"name": "Amara  N. Okafor", "headline": "Physics", "bio": "One.\r\nTwo.", "daily_maximum": "3"},
        "topics": " Essays, Interviews,essays ,, Résumés",
    }
    answer = post(signed_in(house, AMARA["email"]), PAGE, **wanted)
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=saved")
    saved = amara_of(house)
    assert saved.profile_saved_at is not None
    assert (saved.name, saved.bio, saved.daily_maximum) == ("Amara N. Okafor", "One.\nTwo.", 3)
    assert saved.topics == ["Essays", "Interviews", "Résumés"]
    page = house.app.test_client().get("/mentor/amara").text
    assert "Amara N. Okafor" in page
    assert "Physics" in page
    [entry] = all_of(house, AuditEntry)
    assert (entry.action, entry.about) == ("profile_saved", f"mentor:{saved.id}")
    assert entry.before is not None
    assert entry.before["name"] == "Amara Okafor"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Please give the name that attendees see."),
        ({"name": "x" * 201}, "Please use a name of at most 200 characters."),
        ({"headline": "x" * 121}, "Please keep the headline to 120 characters."),
        ({"bio": "x" * 4001}, "Please use at most 4,000 characters."),
        ({"topics": ",".join("abcdefghi")}, "Please give at most 8 topics."),
        ({"topics": "x" * 41}, "Please keep each topic to 40 characters."),
        ({"zone": "Mars/Olympus"}, "Please choose a time zone from the list."),
        ({"zone": "../../etc/passwd"}, "Please choose a time zone from the list."),
        ({"booking_window_days": "0"}, "Please give a number of days from 1 to 365."),
        ({"booking_window_days": "366"}, "Please give a number of days from 1 to 365."),
        ({"booking_window_days": "1e2"}, "Please give a number of days from 1 to 365."),
        ({"daily_maximum": "0"}, "Please give a number from 1 to 100, or nothing for no limit."),
        ({"username": "support"}, "This address is kept for ourselves. Please choose another."),
    ],
)
def test_what_cannot_stand_there_is_refused_with_one_sentence(
    built_house: House, wrong: dict[str, str], sentence: str
) -> None:
    with built_house.app.test_request_context(PAGE, method="POST", data={**PROFILE, **wrong}):
        form = ProfileForm(Mentor(username="amara"))
        assert not form.validate()
        assert form.sentences() == {next(iter(wrong)): sentence}


def test_an_address_of_somebody_else_is_refused_and_nothing_is_saved(house: House) -> None:
    before = dump(house, "discuno_mentor", "discuno_user", "discuno_audit_entry")
    wanted = {**PROFILE, "username": "Owen", "bio": "<i>New.</i>"}
    answer = post(signed_in(house, AMARA["email"]), PAGE, **wanted)
    assert answer.status_code == 422
    assert profiles.IN_USE in answer.text
    assert "&lt;i&gt;New.&lt;/i&gt;" in answer.text
    assert dump(house, "discuno_mentor", "discuno_user", "discuno_audit_entry") == before


@pytest.mark.parametrize(
    ("username", "is_fit"),
    [
        *((fit, True) for fit in ("abc", "a-b", "amara-okafor-2", "007", "x" * 40)),
        *(
            (bad, False)
            for bad in ("ab", "x" * 41, "-abc", "abc-", "a--b", "a_b", "Abc", "a b", "ámara", "abc\n")
        ),
        *((kept, False) for kept in ("admin", "stripe", "dashboard", "sign-in")),
    ],
)
def test_an_address_is_short_plain_and_not_one_of_ours(username: str, is_fit: bool) -> None:
    assert (profiles.username_problem(username) is None) == is_fit


def test_an_address_that_somebody_takes_in_the_same_moment_is_refused_and_not_a_fault(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "is_taken", lambda *_: False)  # as it was when it was looked at
    answer = post(signed_in(house, AMARA["email"]), PAGE, **{**PROFILE, "username": "owen", "bio": "New."})
    assert answer.status_code == 409
    assert profiles.IN_USE in answer.text
    assert "New." in answer.text
    assert amara_of(house).bio == "Bring a draft."


def test_a_new_address_breaks_no_link_of_a_booking_and_no_payment_under_way(house: House) -> None:
    jun = someone(house)
    session_id = jun.reach_payment("amara")
    answer = post(signed_in(house, AMARA["email"]), PAGE, **{**PROFILE, "username": "amara-okafor"})
    assert answer.location == f"{PAGE}?done=address"
    assert jun.client.get("/mentor/amara").status_code == 404
    assert jun.client.get("/mentor/amara-okafor").status_code == 200
    jun.pay(session_id)
    back = jun.client.get(f"/mentor/amara/book/complete?session_id={session_id}")  # where Stripe leads them
    assert back.status_code == 200
    house.settle_down()
    assert standing(house) == ("confirmed", "SUCCEEDED")
    manage = (
        next(letter for letter in house.letters("jun@example.com"))["html"]
        .split("/booking/", 1)[1]
        .split('"')[0]
    )
    assert jun.client.get(f"/booking/{manage}").status_code == 200


def test_a_change_of_zone_moves_no_session_and_says_what_becomes_of_the_hours(house: House) -> None:
    paid(house)
    house.settle_down()
    before = dump(house, "discuno_booking", "discuno_weekly_hours")
    amara = signed_in(house, AMARA["email"])
    answer = post(amara, PAGE, **{**PROFILE, "zone": "Asia/Tokyo"})
    assert "keep their times on the clock" in amara.get(answer.location).text
    assert dump(house, "discuno_booking", "discuno_weekly_hours") == before


def test_the_first_visit_proposes_the_zone_of_the_browser_and_later_ones_do_not(house: House) -> None:
    amara = signed_in(house, AMARA["email"])
    amara.set_cookie("tz", "Asia/Kathmandu")
    chosen = '<option value="Asia/Kathmandu" selected>'
    assert chosen not in amara.get(PAGE).text
    change(house, "UPDATE discuno_mentor SET profile_saved_at = NULL WHERE username = 'amara'")
    assert chosen in amara.get(PAGE).text


def test_hostile_words_are_shown_as_words(house: House) -> None:
    evil = {"name": "<script>x</script>", "headline": "\u202egnp.exe", "bio": "<img src=x>", "topics": "<b>"}
    assert send(signed_in(house, AMARA["email"]), PAGE, **{**PROFILE, **evil}) == 303
    for page in ("/mentor/amara", "/", PAGE, "/dashboard"):
        html = signed_in(house, AMARA["email"]).get(page).text
        assert not any(tag in html for tag in ("<script>x", "<img src=x>", "<b>"))
    assert "\u202e" not in amara_of(house).headline
    assert house.app.test_client().get("/mentor/amara/avatar.svg").status_code == 200


def test_nobody_else_changes_a_profile(house: House) -> None:
    assert send(signed_in(house, OWEN["email"]), PAGE, **{**PROFILE, "username": "owen"}) == 303
    assert amara_of(house).username == "amara"
    assert house.app.test_client().get(PAGE).status_code == 303
