# SPDX-License-Identifier: MIT
"""
The cases of the benchmark: the load, the servers that get it, and the figures that are shown.

A case has a key (its name on the command line), a title, the names of its servers, and a function
that measures one server.  The other servers are compared with the first one.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Callable

import measure
import memory

# All peers that echo; each of them forks for each client.
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
    is_part: bool = False       # a part of the figure before; only its median is shown


@dataclass
class Case:
    key: str
    title: str
    servers: list
    figures: list
    measure: Callable           # (server, directory, seconds) -> {field: value}
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
    # With a smaller window, peers without TCP_NODELAY mostly wait for acknowledgements.
    arguments = ["throughput", "--size", size, "--clients", clients, "--kind", kind,
                 "--window", 256 * 1024]
    return Case(key, title, servers, [MBPS], partial(load, arguments),
                quick=[name for name in servers if name in QUICK])


def measure_ingest(kind, server, directory, seconds):
    # A server that does not echo gets an amount of data instead of a time.
    megabytes = 16 if server.name == "syslog-ng" else 64
    return measure.ingest(server, directory, kind, 4, 64, megabytes * seconds)


def measure_receipts(clients, server, directory, seconds):
    if server.name == "fdatasync":
        return measure.fdatasync(directory, seconds)
    return load(["latency", "--clients", clients], server, directory, seconds)


def measure_crowd(held, server, directory, seconds):
    return load(["latency", "--clients", 100, "--held", held], server, directory, seconds)


def measure_memory(server, directory, seconds):
    return memory.idle_memory(server, 1000)


def measure_tail(server, directory, seconds):
    return measure.tail(server, directory, int(100 * seconds))


def measure_wakeups(server, directory, seconds):
    return measure.wakeups(server, seconds)


CASES = [
    latency("p50-64", "echo of 64 bytes of text, 1 client", ALL, 64),
    latency("p50-1k", "echo of 1 KiB of text, 1 client", OWN_RAW, 1024),
    latency("p50-16k", "echo of 16 KiB of text, 1 client", ALL, 16384),
    latency("p50-64-16c", "echo of 64 bytes of text, 16 clients", OWN_RAW, 64, 16),
    latency("p50-1k-16c", "echo of 1 KiB of text, 16 clients", OWN_RAW, 1024, 16),
    latency("p50-64-random", "echo of 64 random bytes, 1 client", OWN, 64, 1, "random"),
    latency("p50-1k-random", "echo of 1 KiB of random bytes, 1 client", OWN, 1024, 1,
            "random"),
    latency("p50-16k-random", "echo of 16 KiB of random bytes, 1 client", OWN, 16384, 1,
            "random"),
    latency("p50-64-16c-random", "echo of 64 random bytes, 16 clients", OWN, 64, 16,
            "random"),
    latency("p50-1k-16c-random", "echo of 1 KiB of random bytes, 16 clients", OWN, 1024,
            16, "random"),
    throughput("mbps-64k", "text in writes of 64 KiB, 1 client", ALL, 65536),
    throughput("mbps-16k-16c", "text in writes of 16 KiB, 16 clients", ALL, 16384, 16),
    throughput("mbps-64k-random", "random bytes in writes of 64 KiB, 1 client", OWN_LOGGING,
               65536, 1, "random"),
    throughput("mbps-16k-16c-random", "random bytes in writes of 16 KiB, 16 clients", OWN_LOGGING,
               16384, 16, "random"),
    Case("connections", "connect, echo of 64 bytes, close; 16 clients at once", ALL[:-1],
         [ARRIVALS, P99], partial(load, ["connections", "--clients", 16])),
    Case("connections-busy", "the same beside 5,000 clients that send every 10 s",
         ["epoll", "echo-logd"], [ARRIVALS, P99],
         partial(load, ["connections", "--clients", 16, "--held", 5000, "--ping", 10]),
         quick=[]),
    Case("idle-memory", "memory for each of 1,000 idle clients", ALL[:-1],
         [Figure("total", "total", "KiB"), Figure("pss", "PSS", "KiB", True),
          Figure("stack", "kernel stack", "KiB", True),
          Figure("tables", "page tables", "KiB", True), Figure("slab", "slab", "KiB", True),
          Figure("client_end", "client's end (not in the total)", "KiB", True),
          Figure("free", "decrease of free memory", "KiB", True)],
         measure_memory, quick=["floor", "echo-logd"]),
    Case("ingest", "64-byte lines to a file, as fast as the server reads them, 4 clients",
         ["rsyslog", "syslog-ng", "echo-logd", "echo-logd line"], [LINES],
         partial(measure_ingest, "syslog"), quick=["echo-logd", "echo-logd line"]),
    Case("receipts", "echo of 64 bytes, 1 client, by echo_after",
         [*RECEIPTS, "fdatasync"], [P50, P99], partial(measure_receipts, 1),
         quick=[*RECEIPTS, "fdatasync"]),
    Case("receipts-256c", "echo of 64 bytes, 256 clients, by echo_after",
         RECEIPTS, [RATE, P50, P99], partial(measure_receipts, 256), quick=RECEIPTS),
    Case("crowd", "echo of 64 bytes, 100 active of 10,000 clients",
         ["epoll", "floor", "echo-logd"], [P50, P99, RATE], partial(measure_crowd, 9900), quick=[]),
    Case("tail", "time until tail -F shows a message", ["echo-logd"], [P50, P99], measure_tail,
         seconds=2, quick=["echo-logd"], quick_seconds=1),
    Case("wakeups", "context switches of an idle server", ["echo-logd"],
         [Figure("wakeups", "context switches/s", "1/s")], measure_wakeups, seconds=5,
         quick=["echo-logd"], quick_seconds=3),
]
