# SPDX-License-Identifier: MIT
"""
No file for the log from the start, or none any more, also under at_message_limit = stop: workers
wait for tickets that nobody can issue.  Clients are treated as when_stalled says, and a stop ends.
"""
import os
import re
import signal
import time

import pytest

from clients import Client
from faults import start_on

# Of a stop: drain_timeout, stall_timeout, and what a worker gives its client.
BOUND = 5


def in_time(what, act):
    begin = time.monotonic()
    act()
    assert time.monotonic() - begin < BOUND, what


@pytest.mark.parametrize("at_limit", ["rotate", "stop"])
@pytest.mark.parametrize("when_stalled", ["block", "drop", "close"])
def test_full_at_the_start(start, mounts, tmp_path, monkeypatch, when_stalled, at_limit):
    """Not even `start` has room: clients are treated as when_stalled says, and a stop ends."""
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    disk = mounts.tmpfs("64k")
    with open(os.path.join(disk, "fill"), "wb") as fill, pytest.raises(OSError):
        fill.write(bytes(1 << 20))
    daemon = start_on(start, disk, {"log.when_stalled": when_stalled, "log.message_limit": 100,
                                    "log.at_message_limit": at_limit,
                                    "log.stall_timeout": "300ms", "server.drain_timeout": "100ms",
                                    "log.echo_after": "written"})
    daemon.wait_status("^Log stalled")
    with Client(daemon.port) as client:
        client.send(b"hello\n")
        client.socket.settimeout(1 if when_stalled == "block" else 20)
        if when_stalled == "block":
            with pytest.raises(TimeoutError):
                client.receive(6)
        elif when_stalled == "drop" and at_limit == "stop":
            assert client.receive(6) == b"hello\n"
        else:
            # A record that waits in the pipe for its receipt cannot be dropped any more.
            assert client.receive(6) == b""
        in_time("stop", daemon.stop)
    assert re.search(r"saved \d+ bytes of records in", daemon.stderr())


@pytest.mark.parametrize("when_stalled", ["block", "drop", "close"])
def test_the_directory_is_renamed_under_a_limit(start, tmp_path, monkeypatch, when_stalled):
    """at_message_limit = stop: the tickets wait for a file that cannot be made."""
    state, place = tmp_path / "state", tmp_path / "place"
    state.mkdir()
    place.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    daemon = start({"log.when_stalled": when_stalled, "log.message_limit": 100,
                    "log.at_message_limit": "stop", "log.stall_timeout": "300ms",
                    "server.drain_timeout": "100ms"}, log_directory=place)
    with Client(daemon.port) as client:
        client.talk(b"before\n")
        place.rename(tmp_path / "gone")
        daemon.signal(signal.SIGUSR1)
        daemon.wait_status("^Log stalled .No such file or directory")
        client.send(b"hello\n")
        client.socket.settimeout(1 if when_stalled == "block" else 20)
        if when_stalled == "block":
            with pytest.raises(TimeoutError):
                client.receive(6)
        else:
            assert client.receive(6) == (b"hello\n" if when_stalled == "drop" else b"")
        in_time("stop", daemon.stop)
