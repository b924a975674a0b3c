# SPDX-License-Identifier: MIT
"""Reloads of message_limit while the log cannot be written and workers wait for the pipe."""

import os
import signal

import pytest

from clients import Client, Load
from daemon import settled, wait_until
from messagelog import log_files, read_log


def stall(daemon):
    """As a full disk does, but anybody can: more must stay free than there is."""
    daemon.configure(log_keep_free="1048576G")
    assert "failed" not in daemon.reload()


@pytest.fixture
def full(make_daemon, tmp_path, monkeypatch):
    """full(options): a daemon whose log is stalled and whose pipe is full, and its clients."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    loads = []

    def fill(**options):
        daemon = make_daemon({"server.drain_timeout": 0, "log.framing": "line",
                              "log.stall_timeout": "300ms", **options},
                             runtime_directory=True).start()
        stall(daemon)
        load = Load(daemon.port, 3, 60_000)
        loads.append(load)
        wait_until(lambda: daemon.figures()["log"] == "stalled", "the stall")
        settled(lambda: daemon.figures()["logged_bytes"], "the number of logged bytes")
        assert daemon.figures()["in_flight_bytes"] > 0
        return daemon, load

    yield fill
    for load in loads:
        load.stop()


CHANGES = [{"log_message_limit": 7, "log_at_message_limit": "stop"},
           {"log_message_limit": 7, "log_at_message_limit": "rotate"}, {"log_message_limit": 0}]


@pytest.mark.parametrize("changes", CHANGES, ids=["stop", "rotate", "none"])
@pytest.mark.parametrize("policy", ["stop", "rotate"])
def test_room_is_made(full, policy, changes):
    """By the same reload: it is in force, and everybody is served."""
    daemon, load = full(**{"log.message_limit": 1000000, "log.at_message_limit": policy})
    daemon.configure(log_keep_free=0, **changes)
    assert "failed" not in daemon.reload()
    mark = load.echoed_bytes
    wait_until(lambda: load.echoed_bytes > mark + 500_000, "the echo going on")
    with Client(daemon.port) as client:
        client.talk(b"new\n")
        client.finish()
    load.finish()
    daemon.stop()
    log = read_log(*log_files(daemon.path))
    assert not log.problems
    if changes.get("log_at_message_limit") == "rotate":
        assert set(log.messages_in_file[1:-1]) <= {7}


@pytest.mark.parametrize("changes", CHANGES, ids=["stop", "rotate", "none"])
@pytest.mark.parametrize("policy", ["stop", "rotate"])
def test_a_stop(full, policy, changes, tmp_path):
    daemon, load = full(**{"log.message_limit": 1000000, "log.at_message_limit": policy})
    daemon.configure(**changes)
    daemon.signal(signal.SIGHUP)
    daemon.stop(timeout=5)
    for client in load.clients():
        assert bytes(client.sent).startswith(client.echoed)
    assert [name for name in os.listdir(tmp_path) if name.endswith(".spill")]
