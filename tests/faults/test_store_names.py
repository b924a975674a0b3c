# SPDX-License-Identifier: MIT
"""What an earlier run stored with systemd is told from what a socket unit passes."""

import os
import signal
import socket

import pytest

from clients import Client
from daemon import free_port
from faults import kill_everything, logger_of
from messagelog import read_log

NAMES = ["log-pipe", "stage-pipe", "scoreboard", "spill", "log-file-1"]
PREFIX = "echo-logd/"


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def talk(port, data):
    with Client(port) as client:
        client.talk(data)
        client.finish()


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_a_socket_with_a_name_of_the_store_is_served(start, store, prefix):
    """FileDescriptorName= of a socket unit may be any of them, and beside what is stored too."""
    ports = [free_port() for _ in NAMES]
    sockets = [(prefix + name, listen(port)) for name, port in zip(NAMES, ports)]
    daemon = start(sockets=sockets, store=store)
    for n in range(2):
        for port in ports:
            talk(port, b"%d" % port)
        if n == 0:
            kill_everything(daemon)
            daemon.start()
    daemon.stop()
    assert store.names() == sorted(
        PREFIX + name for name in NAMES + NAMES[:2] if name != "spill")
    log = read_log(daemon.path)
    assert not log.problems and log.messages == 2 * len(ports)
    for _, listener in sockets:
        listener.close()


def test_what_0_1_0_stored_is_used(start, store):
    """It stored without the prefix."""
    daemon = start(store=store)
    talk(daemon.port, b"in the file")
    os.kill(logger_of(daemon), signal.SIGSTOP)
    with Client(daemon.port) as client:
        client.talk(b"in the pipe")
        kill_everything(daemon)
    store.kept = [(name.removeprefix(PREFIX), fd) for name, fd in store.kept]
    os.rename(daemon.path, daemon.path + ".1")
    daemon.start()
    daemon.stop()
    # The pipes stay under their old names; the file that was renamed is not stored any more.
    assert store.names() == [PREFIX + "log-file-2", "log-pipe", "log-pipe", "scoreboard",
                             "stage-pipe", "stage-pipe"]
    with open(daemon.path + ".1") as before, open(daemon.path) as after:
        records = before.read() + after.read()
    assert records.count(" message ") == 2 and records.count(" close killed\n") == 1


def test_a_fifo_is_no_pipe_of_the_store(make_daemon, store, tmp_path):
    """ListenFIFO= with that name.  It is closed with a warning, as any other descriptor."""
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    store.kept = [("log-pipe", fd)]
    daemon = make_daemon(store=store).start()
    assert "systemd passed a descriptor named log-pipe, which is not a socket; it is closed" in \
        daemon.stderr()
    talk(daemon.port, b"hello")
    daemon.stop()
