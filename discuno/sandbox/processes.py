"""Child processes that never outlive us: a session and a log each, asked to stop first, then forced."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

GRACE = 8.0  # seconds a process gets between being asked to stop and being killed
PR_SET_PDEATHSIG = 1  # Linux: the signal a process gets when its parent dies

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(Exception):
    """Something could not start; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Child:
    """A process we started. It leads a session of its own, so that its descendants can be found."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    farewell: signal.Signals = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether it is still running."""
        return self.process.poll() is None

    def last_words(self, lines: int = 20) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def launch(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    group: int | None = None,
    farewell: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a command with its output in `log`; on Linux it is sent `farewell` if we die first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - the commands are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            user=user,
            group=group,
            extra_groups=None if group is None else [],
            start_new_session=True,
            preexec_fn=_die_with_parent(farewell),
        )
    return Child(name, process, log, farewell)


def _die_with_parent(farewell: signal.Signals) -> Callable[[], None] | None:
    libc, parent = _libc, os.getpid()
    if libc is None:
        return None

    def bind() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the bond was made

    return bind


def stop(children: Iterable[Child], grace: float = GRACE) -> None:
    """Ask all at once, wait up to `grace` seconds together, then kill them and what they started."""
    children = list(children)
    for child in children:
        if child.alive:
            child.process.send_signal(child.farewell)
    deadline = time.monotonic() + grace
    for child in children:
        try:
            child.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
    kill_sessions({child.process.pid for child in children})


def kill_sessions(leaders: set[int]) -> None:
    """Kill whatever still lives in the sessions these processes lead, or led."""
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in leaders:
                process.kill()
        except (OSError, psutil.NoSuchProcess):
            continue  # gone meanwhile, or not ours to see


def check_port(port: int, variable: str) -> None:
    """Raise a StartError naming the port, and how to choose another, if it cannot be listened on."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise StartError(
                f"Port {port} cannot be used ({_why(error)}): "
                f"choose another, for example `make run {variable}={port % 50000 + 10}`."
            ) from error


def _why(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "no such port"


def free_port() -> int:
    """A port nobody listens on just now; somebody may before you do, so be ready to try again."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
