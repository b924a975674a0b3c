# SPDX-License-Identifier: MIT
"""
The cases: what load, on which servers, and which figures of it are shown.

A case has a key to call it by, a title, the names of its servers (the first is what the
others are compared with), and a function that takes the figures of one server.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Callable

import measure
import memory

# Each of the peers that echo forks for each client.
FORKING_PEERS = ["socat EXEC:cat", "socat PIPE", "ncat -k cat", "xinetd", "inetutils-inetd",
                 "openbsd-inetd", "tcpserver cat", "tcpserver tee"]
LOGGING_PEERS = ["textbook", "tcpserver tee"]

ALL = ["floor", "epoll", "textbook", *FORKING_PEERS, "echo-logd", "echo-logd raw"]
OWN = ["floor", "epoll", "echo-logd"]
OWN_RAW = OWN + ["echo-logd raw"]
OWN_LOGGING = ["floor", "epoll", *LOGGING_PEERS, "echo-logd"]
QUICK = OWN_RAW + ["tcpserver tee"]
RECEIPTS = ["echo-logd", "echo-logd written", "echo-logd synced"]


@dataclass
class Figure:
    field: str
    title: str
    unit: str
    is_part: bool = False       # of the one before: its median alone is shown


@dataclass
class Case:
    key: str
    title: str
    servers: list
    figures: list
    take: Callable              # (server, directory, seconds) -> {field: value}
    seconds: float = 0.7
    quick: list = field(default_factory=lambda: OWN)
    quick_seconds: float = 0.4


P50 = Figure("p50", "p50", "µs")
P99 = Figure("p99", "p99", "µs")
RATE = Figure("rate", "messages/s", "1/s")
MBPS = Figure("mbps", "throughput", "MB/s")
ARRIVALS = Figure("rate", "connections/s", "1/s")
LINES = Figure("line_rate", "messages/s", "1/s")


def load(arguments, server, directory, seconds):
    return measure.loadgen(server, *arguments, seconds=seconds, warmup=min(0.3, seconds / 2))


def latency(key, title, servers, size, clients=1, kind="text"):
    arguments = ["latency", "--size", size, "--clients", clients, "--kind", kind]
    return Case(key, title, servers, [P50, P99], partial(load, arguments))


def throughput(key, title, servers, size, clients=1, kind="text"):
    # With less on its way, peers without TCP_NODELAY mostly wait for acknowledgements.
    arguments = ["throughput", "--size", size, "--clients", clients, "--kind", kind,
                 "--window", 256 * 1024]
    return Case(key, title, servers, [MBPS], partial(load, arguments),
                quick=[name for name in servers if name in QUICK])


def take_ingest(kind, server, directory, seconds):
    # Those who do not echo get an amount instead of a time: some seconds' worth.
    megabytes = 16 if server.name == "syslog-ng" else 64
    return measure.ingest(server, directory, kind, 4, 64, megabytes * seconds)


def take_receipts(clients, server, directory, seconds):
    if server.name == "fdatasync":
        return measure.fdatasync(directory, seconds)
    return load(["latency", "--clients", clients], server, directory, seconds)


def take_crowd(held, server, directory, seconds):
    return load(["latency", "--clients", 100, "--held", held], server, directory, seconds)


def take_memory(server, directory, seconds):
    return memory.idle_memory(server, 1000)


def take_tail(server, directory, seconds):
    return measure.tail(server, directory, int(100 * seconds))


def take_wakeups(server, directory, seconds):
    return measure.wakeups(server, seconds)


CASES = [
    latency("p50-64", "64 bytes of text there and back, 1 client", ALL, 64),
    latency("p50-1k", "1 KiB of text there and back, 1 client", OWN_RAW, 1024),
    latency("p50-16k", "16 KiB of text there and back, 1 client", ALL, 16384),
    latency("p50-64-16c", "64 bytes of text there and back, 16 clients", OWN_RAW, 64, 16),
    latency("p50-1k-16c", "1 KiB of text there and back, 16 clients", OWN_RAW, 1024, 16),
    latency("p50-64-random", "64 random bytes there and back, 1 client", OWN, 64, 1, "random"),
    latency("p50-1k-random", "1 KiB of random bytes there and back, 1 client", OWN, 1024, 1,
            "random"),
    latency("p50-16k-random", "16 KiB of random bytes there and back, 1 client", OWN, 16384, 1,
            "random"),
    latency("p50-64-16c-random", "64 random bytes there and back, 16 clients", OWN, 64, 16,
            "random"),
    latency("p50-1k-16c-random", "1 KiB of random bytes there and back, 16 clients", OWN, 1024,
            16, "random"),
    throughput("mbps-64k", "text in writes of 64 KiB, 1 client", ALL, 65536),
    throughput("mbps-16k-16c", "text in writes of 16 KiB, 16 clients", ALL, 16384, 16),
    throughput("mbps-64k-random", "random bytes in writes of 64 KiB, 1 client", OWN_LOGGING,
               65536, 1, "random"),
    throughput("mbps-16k-16c-random", "random bytes in writes of 16 KiB, 16 clients", OWN_LOGGING,
               16384, 16, "random"),
    Case("connections", "connect, 64 bytes there and back, close; 16 at once", ALL[:-1],
         [ARRIVALS, P99], partial(load, ["connections", "--clients", 16])),
    Case("connections-busy", "the same beside 5,000 clients who talk every 10 s",
         ["epoll", "echo-logd"], [ARRIVALS, P99],
         partial(load, ["connections", "--clients", 16, "--held", 5000, "--ping", 10]),
         quick=[]),
    Case("idle-memory", "memory for each of 1,000 idle clients", ALL[:-1],
         [Figure("total", "all told", "KiB"), Figure("pss", "PSS", "KiB", True),
          Figure("stack", "kernel stack", "KiB", True),
          Figure("tables", "page tables", "KiB", True), Figure("slab", "slab", "KiB", True),
          Figure("client_end", "not counted: the client's end", "KiB", True),
          Figure("free", "machine has less", "KiB", True)],
         take_memory, quick=["floor", "echo-logd"]),
    Case("ingest", "64-byte lines to a file as fast as they are taken, 4 clients",
         ["rsyslog", "syslog-ng", "echo-logd", "echo-logd line"], [LINES],
         partial(take_ingest, "syslog"), quick=["echo-logd", "echo-logd line"]),
    Case("receipts", "64 bytes there and back, 1 client, by echo_after",
         [*RECEIPTS, "fdatasync"], [P50, P99], partial(take_receipts, 1),
         quick=[*RECEIPTS, "fdatasync"]),
    Case("receipts-256c", "64 bytes there and back, 256 clients, by echo_after",
         RECEIPTS, [RATE, P50, P99], partial(take_receipts, 256), quick=RECEIPTS),
    Case("crowd", "64 bytes there and back, 100 active of 10,000 clients",
         ["epoll", "floor", "echo-logd"], [P50, P99, RATE], partial(take_crowd, 9900), quick=[]),
    Case("tail", "until tail -F shows a message", ["echo-logd"], [P50, P99], take_tail,
         seconds=2, quick=["echo-logd"], quick_seconds=1),
    Case("wakeups", "context switches of an idle server", ["echo-logd"],
         [Figure("wakeups", "context switches/s", "1/s")], take_wakeups, seconds=5,
         quick=["echo-logd"], quick_seconds=3),
]
