# SPDX-License-Identifier: MIT
"""Tests what clients see."""

import ctypes
import os
import shutil
import socket
import subprocess

import pytest

from clients import Client, Stream
from daemon import wait_until
from messagelog import read_log
from oracle import check_stopped

EVERY_BYTE = bytes(range(256)) * 3
MIB = 1024 * 1024
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438


def run_tool(*command, stdin):
    if not shutil.which(command[0]):
        pytest.skip("%s is not installed" % command[0])
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, timeout=30)
    assert done.returncode == 0
    return done.stdout


def tools(port):
    return {
        "nc": ("nc", "-N", "127.0.0.1", str(port)),
        "nc over IPv6": ("nc", "-N", "::1", str(port)),
        "ncat": ("ncat", "127.0.0.1", str(port)),
        "ncat over IPv6": ("ncat", "::1", str(port)),
        "socat": ("socat", "-t", "20", "-", "TCP4:127.0.0.1:%d" % port),
        "socat over IPv6": ("socat", "-t", "20", "-", "TCP6:[::1]:%d" % port),
    }


@pytest.mark.parametrize("tool", tools(0))
def test_clients_of_other_projects(start, tool):
    daemon = start()
    payload = b"hello\n" + EVERY_BYTE + os.urandom(100_000)
    assert run_tool(*tools(daemon.port)[tool], stdin=payload) == payload
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems
    (connection,) = log.connections.values()
    assert connection.data == payload
    assert connection.close == "eof"
    assert connection.peer.startswith("[::1]:" if "IPv6" in tool else "127.0.0.1:")


