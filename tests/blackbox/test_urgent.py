# SPDX-License-Identifier: MIT
"""The urgent byte, MSG_OOB, is a byte as any other: echoed, logged and counted in its place."""
import socket

from clients import Client
from oracle import check_stopped


def send_urgent(client, data):
    client.sent += data
    client.socket.send(data, socket.MSG_OOB)


def test_urgent_bytes(start):
    daemon = start(runtime_directory=True)
    with Client(daemon.port) as client:
        client.send(b"before ")
        send_urgent(client, b"!")
        client.send(b" after")
        assert client.receive(14) == b"before ! after"
        send_urgent(client, b"1")
        send_urgent(client, b"2")
        assert client.receive(2) == b"12"
        client.finish()
    check_stopped(daemon, [client], min_bytes=16)
    assert daemon.figures()["received_bytes"] == 16


def test_urgent_byte_of_a_passed_unix_socket(start, tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    daemon = start(sockets=[("unix", listener)], runtime_directory=True)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(tmp_path / "socket"))
        client.sendall(b"ab")
        client.send(b"c", socket.MSG_OOB)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while piece := client.recv(100):
            got += piece
    assert got == b"abc"
    listener.close()
    daemon.stop()
    assert daemon.figures()["logged_bytes"] == 3
