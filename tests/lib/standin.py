# SPDX-License-Identifier: MIT
"""Replaces systemd: listens to sd_notify(3), and keeps descriptors for the next start."""

import fcntl
import os
import socket
import struct
import termios
import threading
import time

# Factor for all deadlines, for slow runs (make check-valgrind).
PATIENCE = int(os.environ.get("ECHO_LOGD_PATIENCE", 1))

# Runs in the child, because LISTEN_PID must be its process id.
EXEC_WITH_FDS = """
import fcntl, os, sys
n = int(sys.argv[1])
fds, names, command = list(map(int, sys.argv[2:2 + n])), sys.argv[2 + n], sys.argv[3 + n:]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
for fd in fds:
    os.close(fd)
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(n), LISTEN_FDNAMES=names)
os.execvp(command[0], command)
"""


def handover(entries):
    """
    Returns a command that starts another command with the descriptors of ENTRIES, a list of
    (name, descriptor), and the descriptors to pass to it.
    """
    fds = [fd for _, fd in entries]
    if not fds:
        return [], []
    names = ":".join(name for name, _ in entries)
    return ["/usr/bin/python3", "-IS", "-c", EXEC_WITH_FDS, str(len(fds)), *map(str, fds),
            names], fds


class FdStore:
    """The descriptor store of a unit.  Knows what echo-logd uses: FDSTORE=1, FDSTOREREMOVE=1."""

    def __init__(self):
        self.kept = []                  # (name, descriptor)

    def handle(self, fields, fds):
        """Stores FDS if the message asks for it.  Returns the descriptors that were not stored."""
        name = fields.get("FDNAME", "stored")
        if fields.get("FDSTORE") == "1":
            # The newest is first, as in systemd.
            self.kept[:0] = [(name, fd) for fd in fds]
            return []
        if fields.get("FDSTOREREMOVE") == "1":
            for entry in [entry for entry in self.kept if entry[0] == name]:
                os.close(entry[1])
                self.kept.remove(entry)
        return fds

    def bytes_in_pipes(self):
        """The bytes in both pipes.  Call it only while no process of the service runs."""
        return sum(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]
                   for name, fd in self.kept if name.endswith("-pipe")) // 2

    def names(self):
        return sorted(name for name, _ in self.kept)

    def files(self):
        """The current paths of the stored log files."""
        return [os.readlink("/proc/self/fd/%d" % fd) for name, fd in self.kept
                if name.startswith("echo-logd/log-file-")]

    def clear(self):
        for _, fd in self.kept:
            os.close(fd)
        self.kept.clear()


class Notifications(threading.Thread):
    """Receives what the daemon sends to NOTIFY_SOCKET.  STORE gets the descriptors."""

    def __init__(self, path, store=None):
        super().__init__(daemon=True)
        self.store = store
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(path)
        self.received = []
        self.changed = threading.Condition()
        self.start()

    def run(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 8192, 16)
            if data == b"END":
                return
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            if self.store:
                fds = self.store.handle(fields, fds)
            # A barrier waits until its descriptor is closed.
            for fd in fds:
                os.close(fd)
            with self.changed:
                self.received.append(fields)
                self.changed.notify_all()

    def wait(self, predicate, what, since=0, timeout=20):
        """Waits for a message, from number SINCE on, for which PREDICATE is true.  Returns it."""
        timeout *= PATIENCE
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for fields in self.received[since:]:
                    if predicate(fields):
                        return fields
                since = max(since, len(self.received))
                left = deadline - time.monotonic()
                assert left > 0, "not said within %s s: %s; last: %s" % (
                    timeout, what, self.received[-3:])
                self.changed.wait(left)

    def status(self):
        with self.changed:
            return next((f["STATUS"] for f in reversed(self.received) if "STATUS" in f), "")

    def end(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(self.socket.getsockname())
            s.send(b"END")
        self.join(10)
        self.socket.close()
