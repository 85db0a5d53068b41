"""The shelf: what it answers never depends on whether a register was built before or after."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discuno.sandbox.shelf import Shelf
from discuno.sandbox.world import World

pytestmark = pytest.mark.story

PUT = st.tuples(st.sampled_from("abcd"), st.sampled_from([None, "x", "y"]), st.sampled_from([1, 2]))
DROP = st.tuples(st.sampled_from("abcd"))


@given(steps=st.lists(PUT | DROP), asked_at=st.integers(0, 20))
def test_a_register_says_what_a_search_would(steps: list[tuple[str, ...]], asked_at: int) -> None:
    shelf, plain = Shelf(), dict[str, dict[str, object]]()
    for number, step in enumerate(steps):
        if number == asked_at:
            shelf.find({"colour": "x", "size": 1})
        if len(step) == 1:
            assert shelf.drop(step[0]) is (plain.pop(step[0], None) is not None)
        else:
            record = plain[step[0]] = dict(zip(("id", "colour", "size"), step, strict=True))
            shelf.put(record)
    for asked in ({}, {"colour": None}, {"colour": "x"}, {"colour": "y", "size": 2}, {"weight": 3}):
        wanted = [r for r in plain.values() if all(r.get(k) == v for k, v in asked.items())]
        assert shelf.find(asked) == wanted
    assert sum(shelf.tally("colour").values()) == len(plain)


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_record_changed_in_place_is_found_by_its_new_value_once_put(asked_before: bool) -> None:
    world = World()
    record = world.put("thing", {"id": "1", "state": "due"})
    if asked_before:
        assert next(world.find("thing", state="due")) is record
    record["state"] = "done"
    world.put("thing", record)
    assert list(world.find("thing", state="due")) == []
    assert list(world.find("thing", state="done")) == [record]
    assert world.tally("thing", "state") == {"done": 1}
