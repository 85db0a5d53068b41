"""The rules of the house, read from its code: who imports whom, who commits, who may enter, how long things get."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask

from discuno.kit import outbox, security
from tests.house import House

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "discuno"
LADDER = ("accounts", "mentors", "bookings", "payments", "payouts", "disputes")
# Rooms beside the ladder: letters and the inbox speak of everything that comes before them.
LEVEL = {room: level for level, room in enumerate((*LADDER, "notifications", "webhooks", "admin"))}
DOORS = {  # files of a room
    *("routes", "jobs", "checkout", "visitor", "forms", "health", "handlers", "release", "onboarding"),
    *(
        "free",
        "month",
        "manage",
        "reschedule",
        "host",
        "hosting",
        "feed",
        "calendar_jobs",
        "calendar_sync",
        "calendar_news",
        "uploads",
        "find",
    ),
    *(
        "cron",
        "doctor",
        "reconcile",
        "invariants",
        "commands",
        "bank_jobs",
        "learn",
        "repair",
        "steps",
        "at_stripe",
        "access",
        "codes",
        "staff",
        "acting",
        "calcom",
        "desk",
        "money",
        "overview",
        "profile",
        "types",
        "hours",
        "history",
        "papers",
        "request",
        "sign_ins",
        "people",
        "people_commands",
        "letters_page",
        "addresses_page",
        "templates_page",
        "stage",
        "sealed",
        "inbox",
        "work",
        "drift_page",
        "alerts_page",
        "watch",
        "payment_pages",
        "levers",
        "approvals",
        "pausing",
        "status",
        "transfers_page",
        "revenue",
        "case_metrics",
        "sums_jobs",
        "cases",
        "deciding",
        "bulk",
        "bulk_jobs",
        "evidence_page",
        "answer_jobs",
        "audit_page",
        "audit_jobs",
        "funnel_page",
        "visits",
        "metrics",
    ),
}
RUNNER = ("discuno.gallery", "discuno.config")  # what the sandbox's process mounts and reads of ours
OUTER_DOORS = {"discuno", "discuno.cli", "discuno.seed", "discuno.gallery"}
NO_DOOR = (
    "flask",
    "flask_wtf",
    "flask_login",
    "requests",
    "discuno.edges",
    "rq",
    "redis",
    "stripe",
    "resend",
)
VENDORS = {
    "stripe": ("discuno.edges.stripe", "discuno.sandbox.stripe"),  # the stand-in checks by the SDK's types
    "resend": ("discuno.edges.resend",),
    "sentry_sdk": ("discuno.edges.sentry",),
    "rq": ("discuno.edges.queue",),
    "rq_scheduler": ("discuno.edges.queue",),
    "redis": (
        "discuno.edges.queue",
        "discuno.edges.pace",
        "discuno.edges.calcom.shelf",
        "discuno.sandbox.embedded",
    ),
}
WALL_CLOCKS = {
    "discuno.kit.clock": "the one clock",
    "discuno.edges.stripe.webhooks": "a signature's stamp is Stripe's wall time",
    "discuno.kit.limits": "the library counts by the wall",
}
UNIT_OPENERS = {
    "discuno.kit.db",
    "discuno.kit.outgoing",
    "discuno.edges.queue",
    "discuno.cli",
    "discuno.seed",
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
OURS = {name: path for name, path in MODULES.items() if not name.startswith("discuno.sandbox")}
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@cache
def imports(module: str) -> frozenset[str]:
    """Full names of what a module imports, also inside functions; ours down to the module."""
    found = set()
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= (inner & MODULES.keys()) | ({source} if inner - MODULES.keys() else set())
    return frozenset(found)


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name.split(".")[0] == "discuno"}


def is_in(name: str, *rooms: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room(module: str) -> str | None:
    """The feature a module belongs to, or None for what belongs to the house."""
    part = module.split(".")[1] if "." in module else ""
    return part if part in LEVEL else None


def is_door(module: str) -> bool:
    return module in OUTER_DOORS or (room(module) is not None and module.rsplit(".", 1)[-1] in DOORS)


def calls(module: str) -> Iterator[str]:
    """Dotted names that a module calls."""
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_the_kit_and_the_sandbox_know_nothing_of_ours() -> None:
    for module in MODULES:
        if is_in(module, "discuno.kit"):
            assert all(is_in(name, "discuno.kit") for name in ours(module)), module
        if is_in(module, "discuno.sandbox"):
            mounted = RUNNER if module == "discuno.sandbox.__main__" else ()
            assert all(is_in(name, "discuno.sandbox", *mounted) for name in ours(module)), module
        elif module not in ("discuno.cli", "discuno.__main__"):
            assert not any(is_in(name, "discuno.sandbox") for name in ours(module)), module


def test_edges_know_the_kit_and_the_settings_only() -> None:
    for module in MODULES:
        if is_in(module, "discuno.edges"):
            known = ("discuno.kit", "discuno.config", "discuno.edges")
            assert all(is_in(name, *known) for name in ours(module)), module
        if is_in(module, "discuno.policy"):
            assert all(is_in(name, "discuno.policy") for name in ours(module)), module
    assert ours("discuno.config") == {"discuno.policy"}


def test_rules_do_no_io_and_know_no_door() -> None:
    rules = [m for m in OURS if (room(m) and not is_door(m)) or is_in(m, "discuno.journey", "discuno.policy")]
    assert len(rules) > 15
    for module in rules:
        outside = NO_DOOR[1:] if module.endswith("letters") else NO_DOOR  # letters are drawn by templates
        bad = [name for name in imports(module) if is_in(name, *outside) or is_door(name)]
        assert bad == [], f"{module} imports {bad}"
        spent = {c for c in calls(module)} & {"transaction", "session().commit", "session().rollback"}
        assert spent == set(), f"{module} calls {spent}"


def test_rooms_import_only_rooms_to_their_left() -> None:
    for module in OURS:
        here = room(module)
        if here is None or is_door(module):
            continue
        right = [n for n in ours(module) if (r := room(n)) is not None and LEVEL[r] > LEVEL[here]]
        assert right == [], f"{module} imports {right}"
        assert not any(is_in(n, "discuno.journey") for n in ours(module)), (
            f"{module}: slices do not call the journey"
        )


def test_models_import_models_alone_and_the_journey_no_edges() -> None:
    for module in OURS:
        if module.endswith(".models"):
            odd = [n for n in ours(module) if not is_in(n, "discuno.kit") and not n.endswith(".models")]
            assert odd == [], f"{module} imports {odd}"
    for module in OURS:
        if is_in(module, "discuno.journey"):
            odd = [n for n in ours(module) if is_in(n, "discuno.edges") or is_door(n)]
            assert odd == []


def test_each_vendors_sdk_is_imported_in_its_edge_alone() -> None:
    for module in MODULES:
        for vendor, homes in VENDORS.items():
            uses = any(is_in(name, vendor) for name in imports(module))
            assert not uses or is_in(module, *homes), f"{module} imports {vendor}"


def test_there_is_one_clock() -> None:
    readings = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time)$")
    for module in OURS:
        if module not in WALL_CLOCKS:
            told = [c for c in calls(module) if readings.search(c)]
            if module == "discuno.edges.queue":  # rq-scheduler counts by the wall
                told = [c for c in told if c != "datetime.now"]
            assert told == [], f"{module} reads {told}"


def test_units_of_work_are_opened_by_doors_alone() -> None:
    for module in OURS:
        asked = set(calls(module))
        if "transaction" in asked:
            assert is_door(module) or module in UNIT_OPENERS, module
        commits = [c for c in asked if c.endswith(".commit")]
        assert commits == [] or module == "discuno.kit.db", f"{module} commits by itself"


def test_every_task_is_asked_for_and_every_task_asked_for_exists() -> None:
    asked = set(outbox.PERIODIC)
    for module in OURS:
        for node in ast.walk(tree(MODULES[module])):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "outbox.add":
                assert isinstance(node.args[0], ast.Constant), (
                    f"{module}: a task is asked for by its plain name"
                )
                asked.add(node.args[0].value)
    assert asked == set(outbox.TASKS)


@pytest.fixture
def app(built_house: House) -> Flask:
    return built_house.app


def test_every_route_states_who_may_enter(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        if rule.endpoint != "static":
            assert blueprint in security.ENTRANCES, f"{rule}: who may enter?"
    assert {security.ENTRANCES[name] for name in app.blueprints} <= set(security.GUARDS)


def test_every_writing_route_refuses_a_request_without_a_token_unless_it_is_for_machines(app: Flask) -> None:
    client, tried = app.test_client(), 0
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - security.SAFE:
            values = {name: "1" for name in rule.arguments}
            url = app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method=method)
            answer = client.open(url, method=method, data={"name": "x"})
            machine = security.ENTRANCES[rule.endpoint.rpartition(".")[0]] == "machine"
            refused = answer.status_code == 400 and "This page is too old" in answer.text
            if rule.endpoint in security.LARGE:  # who has no link is not even read
                refused = answer.status_code == 404
            assert refused != machine, f"{method} {rule}: {answer.status_code}"
            tried += 1
    assert tried >= 7


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.name)
def test_a_template_trusts_nothing_and_holds_nothing_inline(template: Path) -> None:
    html = template.read_text()
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", html)
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", html)
    assert not re.search(r"\son[a-z]+\s*=|hx-on|javascript:|\bhx-vals=.js:", html)
    if template.parent.name != "letters":  # mail readers know inline styles only
        assert not re.search(r"<style\b|\sstyle\s*=", html)
    for form in re.findall(r'<form\b[^>]*method="post".*?</form>', html, re.S | re.I):
        assert "csrf_field()" in form


def test_files_and_functions_stay_short() -> None:
    long = []
    for path in [*MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]:
        if len(path.read_text().splitlines()) > 400:
            long.append(str(path.relative_to(ROOT)))
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40:
                long.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert long == []


def test_no_registry_and_no_path_of_a_machine_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    registry = r"https?://[^\s\"']*(pypi|artifactory|nexus|simple/|verdaccio)"
    wrong = re.compile(registry + r"|/(home/[a-z]+|root|work/[a-z]+)/")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix not in (".png", ".svg", ".js") and path.is_file() and path != Path(__file__):
            found = wrong.search(path.read_text(errors="replace"))
            assert found is None, f"{name}: {found and found[0]}"
