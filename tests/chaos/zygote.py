"""A process that has loaded the app and holds nothing open: it forks a worker for each order, and watches it die.

So a SIGKILL at a named point costs milliseconds, and is a real one.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from discuno import create_app
from discuno.edges import queue
from discuno.kit import failpoints
from tests.chaos.points import Stopper
from tests.house import ROOT, House, settings_for


def work_until_killed(point: str, hit: int) -> None:
    """In the child: do all work that is due, and be killed on passing the point for the n-th time."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    failpoints.arm(Stopper(point, hit, die))
    queue.run_due()


def main() -> None:
    """Read one order a line; answer how each worker ended."""
    app = create_app(settings_for(*json.loads(sys.argv[1])))
    log = os.open(os.devnull, os.O_WRONLY)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(log, 1)
            with app.app_context():
                work_until_killed(order["point"], order["hit"])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write(json.dumps({"killed": killed, "exit": os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


class Zygote:
    """The test's end of that process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def kill_worker_at(self, point: str, hit: int) -> bool:
        """Let a worker work until it passes the point for the n-th time; whether it did, and died there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"point": point, "hit": hit}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert answer["killed"] or answer["exit"] == 0, answer
        return bool(answer["killed"])


@contextmanager
def zygote(house: House) -> Iterator[Zygote]:
    """A zygote for this house."""
    settings = house.app.extensions["settings"]
    where = json.dumps([house.sandbox.url, house.url, settings.database_url, settings.redis_url])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.zygote", where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Zygote(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    main()
