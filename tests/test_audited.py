"""Every act of an admin or a mentor is in the audit log.

Two tests of it. Here the app's map of addresses is read, and from each writing view its code is followed to the audit
log. And in every other test a witness (tests/witness.py) watches what requests write: a fixture in conftest.py fails
the test in which somebody changed something and left no word.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache

from discuno.kit import security
from tests.addresses import private_addresses
from tests.house import House
from tests.test_house import MODULES, tree

Place = tuple[str, str]  # module, function
LOG = {("discuno.accounts.audit", "record"), ("discuno.accounts.audit", "note")}


@cache
def functions(module: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module, methods too, by name."""
    return {n.name: n for n in ast.walk(tree(MODULES[module])) if isinstance(n, ast.FunctionDef)}


@cache
def names(module: str) -> dict[str, str]:
    """What the imported names of a module stand for, in full: `audit` → discuno.accounts.audit."""
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree(MODULES[module]))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def place(full: str | None) -> Place | None:
    """Where a full name is defined, through packages that pass it on."""
    module, _, name = (full or "").rpartition(".")
    if module not in MODULES:
        return None
    if name in functions(module):
        return module, name
    passed_on = names(module).get(name)
    return place(passed_on) if passed_on not in (None, full) else None


def mentioned(here: Place) -> Iterator[Place]:
    """Every function of ours that a function names: called, or handed on to be called."""
    module, name = here
    for node in ast.walk(functions(module)[name]):
        full = None
        if isinstance(node, ast.Name):
            full = f"{module}.{node.id}" if node.id in functions(module) else names(module).get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            full = f"{names(module).get(node.value.id, '')}.{node.attr}"
        found = place(full)
        if found is not None:
            yield found


def is_audited(view: Place) -> bool:
    """Whether the way from a view leads to the audit log."""
    seen, to_see = {view}, [view]
    while to_see:
        for found in mentioned(to_see.pop()):
            if found in LOG:
                return True
            if found not in seen:
                seen.add(found)
                to_see.append(found)
    return False


def test_every_writing_view_of_admins_and_mentors_leads_to_the_audit_log(built_house: House) -> None:
    walked = []
    for address in private_addresses(built_house):
        if address.verb not in security.SAFE:
            view = inspect.unwrap(built_house.app.view_functions[address.rule.endpoint])
            assert is_audited((view.__module__, view.__name__)), str(address)
            walked.append(address)
    assert len(walked) > 25
    assert not is_audited(("discuno.admin.overview", "overview"))  # or the way would lead there from anywhere