@pytest.mark.parametrize("size", [1, 2, 4095, 4096, 4097, 65535, 65536, 65537, MIB + 1, 64 * MIB])
def test_any_size(start, size):
    daemon = start()
    payload = (os.urandom(min(size, 4 * MIB + 1)) * (size // (4 * MIB) + 1))[:size]
    client = Stream(daemon.port, payload).wait()
    assert bytes(client.echoed) == payload
    check_stopped(daemon, [client], min_bytes=size)


def test_every_byte_value(start):
    daemon = start()
    with Client(daemon.port) as client:
        for value in range(256):
            client.talk(bytes([value]))
        client.talk(EVERY_BYTE)
        client.finish()
    log = check_stopped(daemon, [client], min_bytes=1024)
    assert log.messages == 257


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_half_close_gets_the_rest_of_the_echo(start, host):
    daemon = start()
    client = Client(daemon.port, host)
    payload = os.urandom(300_000)
    stream = Stream(daemon.port, payload, host)
    client.send(b"before the end")
    assert client.finish() == b"before the end"
    log = check_stopped(daemon, [client, stream.wait()], min_bytes=300_000)
    assert {c.close for c in log.connections.values()} == {"eof"}


def test_no_byte_at_all(start):
    daemon = start()
    client = Client(daemon.port)
    assert client.finish() == b""
    log = check_stopped(daemon, [client], min_bytes=0)
    (connection,) = log.connections.values()
    assert (connection.close, connection.records, connection.data) == ("eof", 2, b"")


def test_reset(start):
    daemon = start()
    client = Client(daemon.port)
    client.talk(b"some words")
    client.reset()
    wait_until(lambda: any(c.close for c in read_log(daemon.path).connections.values()),
               "the end of the connection in the log")
    with Client(daemon.port) as other:
        other.talk(b"still here")
        other.finish()
    log = check_stopped(daemon, [client, other], min_bytes=10)
    assert [c.close for c in log.connections.values()] == ["reset", "eof"]


def test_echo_comes_before_the_next_message(start):
    """No byte waits until a buffer is full or a line ends, as users of RFC 862 expect."""
    daemon = start()
    with Client(daemon.port) as client:
        for i in range(300):
            client.talk(b"%d" % i)
        client.finish()
    log = check_stopped(daemon, [client], min_bytes=300)
    (connection,) = log.connections.values()
    assert connection.messages == [b"%d" % i for i in range(300)]


def test_idle_client_is_closed(start):
    daemon = start({"server.idle_timeout": "300ms"})
    with Client(daemon.port) as client:
        client.talk(b"then nothing")
        assert client.receive_rest() == b""
    log = check_stopped(daemon, [client], min_bytes=12)
    assert [c.close for c in log.connections.values()] == ["idle"]


def test_client_that_never_reads_is_closed(start):
    daemon = start({"server.idle_timeout": "300ms"})
    with Client(daemon.port) as client:
        client.socket.setblocking(False)
        piece = os.urandom(65536)

        def is_closed():
            try:
                while len(client.sent) < 256 * MIB:
                    client.sent += piece[:client.socket.send(piece)]
            except BlockingIOError:
                pass
            except OSError:
                return True
            return any(c.close for c in read_log(daemon.path).connections.values())

        # The daemon sends until the socket buffers are full; then the blocked send counts as idle.
        wait_until(is_closed, "the end of the connection")
        wait_until(lambda: any(c.close for c in read_log(daemon.path).connections.values()),
                   "the end of the connection in the log")
    daemon.stop()
    (connection,) = read_log(daemon.path).connections.values()
    assert connection.close == "idle"
    assert len(connection.data) > 0 and client.sent.startswith(connection.data)


def test_idle_timeout_of_zero_is_never(start):
    daemon = start({"server.idle_timeout": "0"})
    other_daemon = start({"server.idle_timeout": "100ms"}, name="other")
    with Client(daemon.port) as patient, Client(other_daemon.port) as yardstick:
        assert yardstick.receive_rest() == b""
        patient.talk(b"still served")


def test_small_answers_are_not_held_back(start):
    daemon = start()
    libc = ctypes.CDLL(None, use_errno=True)
    with Client(daemon.port) as client:
        client.talk(b"x")
        worker = daemon.worker_of(client)
        link = "socket:[%s]" % daemon.server_socket(client)[0]
        number = next(int(n) for n in os.listdir("/proc/%d/fd" % worker)
                      if os.readlink("/proc/%d/fd/%s" % (worker, n)) == link)
        pidfd = libc.syscall(SYS_PIDFD_OPEN, worker, 0)
        fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, number, 0)
        error = ctypes.get_errno()
        os.close(pidfd)
        if fd < 0:
            pytest.skip("pidfd_getfd: %s" % os.strerror(error))
        with socket.socket(fileno=fd) as server_side:
            assert server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def lines_of(daemon):
    daemon.stop()
    (connection,) = read_log(daemon.path).connections.values()
    return connection.messages


def test_lines_split_anywhere(start):
    daemon = start({"log.framing": "line"})
    text = b"one\n\ntwo two\nx\n"
    clients = []
    for at in range(1, len(text)):
        client = Client(daemon.port)
        client.send(text[:at])
        # The first part is read before the second is sent.
        wait_until(lambda: daemon.server_socket(client)[0] and not daemon.server_socket(client)[1],
                   "the reading of the first part")
        client.send(text[at:])
        assert client.receive(len(text)) == text
        client.finish()
        clients.append(client)
    log = check_stopped(daemon, clients, min_bytes=len(text))
    for connection in log.connections.values():
        assert connection.messages == [b"one\n", b"\n", b"two two\n", b"x\n"]


def test_a_line_is_echoed_when_it_ends(start):
    daemon = start({"log.framing": "line"})
    with Client(daemon.port) as client:
        client.send(b"whole\nhalf")
        assert client.receive(6) == b"whole\n"
        wait_until(lambda: not daemon.server_socket(client)[1], "the reading of the half line")
        client.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.socket.recv(1)
        client.socket.settimeout(20)
        client.send(b" and half\n")
        assert client.receive(14) == b"half and half\n"
        client.send(b"unfinished")
        assert client.finish() == b"unfinished"
    assert lines_of(daemon) == [b"whole\n", b"half and half\n", b"unfinished"]


def test_overlong_line_is_several_messages(start):
    daemon = start({"log.framing": "line", "log.message_size": "10"})
    with Client(daemon.port) as client:
        client.talk(b"0123456789abcdefghij")        # two messages, no newline needed
        client.talk(b"exactly 9\n")
        client.talk(b"1234567890x\nshort\n")
        client.finish()
    assert lines_of(daemon) == [b"0123456789", b"abcdefghij", b"exactly 9\n", b"1234567890",
                                b"x\n", b"short\n"]


def test_message_size_of_a_stream(start):
    daemon = start({"log.message_size": "1000"})
    payload = os.urandom(200_000)
    client = Stream(daemon.port, payload).wait()
    log = check_stopped(daemon, [client], min_bytes=200_000)
    (connection,) = log.connections.values()
    assert max(connection.message_lengths) == 1000
    assert log.messages >= 200


@pytest.mark.parametrize("framing", ["stream", "line"])
def test_largest_message_size(start, framing):
    daemon = start({"log.message_size": "1M", "log.framing": framing})
    payload = (os.urandom(MIB * 3).replace(b"\n", b".") + b"\nrest\n")
    client = Stream(daemon.port, payload).wait()
    log = check_stopped(daemon, [client], min_bytes=3 * MIB)
    (connection,) = log.connections.values()
    if framing == "line":
        assert connection.message_lengths == [MIB, MIB, MIB, 1, 5]
