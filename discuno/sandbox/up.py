"""`make run`: everything Discuno needs, on this machine, until Ctrl-C. `python -m discuno.sandbox.up`."""

import fcntl
import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click
import psutil
import requests

from discuno.sandbox import environment
from discuno.sandbox.embedded import Server, postgres_server, valkey_server
from discuno.sandbox.processes import (
    GRACE,
    Child,
    StartError,
    check_port,
    free_port,
    kill_sessions,
    launch,
    stop,
)

PATIENCE = 60.0  # seconds the app may take to be ready


class Stopped(BaseException):
    """Somebody asked us to stop; not an error."""


@dataclass
class Run:
    """One `make run` in a checkout: its home, its settings, and the processes it answers for."""

    root: Path
    port: int
    sandbox_port: int
    settings: environment.Settings = field(default_factory=dict)
    simulated: bool = True
    watched: list[Child] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """Everything a local run keeps."""
        return self.root / ".local"

    @property
    def app_url(self) -> str:
        """Where the app answers on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the stand-ins answer."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.home / "logs" / f"{name}.log"

    def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a process and answer for it."""
        env = environment.for_processes({**os.environ, **self.settings}, self.port)
        program = shutil.which(command[0], path=env["PATH"])
        if program is None:
            raise StartError(f"{name}: there is no program {command[0]}.")
        child = launch(name, [program, *command[1:]], log=self.log(name), env=env)
        self.watch(child)
        return child

    def watch(self, child: Child) -> None:
        """Count a process among those that must not die, and write down that it is ours."""
        self.watched.append(child)
        record = [[c.process.pid, _born(c.process.pid)] for c in self.watched]
        (self.home / "pids").write_text(json.dumps(record))

    def finish(self, name: str, command: Sequence[str]) -> None:
        """Run a command to its end; raise with its last words if it fails."""
        child = self.start(name, command)
        self.wait_until(lambda: not child.alive, patience=600, but=child)
        self.watched.remove(child)
        if child.process.returncode:
            raise StartError(f"{name} failed:\n{child.last_words()}")

    def wait_until(self, true: Callable[[], bool], patience: float, but: Child | None = None) -> None:
        """Wait for something, while nothing we started dies (`but` may)."""
        deadline = time.monotonic() + patience
        while not true():
            self.check(but)
            if time.monotonic() > deadline:
                raise StartError(f"Not ready after {patience:.0f} s; the logs are in {self.home / 'logs'}.")
            time.sleep(0.1)

    def check(self, but: Child | None = None) -> None:
        """Raise if a process we answer for is dead."""
        for child in self.watched:
            if child is not but and not child.alive:
                raise StartError(
                    f"{child.name} died (exit code {child.process.returncode}):\n{child.last_words()}"
                )


@click.command()
@click.option("--port", default=8000, help="Port of the app.")
@click.option("--sandbox-port", default=8001, help="Port of the stand-ins.")
@click.option("--reset", is_flag=True, help="Forget the data of earlier runs first.")
def main(port: int, sandbox_port: int, *, reset: bool) -> None:
    """Run Discuno with all it needs until Ctrl-C."""
    _stop_on_signals()
    run = Run(Path.cwd(), port, sandbox_port)
    try:
        with _claimed(run.home), ExitStack() as stack:
            _clear_leftovers(run.home, everything=reset)
            _bring_up(run, stack)
            click.echo(_words(run))
            while True:
                run.check()
                time.sleep(0.5)
    except Stopped:
        click.echo("Stopped.")
    except StartError as error:
        click.echo(f"\n{error}", err=True)
        sys.exit(1)
    except PermissionError as error:
        click.echo(f"\nThis directory cannot be written to: {error.filename}.", err=True)
        sys.exit(1)


def _stop_on_signals() -> None:
    """The first signal stops us; the next ones find us deaf, so that the clean-up ends."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop_once(_number: int, _frame: FrameType | None) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in signals:
        signal.signal(number, stop_once)


@contextmanager
def _claimed(home: Path) -> Iterator[None]:
    """Hold the home for ourselves; the claim ends with our process, however it ends."""
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError("`make run` is already running in this checkout.") from error
        yield


def _clear_leftovers(home: Path, *, everything: bool) -> None:
    """End what a killed run left behind, and with `everything` forget its data too."""
    with suppress(FileNotFoundError, ValueError):
        _end([psutil.Process(pid) for pid, born in json.loads((home / "pids").read_text()) if _is(pid, born)])
    for path in home.iterdir() if everything else [home / "env", home / "pids"]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink(missing_ok=True)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.terminate()
    psutil.wait_procs(processes, timeout=GRACE)
    kill_sessions({process.pid for process in processes})


def _born(pid: int) -> float:
    """When a process started, in Unix seconds; 0 if it is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _is(pid: int, born: float) -> bool:
    """Whether a pid still means the process that was born then."""
    return born > 0 and abs(_born(pid) - born) < 1


