# SPDX-License-Identifier: MIT
"""
What the log files of a walk prove, read in any order: the clock was stepped, and files were
renamed, cut and replaced.  The parser is that of messagelog.py, which shares nothing with the
daemon.
"""
import os
import re

from crc32c import crc32c
from messagelog import EVENTS, Malformed, Reader
from oracle import name_difference

TORN_BY_TRUNCATION = re.compile(
    rb'(?m)^\S+ - - torn bytes=0\n|^\{"time":[^\n]*"event":"torn","bytes":0\}\n')


class Connection:
    def __init__(self, id, peer):
        self.id, self.peer = id, peer
        self.records = {}
        self.was_killed = False
        self.gaps = 0

    def finish(self):
        """Puts the payload together, and returns what is wrong with the records."""
        problems, self.order = [], [self.records[n] for n in sorted(self.records)]
        self.data = b"".join(r.data for r in self.order if r.data is not None)
        missing = (max(self.records) + 1 if self.records else 0) - len(self.records)
        if missing:
            self.gaps = missing
            problems.append("missing: %s: %d of %d records" % (
                self.id, missing, len(self.records) + missing))
        elif self.order and self.order[0].event != "open":
            problems.append("order: %s begins with %s" % (self.id, self.order[0].event))
        closes = [r for r in self.order if r.event == "close"]
        if len(closes) > 1 or closes and self.order[-1] is not closes[0]:
            problems.append("order: %s: records after its close" % self.id)
        if closes and not missing:
            problems += self.check_close(closes[0].keys)
        return problems

    def check_close(self, keys):
        messages = sum(r.event == "message" for r in self.order)
        if (keys.get("messages"), keys.get("bytes")) != (messages, len(self.data)):
            return ["totals: %s: %d messages of %d bytes, close says %s" % (
                self.id, messages, len(self.data), keys)]
        if len(self.data) < 100_000 and keys.get("crc32c") != "%08x" % crc32c(self.data):
            return ["totals: %s: crc32c" % self.id]
        return []


class Evidence:
    def __init__(self, ids_may_repeat=False):
        self.ids_may_repeat = ids_may_repeat
        self.connections, self.problems, self.raw = {}, [], []
        self.payload = 0
        self.limits = 0

    def by_peer(self):
        found = {}
        for connection in self.connections.values():
            found.setdefault(connection.peer, []).append(connection)
        return found

    def read(self, name, data):
        """DATA is the content of the file NAME, in any of the three formats."""
        format = format_of(data)
        if format == "raw":
            self.raw.append(data)
            self.payload += len(data)
            return
        reader = Reader(format, True)
        for number, line in enumerate(data.splitlines(True), 1):
            try:
                if not line.endswith(b"\n"):
                    raise Malformed("no newline")
                record = reader.parse_line(line)
            except (Malformed, UnicodeDecodeError) as error:
                self.problems.append("torn: %s:%d: %s: %.150r" % (name, number, error, line))
                continue
            self.take(record, "%s:%d" % (name, number))

    def take(self, record, where):
        if record.event not in EVENTS:
            self.problems.append("order: %s: event %s" % (where, record.event))
        if record.id is None:
            self.limits += record.event == "limit"
            if record.event == "torn":
                self.problems.append("torn: %s: a torn record of %s bytes" % (
                    where, record.keys.get("bytes")))
            return
        key = (record.id, record.peer) if self.ids_may_repeat else record.id
        connection = self.connections.setdefault(key, Connection(record.id, record.peer))
        if connection.peer != record.peer:
            self.problems.append("order: %s: %s has another peer" % (where, record.id))
        if record.n is None:
            connection.was_killed = True
            return
        if record.n in connection.records:
            self.problems.append("doubled: %s: record %s.%d" % (where, record.id, record.n))
            return
        connection.records[record.n] = record
        if record.data is not None:
            self.payload += len(record.data)

    def finish(self):
        for connection in self.connections.values():
            self.problems += connection.finish()
        return self


def format_of(data):
    """The format of a file, by its first lines; one of them may be torn."""
    for line in data.split(b"\n", 4)[:4]:
        for format in ("text", "json"):
            try:
                Reader(format, True).parse(line.rstrip(b" "))
                return format
            except (Malformed, UnicodeDecodeError, ValueError, KeyError, TypeError):
                pass
    return "raw"


def pieced_together(pieces):
    """
    One file from what it was before each truncation, and what it is now.  A write that met the
    truncation leaves a hole, and the daemon closes it off.
    """
    data = b"".join(pieces).replace(b"\0", b"")
    return TORN_BY_TRUNCATION.sub(b"", data)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def complaint(guest, connections, forgives):
    """
    What is wrong with the log of GUEST, or None.  A peer's name can be used again, so one of
    CONNECTIONS must fit.  FORGIVES: records were destroyed.
    """
    if not connections:
        if guest.lossy or forgives or not guest.echoed:
            return None
        return "lost: not in the log, %d bytes were echoed" % len(guest.echoed)
    said = None
    for connection in connections:
        said = complaint_about(guest, connection, forgives)
        if said is None:
            guest.logged_bytes = len(connection.data)
            return None
    return said


def complaint_about(guest, connection, forgives):
    if guest.lossy or forgives or connection.gaps:
        return complaint_about_gaps(guest, connection)
    logged = connection.data
    if not logged.startswith(guest.echoed):
        return "lost: echoed but not logged: " + name_difference(logged, guest.echoed)
    if not guest.sent.startswith(logged):
        return "wrong: logged but not sent: " + name_difference(logged, guest.sent)
    if guest.is_complete and not len(logged) == len(guest.sent):
        return "lost: %d bytes sent, %d logged" % (len(guest.sent), len(logged))
    return None


def complaint_about_gaps(guest, connection):
    """What is logged was sent, in this order; between it, anything may be missing."""
    at, sent = 0, bytes(guest.sent)
    for record in connection.order:
        if record.data:
            found = sent.find(record.data, at)
            if found < 0:
                return "wrong: record %d was not sent, or not in this order" % record.n
            at = found + len(record.data)
    return None


def base_names(directory):
    return sorted(name for name in os.listdir(directory)
                  if os.path.isfile(os.path.join(directory, name)))
