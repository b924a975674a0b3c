# SPDX-License-Identifier: MIT
"""A reload that changes log.message_limit or what happens there, with clients connected."""

import os
import threading

import pytest

from clients import Client, Load
from daemon import wait_until
from messagelog import log_files, read_log
from oracle import check_stopped
from test_limits import saved_messages

STOP_SECONDS = 1.5      # a stop without a client takes some ten milliseconds


def start_limited(start, limit, action, **options):
    return start({"log.message_limit": limit, "log.at_message_limit": action,
                  "log.framing": "line", "server.drain_timeout": 0, **options},
                 runtime_directory=True)


def number_saved(daemon, format="text"):
    return len(saved_messages(daemon.path, format))


def stop_soon(daemon):
    daemon.stop(timeout=STOP_SECONDS)


@pytest.mark.parametrize("format", ["text", "raw"])
def test_raw_cannot_rotate_after_a_reload(start, format):
    """The rules hold for the result: a new format comes with a restart only."""
    daemon = start({"log.format": "raw"}, runtime_directory=True)
    with Client(daemon.port) as client:
        client.talk(b"before")
        # A file with format = raw is refused by itself; one with text is not.
        daemon.configure(log_format=format, log_message_limit=5)
        assert "reload failed" in daemon.reload()
        for _ in range(5):
            client.talk(b"x" * 60_000 + b"\n")
        client.finish()
    line = open(daemon.config_path).read().splitlines().index("message_limit = 5") + 1
    said = next(l for l in daemon.stderr().splitlines() if "message_limit" in l)
    assert "%s:%d: log.message_limit" % (daemon.config_path, line) in said
    if format == "text":
        assert ("log.message_limit = 5 is not possible while log.format = raw is in effect until "
                "a restart") in said
        told = daemon.control("reload")
        assert told.returncode == 1 and "log.format = raw is in effect" in told.stderr
        assert daemon.figures()["generation"] == 1
    daemon.stop()
    assert log_files(daemon.path) == [daemon.path]
    assert "logger" not in daemon.stderr()


def test_what_a_restart_would_allow_may_be_said_now(start):
    """Not refused: a file whose rules hold both now and after the restart."""
    daemon = start({"log.format": "raw"})
    daemon.configure(log_format="text", log_message_limit=5, log_at_message_limit="stop")
    assert "failed" not in daemon.reload()
    with Client(daemon.port) as client:
        for i in range(9):
            client.talk(b"message %d\n" % i)
        client.finish()
    daemon.stop()
    assert len(saved_messages(daemon.path, "raw")) == 5


@pytest.mark.parametrize("before", ["spent", "some left"])
@pytest.mark.parametrize("changes", [
    {"log_message_limit": 0}, {"log_at_message_limit": "rotate"},
    {"log_message_limit": 1000, "log_at_message_limit": "rotate"},
], ids=["none", "rotate", "rotate later"])
def test_from_stop_to_another_policy(start, before, changes):
    """Clients that were accepted under `stop` are answered, and saved again."""
    daemon = start_limited(start, 3, "stop")
    said = 5 if before == "spent" else 1
    with Client(daemon.port) as client:
        for i in range(said):
            client.talk(b"before %d\n" % i)
        if before == "spent":
            daemon.wait_status("Message limit reached")
        daemon.configure(**changes)
        assert "failed" not in daemon.reload()
        for i in range(20):
            client.talk(b"after %d\n" % i)
        with Client(daemon.port) as other:
            other.talk(b"new\n")
            assert daemon.figures()["log"] == "takes"
            assert "limit reached" not in daemon.status()
            stop_soon(daemon)
    log = read_log(*log_files(daemon.path))
    assert log.messages == min(said, 3) + 21 and not log.problems


def test_while_a_worker_waits_for_a_ticket(start):
    """The reload comes when the counter is closed, and a message waits for it."""
    daemon = start_limited(start, 2, "stop")
    with Load(daemon.port, 4, 3000, window=8000) as load:
        for n in range(20):
            mark = load.echoed_bytes
            daemon.configure(log_at_message_limit=("rotate", "stop")[n % 2],
                             log_message_limit=(0, 2, 50)[n % 3])
            assert "failed" not in daemon.reload()
            wait_until(lambda: load.echoed_bytes > mark + 30_000, "the echo going on")
        load.finish()
    stop_soon(daemon)


