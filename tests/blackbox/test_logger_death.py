# SPDX-License-Identifier: MIT
"""Kills the logger, workers and the master.  What was echoed is in the log, once."""

import contextlib
import os
import shutil
import signal
import tempfile

import pytest

from clients import Client, Load
from daemon import LogPipe, children, comm, is_gone, kill_logger, wait_until
from messagelog import read_log
from oracle import check_log, check_stopped

MIB = 1024 * 1024


@pytest.fixture(params=["tmpfs", "disk"])
def log_directory(request, tmp_path):
    if request.param == "disk":
        yield str(tmp_path)
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm")
    directory = tempfile.mkdtemp(prefix="echo-logd-test.", dir="/dev/shm")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def log_pipe():
    pipes = []

    def look_at(daemon):
        pipes.append(LogPipe(daemon))
        return pipes[-1]

    yield look_at
    for pipe in pipes:
        pipe.close()


# After so many quick deaths a new logger follows at once; after more, with growing pauses.
FREE_DEATHS = 5


@pytest.mark.parametrize("format, lives", [("text", 4), ("json", 2)])
def test_killed_logger(make_daemon, log_pipe, log_directory, format, lives):
    daemon = make_daemon({"log.format": format}, log_directory=log_directory)
    met_bytes, clients, loggers = 0, [], set()
    for _ in range(lives):
        daemon.start()
        pipe = log_pipe(daemon)
        loggers.add(daemon.wait_for_logger())
        with Load(daemon.port, 4, 10_000, ("127.0.0.1", "::1"), window=100_000) as load:
            for n in range(FREE_DEATHS):
                mark = load.echoed_bytes
                wait_until(lambda: load.echoed_bytes > mark + 100_000, "more echoes")
                # One is killed at a random moment, the others when bytes wait in the pipe.
                waiting, logger = kill_logger(daemon, pipe if n > 0 else None)
                met_bytes += waiting > 0
                loggers.add(logger)
            clients += load.finish()
        daemon.stop()
    kills = lives * FREE_DEATHS
    assert met_bytes > kills / 2, "the kills did not meet bytes in the pipe"
    assert len(loggers) == kills + lives
    log = check_log(daemon.path, clients, format=format, min_bytes=kills * 100_000)
    assert log.service_events() == ["start"] * lives
    assert daemon.stderr().count("the logger was killed by signal 9") == kills


def test_killed_logger_of_a_raw_log(start, log_pipe):
    """A raw log shows no ends of records, but all bytes must be there."""
    daemon = start({"log.format": "raw"})
    pipe = log_pipe(daemon)
    with Load(daemon.port, 1, 30_000) as load:
        for _ in range(FREE_DEATHS):
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 250_000, "more echoes")
            kill_logger(daemon, pipe)
        (client,) = load.finish()
    daemon.stop()
    assert len(client.sent) > MIB
    with open(daemon.path, "rb") as file:
        assert file.read() == client.sent


def test_killed_while_it_starts(start):
    """Many deaths in a row: each new logger is killed as soon as it is seen."""
    daemon = start()
    with Load(daemon.port, 3, 10_000) as load:
        wait_until(lambda: load.echoed_bytes > 100_000, "load")
        old = None
        for _ in range(7):
            old = daemon.wait_for_logger(other_than=old)
            os.kill(old, signal.SIGKILL)
        mark = load.echoed_bytes
        wait_until(lambda: load.echoed_bytes > mark + 2 * MIB, "more echoes")
        clients = load.finish()
    log = check_stopped(daemon, clients, min_bytes=2 * MIB)
    assert log.service_events() == ["start"]


def test_kills_and_renames(start):
    daemon = start()
    files, kills = [], 0
    with Load(daemon.port, 4, 20_000) as load:
        for n in range(6):
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 50_000, "more echoes")
            files.append("%s.mine%d" % (daemon.path, n))
            old = daemon.wait_for_logger()
            os.rename(daemon.path, files[-1])
            if n % 2:
                daemon.signal(signal.SIGUSR1)
            # It may have seen the rename before, and left.
            with contextlib.suppress(ProcessLookupError):
                os.kill(old, signal.SIGKILL)
                kills += 1
            wait_until(lambda: os.path.exists(daemon.path), "a new log file")
        clients = load.finish()
    daemon.stop()
    log = check_log(files + [daemon.path], clients, min_bytes=300_000)
    assert log.service_events() == ["start"] * 7
    assert kills >= 2


def test_stop_while_the_logger_is_dead_or_stopped(start, log_pipe):
    daemon = start({"server.drain_timeout": "0"})
    pipe = log_pipe(daemon)
    logger = daemon.wait_for_logger()
    with Load(daemon.port, 4, 20_000) as load:
        wait_until(lambda: load.echoed_bytes > 200_000, "load")
        os.kill(logger, signal.SIGSTOP)
        wait_until(lambda: pipe.waiting_bytes() > 500_000, "a full pipe")
        daemon.signal(signal.SIGTERM)
        os.kill(logger, signal.SIGKILL)
        assert daemon.wait() == 0
        clients = load.clients()
    check_log(daemon.path, clients, min_bytes=200_000)


def test_stop_empties_the_pipe(start, log_pipe):
    """The last worker has ended before the logger can move a byte."""
    daemon = start({"server.drain_timeout": "0"})
    pipe = log_pipe(daemon)
    with Client(daemon.port) as client:
        client.talk(b"x")
        logger = daemon.wait_for_logger()
        os.kill(logger, signal.SIGSTOP)
        for n in range(100):
            client.talk(b"message %d\n" % n)
        assert pipe.waiting_bytes() > 1000
        client.finish()
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: not daemon.workers() and not daemon.zombies(), "the end of all workers")
    os.kill(logger, signal.SIGCONT)
    assert daemon.wait() == 0
    log = check_log(daemon.path, [client], min_bytes=1000)
    assert log.messages == 101


