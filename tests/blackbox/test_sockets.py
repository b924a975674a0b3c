# SPDX-License-Identifier: MIT
"""Tests sockets that systemd passes: which are served, which are refused, and restarts."""
import contextlib
import fcntl
import os
import select
import socket
import threading

import pytest

from clients import Client
from daemon import free_port, wait_until
from messagelog import read_log
from standin import FdStore

RESTARTS = 5


def listen(port, host="127.0.0.1", backlog=4096):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(backlog)
    return listener


def listen_unix(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(100)
    return listener


@pytest.fixture
def passed():
    """passed(port) makes the listener of a socket unit, which is closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, make=listen: stack.enter_context(make(*arguments))


def connect_unix(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(20)
    client.connect(path)
    return client


def talk(client, data):
    client.sendall(data)
    got = b""
    while len(got) < len(data) and (piece := client.recv(65536)):
        got += piece
    assert got == data


def refused(start_daemon, *sockets):
    """Starts a daemon that refuses SOCKETS.  Returns its message."""
    daemon = start_daemon(sockets=sockets).launch()
    daemon.expected_statuses = {1}
    assert daemon.wait() == 1
    return daemon.stderr()


def test_any_number_with_and_without_names(start, passed, tmp_path):
    ports = [free_port() for _ in range(18)]
    path = str(tmp_path / "echo")
    sockets = [("unknown", passed(port)) for port in ports[:16]] + [
        ("echo-logd.socket", passed(ports[16])), ("six", passed(ports[17], "::1")),
        ("local", passed(path, make=listen_unix)), ("", passed("\0" + path, make=listen_unix))]
    daemon = start(sockets=sockets)
    peers = []
    for i, port in enumerate(ports):
        with Client(port, "::1" if i == 17 else "127.0.0.1") as client:
            client.talk(b"%d" % i)
            peers.append(client.peer)
    for address in (path, "\0" + path):
        with connect_unix(address) as client:
            talk(client, b"local")
    # The addresses in the file have no effect, and a message says so.
    with pytest.raises(ConnectionRefusedError):
        Client(daemon.port)
    assert "listening on 127.0.0.1:%d, " % ports[0] in daemon.stderr()
    assert "[::1]:%d, unix:%s, unix:@%s (sockets from systemd; server.address and server.port " \
        "have no effect), logging to " % (ports[17], path, path) in daemon.stderr()
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems
    assert sorted(c.peer for c in log.connections.values()) == \
        sorted(peers + ["unix:%d" % os.getpid()] * 2)


def test_json_of_a_local_client(start, passed, tmp_path):
    path = str(tmp_path / "echo")
    daemon = start({"log.format": "json"}, sockets=[("", passed(path, make=listen_unix))])
    with connect_unix(path) as client:
        talk(client, b"local")
    daemon.stop()
    log = read_log(daemon.path, format="json")
    assert not log.problems
    assert [c.peer for c in log.connections.values()] == ["unix:%d" % os.getpid()]


def test_what_workers_need_is_set(start, passed):
    listener = passed(port := free_port())
    assert not fcntl.fcntl(listener, fcntl.F_GETFL) & os.O_NONBLOCK
    start(sockets=[("echo-logd.socket", listener)])
    # Otherwise a worker that lost the race for a client would hang in accept(2).
    assert fcntl.fcntl(listener, fcntl.F_GETFL) & os.O_NONBLOCK
    assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    with Client(port) as client:
        client.talk(b"x")


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_an_idle_client_is_closed(start, passed, tmp_path, family):
    path, port = str(tmp_path / "echo"), free_port()
    listener = passed(port) if family == "tcp" else passed(path, make=listen_unix)
    daemon = start({"server.idle_timeout": "200ms"}, sockets=[("", listener)])
    with (Client(port).socket if family == "tcp" else connect_unix(path)) as client:
        talk(client, b"x")
        assert client.recv(1) == b""
    daemon.stop()
    assert " close idle " in open(daemon.path).read()


def datagram(port):
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", port))
    return bound


def not_listening(port):
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.bind(("127.0.0.1", port))
    return bound


def connected(port):
    with listen(port) as listener:
        client = socket.create_connection(("127.0.0.1", port))
        server = listener.accept()[0]
    client.detach()
    return server


def seqpacket(port):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("\0echo-logd-test-%d" % port)
    listener.listen()
    return listener


@pytest.mark.parametrize("make, why", [
    (datagram, "is not a stream socket: the socket unit needs ListenStream="),
    (seqpacket, "is not a stream socket: the socket unit needs ListenStream="),
    (not_listening, "does not listen: the socket unit needs Accept=no"),
    (connected, "does not listen: the socket unit needs Accept=no"),
])
def test_another_kind_is_refused(make_daemon, passed, make, why):
    """Also if another one is good, because serving only a part would look like success."""
    said = refused(make_daemon, ("good", passed(free_port())),
                   ("strange", passed(free_port(), make=make)))
    assert "systemd passed strange, which %s; not started\n" % why in said
    assert "good" not in said


def test_each_one_that_is_refused_is_named(make_daemon, passed):
    said = refused(make_daemon, ("one", passed(free_port(), make=datagram)),
                   ("two", passed(free_port(), make=connected)))
    assert said.count("; not started") == 2 and "passed one, " in said and "passed two, " in said


def test_too_many_are_refused(make_daemon, passed):
    names = [("", passed("\0echo-logd-test-%d-%d" % (os.getpid(), i), make=listen_unix))
             for i in range(129)]
    said = refused(make_daemon, *names)
    assert "systemd passed 129 sockets; at most 128 can be served; not started" in said


def test_as_many_as_can_be_served(start, passed):
    names = ["\0echo-logd-test-%d-%d" % (os.getpid(), i) for i in range(128)]
    start(sockets=[("", passed(name, make=listen_unix)) for name in names])
    for name in names:
        with connect_unix(name) as client:
            talk(client, b"x")


def test_what_is_no_socket_is_closed(start, passed):
    """A descriptor that another version stored does not prevent a start."""
    port = free_port()
    with open("/dev/null") as strange:
        daemon = start(sockets=[("of-the-future", strange), ("", passed(port))])
    assert "systemd passed a descriptor named of-the-future, which is not a socket" \
        in daemon.stderr()
    with Client(port) as client:
        client.talk(b"x")


def test_a_reload_leaves_them_alone(start, passed):
    port = free_port()
    daemon = start(sockets=[("", passed(port))])
    with Client(port) as client:
        client.talk(b"before")
        daemon.configure(server_idle_timeout="10m")
        daemon.reload()
        assert "has no effect: the sockets are systemd's" not in daemon.stderr()
        daemon.configure(server_port=free_port(), server_address="127.0.0.1")
        assert "failed" not in daemon.reload()
        client.talk(b"after")
    said = "server.address and server.port have no effect: systemd made the sockets"
    assert daemon.stderr().count(said) == 1
    with Client(port) as client:
        client.talk(b"new")
    with pytest.raises(ConnectionRefusedError):
        Client(daemon.options["server.port"])


def test_clients_wait_for_the_next_instance(start, passed):
    port = free_port()
    daemon = start(sockets=[("", passed(port))])
    daemon.stop()
    waiting = [Client(port) for _ in range(20)]
    for client in waiting:
        client.send(b"while nobody was there")
    daemon.start()
    for client in waiting:
        assert client.receive(22) == b"while nobody was there"
        client.finish()
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems and len(log.connections) == 20


class Visitors(threading.Thread):
    """Connects, talks and leaves, again and again.  Counts visits that were not served in full."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.served, self.failures, self.ends = port, 0, [], False
        self.start()

    def run(self):
        while not self.ends:
            try:
                with Client(self.port) as client:
                    client.talk(b"a visit")
                    client.finish()
                self.served += 1
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))


def test_restarts_refuse_nobody(start, passed):
    """Each visit is shorter than drain_timeout.  So one run or the next serves it to its end."""
    store, port = FdStore(), free_port()
    listener = passed(port)
    daemon = start({"server.drain_timeout": "5s"}, sockets=[("", listener)], store=store)
    visitors = [Visitors(port) for _ in range(4)]
    for _ in range(RESTARTS):
        before = sum(v.served for v in visitors)
        wait_until(lambda: sum(v.served for v in visitors) > before + 20, "visits")
        daemon.stop()
        wait_until(lambda: select.select([listener], [], [], 0)[0], "somebody who waits")
        daemon.start()
    for visitor in visitors:
        visitor.ends = True
    for visitor in visitors:
        visitor.join(20)
    assert not any(v.failures for v in visitors), [v.failures for v in visitors]
    daemon.stop()
    store.clear()
    log = read_log(daemon.path)
    assert not log.problems
    assert len(log.connections) == sum(v.served for v in visitors)
