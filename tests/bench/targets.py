# SPDX-License-Identifier: MIT
"""The targets that echo-logd is to reach.  Each compares a measured figure with a bound."""

from cases import FORKING_PEERS, LOGGING_PEERS

OWN, LINE, RAW = "echo-logd", "echo-logd line", "echo-logd raw"
WRITTEN, SYNCED = "echo-logd written", "echo-logd synced"


class Target:
    """
    WORDS is what the page says.  FIGURE is echo-logd's: (case, server, field).  MADE is a
    function of the results and FIGURE that returns the value to compare.  One of MOST and
    LEAST is the bound.
    """

    def __init__(self, words, figure, made, most=None, least=None):
        self.words, self.figure, self.made, self.most, self.least = words, figure, made, most, least

    def bound(self):
        return "≤ %g" % self.most if self.most is not None else "≥ %g" % self.least

    def value(self, results):
        return self.made(results, self.figure)

    def is_met(self, value):
        return value <= self.most if self.most is not None else value >= self.least


# --- functions that compute a value from a figure

def to_floor(results, figure):
    return results.ratio(figure, (figure[0], "floor", figure[2]))


def to(server):
    return lambda results, figure: results.ratio(figure, (figure[0], server, figure[2]))


def to_case(case):
    return lambda results, figure: results.ratio(figure, (case,) + figure[1:])


def to_each(others, choose):
    """The ratios to all OTHERS; CHOOSE, min or max, picks the one that counts."""
    def made(results, figure):
        ratios = [results.ratio(figure, (figure[0], other, figure[2])) for other in others]
        return choose((ratio for ratio in ratios if ratio is not None), default=None)
    return made


def above(server):
    return lambda results, figure: results.combine(
        lambda own, other: own - other, figure, (figure[0], server, figure[2]))


def in_units(of):
    def made(results, figure):
        value = results.median(*figure)
        return None if value is None else value / of
    return made


to_best_logging, to_best_forking = to_each(LOGGING_PEERS, min), to_each(FORKING_PEERS, min)
to_most_modest = to_each(FORKING_PEERS, max)
as_it_is, in_millions, in_msec = in_units(1), in_units(1e6), in_units(1e3)


def latency_targets():
    for words, case, field, most in [
            ("p50, 64 bytes, 1 client", "p50-64", "p50", 1.10),
            ("p50, 1 KiB, 1 client", "p50-1k", "p50", 1.10),
            ("p50, 64 bytes, 16 clients", "p50-64-16c", "p50", 1.15),
            ("p50, 1 KiB, 16 clients", "p50-1k-16c", "p50", 1.15),
            ("p99, 64 bytes, 1 client", "p50-64", "p99", 1.5),
            ("p99, 1 KiB, 1 client", "p50-1k", "p99", 1.5),
            ("p50, 16 KiB, 1 client", "p50-16k", "p50", 1.4)]:
        yield Target(words + ": ratio to the floor", (case, OWN, field), to_floor, most=most)


def throughput_targets():
    rows = [("text", OWN, "", 0.30, 0.60), ("random bytes", OWN, "-random", 0.15, 0.30),
            ("raw", RAW, "", 0.40, 0.75)]
    for words, server, kind, first, second in rows:
        for load, case, least in [("64 KiB, 1 client", "mbps-64k", first),
                                  ("16 KiB, 16 clients", "mbps-16k-16c", second)]:
            figure = (case + kind, server, "mbps")
            yield Target("MB/s, %s, %s: ratio to the floor" % (words, load), figure, to_floor,
                         least=least)
            yield Target("the same: ratio to the best logging peer", figure, to_best_logging,
                         least=1.5)


CONNECTIONS = ("connections", OWN, "rate")
MEMORY = ("idle-memory", OWN, "total")
INGEST = ("ingest", OWN, "line_rate")

TARGETS = [
    *latency_targets(),
    *throughput_targets(),

    Target("connections/s: ratio to the floor", CONNECTIONS, to_floor, least=20),
    Target("connections/s: ratio to epoll", CONNECTIONS, to("epoll"), least=0.6),
    Target("connections/s: ratio to the best forking peer", CONNECTIONS, to_best_forking, least=30),
    Target("connections/s beside 5,000 busy clients: ratio to no other clients",
           ("connections-busy", OWN, "rate"), to_case("connections"), least=0.7),

    Target("KiB for an idle client", MEMORY, as_it_is, most=110),
    Target("KiB for an idle client, stretch target", MEMORY, as_it_is, most=85),
    Target("the same: ratio to the forking peer that needs least", MEMORY, to_most_modest,
           most=1),

    Target("millions of 64-byte messages/s, with the echo", INGEST, in_millions, least=4),
    Target("the same: ratio to rsyslog", INGEST, to("rsyslog"), least=5),
    Target("millions of records/s with framing = line", ("ingest", LINE, "line_rate"),
           in_millions, least=1.5),

    Target("written: p50, ratio to queued", ("receipts", WRITTEN, "p50"), to(OWN), most=2.5),
    Target("synced: p50 minus p50 of fdatasync, µs", ("receipts", SYNCED, "p50"),
           above("fdatasync"), most=50),
    Target("synced: messages/s of 256 clients, ratio to written",
           ("receipts-256c", SYNCED, "rate"), to(WRITTEN), least=0.8),

    Target("10,000 clients, 100 active: p99, ms", ("crowd", OWN, "p99"), in_msec, most=10),
    Target("tail -F: p99, ms", ("tail", OWN, "p99"), in_msec, most=10),
    Target("context switches/s of an idle daemon without a watchdog", ("wakeups", OWN, "wakeups"),
           as_it_is, most=0),
]
