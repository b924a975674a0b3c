# SPDX-License-Identifier: MIT
"""Tests that log.message_limit is exact, however many clients race."""

import contextlib
import os
import re
import signal
import threading

import pytest

from clients import Client, Load
from daemon import wait_until
from messagelog import log_files, read_log
from oracle import check_log, check_stopped

LIMIT = 10


def race(port, n_clients, n_messages, tag, size=0):
    """Runs clients that begin at once, until each line is echoed.  Returns {line: client}."""
    barrier, failures, clients, lines = threading.Barrier(n_clients), [], [], {}

    def run(number):
        try:
            with Client(port) as client:
                mine = [b"%s %d %d %s\n" % (tag, number, i, b"." * size) for i in range(n_messages)]
                barrier.wait(30)
                for line in mine:
                    client.talk(line)
                client.finish()
            clients.append(client)
            lines.update(dict.fromkeys(mine, client))
        except Exception as error:      # told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and len(lines) == n_clients * n_messages, failures
    return clients, lines


def saved_messages(path, format):
    if format == "raw":
        with open(path, "rb") as file:
            return file.read().splitlines(True)
    log = read_log(path, format=format)
    assert not log.problems
    return [m for c in log.connections.values() for m in c.messages]


@pytest.mark.parametrize("format", ["text", "json", "raw"])
def test_stop_keeps_exactly_ten(start, format):
    daemon = start({"log.format": format, "log.message_limit": LIMIT,
                    "log.at_message_limit": "stop", "server.max_spare": 50})
    clients, lines = race(daemon.port, 50, 3, b"a")
    daemon.wait_status("Message limit reached.* 140 messages dropped")
    daemon.stop()
    saved = saved_messages(daemon.path, format)
    assert len(saved) == LIMIT and len(set(saved)) == LIMIT and set(saved) <= set(lines)
    if format != "raw":
        log = read_log(daemon.path, format=format)
        assert not log.problems
        assert log.service_events() == ["start", "limit"]
        assert str(log.service[1].keys["messages"]) == str(LIMIT)
        assert len(log.connections) == 50
        assert sum(c.dropped_messages for c in log.connections.values()) == len(lines) - LIMIT
        for client in clients:
            (connection,) = log.by_peer(client.peer)
            assert len(connection.data) + connection.dropped_bytes == len(client.sent)
            assert connection.close == "eof"
    assert len(re.findall("log.message_limit", daemon.stderr())) == 1


@pytest.mark.parametrize("format", ["text", "json", "raw"])
def test_each_reopening_begins_a_new_ten(start, format):
    rounds = 8
    daemon = start({"log.format": format, "log.message_limit": LIMIT,
                    "log.at_message_limit": "stop", "server.max_spare": 30})
    files = []
    for n in range(rounds):
        _, lines = race(daemon.port, 20, 2, b"round%d" % n)
        path = daemon.path + ".mine%d" % n
        os.rename(daemon.path, path)
        daemon.reopen()
        files.append((path, lines))
    daemon.stop()
    assert len(files) == rounds
    for path, lines in files:
        saved = saved_messages_of_part(path, format)
        assert len(set(saved)) == len(saved) == LIMIT
        assert set(saved) <= set(lines)


def saved_messages_of_part(path, format):
    if format == "raw":
        return saved_messages(path, format)
    log = read_log(path, format=format, allow_gaps=True)
    assert not log.problems
    return [m for c in log.connections.values() for m in c.messages]


@pytest.mark.parametrize("format", ["text", "json"])
def test_reopening_while_clients_race(start, format):
    daemon = start({"log.format": format, "log.message_limit": LIMIT,
                    "log.at_message_limit": "stop", "server.max_spare": 30})
    paths = []
    with Load(daemon.port, 8, max_bytes=3000) as load:
        for n in range(20):
            wait_until(lambda: read_log(daemon.path, format=format).messages >= LIMIT,
                       "ten messages")
            paths.append(daemon.path + ".mine%d" % n)
            os.rename(daemon.path, paths[-1])
            daemon.reopen()
        clients = load.finish()
    daemon.stop()
    assert sum(len(c.echoed) for c in clients) > 1_000_000
    log = read_log(*paths, daemon.path, format=format)
    assert not log.problems
    assert set(log.messages_in_file[:-1]) == {LIMIT} and log.messages_in_file[-1] <= LIMIT
    for client in clients:
        (connection,) = log.by_peer(client.peer)
        assert len(connection.data) + connection.dropped_bytes == len(client.sent)


def test_stop_over_a_restart(make_daemon):
    daemon = make_daemon({"log.message_limit": LIMIT, "log.at_message_limit": "stop"})
    for n in range(3):
        daemon.start()
        race(daemon.port, 2, 3, b"life %d" % n)
        daemon.stop()
    assert len(saved_messages(daemon.path, "text")) == LIMIT


def test_a_raised_limit_saves_again(start):
    daemon = start({"log.message_limit": LIMIT, "log.at_message_limit": "stop"})
    race(daemon.port, 10, 2, b"a")
    daemon.wait_status("Message limit reached")
    daemon.configure(log_message_limit=25)
    daemon.reload()
    race(daemon.port, 10, 3, b"b")
    daemon.stop()
    assert len(saved_messages(daemon.path, "text")) == 25


