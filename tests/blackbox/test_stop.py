# SPDX-License-Identifier: MIT
"""Tests stops of the daemon and of single workers: none hangs, no echoed byte is missing."""

import os
import signal
import socket

import pytest

from clients import Client, Load
from daemon import is_gone, wait_until
from oracle import check_log, check_stopped

MIB = 1024 * 1024


def test_stop_of_an_idle_daemon(start):
    daemon = start()
    daemon.stop()
    daemon.notifications.wait(lambda f: f.get("STOPPING") == "1", "STOPPING=1")


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_a_client(start, signo):
    daemon = start({"server.drain_timeout": "100ms"})
    with Client(daemon.port) as client:
        client.talk(b"x")
        daemon.signal(signo)
        assert client.receive_rest() == b""
    assert daemon.wait() == 0
    log = check_log(daemon.path, [client])
    assert [c.close for c in log.connections.values()] == ["shutdown"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_twenty_stops_under_load(make_daemon, format):
    rounds = 14 if format == "text" else 6
    daemon = make_daemon({"server.drain_timeout": "50ms", "log.format": format})
    clients, closed = [], 0
    for _ in range(rounds):
        daemon.start()
        with Load(daemon.port, 6, hosts=("127.0.0.1", "::1"), max_bytes=10_000,
                  window=60_000) as load:
            wait_until(lambda: load.echoed_bytes > 300_000, "load")
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
            ended = load.clients()
        assert sum(len(c.echoed) for c in ended) > 300_000
        closed += sum(not c.is_complete for c in ended)
        clients += ended
    log = check_log(daemon.path, clients, format=format, min_bytes=rounds * 300_000)
    assert closed > rounds * 3, "the stops did not meet busy clients"
    reasons = [c.close for c in log.connections.values()]
    assert set(reasons) <= {"shutdown", "reset"} and reasons.count("shutdown") > rounds * 3


def test_clients_are_served_while_draining(start):
    daemon = start({"server.drain_timeout": "60s"})
    client = Client(daemon.port)
    client.talk(b"before")
    daemon.signal(signal.SIGTERM)
    daemon.notifications.wait(lambda f: f.get("STOPPING") == "1", "STOPPING=1")

    def refused():
        try:
            with socket.create_connection(("127.0.0.1", daemon.port), 20):
                return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            # The connection was in the queue of the listener when it was shut down.
            return False

    wait_until(refused, "the port being refused")
    for _ in range(50):
        client.talk(b"while draining")
    client.finish()
    # The last client has left, so the daemon does not wait for the rest of the 60 s.
    assert daemon.wait(20) == 0
    # The probe may have been accepted before.
    log = check_log(daemon.path, [client], min_bytes=700, others_allowed=True)
    assert [c.close for c in log.by_peer(client.peer)] == ["eof"]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_now(start, second):
    daemon = start({"server.drain_timeout": "1h"})
    with Load(daemon.port, 4) as load, Client(daemon.port) as idle:
        idle.talk(b"x")
        wait_until(lambda: load.echoed_bytes > MIB, "load")
        daemon.signal(signal.SIGTERM)
        daemon.notifications.wait(lambda f: f.get("STOPPING") == "1", "STOPPING=1")
        mark = load.echoed_bytes
        wait_until(lambda: load.echoed_bytes > mark + MIB, "more echoes")
        daemon.signal(second)
        assert daemon.wait(20) == 0
        assert idle.receive_rest() == b""
        clients = load.clients()
    check_log(daemon.path, clients + [idle], min_bytes=2 * MIB)


def test_stop_gives_the_echo_of_an_unfinished_line(start):
    daemon = start({"log.framing": "line", "server.drain_timeout": "50ms"})
    with Client(daemon.port) as client:
        client.talk(b"a line\n")
        client.send(b"unfinished")
        wait_until(lambda: not daemon.server_socket(client)[1], "bytes that are read")
        daemon.signal(signal.SIGTERM)
        assert client.receive_rest() == b"unfinished"
    assert daemon.wait() == 0
    log = check_log(daemon.path, [client], min_bytes=17)
    (connection,) = log.connections.values()
    assert connection.close == "shutdown" and connection.messages == [b"a line\n", b"unfinished"]


def test_stop_with_a_client_that_never_reads(start):
    daemon = start({"server.drain_timeout": "50ms"})
    with Client(daemon.port) as client:
        client.socket.setblocking(False)
        seen = []

        def is_stuck():
            try:
                while True:
                    client.sent += b"x" * client.socket.send(b"x" * 65536)
            except BlockingIOError:
                seen.append((len(client.sent), daemon.server_socket(client)[1]))
            # Bytes are unread, and stay so for many looks.
            return seen[-1][1] > 0 and len(seen) > 50 and len(set(seen[-50:])) == 1

        wait_until(is_stuck, "a worker that cannot send")
        daemon.stop()
    log = check_log(daemon.path, [client], min_bytes=0)
    (connection,) = log.connections.values()
    assert connection.close in ("shutdown", "reset") and connection.data


def test_stop_and_reload_and_reopen_at_once(start):
    """Signals in any order do not prevent the stop."""
    for order in ([1, 15], [10, 15], [15, 1, 10], [1, 10, 1, 15, 15], [15, 15, 15, 10, 1]):
        daemon = start({"server.drain_timeout": "0"}, name="-".join(map(str, order)))
        with Load(daemon.port, 2, 20_000) as load:
            wait_until(lambda: load.echoed_bytes > 100_000, "load")
            for signo in order:
                daemon.signal(signo)
            assert daemon.wait(20) == 0
            clients = load.clients()
        check_log(daemon.path, clients, min_bytes=100_000)


def test_sigterm_before_it_is_ready(make_daemon):
    for n in range(10):
        daemon = make_daemon(name=str(n)).launch()
        daemon.expected_statuses.add(-signal.SIGTERM)      # before it had a handler
        daemon.signal(signal.SIGTERM)
        assert daemon.wait(20) in (0, -signal.SIGTERM)


# --- SIGTERM to single workers

def test_sigterm_to_a_hundred_idle_workers(start):
    daemon = start({"server.min_spare": "3", "server.max_spare": "6"})
    terminated = set()
    while len(terminated) < 100:
        victims = set(wait_until(daemon.idle_workers, "idle workers")[:2]) - terminated
        for pid in victims:
            os.kill(pid, signal.SIGTERM)
        for pid in victims:
            wait_until(lambda: is_gone(pid), "end of worker %d" % pid)
        terminated |= victims
    wait_until(lambda: len(daemon.idle_workers()) >= 3, "new workers")
    with Client(daemon.port) as client:
        client.talk(b"still served")
        client.finish()
    check_stopped(daemon, [client], min_bytes=12)
    assert "killed" not in daemon.stderr()


def test_sigterm_to_sixty_waiting_workers(start):
    """They wait between two messages, with nothing in hand."""
    daemon = start()
    clients = []
    with Client(daemon.port) as bystander:
        for n in range(60):
            client = Client(daemon.port)
            client.talk(b"message %d" % n)
            os.kill(daemon.worker_of(client), signal.SIGTERM)
            assert client.receive_rest() == b""
            client.close()
            clients.append(client)
            bystander.talk(b"undisturbed")
        bystander.finish()
    log = check_stopped(daemon, clients + [bystander], min_bytes=600)
    for client in clients:
        # A port may have been used twice.
        assert {c.close for c in log.by_peer(client.peer)} == {"shutdown"}
    assert log.by_peer(bystander.peer)[0].close == "eof"


def test_sigterm_to_a_worker_with_a_message_in_hand(start):
    daemon = start({"log.framing": "line"})
    clients = []
    for n in range(20):
        client = Client(daemon.port)
        client.send(b"whole\nunfinished %d" % n)
        assert client.receive(6) == b"whole\n"
        wait_until(lambda: not daemon.server_socket(client)[1], "bytes that are read")
        os.kill(daemon.worker_of(client), signal.SIGTERM)
        assert client.receive_rest() == b"unfinished %d" % n
        client.close()
        clients.append(client)
    log = check_stopped(daemon, clients, min_bytes=300)
    assert {c.close for c in log.connections.values()} == {"shutdown"}
    assert log.messages == 40


def test_sigterm_to_forty_busy_workers(start):
    daemon = start({"server.max_spare": "12"})
    clients = []
    for _ in range(10):
        with Load(daemon.port, 4, 10_000, window=40_000) as load:
            wait_until(lambda: min(len(s.client.echoed) for s in load.streams) > 20_000, "load")
            for stream in load.streams:
                os.kill(daemon.worker_of(stream.client), signal.SIGTERM)
            clients += load.clients()
    assert sum(not c.is_complete for c in clients) == 40
    log = check_stopped(daemon, clients, min_bytes=800_000)
    reasons = [c.close for c in log.connections.values()]
    assert set(reasons) <= {"shutdown", "reset"} and reasons.count("shutdown") > 20
