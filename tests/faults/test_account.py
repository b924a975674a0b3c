# SPDX-License-Identifier: MIT
"""
Tests promise P6: received = logged + dropped + in flight + unknown, also when workers are killed
or messages are dropped.
"""
import contextlib
import os
import signal
import subprocess

from clients import Client
from daemon import descriptors, read_text, wait_until
from faults import check_account, logger_of, payload_in, stop
from verify import assert_verified

LOAD = ["--clients", "16", "--size", "4096", "--window", "16384"]
LINE = b"a line of thirty-two bytes, all\n"
# A page of the log pipe, pipe(7), and the longest write to it, src/worker/transcript.h.
PIPE_BUF = 4096
LONGEST_WRITE = 16 * PIPE_BUF
SYS_WRITE = {"x86_64": 1, "aarch64": 64}[os.uname().machine]


def wait_until_settled(daemon, pid):
    wait_until(lambda: "worker %d was killed by signal 9" % pid in daemon.stderr(),
               "its account settled")


@contextlib.contextmanager
def held_at_write(pid):
    """Holds the process right after its next write to the log pipe."""
    pipe = next(link for link in descriptors(pid).values() if link.startswith("pipe:"))
    strace = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-P", pipe, "-p", str(pid), "-e",
                               "inject=write:delay_exit=100000000"], stderr=subprocess.DEVNULL)
    wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in open("/proc/%d/status" % pid).read(),
               "strace at the worker")
    try:
        yield
    finally:
        strace.kill()
        strace.wait()


def test_killed_between_a_write_and_its_count(start):
    """The record is in the log, but was not counted as logged: its bytes are unknown."""
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"counted\n")
        worker = daemon.worker_of(client)
        with held_at_write(worker):
            client.send(b"not counted\n")
            wait_until(lambda: '"not counted' in open(daemon.path).read(), "the record")
            os.kill(worker, signal.SIGKILL)
        wait_until_settled(daemon, worker)
    daemon.stop()
    logged = payload_in(daemon.path)
    assert logged == 20
    said = check_account(daemon, logged)
    assert (said["logged_bytes"], said["unknown_bytes"], said["dropped_bytes"]) == (8, 12, 0)


def is_in_write(pid):
    return read_text("/proc/%d/syscall" % pid).split()[:1] == [str(SYS_WRITE)]


def fill_pipe(daemon):
    """Fills the pipe with six clients, so that workers wait with more data in hand."""
    clients = [Client(daemon.port) for _ in range(6)]
    workers = [daemon.worker_of(client) for client in clients]
    for client in clients:
        client.socket.setblocking(False)

    def is_full():
        sent = 0
        for client in clients:
            try:
                sent += client.socket.send(LINE * 4096)
            except BlockingIOError:
                pass
        return sent == 0 and all(is_in_write(pid) for pid in workers)

    wait_until(is_full, "workers that wait")
    return clients


def test_killed_in_the_middle_of_a_write(start):
    """At most one write of each worker is unknown.  The rest of its 64 KiB is dropped."""
    daemon = start({"log.framing": "line"})
    logger = logger_of(daemon)
    stop(logger)
    clients = fill_pipe(daemon)
    victims = [daemon.worker_of(client) for client in clients[:3]]
    before = figures = daemon.figures()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
        wait_until_settled(daemon, pid)
        after = daemon.figures()
        # A worker whose last read was short has nothing left after the write that was interrupted.
        rest = after["dropped_bytes"] - figures["dropped_bytes"]
        assert after["dropped_messages"] - figures["dropped_messages"] == (rest > 0)
        figures = after
    assert 0 < after["unknown_bytes"] <= len(victims) * PIPE_BUF
    assert after["dropped_bytes"] > len(victims) * PIPE_BUF
    assert before["in_flight_bytes"] == \
        after["in_flight_bytes"] + after["unknown_bytes"] + after["dropped_bytes"]
    os.kill(logger, signal.SIGCONT)
    for client in clients:
        client.reset()
    daemon.stop()
    # None of the interrupted writes has reached the log.
    assert check_account(daemon, payload_in(daemon.path))["logged_bytes"] == payload_in(daemon.path)


def test_killed_in_the_middle_of_a_long_write(start):
    """Some pages of the write are in the pipe, as whole records.  At most one write is unknown."""
    daemon = start()
    logger = logger_of(daemon)
    stop(logger)
    with Client(daemon.port) as odd:
        # So that the writes of the others do not fill the pipe exactly.
        odd.talk(LINE * 600)
        clients = fill_pipe(daemon)
    victims = [daemon.worker_of(client) for client in clients]
    before = daemon.figures()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
        wait_until_settled(daemon, pid)
    after = daemon.figures()
    assert PIPE_BUF * len(victims) < after["unknown_bytes"] <= LONGEST_WRITE * len(victims)
    assert before["in_flight_bytes"] == \
        after["in_flight_bytes"] + after["unknown_bytes"] + after["dropped_bytes"]
    os.kill(logger, signal.SIGCONT)
    for client in clients:
        client.reset()
    daemon.stop()
    assert_verified(daemon.path)
    logged = payload_in(daemon.path)
    assert check_account(daemon, logged)["logged_bytes"] < logged


def test_limit(start, traffic):
    daemon = start({"log.message_limit": "500", "log.at_message_limit": "stop"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.figures()["log"] == "limit", "the limit in the figures")
    wait_until(lambda: daemon.figures()["dropped_bytes"] > 1_000_000, "messages not saved")
    load.end(at_once=True)
    daemon.stop()
    said = check_account(daemon, payload_in(daemon.path))
    assert said["dropped_messages"] == said["received_messages"] - 500
    assert said["unknown_bytes"] == 0


def test_a_killed_master(start, traffic):
    """Nobody settles the accounts of its workers: what they had in hand stays in flight."""
    daemon = start()
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.figures()["logged_bytes"] > 3_000_000, "a volume")
    daemon.kill_master()
    load.end(at_once=True)
    load.judge(daemon.path)
    logged, said = payload_in(daemon.path), daemon.figures()
    assert said["state"] == "gone"
    assert said["received_bytes"] == sum(said[name + "_bytes"] for name in
                                         ("logged", "dropped", "in_flight", "unknown"))
    assert said["logged_bytes"] <= logged <= said["logged_bytes"] + said["in_flight_bytes"]