def test_killed_logger_does_not_change_the_count(start):
    daemon = start({"log.message_limit": 50, "log.at_message_limit": "stop"})
    for n in range(4):
        race(daemon.port, 5, 4, b"%d" % n)
        old = daemon.wait_for_logger()
        os.kill(old, signal.SIGKILL)
        daemon.wait_for_logger(other_than=old)
    daemon.stop()
    assert len(saved_messages(daemon.path, "text")) == 50


def test_the_textbook_is_one_line_away(start, tmp_path):
    path = str(tmp_path / "echomsg.txt")
    daemon = start(arguments=["-o", "log.format=raw", "-o", "log.message_limit=10",
                              "-o", "log.at_message_limit=stop", "-o", "log.path=" + path])
    with Client(daemon.port) as client:
        for i in range(25):
            client.talk(b"message %d\n" % i)
        client.finish()
    daemon.stop()
    with open(path, "rb") as file:
        assert file.read() == b"".join(b"message %d\n" % i for i in range(10))
    assert not os.path.exists(daemon.path)


# --- rotate

@pytest.mark.parametrize("format", ["text", "json"])
def test_rotate_puts_exactly_ten_into_each_file(start, format):
    daemon = start({"log.format": format, "log.message_limit": LIMIT,
                    "log.at_message_limit": "rotate", "server.max_spare": 50})
    clients, lines = race(daemon.port, 50, 5, b"a", size=300)
    log = check_stopped(daemon, clients, format=format, min_bytes=50 * 5 * 300)
    assert log.messages == 250
    assert set(log.messages_in_file[:-1]) == {LIMIT} and log.messages_in_file[-1] <= LIMIT
    assert len(log.messages_in_file) in (25, 26)
    saved = [m for c in log.connections.values() for m in c.messages]
    assert sorted(saved) == sorted(lines)
    assert log.service_events() == ["start"] * len(log.messages_in_file)
    assert {name for name in os.listdir(daemon.directory) if name.startswith("messages.log")} == {
        os.path.basename(p) for p in log_files(daemon.path)}


@pytest.mark.parametrize("limit", [1, 7])
def test_rotate_under_load_of_long_messages(start, limit):
    daemon = start({"log.message_limit": limit})
    with Load(daemon.port, 4, max_bytes=100_000) as load:
        wait_until(lambda: len(log_files(daemon.path)) > 20 and load.echoed_bytes > 1_000_000,
                   "twenty files", timeout=60)
        clients = load.finish()
    log = check_stopped(daemon, clients, min_bytes=1_000_000)
    assert set(log.messages_in_file[:-1]) == {limit} and log.messages_in_file[-1] <= limit


def test_rotate_while_the_logger_is_killed(start):
    daemon = start({"log.message_limit": LIMIT})
    with Load(daemon.port, 4, max_bytes=20_000) as load:
        for _ in range(8):
            mark = load.echoed_bytes
            with contextlib.suppress(ProcessLookupError):   # it has just left for a rotation
                os.kill(daemon.wait_for_logger(), signal.SIGKILL)
            wait_until(lambda: load.echoed_bytes > mark + 50_000, "more echoes")
        clients = load.finish()
    log = check_stopped(daemon, clients, min_bytes=400_000)
    assert set(log.messages_in_file[:-1]) == {LIMIT}


def test_rotate_over_a_restart(make_daemon):
    daemon = make_daemon({"log.message_limit": LIMIT})
    clients = []
    for n in range(4):
        daemon.start()
        clients += race(daemon.port, 2, 3, b"life %d" % n)[0]
        daemon.stop()
    log = check_log(daemon.path, clients)
    assert log.messages_in_file[:2] == [LIMIT, LIMIT] and log.messages == 24


def test_keep_files(start, tmp_path):
    foreign = tmp_path / "messages.log.20200101T000000.000000Z.gz"
    foreign.write_text("not ours")
    daemon = start({"log.message_limit": LIMIT, "log.keep_files": 3})
    _, lines = race(daemon.port, 10, 10, b"a")
    daemon.stop()
    files = log_files(daemon.path)
    assert len(files) == 4
    log = read_log(*files, allow_gaps=True)
    assert log.messages_in_file[:3] == [LIMIT] * 3
    # The newest files are kept: the last message is there, the first is not.
    assert 30 <= log.messages < len(lines)
    assert foreign.exists()


def test_a_lowered_limit_holds_from_the_next_file(start):
    daemon = start()
    clients, _ = race(daemon.port, 5, 5, b"a")
    wait_until(lambda: read_log(daemon.path).messages == 25, "all in the log")
    daemon.configure(log_message_limit=10)
    daemon.reload()
    more, _ = race(daemon.port, 5, 5, b"b")
    log = check_stopped(daemon, clients + more, min_bytes=100)
    assert log.messages_in_file[:3] == [25, 10, 10] and log.messages == 50
