"""The web server: a few processes with threads, behind a router that ends TLS (Heroku's, or its like)."""

import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's own lines, shaped like the app's and on stdout like them."""

    def setup(self, cfg: Any) -> None:
        """Called at start and at each reload."""
        from discuno.kit import logs  # only now is the checkout on the path

        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.formatter())
            handler.setStream(sys.stdout)


bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"  # a dyno is reached from outside
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True  # settings are checked once, before the first worker
timeout = 25  # seconds; the router gives up at 30
graceful_timeout = 20  # seconds; a dyno is killed 30 after it was asked to stop
keepalive = 5  # seconds
forwarded_allow_ips = "*"  # nothing but the router can reach a dyno
logger_class = JsonLogger
accesslog = None  # the app logs each request itself, as JSON
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - worker heartbeats; a slow disk must not look like a dead worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108
