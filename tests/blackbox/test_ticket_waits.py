# SPDX-License-Identifier: MIT
"""at_message_limit = stop while no ticket can be issued: every wait of a client ends."""

import os

import pytest

from clients import Client
from daemon import wait_until
from messagelog import log_files, read_log


@pytest.fixture
def closed(make_daemon, tmp_path, monkeypatch):
    """closed(options): a daemon whose log has lost its directory, and a client that waits."""
    # Where a stop saves what the log did not get.
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    place = tmp_path / "place"
    place.mkdir()

    def close(**options):
        daemon = make_daemon({"log.message_limit": 100, "log.at_message_limit": "stop",
                              "server.drain_timeout": 0, **options}, log_directory=place,
                             runtime_directory=True).start()
        client = Client(daemon.port)
        client.talk(b"before")
        place.rename(tmp_path / "away")
        wait_until(lambda: daemon.figures()["log"] == "stalled", "the stall")
        client.send(b"waits")
        return daemon, client

    return close


def no_echo(client):
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.socket.recv(1)
    client.socket.settimeout(20)


@pytest.mark.parametrize("when_stalled", ["block", "drop", "close"])
def test_a_stop(closed, when_stalled, tmp_path):
    daemon, client = closed(**{"log.when_stalled": when_stalled, "log.stall_timeout": "1s"})
    # The log is stalled: the records that are in the pipe are waited for, then saved.
    daemon.stop(timeout=3)
    # Neither logged nor echoed, or dropped and echoed.
    assert client.receive_rest() in (b"", b"waits" if when_stalled == "drop" else b"")
    figures = daemon.figures()
    assert figures["received_bytes"] == 11 and figures["logged_bytes"] == 6
    assert figures["dropped_bytes"] == 5 and figures["unknown_bytes"] == 0


def test_drop(closed, tmp_path):
    daemon, client = closed(**{"log.when_stalled": "drop", "log.stall_timeout": "100ms"})
    assert client.receive(5) == b"waits"
    client.talk(b"dropped too")
    (tmp_path / "away").rename(tmp_path / "place")
    wait_until(lambda: daemon.figures()["log"] == "takes", "the end of the stall")
    client.talk(b"saved")
    client.finish()
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems
    connection, = log.connections.values()
    assert connection.dropped_messages == 2 and bytes(connection.data) == b"beforesaved"


def test_close(closed):
    daemon, client = closed(**{"log.when_stalled": "close", "log.stall_timeout": "100ms"})
    assert client.receive_rest() == b""
    wait_until(lambda: daemon.figures()["dropped_bytes"] == 5, "the account of the worker")


def test_block(closed, tmp_path):
    """Nothing is lost, and the limit holds after it."""
    daemon, client = closed()
    no_echo(client)
    (tmp_path / "away").rename(tmp_path / "place")
    assert client.receive(5) == b"waits"
    for i in range(120):
        client.talk(b"%d" % i)
    client.finish()
    daemon.stop()
    assert read_log(*log_files(daemon.path)).messages == 100


@pytest.mark.parametrize("changes", [{"log_message_limit": 0}, {"log_at_message_limit": "rotate"},
                                     {"log_path": None}], ids=["none", "rotate", "path"])
def test_a_reload(closed, tmp_path, changes):
    """To a policy without tickets, or to a log that can be written: the client is answered."""
    daemon, client = closed()
    no_echo(client)
    changes = {k: v if v is not None else str(tmp_path / "other.log") for k, v in changes.items()}
    daemon.configure(log_path=str(tmp_path / "other.log"), **changes) \
        if "log_path" not in changes else daemon.configure(**changes)
    assert "failed" not in daemon.reload()
    assert client.receive(5) == b"waits"
    client.talk(b"after")
    client.finish()
    daemon.stop()
    assert read_log(str(tmp_path / "other.log"), allow_gaps=True).messages == 2
    assert os.path.exists(tmp_path / "away" / "messages.log")
