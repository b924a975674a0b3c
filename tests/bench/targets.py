# SPDX-License-Identifier: MIT
"""What echo-logd has set out to reach, each held against the figures."""

from cases import FORKING_PEERS, LOGGING_PEERS

OWN, RAW, WRITTEN, SYNCED = "echo-logd", "echo-logd raw", "echo-logd written", "echo-logd synced"


class Target:
    """WORDS; VALUE, a function of the results; and one bound."""

    def __init__(self, words, value, most=None, least=None, digits=2):
        self.words, self.value, self.most, self.least = words, value, most, least
        self.digits = digits

    def bound(self):
        return "≤ %g" % self.most if self.most is not None else "≥ %g" % self.least

    def is_met(self, value):
        return value <= self.most if self.most is not None else value >= self.least


def to_floor(case, field, server=OWN):
    return lambda results: results.ratio((case, server, field), (case, "floor", field))


def ratio(figure, base):
    return lambda results: results.ratio(figure, base)


def figure(case, field, server=OWN):
    return lambda results: results.median(case, server, field)


def to_best(case, field, others, server=OWN):
    """How much more than the best of OTHERS."""
    def value(results):
        ratios = [results.ratio((case, server, field), (case, other, field)) for other in others]
        return min((r for r in ratios if r is not None), default=None)
    return value


def to_least(case, field, others, server=OWN):
    """How much of the most modest of OTHERS."""
    def value(results):
        ratios = [results.ratio((case, server, field), (case, other, field)) for other in others]
        return max((r for r in ratios if r is not None), default=None)
    return value


def above_fdatasync(results):
    return results.combine(lambda synced, disk: synced - disk, ("receipts", SYNCED, "p50"),
                           ("receipts", "fdatasync", "p50"))


def across(case, server, other_case, other_server, field):
    return lambda results: results.ratio((case, server, field), (other_case, other_server, field))


TARGETS = [
    Target("p50, 64 bytes, 1 client, to the floor", to_floor("p50-64", "p50"), most=1.10),
    Target("p50, 1 KiB, 1 client, to the floor", to_floor("p50-1k", "p50"), most=1.10),
    Target("p50, 64 bytes, 16 clients, to the floor", to_floor("p50-64-16c", "p50"), most=1.15),
    Target("p50, 1 KiB, 16 clients, to the floor", to_floor("p50-1k-16c", "p50"), most=1.15),
    Target("p99, 64 bytes, 1 client, to the floor", to_floor("p50-64", "p99"), most=1.5),
    Target("p99, 1 KiB, 1 client, to the floor", to_floor("p50-1k", "p99"), most=1.5),
    Target("p50, 16 KiB, 1 client, to the floor", to_floor("p50-16k", "p50"), most=1.4),

    Target("MB/s, 64 KiB, 1 client, to the floor", to_floor("mbps-64k", "mbps"), least=0.30),
    Target("MB/s, 16 KiB, 16 clients, to the floor", to_floor("mbps-16k-16c", "mbps"), least=0.60),
    Target("the first of these with random bytes", to_floor("mbps-64k-random", "mbps"), least=0.15),
    Target("the second with random bytes", to_floor("mbps-16k-16c-random", "mbps"), least=0.30),
    Target("the first, raw", to_floor("mbps-64k", "mbps", RAW), least=0.40),
    Target("the second, raw", to_floor("mbps-16k-16c", "mbps", RAW), least=0.75),
    Target("MB/s, 64 KiB, to the best logging peer",
           to_best("mbps-64k", "mbps", LOGGING_PEERS), least=1.5),
    Target("MB/s, 16 KiB, 16 clients, to the best logging peer",
           to_best("mbps-16k-16c", "mbps", LOGGING_PEERS), least=1.5),

    Target("connections/s beside 5,000 busy clients, to none",
           across("connections-busy", OWN, "connections", OWN, "rate"), least=0.7),
    Target("connections/s, to the floor", to_floor("connections", "rate"), least=20),
    Target("connections/s, to one process with epoll",
           ratio(("connections", OWN, "rate"), ("connections", "epoll", "rate")), least=0.6),
    Target("connections/s, to the best forking peer",
           to_best("connections", "rate", FORKING_PEERS), least=30),

    Target("KiB for an idle client", figure("idle-memory", "total"), most=110, digits=0),
    Target("KiB for an idle client, stretch", figure("idle-memory", "total"), most=85, digits=0),
    Target("the same, to the most modest forking peer",
           to_least("idle-memory", "total", FORKING_PEERS), most=1),

    Target("64-byte messages/s with the echo, millions",
           lambda results: in_millions(results, OWN), least=4),
    Target("the same, to rsyslog",
           ratio(("ingest", OWN, "line_rate"), ("ingest", "rsyslog", "line_rate")), least=5),
    Target("records/s with framing = line, millions",
           lambda results: in_millions(results, "echo-logd line"), least=1.5),

    Target("written: p50, to queued",
           ratio(("receipts", WRITTEN, "p50"), ("receipts", OWN, "p50")), most=2.5),
    Target("synced: p50 less one fdatasync, µs", above_fdatasync, most=50, digits=0),
    Target("synced: messages/s of 256 clients, to written",
           ratio(("receipts-256c", SYNCED, "rate"), ("receipts-256c", WRITTEN, "rate")),
           least=0.8),

    Target("10,000 clients, 100 active: p99, ms", lambda results: in_msec(results, "crowd"),
           most=10, digits=1),
    Target("tail -F: p99, ms", lambda results: in_msec(results, "tail"), most=10, digits=1),
    Target("context switches of an idle daemon, without a watchdog, 1/s",
           figure("wakeups", "wakeups"), most=0),
]


def in_millions(results, server):
    rate = results.median("ingest", server, "line_rate")
    return None if rate is None else rate / 1e6


def in_msec(results, case):
    usec = results.median(case, OWN, "p99")
    return None if usec is None else usec / 1e3