@pytest.mark.parametrize("format", ["text", "json", "raw"])
@pytest.mark.parametrize("idle", [True, False], ids=["idle", "busy"])
def test_a_new_limit_binds_connected_clients(start, format, idle):
    """Exactly LIMIT are saved of what clients say after the reload, whoever they are."""
    daemon = start_limited(start, 0, "stop", **{"log.format": format})
    clients = [Client(daemon.port) for _ in range(4)]
    for n, client in enumerate(clients):
        client.talk(b"old %d\n" % n)
    # With format = raw only messages under a limit count.
    limit = 5 if format == "raw" else 9
    ended, failures = threading.Event(), []

    def talk(client, number):
        i = 0
        try:
            while i < 200 or not ended.is_set():
                client.talk(b"load %d %d\n" % (number, i))
                i += 1
        except Exception as error:      # told by the main thread
            failures.append(error)

    threads = [] if idle else [threading.Thread(target=talk, args=(c, n), daemon=True)
                               for n, c in enumerate(clients[1:])]
    for thread in threads:
        thread.start()
    if not idle:
        wait_until(lambda: os.path.getsize(daemon.path) > 10_000, "load")
    daemon.configure(log_message_limit=limit)
    assert "failed" not in daemon.reload()
    # Whoever was busy is bound too: from here on nothing is saved beyond the limit.
    for i in range(25):
        clients[0].talk(b"mine %d\n" % i)
    ended.set()
    for thread in threads:
        thread.join(20)
    assert not failures
    for client in clients:
        client.finish()
    daemon.wait_status("Message limit reached")
    stop_soon(daemon)
    saved = saved_messages(daemon.path, format)
    mine = [m for m in saved if m.startswith(b"mine")]
    if idle:
        assert len(saved) == 9 and mine == [b"mine %d\n" % i for i in range(5)]
    elif format != "raw":
        # More were saved before the limit came; then none is saved after it.
        assert not mine
    else:
        assert len(mine) <= limit


def test_a_limit_again_and_again_under_load(start):
    """Files begin under `stop`, and never hold more than its limit, however often it comes."""
    daemon = start_limited(start, 0, "stop")
    with Load(daemon.port, 6, 2000, window=8000) as load:
        for n in range(12):
            mark = load.echoed_bytes
            daemon.configure(log_message_limit=0)
            assert "failed" not in daemon.reload()
            daemon.configure(log_message_limit=10, log_path=daemon.path + ".%d" % n)
            assert "failed" not in daemon.reload()
            wait_until(lambda: load.echoed_bytes > mark + 30_000, "the echo going on")
            path = daemon.path + ".%d" % n
            wait_until(lambda: read_log(path, allow_gaps=True).messages >= 10, "ten messages")
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 30_000, "echo that is not saved")
            assert read_log(path, allow_gaps=True).messages == 10
            daemon.configure(log_path=daemon.path)
        load.finish()
    stop_soon(daemon)


@pytest.mark.parametrize("limit", [4, 6])
def test_another_limit_for_connected_clients(start, limit):
    daemon = start_limited(start, 5, "stop")
    with Client(daemon.port) as client:
        for i in range(3):
            client.talk(b"before %d\n" % i)
        daemon.configure(log_message_limit=limit)
        assert "failed" not in daemon.reload()
        for i in range(10):
            client.talk(b"after %d\n" % i)
        client.finish()
    stop_soon(daemon)
    assert number_saved(daemon) == limit


@pytest.mark.parametrize("to", ["rotate", "stop"])
def test_between_the_two_policies(start, to):
    daemon = start_limited(start, 10, "stop" if to == "rotate" else "rotate")
    with Client(daemon.port) as client:
        for i in range(7):
            client.talk(b"before %d\n" % i)
        daemon.configure(log_at_message_limit=to)
        assert "failed" not in daemon.reload()
        for i in range(20):
            client.talk(b"after %d\n" % i)
        client.finish()
        if to == "stop":
            daemon.wait_status("Message limit reached")
            stop_soon(daemon)
            assert number_saved(daemon) == 10
        else:
            log = check_stopped(daemon, [client])
            assert log.messages_in_file[:2] == [10, 10] and log.messages == 27


def test_fewer_files_are_kept_at_once(start):
    daemon = start_limited(start, 2, "rotate")
    with Client(daemon.port) as client:
        for i in range(21):
            client.talk(b"%d\n" % i)
        wait_until(lambda: len(log_files(daemon.path)) == 11, "ten rotated files")
        newest = log_files(daemon.path)[-4:]
        foreign = daemon.path + ".20200101T000000.000000Z.gz"
        with open(foreign, "w") as file:
            file.write("not ours")
        daemon.configure(log_keep_files=3)
        assert "failed" not in daemon.reload()
        assert log_files(daemon.path) == newest and os.path.exists(foreign)
        client.finish()
    stop_soon(daemon)
