"""Each mechanism of the money engine taken out, one at a time: a named test has to go red.

`python -m tests.chaos.mutants [name …]` works through the table in mutants.toml, two at a time, each in a copy of the
project; `--write` publishes what it saw as docs/mutants.md. Exits with 1 when a mutant survives.
"""

import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent.parent
TABLE, PUBLISHED = Path(__file__).with_name("mutants.toml"), ROOT / "docs" / "mutants.md"
COPIED = (
    "discuno",
    "tests",
    "templates",
    "static",
    "migrations",
    "pyproject.toml",
    "wsgi.py",
    "gunicorn.conf.py",
)
AT_ONCE = 2
PATIENCE = 420  # seconds for one run of pytest; a mutant that hangs has not gone red


class DoesNotApply(Exception):
    """The text to be replaced is not in its file exactly once: the table has to follow the code."""


@dataclass(frozen=True)
class Mutant:
    """One mechanism taken out. `held_by` names another mutant: alone this one changes nothing, both together do."""

    name: str
    mechanism: str
    removed: str
    file: str
    old: str
    new: str
    red: tuple[str, ...]
    held_by: str | None = None


def table() -> dict[str, Mutant]:
    """All mutants by name, in the order of the table."""
    rows = tomllib.loads(TABLE.read_text())
    return {name: Mutant(name=name, **{**row, "red": tuple(row["red"])}) for name, row in rows.items()}


def patched(mutant: Mutant, root: Path = ROOT) -> str:
    """The text of its file without the mechanism. Raises DoesNotApply."""
    text = (root / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise DoesNotApply(f"{mutant.name}: {text.count(mutant.old)} times in {mutant.file}:\n{mutant.old}")
    return text.replace(mutant.old, mutant.new)


def tests_in(path: Path) -> set[str]:
    """The tests of a file, read without running it."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


# Running


@dataclass(frozen=True)
class Outcome:
    """What pytest said: the first test that failed, or what else went wrong."""

    exit_code: int
    failed: str | None
    why: str
    errors: int
    said: str

    @property
    def is_red(self) -> bool:
        """Whether a test failed: not its fixtures, not an import, not pytest itself."""
        return self.exit_code == 1 and self.failed is not None and self.errors == 0

    @property
    def is_green(self) -> bool:
        """Whether all passed."""
        return self.exit_code == 0


def run(mutants: Iterable[Mutant], tests: Iterable[str], *options: str) -> Outcome:
    """Run tests in a copy of the project from which these mechanisms were taken out."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as place:
        copy = Path(place) / "copy"
        _copy_to(copy)
        for mutant in mutants:
            (copy / mutant.file).write_text(patched(mutant, copy))
        report = Path(place) / "report.xml"
        said, exit_code = _pytest(copy, [*tests, *options, f"--junitxml={report}", f"--basetemp={place}/t"])
        return Outcome(exit_code, *_read(report), said)


def _copy_to(copy: Path) -> None:
    copy.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)


def _pytest(copy: Path, arguments: list[str]) -> tuple[str, int]:
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no"]
    command = [sys.executable, "-m", "pytest", *quiet, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # pytest then takes its house down
        said, _ = process.communicate(timeout=60)
        return f"{said}\nstopped after {PATIENCE} s", -1
    return said, process.returncode


def _read(report: Path) -> tuple[str | None, str, int]:
    """The first test that failed, and why; and how many could not even be run."""
    if not report.exists():
        return None, "", 0
    cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own pytest wrote it
    failures = {_name(case): failure for case in cases if (failure := case.find("failure")) is not None}
    errors = {_name(case) for case in cases if case.find("error") is not None}
    first = next(iter(failures), None)
    why = failures[first].get("message", "").partition("\n")[0] if first is not None else ""
    unrelated = errors - failures.keys()  # what failed may leave things that its fixture minds as well
    return first, why, len(unrelated)


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


# Judging


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the test that went red and what it said, or why it counts as alive."""

    mutant: Mutant
    red: str | None
    said: str

    @property
    def in_words(self) -> str:
        """For whoever watches."""
        return f"{self.mutant.name}: {self.red or 'SURVIVED'}\n    {self.said}"


def judge(every: Mapping[str, Mutant], mutant: Mutant) -> Verdict:
    """Take it out and see; what another mechanism holds too must be green alone and red with both out."""
    mutants = [mutant]
    if mutant.held_by is not None:
        alone = run(mutants, mutant.red)
        if not alone.is_green:
            return Verdict(mutant, None, f"not held by {mutant.held_by} alone:\n{alone.said[-2000:]}")
        mutants.append(every[mutant.held_by])
    outcome = run(mutants, mutant.red)
    if outcome.is_red:
        return Verdict(mutant, outcome.failed, outcome.why)
    return Verdict(mutant, None, f"exit {outcome.exit_code}, {outcome.errors} errors\n{outcome.said[-2000:]}")


def _row(every: Mapping[str, Mutant], verdict: Verdict) -> str:
    mutant = verdict.mutant
    removed = mutant.removed
    if mutant.held_by is not None:
        removed += f"; alone held by: {every[mutant.held_by].mechanism.lower()}"
    module, _, test = (verdict.red or "").rpartition("::")
    return f"| {mutant.mechanism} | {removed} | `{module.rpartition('.')[2]}::{test.partition('[')[0]}` |"


HEAD = """# Mutants

Each row is a mechanism of the money engine, or of what guards people's own pages, taken out by `make mutants` in a
copy of the project, and the test that went red because of it. A mechanism that another one holds as well was taken
out alone, which changed nothing, and then together with the other. The patches are in `tests/chaos/mutants.toml`; a
test in `make check` sees to it that they still apply.

| Mechanism | What was removed | The test that went red |
|---|---|---|
"""


def published(every: Mapping[str, Mutant], verdicts: Iterable[Verdict]) -> str:
    """The table as it stands in docs."""
    return HEAD + "".join(f"{_row(every, verdict)}\n" for verdict in verdicts)


def _is_green_without_any(mutants: Iterable[Mutant]) -> bool:
    named = dict.fromkeys(test for mutant in mutants for test in mutant.red)
    outcome = run([], named, "-n", str(AT_ONCE))
    if not outcome.is_green:
        _say(f"The named tests are not green as they are:\n{outcome.said[-4000:]}")
    return outcome.is_green


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Work through the table, or through those named; the exit code."""
    every = table()
    names = [argument for argument in arguments if not argument.startswith("-")]
    chosen = [every[name] for name in names] or list(every.values())
    if not _is_green_without_any(chosen):
        return 1
    verdicts = []
    with ThreadPoolExecutor(AT_ONCE) as hands:
        for verdict in hands.map(partial(judge, every), chosen):
            verdicts.append(verdict)
            _say(verdict.in_words)
    survivors = [verdict.mutant.name for verdict in verdicts if verdict.red is None]
    _say(
        f"{len(verdicts) - len(survivors)} of {len(verdicts)} went red"
        + f"; not: {survivors}" * bool(survivors)
    )
    if "--write" in arguments and not survivors and not names:
        PUBLISHED.write_text(published(every, verdicts))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
