# SPDX-License-Identifier: MIT
"""Reloads of the message limit while loggers and workers are killed."""

import contextlib
import os
import random
import signal

import pytest

from clients import Client, Load
from daemon import wait_until
from faults import SEED, SOAK
from messagelog import read_log

ROUNDS = 200 if SOAK else 15


def kill_one(daemon, rng):
    """The logger, a worker that has a client, or none."""
    busy = sorted(set(daemon.workers()) - set(daemon.idle_workers()))
    victim = rng.choice([daemon.logger(), rng.choice(busy or [None]), None])
    if victim:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


@pytest.mark.seconds(1800 if SOAK else 120)
def test_limits_come_and_go(start, tmp_path):
    """No file has more messages than its limit, and a client is answered after each reload."""
    rng = random.Random(SEED)
    daemon = start({"log.framing": "line", "server.drain_timeout": 0})
    free, limits = daemon.path, {}
    with Load(daemon.port, 5, 2000, window=8000) as load:
        for n in range(ROUNDS):
            path = str(tmp_path / ("limited%d.log" % n))
            limits[path] = rng.choice([1, 10, 100])
            for changes in ({"log_path": path, "log_message_limit": limits[path],
                             "log_at_message_limit": "stop"},
                            {"log_path": free, "log_message_limit": 0,
                             "log_at_message_limit": rng.choice(["rotate", "stop"])}):
                daemon.configure(**changes)
                since = len(daemon.notifications.received)
                daemon.signal(signal.SIGHUP)
                kill_one(daemon, rng)
                daemon.notifications.wait(lambda f: f.get("READY") == "1", "READY=1", since)
                kill_one(daemon, rng)
                with Client(daemon.port) as client:
                    with contextlib.suppress(ConnectionError):
                        client.talk(b"x\n" * 5)
        load.stop()
        load.clients()
    daemon.wait_for_logger()
    wait_until(lambda: daemon.figures()["log"] == "takes", "the log")
    daemon.stop(timeout=10)
    for path, limit in limits.items():
        assert read_log(path, allow_gaps=True).messages <= limit, path