def test_stopped_logger_makes_clients_wait(start, log_pipe):
    daemon = start()
    pipe = log_pipe(daemon)
    logger = daemon.wait_for_logger()
    with Load(daemon.port, 4) as load:
        wait_until(lambda: load.echoed_bytes > MIB, "load")
        os.kill(logger, signal.SIGSTOP)
        wait_until(lambda: pipe.waiting_bytes() > 900_000, "a full pipe")
        assert pipe.waiting_bytes() <= MIB
        os.kill(logger, signal.SIGCONT)
        mark = load.echoed_bytes
        wait_until(lambda: load.echoed_bytes > mark + 8 * MIB, "more echoes")
        clients = load.finish()
    check_stopped(daemon, clients, min_bytes=9 * MIB)


# --- workers

def test_killed_workers(start):
    daemon = start({"server.max_spare": "12"})
    killed = []
    with Load(daemon.port, 2, 20_000, window=100_000) as bystanders:
        for _ in range(10):
            with Load(daemon.port, 3, 20_000, window=100_000) as load:
                wait_until(lambda: min(len(s.client.echoed) for s in load.streams) > 50_000, "load")
                for stream in load.streams:
                    os.kill(daemon.worker_of(stream.client), signal.SIGKILL)
                killed += load.clients()
        clients = bystanders.finish()
    log = check_stopped(daemon, killed + clients, min_bytes=1_500_000)
    for client in killed:
        assert {c.close for c in log.by_peer(client.peer)} == {"killed"}
    assert {c.close for client in clients for c in log.by_peer(client.peer)} == {"eof"}
    assert daemon.stderr().count("was killed by signal 9; connection from") == 30


def test_workers_killed_while_they_wait_for_the_log(start, log_pipe):
    """
    The pipe is full.  What a worker has in hand is in no record, so it must not have been echoed.
    Messages are small, so that a worker waits in the only write of its message.
    """
    daemon = start()
    pipe = log_pipe(daemon)
    logger = daemon.wait_for_logger()
    clients = []
    for _ in range(2):
        with Load(daemon.port, 6, 1500, window=3000) as load:
            wait_until(lambda: load.echoed_bytes > 100_000, "load")
            os.kill(logger, signal.SIGSTOP)
            looks = []

            def is_full():
                looks.append((pipe.waiting_bytes(), load.echoed_bytes))
                return looks[-1][0] > 300_000 and len(looks) > 50 and len(set(looks[-50:])) == 1

            wait_until(is_full, "a full pipe")
            for stream in load.streams:
                os.kill(daemon.worker_of(stream.client), signal.SIGKILL)
            clients += load.clients()
            os.kill(logger, signal.SIGCONT)
    log = check_stopped(daemon, clients, min_bytes=500_000)
    assert [c.close for c in log.connections.values()] == ["killed"] * 12


def test_killed_idle_worker_leaves_no_record(start):
    daemon = start()
    for _ in range(10):
        pid = daemon.wait_for_idle_worker()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid), "its end")
    with Client(daemon.port) as client:
        client.talk(b"still served")
        client.finish()
    check_stopped(daemon, [client], min_bytes=12)


def test_worker_killed_while_the_service_stops(start):
    daemon = start({"server.drain_timeout": "60s"})
    with Client(daemon.port) as first, Client(daemon.port) as second:
        first.talk(b"first")
        second.talk(b"second")
        worker = daemon.worker_of(first)
        daemon.signal(signal.SIGTERM)
        daemon.notifications.wait(lambda f: f.get("STOPPING") == "1", "STOPPING=1")
        os.kill(worker, signal.SIGKILL)
        second.talk(b"still here")
        second.finish()
    assert daemon.wait() == 0
    log = check_log(daemon.path, [first, second], min_bytes=20)
    assert log.by_peer(first.peer)[0].close == "killed"


# --- the master

@pytest.mark.parametrize("format", ["text", "json"])
def test_killed_master(make_daemon, format):
    """Without systemd: workers die, the logger empties the pipe, and the next start continues."""
    daemon = make_daemon({"log.format": format})
    clients = []
    for _ in range(6):
        daemon.start()
        with Load(daemon.port, 5, 60_000) as load:
            wait_until(lambda: load.echoed_bytes > MIB, "load")
            daemon.kill_master()
            clients += load.clients()
    daemon.start()
    with Client(daemon.port) as client:
        client.talk(b"and on")
        client.finish()
    log = check_stopped(daemon, clients + [client], format=format, min_bytes=6 * MIB)
    assert log.service_events() == ["start"] * 7


def test_everything_killed_at_once_leaves_whole_records(make_daemon):
    """Without systemd nothing keeps the pipe, but the records in the file are whole."""
    daemon = make_daemon()
    clients = []
    for _ in range(5):
        daemon.start()
        with Load(daemon.port, 5, 60_000) as load:
            wait_until(lambda: load.echoed_bytes > MIB, "load")
            family = children(daemon.pid)
            for pid in family:
                if comm(pid) == "echo-log-logger":
                    os.kill(pid, signal.SIGKILL)
            daemon.kill_master()
            clients += load.clients()
    daemon.start()
    daemon.stop()
    log = read_log(daemon.path)
    # If a record is torn, the next start has written a `torn` record.
    assert not log.problems, log.problems
    for client in clients:
        for connection in log.by_peer(client.peer):
            assert client.sent.startswith(connection.data)
