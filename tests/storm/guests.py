# SPDX-License-Identifier: MIT
"""Clients of every kind, driven by one loop, that remember what they sent and what came back."""
import os
import random
import select
import socket
import struct
import time

from clients import address_text

PIECE = 32 * 1024
# What a steady guest sends in a second, in pieces of this size.
STEADY_RATE, STEADY_PIECE = 300_000, 4096
WINDOW = 128 * 1024
# A torrent has as much under way as sockets take, and is slow to read.
TORRENT_WINDOW, TORRENT_BUFFER, TORRENT_READ = 512 * 1024, 32 * 1024, 4096


def payload(number, n_bytes, binary):
    """What guest NUMBER sends: no two send the same."""
    rng = random.Random(number)
    head = b"guest %d %08x\n" % (number, rng.getrandbits(32))
    if binary:
        return head + rng.randbytes(max(0, n_bytes - len(head)))
    line = b"".join(b"%08x %s\n" % (rng.getrandbits(32), b"abcdefghij" * (i % 7))
                    for i in range(64))
    return (head + line * (n_bytes // len(line) + 1))[:max(n_bytes, len(head)) - 1] + b"\n"


class Guest:
    """One connection.  `sent`, `echoed`, `peer` and `is_complete` are what the oracle needs."""

    def __init__(self, number, kind, address, data, born):
        self.number, self.kind, self.born, self.address = number, kind, born, address
        self.pending = memoryview(data)
        self.sent, self.echoed = bytearray(), bytearray()
        self.is_complete = self.is_over = self.half_closed = self.connected = False
        self.reads = kind != "deaf"
        self.keeps = kind == "silent"           # the connection stays until dismiss()
        self.error, self.peer, self.logged_bytes = None, "?", 0
        self.is_short = self.was_judged = False
        self.lossy = self.may_end = self.met_stop = False       # see World
        self.began = time.monotonic()
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET,
                                    socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "torrent":
            # So its echo waits in the service's socket.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TORRENT_BUFFER)
        try:
            self.socket.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(error)

    def events(self):
        if not self.connected:
            return select.POLLOUT
        mask = select.POLLIN if self.reads else 0
        window = TORRENT_WINDOW if self.kind == "torrent" else WINDOW
        if self.pending and len(self.sent) - len(self.echoed) < window and self.may_send():
            mask |= select.POLLOUT
        return mask

    def may_send(self):
        return self.kind != "steady" or \
            len(self.sent) <= (time.monotonic() - self.began) * STEADY_RATE

    def end(self, error=None):
        self.error, self.is_over = error, True
        self.socket.close()

    def handle(self, events):
        try:
            if not self.connected:
                self.finish_connecting()
            if events & select.POLLOUT and self.pending:
                self.send_some()
            if self.reads and events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                self.receive_some()
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(error)

    def finish_connecting(self):
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.peer = address_text(self.socket.getsockname())
        self.connected = True

    def send_some(self):
        if self.kind == "urgent" and len(self.pending) <= PIECE:
            n = self.socket.send(self.pending, socket.MSG_OOB | socket.MSG_NOSIGNAL)
        else:
            size = STEADY_PIECE if self.kind == "steady" else PIECE
            n = self.socket.send(self.pending[:size], socket.MSG_NOSIGNAL)
        self.sent += self.pending[:n]
        self.pending = self.pending[n:]
        if self.pending:
            return
        if self.kind == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.end()
        elif self.kind in ("half", "brief"):
            self.half_close()

    def half_close(self):
        if not self.half_closed and not self.is_over and self.connected and not self.pending:
            self.half_closed = True
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                self.end(error)

    def receive_some(self):
        piece = self.socket.recv(TORRENT_READ if self.kind == "torrent" else 1 << 18)
        if piece:
            self.echoed += piece
            return
        self.is_complete = self.half_closed and len(self.echoed) == len(self.sent)
        self.is_short = self.half_closed and not self.is_complete
        self.end()

    def dismiss(self):
        """Sends nothing more than it has begun, and ends when all is echoed."""
        self.reads = True
        self.keeps = False
        if len(self.pending) > PIECE:
            self.pending = self.pending[:PIECE]
        self.half_close()

    def is_answered(self):
        return self.connected and not self.pending and len(self.echoed) == len(self.sent)

    def wrong_echo(self):
        return not self.sent.startswith(self.echoed)


def pump(guests, seconds, until=None):
    """Serves GUESTS for SECONDS at most, or until UNTIL() is true; returns what it said last."""
    deadline = time.monotonic() + seconds
    while True:
        if until and until():
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        poll, by_fd = select.poll(), {}
        for guest in guests:
            if not guest.is_over:
                mask = guest.events()
                fd = guest.socket.fileno()
                by_fd[fd] = guest
                poll.register(fd, mask)
        ready = poll.poll(min(20, left * 1000 + 1))
        for fd, events in ready:
            guest = by_fd[fd]
            if events & ~guest.events() == events and guest.connected and not guest.reads:
                # A guest that does not read learns of the end when it does.
                continue
            guest.handle(events)
        if all(events & (select.POLLHUP | select.POLLERR) and not by_fd[fd].reads
               for fd, events in ready):
            time.sleep(0.005)
