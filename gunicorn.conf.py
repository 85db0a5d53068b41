"""The web server: a few processes with threads, behind a router that ends TLS (Heroku's, or its like)."""

import os
from pathlib import Path

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"  # a dyno is reached from outside
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True  # settings are checked once, before the first worker
timeout = 25  # seconds; the router gives up at 30
graceful_timeout = 20  # seconds; a dyno is killed 30 after it was asked to stop
keepalive = 5  # seconds
forwarded_allow_ips = "*"  # nothing but the router can reach a dyno
accesslog = None  # the app logs each request itself, as JSON
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - worker heartbeats; a slow disk must not look like a dead worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108
