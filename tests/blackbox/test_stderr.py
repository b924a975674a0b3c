# SPDX-License-Identifier: MIT
"""stderr that nobody reads: the daemon goes on without it."""

import os
import re
import socket
import threading

import pytest

from clients import Client
from daemon import read_text, settled, wait_until

# Fills stderr to the last byte, and leaves it blocking as whoever shares it has it.
FULL = """
import os, select, socket, sys
kind, path, command = sys.argv[1], sys.argv[2], sys.argv[3:]
if kind == "socket":
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    fd = s.detach()
else:
    fd = os.open(path, os.O_WRONLY | os.O_NOCTTY)
os.set_blocking(fd, False)
writable = select.poll()
writable.register(fd, select.POLLOUT)
# The kernel moves what a terminal was given, and then there is room again.
while writable.poll(300):
    try:
        os.write(fd, b"x" * 4096)
    except BlockingIOError:
        pass
try:
    while os.write(fd, b"x"):
        pass
except BlockingIOError:
    pass
os.set_blocking(fd, True)
os.dup2(fd, 2)
os.execvp(command[0], command)
"""


class Reader:
    """The other end, for whoever shall read from it at last."""

    def __init__(self, kind, directory):
        self.kind, self.path = kind, os.path.join(directory, "stderr")
        if kind == "pipe":
            os.mkfifo(self.path)
            self.fd = os.open(self.path, os.O_RDWR)
        elif kind == "socket":
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.listener.listen()
        else:
            self.fd, self.slave = os.openpty()
            self.path = os.ttyname(self.slave)
        self.data = b""

    def prefix(self):
        return ["/usr/bin/python3", "-IS", "-c", FULL, self.kind, self.path]

    def start(self):
        if self.kind == "socket":
            self.fd = self.listener.accept()[0].detach()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while piece := os.read(self.fd, 65536):
            self.data += piece


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_nobody_reads_stderr(make_daemon, tmp_path, kind):
    reader = Reader(kind, str(tmp_path))
    daemon = make_daemon(prefix=reader.prefix()).start()
    # Each of them says something.
    with Client(daemon.port) as client:
        for _ in range(5):
            daemon.configure(server_port="none")
            assert "reload failed" in daemon.reload()
            daemon.configure(server_port=daemon.port)
            assert "failed" not in daemon.reload()
            client.talk(b"x")
    # Once it is read again it is said how many were lost.
    reader.start()
    settled(lambda: len(reader.data), "what was there")
    daemon.reload()
    wait_until(lambda: b"messages of this process were lost: nobody read stderr" in reader.data,
               "the number of lost messages")
    wait_until(lambda: b"configuration reloaded" in reader.data, "the message")
    daemon.stop()


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_a_stop_although_nobody_reads_stderr(make_daemon, tmp_path, kind):
    reader = Reader(kind, str(tmp_path))
    daemon = make_daemon(prefix=reader.prefix()).start()
    daemon.stop()
    daemon.start().stop()


SHARED = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
os.dup2(fd, 2)
os.dup2(fd, 99)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def test_whoever_shares_stderr_keeps_it(make_daemon, tmp_path):
    """O_NONBLOCK belongs to the open file, so a shell that shares it would have it too."""
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    daemon = make_daemon(prefix=["/usr/bin/python3", "-IS", "-c", SHARED, path]).start()
    flags = {fd: int(re.search(r"flags:\s*(\d+)", read_text(
        "/proc/%d/fdinfo/%d" % (daemon.pid, fd)))[1], 8) for fd in (2, 99)}
    assert flags[2] & os.O_NONBLOCK and not flags[99] & os.O_NONBLOCK
    assert os.readlink("/proc/%d/fd/2" % daemon.pid) == path
    daemon.stop()


# --- The log is stdout, and stderr leads there too

TOGETHER = 'exec "$@" 2>&1'
APART = 'exec "$@"'
MIXED = "stdout and stderr are the same file, so messages of the daemon are written into the log"


@pytest.mark.parametrize("kind", ["file", "pipe"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("by_reload", [True, False])
def test_messages_in_the_log(make_daemon, tmp_path, kind, together, by_reload):
    path = str(tmp_path / "out")
    if kind == "pipe":
        os.mkfifo(path)
    out = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK)
    options = {} if by_reload else {"log.path": "-"}
    daemon = make_daemon(options, prefix=["sh", "-c", TOGETHER if together else APART, "-"])
    daemon.stdout = out
    daemon.start()
    if by_reload:
        daemon.configure(log_path="-")
        daemon.reload()
    with Client(daemon.port) as client:
        client.talk(b"hello")
    daemon.configure(server_idle_timeout="1m")
    daemon.reload()
    daemon.stop()
    if kind == "file":
        os.lseek(out, 0, os.SEEK_SET)
    said = os.read(out, 65536).decode()
    os.close(out)
    assert " message 5 " in said
    assert said.count(MIXED) == together
    assert MIXED not in daemon.stderr()
