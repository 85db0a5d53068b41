"""The table of mutants follows the code: every patch still applies, every test it names exists, all is published."""

import ast

import pytest

from tests.chaos import mutants
from tests.house import ROOT

TABLE = mutants.table()


@pytest.mark.parametrize("name", TABLE)
def test_a_mutant_applies_once_and_names_tests_that_exist(name: str) -> None:
    mutant = TABLE[name]
    text = mutants.patched(mutant)
    assert text != (ROOT / mutant.file).read_text()
    ast.parse(text)
    assert mutant.held_by is None or mutant.held_by in TABLE
    for test in mutant.red:
        path, _, function = test.partition("::")
        assert function.partition("[")[0] in mutants.tests_in(ROOT / path), test


def test_every_mutant_is_published_with_what_was_removed() -> None:
    published = (ROOT / "docs" / "mutants.md").read_text()
    for mutant in TABLE.values():
        assert f"| {mutant.mechanism} | {mutant.removed}" in published
    assert published.count("\n| ") - 1 == len(TABLE)
