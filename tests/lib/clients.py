# SPDX-License-Identifier: MIT
"""Clients that remember what they sent and what came back."""

import os
import select
import socket
import struct
import sys
import threading

CHUNK = 256 * 1024

# With the default, a test that reads /proc would wait 5 ms for each busy stream.
sys.setswitchinterval(0.0005)


def address_text(address):
    return ("[%s]:%d" if ":" in address[0] else "%s:%d") % address[:2]


class Client:
    """One connection, without a thread: send(), receive(), talk()."""

    def __init__(self, port, host="127.0.0.1", timeout=20):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = address_text(self.socket.getsockname())
        self.sent = bytearray()
        self.echoed = bytearray()
        self.is_complete = False        # the daemon closed the connection after our end of file
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sent += data
        self.socket.sendall(data)

    def receive(self, n):
        """Returns N bytes, or fewer at the end of the connection."""
        got = bytearray()
        while len(got) < n:
            piece = self.socket.recv(min(n - len(got), CHUNK))
            if not piece:
                break
            got += piece
        self.echoed += got
        return bytes(got)

    def talk(self, data):
        """Sends DATA and waits for its echo."""
        self.send(data)
        assert self.receive(len(data)) == data, "another echo"

    def receive_rest(self):
        got = b""
        while True:
            piece = self.socket.recv(CHUNK)
            if not piece:
                return got
            self.echoed += piece
            got += piece

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def finish(self):
        self.half_close()
        rest = self.receive_rest()
        self.is_complete = True
        self.socket.close()
        return rest

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Stream(threading.Thread):
    """
    Sends and receives at the same time, until all DATA is echoed.  If DATA is a function that
    returns the next piece, until stop() is called or the daemon disconnects.
    """

    def __init__(self, port, data, host="127.0.0.1", window=4 * CHUNK):
        super().__init__(daemon=True)
        self.client = Client(port, host)
        self.client.socket.setblocking(False)
        self.next_piece = data if callable(data) else None
        self.pending = memoryview(b"" if self.next_piece else data)
        self.stopping = threading.Event()
        self.mismatch = None
        self.window = window
        self.start()

    def run(self):
        try:
            self.pump()
        except OSError as error:
            self.client.error = error
        finally:
            self.client.socket.close()

    def refill(self):
        if not self.pending and self.next_piece and not self.stopping.is_set():
            # The bytes under way are limited, so that a stop is quick.
            if len(self.client.sent) - len(self.client.echoed) < self.window:
                self.pending = memoryview(self.next_piece())
        return bool(self.pending)

    def pump(self):
        c, poll, ended, mask = self.client, select.poll(), False, 0
        poll.register(c.socket, select.POLLIN)
        while True:
            wants = self.refill()
            if not wants and not ended and (not self.next_piece or self.stopping.is_set()):
                c.half_close()
                ended = True
            if mask != (want_mask := select.POLLIN | (select.POLLOUT if wants else 0)):
                poll.modify(c.socket, want_mask)
                mask = want_mask
            for _, events in poll.poll(1000):
                if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    piece = c.socket.recv(CHUNK)
                    if not piece:
                        c.is_complete = ended
                        return
                    self.check(piece)
                    c.echoed += piece
                if events & select.POLLOUT and self.pending:
                    n = c.socket.send(self.pending[:CHUNK])
                    c.sent += self.pending[:n]
                    self.pending = self.pending[n:]

    def check(self, piece):
        at = len(self.client.echoed)
        if self.mismatch is None and self.client.sent[at:at + len(piece)] != piece:
            self.mismatch = at

    def stop(self):
        self.stopping.set()

    def wait(self, timeout=60):
        self.join(timeout)
        assert not self.is_alive(), "a client hangs: %d sent, %d echoed" % (
            len(self.client.sent), len(self.client.echoed))
        assert self.mismatch is None, "the echo differs at byte %d" % self.mismatch
        return self.client


RANDOM = os.urandom(4 * 1024 * 1024)


def random_pieces(max_bytes=CHUNK):
    """Returns a function that returns pieces of random bytes, of many sizes."""
    offset = int.from_bytes(os.urandom(3), "little")

    def next_piece():
        nonlocal offset
        size = 1 + (offset * 2654435761 >> 8) % max_bytes
        offset = (offset + 7919) % (len(RANDOM) - max_bytes)
        return RANDOM[offset:offset + size]

    return next_piece


class Load:
    """
    Streams that run during a test, and are stopped and checked at its end.  A small WINDOW and
    small pieces limit the volume, for tests that only need traffic.
    """

    def __init__(self, port, n=8, max_bytes=CHUNK, hosts=("127.0.0.1",), window=4 * CHUNK):
        self.streams = [Stream(port, random_pieces(max_bytes), hosts[i % len(hosts)], window)
                        for i in range(n)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def echoed_bytes(self):
        return sum(len(s.client.echoed) for s in self.streams)

    def stop(self):
        for stream in self.streams:
            stream.stop()

    def finish(self, timeout=60):
        """Stops all.  Each must have been served to its end.  Returns the clients."""
        self.stop()
        clients = [s.wait(timeout) for s in self.streams]
        for client in clients:
            assert client.error is None, "%s: %r" % (client.peer, client.error)
            assert client.is_complete, "%s was disconnected" % client.peer
        return clients

    def clients(self, timeout=60):
        """Waits until the daemon has disconnected all.  Returns the clients."""
        return [s.wait(timeout) for s in self.streams]
