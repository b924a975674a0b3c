# SPDX-License-Identifier: MIT
"""A second daemon leaves the first one alone, and lists of directories are read as such."""

import os
import signal

import pytest

from clients import Client
from standin import FdStore


def refused_beside(daemon, other):
    """Starts OTHER in the runtime directory of DAEMON.  Returns why it does not start."""
    other.runtime_directory = daemon.runtime_directory
    before = os.stat(os.path.join(daemon.runtime_directory, "scoreboard"))
    other.launch()
    other.expected_statuses = {1}
    assert other.wait() == 1, other.stderr()
    after = os.stat(os.path.join(daemon.runtime_directory, "scoreboard"))
    assert after.st_ino == before.st_ino, "the scoreboard was replaced"
    return other.stderr()


@pytest.mark.parametrize("same_log", [True, False])
def test_second_daemon_in_the_same_runtime_directory(start, make_daemon, same_log):
    daemon = start(runtime_directory=True)
    options = {"log.path": daemon.path} if same_log else {}
    said = refused_beside(daemon, make_daemon(options, name="other"))
    assert "another echo-logd uses %s/scoreboard; not started" % daemon.runtime_directory in said
    assert daemon.figures()["master_pid"] == daemon.pid
    done = daemon.control("reload")
    assert done.returncode == 0, done
    with Client(daemon.port) as client:
        client.talk(b"undisturbed")
    daemon.stop()


def test_the_lock_ends_with_the_daemon(start, make_daemon):
    daemon = start(runtime_directory=True)
    with Client(daemon.port) as client:
        client.talk(b"x")
        daemon.kill_master()
    other = make_daemon(name="other")
    other.runtime_directory = daemon.runtime_directory
    other.start()
    assert other.figures()["master_pid"] == other.pid
    other.stop()


def test_restart_with_the_stored_scoreboard(start):
    """systemd keeps the scoreboard open; that must not keep the next run out."""
    store = FdStore()
    daemon = start(runtime_directory=True, store=store)
    logger = daemon.wait_for_logger()
    # Leave no time for another logger, which would never end: the store holds the pipes open.
    daemon.signal(signal.SIGSTOP)
    daemon.orphans.add(logger)
    os.kill(logger, signal.SIGKILL)
    daemon.kill_master()
    daemon.start()
    assert daemon.figures()["master_pid"] == daemon.pid
    daemon.stop()
    store.clear()


def test_first_of_several_directories(make_daemon, tmp_path, monkeypatch):
    """The records of a stop without a reader of stdout go to the first state directory."""
    first, second, run = tmp_path / "a", tmp_path / "b", tmp_path / "r"
    for directory in (first, second, run):
        directory.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", "%s:%s" % (first, second))
    daemon = make_daemon({"log.path": "-", "server.drain_timeout": "100ms",
                          "log.stall_timeout": "100ms"})
    daemon.runtime_directory = "%s:%s" % (run, second)
    reader, daemon.stdout = os.pipe()
    daemon.start()
    os.close(daemon.stdout)
    os.close(reader)
    assert "scoreboard" in os.listdir(run)
    with Client(daemon.port) as client:
        client.talk(b"hello")
    daemon.stop()
    assert len(os.listdir(first)) == 1 and not os.listdir(second), daemon.stderr()
