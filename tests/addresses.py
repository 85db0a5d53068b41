"""The app's own map of addresses: which are somebody's own, and how to go there with a form that says nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule
from werkzeug.test import TestResponse

from discuno.kit import security
from tests.house import House
from tests.reporting import Holder
from tests.witness import PRIVATE

ARGUMENT_FREE = {"way": "up", "name": "2026-11"}  # parts of an address that are nobody's


@dataclass(frozen=True)
class Address:
    """One address that is somebody's own, one verb, who may enter, and whether it names a thing of theirs."""

    rule: Rule
    verb: str
    entrance: str

    @property
    def names_a_thing(self) -> bool:
        return bool(self.rule.arguments - ARGUMENT_FREE.keys())

    def __str__(self) -> str:
        return f"{self.verb} {self.rule}"


def private_addresses(house: House, *entrances: str) -> Iterator[Address]:
    """Every one of them, read off the app; of these entrances, or of all."""
    for rule in house.app.url_map.iter_rules():
        entrance = security.ENTRANCES.get(rule.endpoint.rpartition(".")[0], "")
        if entrance in (entrances or PRIVATE):
            for verb in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Address(rule, verb, entrance)


def path_of(house: House, address: Address, named: Mapping[tuple[str, str], Any]) -> str:
    """Where it is, with the things that are named; admins' pages name rows, whose first has number 1."""
    room, _, _ = address.rule.endpoint.partition(".")
    arguments = address.rule.arguments
    known = {a: named[room, a] for a in arguments if (room, a) in named}
    free = {a: v for a, v in ARGUMENT_FREE.items() if a in arguments and address.entrance != "admin"}
    values = {**(first_of(address.rule) if address.entrance == "admin" else {}), **free, **known}
    return str(house.app.url_map.bind("127.0.0.1").build(address.rule.endpoint, values, method=address.verb))


def first_of(rule: Rule) -> dict[str, Any]:
    """The first of everything that an address names; of words that it may hold, the first of the alphabet."""
    words = {a: min(c.items) for a, c in rule._converters.items() if isinstance(c, AnyConverter)}
    return {a: words.get(a, 1) for a in rule.arguments}


def go(
    house: House, client: FlaskClient, address: Address, named: Mapping[tuple[str, str], Any]
) -> TestResponse:
    """Go there, with a form that is well protected and says nothing."""
    path = path_of(house, address, named)
    return client.get(path) if address.verb == "GET" else Holder(client, path).sends("")
