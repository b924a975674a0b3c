# SPDX-License-Identifier: MIT
"""Listening sockets at a reload: who waits, who is refused, what another program can take."""

import contextlib
import ctypes
import os
import socket
import subprocess

import pytest

from clients import Client
from daemon import descriptors, free_port, settled, tcp_sockets, wait_until
from messagelog import read_log

WAITING = 20
# One client at a time: whoever comes while it is served waits in the queue of the kernel.
ONE = {"server.max_clients": 1, "server.min_spare": 1, "server.max_spare": 1,
       "server.drain_timeout": "20s"}
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438


def bind(host, port, reuse_port=False, v6_only=True):
    """A socket that listens; raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


def is_taken(host, port, **options):
    try:
        bind(host, port, **options).close()
    except OSError:
        return True
    return False


def is_refused(host, port):
    try:
        socket.create_connection((host, port), 20).close()
    except ConnectionRefusedError:
        return True
    return False


def talk(host, port):
    with Client(port, host) as client:
        client.talk(b"hello")
        client.finish()


@contextlib.contextmanager
def busy(daemon, host="127.0.0.1", waiting_hosts=None):
    """All workers are busy, and WAITING clients wait.  They must all be served in the end."""
    holder = Client(daemon.port, host)
    holder.talk(b"busy")
    waiting = [Client(daemon.port, h) for h in waiting_hosts or [host] for _ in range(WAITING)]
    for client in waiting:
        # The order in which they are served is not that in which they are asked below.
        client.send(b"I wait")
        client.half_close()
    yield
    holder.finish()
    for client in waiting:
        assert client.receive_rest() == b"I wait"
        client.close()


def end_of(daemon, clients):
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems and len(log.connections) == clients


# Each pair is tried both ways.
PAIRS = [("127.0.0.1", "*"), ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "*"), ("::1", "*"), ("::", "*"),
         ("::, 0.0.0.0", "*"), ("127.0.0.1, ::1", "*"), ("127.0.0.1, 127.0.0.2", "127.0.0.1"),
         ("127.0.0.1, 127.0.0.2", "0.0.0.0"), ("0.0.0.0", "::1")]
HOSTS = {"127.0.0.1": {"127.0.0.1", "0.0.0.0", "*"}, "::1": {"::1", "::", "*"},
         "127.0.0.2": {"127.0.0.2", "0.0.0.0", "*"}}


def hosts_of(address):
    words = set(address.split(", "))
    return [host for host, served_by in HOSTS.items() if words & served_by]


@pytest.mark.parametrize("before, after", PAIRS)
def test_nobody_who_waits_is_reset(start, before, after):
    """From any address to any other and back, on the same port."""
    daemon = start({"server.address": before, **ONE})
    port, clients = daemon.port, 0
    for address, last in ((after, before), (before, after)):
        daemon.configure(server_address=address)
        with busy(daemon, hosts_of(last)[0], hosts_of(last)):
            assert "failed" not in daemon.reload(), daemon.stderr()
            for host in HOSTS:
                if host in hosts_of(address):
                    with socket.create_connection((host, port), 20):
                        clients += 1
        clients += 1 + WAITING * len(hosts_of(last))
        for host in HOSTS:
            if host in hosts_of(address):
                talk(host, port)
                clients += 1
                assert is_taken(host, port)
            else:
                assert is_refused(host, port)
    end_of(daemon, clients)


def test_another_program_gets_nothing(start):
    """SO_REUSEPORT is never left on, and two of our sockets keep others out as one does."""
    daemon = start({"server.address": "127.0.0.1"})
    for address in ("*", "127.0.0.1", "0.0.0.0", "127.0.0.1, 127.0.0.2"):
        daemon.configure(server_address=address)
        daemon.reload()
        for host in ("127.0.0.1", "0.0.0.0"):
            assert is_taken(host, daemon.port)
        assert is_taken("::", daemon.port, v6_only=False)
        listening = {row[3] for row in tcp_sockets() if row[0] == daemon.port}
        for fd, link in descriptors(daemon.pid).items():
            if link[8:-1] in listening:
                with copy_of(daemon.pid, fd) as listener:
                    assert not listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


@contextlib.contextmanager
def taken(*places):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(bind(*place)) for place in places]


@pytest.mark.parametrize("address, other", [
    ("0.0.0.0", "127.0.0.9"), ("*", "127.0.0.9"), ("127.0.0.1, 127.0.0.9", "127.0.0.9"),
    ("0.0.0.0, ::1", "::1"),
])
def test_a_refused_address_disturbs_nobody(start, address, other):
    daemon = start({"server.address": "127.0.0.1", **ONE})
    with busy(daemon):
        with taken((other, daemon.port)):
            daemon.configure(server_address=address)
            assert "reload failed" in daemon.reload()
            assert "another program listens there" in daemon.stderr()
            with socket.create_connection(("127.0.0.1", daemon.port), 20):
                pass
    talk("127.0.0.1", daemon.port)
    daemon.reload()
    talk("127.0.0.1", daemon.port)
    end_of(daemon, WAITING + 4)


def test_a_refused_port_disturbs_nobody(start):
    daemon = start({"server.address": "127.0.0.1", **ONE})
    port = free_port()
    with busy(daemon), taken(("127.0.0.1", port)):
        daemon.configure(server_port=port)
        assert "reload failed" in daemon.reload()
    talk("127.0.0.1", daemon.port)
    end_of(daemon, WAITING + 2)


def test_the_queue_of_a_removed_address_is_served(start):
    daemon = start({"server.address": "127.0.0.1, 127.0.0.2", **ONE})
    with busy(daemon, "127.0.0.2"):
        daemon.configure(server_address="127.0.0.1")
        daemon.reload()
    wait_until(lambda: is_refused("127.0.0.2", daemon.port), "the end of the address")
    end_of(daemon, WAITING + 1)


def test_the_queue_of_a_removed_address_is_bounded_in_time(start):
    daemon = start({"server.address": "127.0.0.1, 127.0.0.2", **ONE,
                    "server.drain_timeout": "200ms"})
    with Client(daemon.port) as holder:
        holder.talk(b"busy")
        with socket.create_connection(("127.0.0.2", daemon.port), 20) as waiting:
            waiting.settimeout(20)
            daemon.configure(server_address="127.0.0.1")
            daemon.reload()
            with pytest.raises(ConnectionResetError):
                waiting.recv(1)
        holder.talk(b"still here")
    assert is_refused("127.0.0.2", daemon.port)


def test_an_address_that_comes_back_while_it_leaves(start):
    daemon = start({"server.address": "*", **ONE})
    with busy(daemon):
        for address in ("127.0.0.1", "*", "127.0.0.2", "*"):
            daemon.configure(server_address=address)
            daemon.reload()
        with socket.create_connection(("127.0.0.3", daemon.port), 20):
            pass
    talk("127.0.0.3", daemon.port)
    end_of(daemon, WAITING + 3)


def test_reloads_leave_no_socket(start):
    daemon = start({"server.address": "127.0.0.1"})

    def sockets():
        listening = {row[3] for row in tcp_sockets() if row[0] == daemon.port and row[2] == "0A"}
        return sum(link[8:-1] in listening for link in descriptors(daemon.pid).values())

    for _ in range(10):
        for address in ("*", "127.0.0.2, 127.0.0.3", "0.0.0.0", "127.0.0.4, ::1", "::, 0.0.0.0"):
            daemon.configure(server_address=address)
            daemon.reload()
        assert sockets() < 12
    daemon.configure(server_address="127.0.0.1")
    daemon.reload()
    wait_until(lambda: sockets() == 1, "one socket")
    wait_until(lambda: not daemon.zombies(), "the reaping of all children")


# --- Sockets that another program shuts down

@contextlib.contextmanager
def copy_of(pid, fd):
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(SYS_PIDFD_OPEN, pid, 0)
    copy = libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    error = ctypes.get_errno()
    os.close(pidfd)
    if copy < 0:
        pytest.skip("pidfd_getfd: %s" % os.strerror(error))
    with socket.socket(fileno=copy) as owned:
        yield owned


def shut_down(daemon, host=None):
    """What a program with the right to do so does: SOCK_DESTROY, or shutdown(2)."""
    listening = {row[3] for row in tcp_sockets() if row[2] == "0A"}
    for fd, link in descriptors(daemon.pid).items():
        if link.startswith("socket:") and link[8:-1] in listening:
            with copy_of(daemon.pid, fd) as listener:
                if host in (None, listener.getsockname()[0]):
                    listener.shutdown(socket.SHUT_RD)


def test_no_socket_left(start):
    daemon = start()
    daemon.expected_statuses = {4}
    with Client(daemon.port) as client:
        client.talk(b"before")
        shut_down(daemon)
        wait_until(lambda: "STOPPING" in str(daemon.notifications.received), "the stop")
        # A client that is connected is served as at any stop.
        client.talk(b"after")
        client.finish()
    assert daemon.wait() == 4
    assert "the socket of 127.0.0.1:%d was shut down by another program; " % daemon.port \
        in daemon.stderr()
    assert "no socket is left, the service exits" in daemon.stderr()
    log = read_log(daemon.path)
    assert not log.problems and log.messages == 2


def test_no_passed_socket_left(make_daemon):
    port = free_port()
    with bind("127.0.0.1", port) as listener:
        daemon = make_daemon(sockets=[("", listener)]).start()
        daemon.expected_statuses = {4}
        talk("127.0.0.1", port)
        listener.shutdown(socket.SHUT_RD)
        assert daemon.wait() == 4
    assert "restart the socket unit" in daemon.stderr()


@pytest.mark.parametrize("passed", [False, True])
def test_one_of_two_left(make_daemon, passed):
    port = free_port()
    with contextlib.ExitStack() as stack:
        sockets = [("", stack.enter_context(bind(host, port)))
                   for host in ("127.0.0.1", "::1") if passed]
        daemon = make_daemon(port=port, sockets=sockets).start()
        shut_down(daemon, "127.0.0.1")
        wait_until(lambda: "was shut down by another program" in daemon.stderr(), "the message")
        for _ in range(20):
            talk("::1", port)
        assert is_refused("127.0.0.1", port)
        # Each idle worker that had the socket left, once; those that replaced it stay.
        settled(lambda: sorted(daemon.workers()), "the set of workers")
        assert daemon.stderr().count("was shut down") == 1
        daemon.reload()
        if passed:
            assert "restart the socket unit" in daemon.stderr()
        else:
            talk("127.0.0.1", port)
        talk("::1", port)


# --- An address that comes later

def in_its_network(daemon, *command):
    return subprocess.run(["nsenter", "-n", "-t", str(daemon.pid), *command], check=True,
                          stdout=subprocess.PIPE, timeout=30).stdout


def test_an_address_that_comes_later(make_daemon):
    if os.geteuid() != 0:
        pytest.skip("needs root, for a network of its own")
    daemon = make_daemon({"server.address": "127.0.0.1, 192.0.2.77, 2001:db8::77"},
                         prefix=["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "-"])
    daemon.start()
    assert "this host does not have the address of 192.0.2.77:%d, [2001:db8::77]:%d; " % (
        daemon.port, daemon.port) in daemon.stderr()
    in_its_network(daemon, "ip", "address", "add", "192.0.2.77/32", "dev", "lo")
    in_its_network(daemon, "ip", "address", "add", "2001:db8::77/128", "dev", "lo", "nodad")
    for host in ("127.0.0.1", "192.0.2.77", "2001:db8::77"):
        code = ("import socket; s = socket.create_connection((%r, %d), 20); s.sendall(b'hello'); "
                "print(s.recv(5))" % (host, daemon.port))
        assert in_its_network(daemon, "python3", "-c", code) == b"b'hello'\n"
