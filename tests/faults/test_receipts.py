# SPDX-License-Identifier: MIT
"""Receipts must come, however the processes are timed."""
import subprocess

import pytest

from clients import Client
from daemon import wait_until


@pytest.mark.parametrize("echo_after", ["written", "synced"])
def test_whoever_asks_late_wakes_the_logger(start, echo_after):
    """A worker is held up between its write and its question, until the logger sleeps on the pipe."""
    daemon = start({"log.echo_after": echo_after})
    with Client(daemon.port) as client:
        client.talk(b"first\n")
        worker = daemon.worker_of(client)
        with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(worker), "-e",
                               "inject=write:delay_exit=60000"]) as strace:
            wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in
                       open("/proc/%d/status" % worker).read(), "strace at the worker")
            for n in range(10):
                client.talk(b"message %d\n" % n)
            strace.terminate()
        client.finish()
    daemon.stop()