def _bring_up(run: Run, stack: ExitStack) -> None:
    """Start everything in order; `stack` knows how to stop what has been started."""
    chosen = environment.given(run.root, os.environ)
    run.simulated = not environment.has_real_keys(chosen)
    check_port(run.port, "PORT")
    if run.simulated:
        check_port(run.sandbox_port, "SANDBOX_PORT")
    defaults = environment.local_defaults(run.home, run.app_url)
    if run.simulated:
        defaults |= environment.sandbox_defaults(run.home, run.sandbox_url, free_port())
    defaults |= _data_servers(run, stack, chosen)
    run.settings = {**defaults, **chosen}
    stack.callback(_stop_all, run)
    _start_app(run)
    environment.write_env_file(run.home / "env", {name: run.settings[name] for name in defaults})
    stack.callback((run.home / "env").unlink, missing_ok=True)


def _data_servers(run: Run, stack: ExitStack, chosen: environment.Settings) -> environment.Settings:
    """Start the embedded servers nobody has named an address for; they outlive the app's processes."""
    addresses = {}
    if "DATABASE_URL" not in chosen:
        click.echo("Starting PostgreSQL")
        database = stack.enter_context(postgres_server(run.home / "postgres", log=run.log("postgres")))
        addresses["DATABASE_URL"] = _watch(run, database)
    if "REDIS_URL" not in chosen:
        click.echo("Starting Valkey")
        queue = stack.enter_context(valkey_server(run.home / "valkey", log=run.log("valkey")))
        addresses["REDIS_URL"] = _watch(run, queue)
    return {**addresses, **{name: chosen[name] for name in ("DATABASE_URL", "REDIS_URL") if name in chosen}}


def _watch(run: Run, server: Server) -> str:
    run.watch(server.child)
    return server.url


def _start_app(run: Run) -> None:
    """Simulate, migrate, seed, then the very processes the Procfile deploys."""
    processes = _procfile(run.root / "Procfile")
    if run.simulated:
        click.echo("Starting the sandbox")
        run.start("sandbox", [sys.executable, "-m", "discuno.sandbox"])
    click.echo("Migrating the database")
    run.finish("release", processes.pop("release"))
    if run.simulated:
        run.wait_until(lambda: _status(run.sandbox_url) is not None, PATIENCE)
        run.finish("seed", ["flask", "--app", "wsgi", "seed"])
    for name, command in processes.items():
        click.echo(f"Starting {name}")
        run.start(name, command)
    run.wait_until(lambda: _status(f"{run.app_url}/readyz") == 200, PATIENCE)


def _procfile(path: Path) -> dict[str, list[str]]:
    """Process types and their commands."""
    lines = (line.partition(":") for line in path.read_text().splitlines() if ":" in line)
    return {name.strip(): shlex.split(command) for name, _, command in lines}


def _status(url: str) -> int | None:
    """The HTTP status of an address, None while nothing answers; proxies are for the network outside."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=5).status_code
        except requests.RequestException:
            return None


def _stop_all(run: Run) -> None:
    """Stop the app's processes together; PostgreSQL and Valkey go after them, on their own."""
    click.echo("\nStopping")
    stop([child for child in run.watched if child.name not in ("postgres", "valkey")])


def _words(run: Run) -> str:
    """What to open and what to type, once everything runs."""
    lines = ["", f"Discuno runs.       {run.app_url}"]
    if run.simulated:
        lines += [
            f"Mailbox             {run.sandbox_url}/mailbox",
            f"Sign in             {run.app_url}/sign-in",
            "                    as amara@discuno.example (mentor) or admin@discuno.example: the letter is there",
            f"Authenticator       {run.sandbox_url}/authenticator (an admin's code)",
            f"Sandbox             {run.sandbox_url}/",
            "Move the clock      .venv/bin/flask --app wsgi sandbox advance 72h",
        ]
    return "\n".join([*lines, f"Logs                {run.home / 'logs'}", "Stop                Ctrl-C", ""])


if __name__ == "__main__":
    main()
