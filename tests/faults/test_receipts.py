# SPDX-License-Identifier: MIT
"""Tests that receipts come, whatever the timing of the processes."""
import os
import signal
import subprocess

import pytest

from clients import Client
from daemon import wait_until
from faults import logger_of, stop, traced, wait_for_splice


@pytest.mark.parametrize("echo_after", ["written", "synced"])
def test_a_late_request_wakes_the_logger(start, echo_after):
    """A worker is held between its write and its request, until the logger waits on the pipe."""
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


def test_a_stop_while_a_worker_waits_for_a_logger_that_hangs(start, tmp_path, monkeypatch):
    """The service stops.  The logger has the record in the stage, so the log pipe is empty."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    daemon = start({"log.echo_after": "written", "log.stall_timeout": "300ms",
                    "log.logger_timeout": "0", "server.drain_timeout": "0"})
    pid = logger_of(daemon)
    with Client(daemon.port) as client:
        client.talk(b"first\n")
        with traced(pid, "-P", daemon.path, "-e", "inject=splice:delay_enter=60000000"):
            client.send(b"second\n")
            wait_for_splice(pid, daemon.path)
            os.kill(pid, signal.SIGSTOP)
        stop(pid)
        daemon.stop()
        assert client.receive_rest() == b""
