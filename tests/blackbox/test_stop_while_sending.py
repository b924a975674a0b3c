# SPDX-License-Identifier: MIT
"""A client that sends without a pause while the service stops receives the echo of all that is
logged."""
import signal
import socket
import threading
import time

import pytest

from clients import Client
from daemon import wait_until
from oracle import check_log

PIECE = bytes(range(256)) * 64
MIB = 1024 * 1024
# Before the end of drain_timeout the senders send as fast as they can.
FAST_SECONDS = 0.3


class Sender:
    """Sends until it cannot, in a thread; receives until the end, in another."""

    def __init__(self, port, fast):
        self.fast = fast
        self.client = Client(port)
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        try:
            while True:
                if not self.fast.is_set():
                    time.sleep(0.003)
                n = self.client.socket.send(PIECE[len(self.client.sent) % 256:])
                at = len(self.client.sent) % 256
                self.client.sent += PIECE[at:at + n]
        except OSError:
            pass

    def receive(self):
        try:
            self.client.receive_rest()
        except OSError:
            pass

    def wait(self):
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a client hangs"
        self.client.close()
        return self.client


def stop_under_load(daemon, drain_seconds, n=2):
    """At first the senders are slow, until the event FAST."""
    fast = threading.Event()
    senders = [Sender(daemon.port, fast) for _ in range(n)]
    wait_until(lambda: min(len(s.client.echoed) for s in senders) > MIB, "echo")
    daemon.signal(signal.SIGTERM)
    time.sleep(max(0, drain_seconds - FAST_SECONDS))
    fast.set()
    assert daemon.wait() == 0
    return [s.wait() for s in senders]


def assert_nothing_lost(daemon, clients):
    log = check_log(daemon.path, clients, min_bytes=2 * MIB)
    for client in clients:
        (connection,) = log.by_peer(client.peer)
        assert connection.close == "shutdown"
        assert len(client.echoed) == len(connection.data), "%d logged, %d echoed" % (
            len(connection.data), len(client.echoed))
    return log


@pytest.mark.parametrize("run", range(5))
def test_the_defaults(start, run):
    daemon = start(runtime_directory=True)
    clients = stop_under_load(daemon, 2)
    assert_nothing_lost(daemon, clients)
    said = daemon.figures()
    assert said["received_bytes"] == said["logged_bytes"], said
    assert said["in_flight_bytes"] == said["dropped_bytes"] == said["unknown_bytes"] == 0, said


@pytest.mark.parametrize("options", [
    {"log.when_stalled": "drop"}, {"log.when_stalled": "close"}, {"log.echo_after": "written"},
    {"log.framing": "line"}], ids=lambda options: "-".join(options.values()))
def test_with(start, options):
    daemon = start({"server.drain_timeout": "100ms", **options})
    clients = stop_under_load(daemon, 0.1)
    assert_nothing_lost(daemon, clients)


def test_a_socket_of_this_machine(start, tmp_path):
    """AF_UNIX: there, unread bytes at the end are an error too."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    daemon = start({"server.drain_timeout": "100ms"}, sockets=[("unix", listener)])
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "socket"))
    client.settimeout(20)
    client.sendall(b"x" * 5000)
    got = b""
    while len(got) < 5000:
        got += client.recv(5000)
    daemon.stop()
    assert client.recv(1) == b""
    listener.close()
    client.close()
