# SPDX-License-Identifier: MIT
"""Titles of processes, as ps(1) and systemctl status show them."""
import subprocess

from clients import Client
from daemon import wait_until


def title(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return file.read().rstrip(b"\0").decode()


def test_titles(start):
    daemon = start()
    assert title(daemon.pid) == "echo-logd: master"
    assert title(daemon.wait_for_logger()) == "echo-logd: logger"
    wait_until(lambda: {title(pid) for pid in daemon.workers()} == {"echo-logd: worker (idle)"},
               "the titles of idle workers")
    with Client(daemon.port) as client, Client(daemon.port, "::1") as other:
        for each in (client, other):
            each.talk(b"x")
            assert title(daemon.worker_of(each)) == "echo-logd: worker " + each.peer
        worker = daemon.worker_of(other)
        other.finish()
        wait_until(lambda: title(worker) == "echo-logd: worker (idle)", "an idle worker")
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(daemon.pid)], stdout=subprocess.PIPE,
                           text=True, timeout=20).stdout
    assert shown.rstrip() == "echo-logd: master"
