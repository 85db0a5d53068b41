"""The cron endpoint: one good token, one release run; anything else learns nothing."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr, ValidationError

from discuno.admin.models import CronToken
from discuno.config import Settings
from discuno.edges import queue
from discuno.payments.models import Payment
from tests.factories import advance_to, all_of, in_the_house, paid
from tests.house import House, settings_for

pytestmark = pytest.mark.story

SECRET = "the cron secret of the tests: thirty-two bytes at least, and sixty-four please HS512"
PATH = "/cron/transfer-funds"
Claims = dict[str, Any]


@pytest.fixture
def cron(house: House) -> Iterator[House]:
    """The house with its cron door open."""
    before: Settings = house.app.extensions["settings"]
    house.app.extensions["settings"] = before.model_copy(update={"cron_jwt_secret": SecretStr(SECRET)})
    yield house
    house.app.extensions["settings"] = before


def claims(house: House, **change: Any) -> Claims:
    now = int(in_the_house(house).timestamp())
    good = {"aud": "discuno-cron", "iat": now, "exp": now + 300, "jti": "one"}
    return {name: value for name, value in {**good, **change}.items() if value is not None}


def signed(said: Claims, secret: str = SECRET, algorithm: str | None = "HS256") -> str:
    return jwt.encode(said, secret, algorithm=algorithm)


def knock(house: House, token: str | None, method: str = "POST") -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return house.app.test_client().open(PATH, method=method, headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_good_token_runs_the_release(cron: House, method: str) -> None:
    answer = knock(cron, signed(claims(cron)), method)
    assert (answer.status_code, answer.json) == (200, {"processed": 0, "failed": 0, "total": 0})
    assert answer.headers["Cache-Control"] == "no-store"


def _now(house: House, **ahead: int) -> int:
    return int((in_the_house(house) + timedelta(**ahead)).timestamp())


def _unsigned(header: Claims, said: Claims) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (header, said)]
    return ".".join([*parts, ""])


WRONG: dict[str, Callable[[House], str | None]] = {
    "no header": lambda h: None,
    "nothing in it": lambda h: "",
    "not a token": lambda h: "abc.def.ghi",
    "not even text": lambda h: "\xff\xfe.\xff",
    "alg none": lambda h: signed(claims(h), "", "none"),
    "alg None": lambda h: _unsigned({"alg": "None", "typ": "JWT"}, claims(h)),
    "another HMAC": lambda h: signed(claims(h), algorithm="HS512"),
    "RS256 by its header": lambda h: _unsigned({"alg": "RS256"}, claims(h)) + "c2lnbmVk",
    "a nest of brackets": lambda h: base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode() + ".e30.e30",
    "wrong key": lambda h: signed(claims(h), SECRET[::-1]),
    "expired": lambda h: signed(claims(h, iat=_now(h, seconds=-301), exp=_now(h, seconds=-1))),
    "from the future": lambda h: signed(claims(h, iat=_now(h, seconds=60), exp=_now(h, seconds=300))),
    "not yet": lambda h: signed(claims(h, nbf=_now(h, seconds=60))),
    "no exp": lambda h: signed(claims(h, exp=None)),
    "no iat": lambda h: signed(claims(h, iat=None)),
    "no jti": lambda h: signed(claims(h, jti=None)),
    "no aud": lambda h: signed(claims(h, aud=None)),
    "lives an hour": lambda h: signed(claims(h, exp=_now(h, hours=1))),
    "lives an hour, from old": lambda h: signed(claims(h, iat=_now(h, minutes=-55))),
    "wrong audience": lambda h: signed(claims(h, aud="somebody-else")),
    "one audience of many": lambda h: signed(claims(h, aud=["discuno-cron", "x"])),
    "exp is no time": lambda h: signed(claims(h, exp=True)),
    "exp is not whole": lambda h: signed(claims(h, exp=_now(h, seconds=60) + 0.5)),
    "an empty id": lambda h: signed(claims(h, jti="")),
    "an endless id": lambda h: signed(claims(h, jti="x" * 201)),
    "an id that is no text to Postgres": lambda h: signed(claims(h, jti="a\0b")),
}


def test_every_other_token_is_refused_without_a_word(cron: House) -> None:
    for what, make in WRONG.items():
        answer = knock(cron, make(cron))
        assert (answer.status_code, answer.data) == (401, b""), what
        assert answer.headers["Cache-Control"] == "no-store"
    assert all_of(cron, CronToken) == []


def test_a_token_is_good_once_also_when_it_comes_twice_at_once(cron: House) -> None:
    token = signed(claims(cron))
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: knock(cron, token).status_code, range(6)))
    assert sorted(answers) == [200, 401, 401, 401, 401, 401]
    assert knock(cron, token, "GET").status_code == 401


def test_used_tokens_are_forgotten_once_they_would_be_refused_anyway(cron: House) -> None:
    assert knock(cron, signed(claims(cron))).status_code == 200
    cron.advance(timedelta(minutes=11))
    assert knock(cron, signed(claims(cron, jti="two"))).status_code == 200
    assert [t.jti for t in all_of(cron, CronToken)] == ["two"]


def test_without_a_secret_there_is_no_such_door(house: House) -> None:
    assert knock(house, signed(claims(house))).status_code == 404


def test_a_short_secret_is_not_accepted() -> None:
    with pytest.raises(ValidationError, match="cron_jwt_secret"):
        settings_for("http://s", "http://a", "postgresql://d", "redis://r", cron_jwt_secret="x" * 31)


def test_the_command_prints_a_token_that_works_and_nothing_else(cron: House) -> None:
    cron.advance(timedelta(days=3))  # the token is of the house's time, not of this machine's
    printed = cron.app.test_cli_runner().invoke(args=["cron-token"])
    assert printed.exit_code == 0, printed.output
    assert printed.output.count("\n") == 1
    assert knock(cron, printed.output.strip()).status_code == 200


def test_it_transfers_what_is_due_once_beside_a_worker(cron: House) -> None:
    for _ in range(3):
        paid(cron)
        cron.settle_down()
    advance_to(cron, max(p.dispute_period_ends for p in all_of(cron, Payment) if p.dispute_period_ends))
    cron.advance(timedelta(seconds=1))

    def worker(_: int) -> None:
        with cron.app.app_context():
            queue.run_due()

    tokens = [signed(claims(cron, jti=str(n))) for n in range(3)]
    with ThreadPoolExecutor(5) as threads:
        work = [threads.submit(worker, n) for n in range(2)]
        answers = list(threads.map(lambda token: knock(cron, token), tokens))
        assert [w.result() for w in work] == [None, None]
    assert [a.status_code for a in answers] == [200] * 3
    cron.settle_down()
    assert [t["amount"] for t in cron.stripe("transfer")] == [5400] * 3
    assert the_total(answers) <= 3


def the_total(answers: list[Any]) -> int:
    return sum(a.json["processed"] for a in answers)
