# SPDX-License-Identifier: MIT
"""Reads the message log.  Shares no code with the daemon.

It was written from the description of the format, and is strict: whatever the daemon would not
write is a problem.  It reads a set of log files in order, puts each connection together again, and
checks record numbers, lengths and totals.  It describes problems in words and raises no exception.
"""

import base64
import binascii
import codecs
import json
import os
import re

from crc32c import crc32c

RECORD_MAX = 4096
REASONS = {"eof", "reset", "idle", "stalled", "shutdown", "error", "killed"}
EVENTS = {"start", "open", "message", "part", "dropped", "close", "torn", "limit"}
ROTATED = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z")

TIME = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z"
TEXT_RECORD = re.compile((
    r"(" + TIME + r") (?:-|([0-9a-f]{13})\.(\d+|-)) (\S+) ([a-z]+)(?: (.+))?").encode(), re.DOTALL)
PAYLOAD = re.compile(rb'(\d+) (?:"((?:[^"\\\x00-\x1f\x7f]++|\\[ntr\\"]|'
                     rb'\\x(?:0[0-8bcef]|1[0-9a-f]|7f|[89a-f][0-9a-f]))*+)"|'
                     rb'base64:([A-Za-z0-9+/]+=*))')
KEY = re.compile(r"([a-z][a-z0-9_]*)=([^\s\"\\=]+)")
PEER = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+(?:%[^\s\]]+)?\]):\d+|unix:\d+")
JSON_TIME = re.compile(TIME)
# Characters that control a terminal or hide text.
UNCLEAN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Malformed(Exception):
    pass


class Record:
    __slots__ = ("time", "id", "n", "peer", "event", "data", "keys")

    def __init__(self, time, id, n, peer, event, data, keys):
        self.time, self.id, self.n, self.peer = time, id, n, peer
        self.event, self.data, self.keys = event, data, keys


class Connection:
    def __init__(self, id, peer):
        self.id, self.peer = id, peer
        self.pieces = []
        self.message_lengths = []
        self.records = 0
        self.dropped_messages = self.dropped_bytes = 0
        self.close = None               # the reason
        self.in_message = 0             # bytes of parts without their `message` yet
        self._data = None

    @property
    def data(self):
        if self._data is None:
            self._data = b"".join(self.pieces)
        return self._data

    @property
    def messages(self):
        at, result = 0, []
        for length in self.message_lengths:
            result.append(self.data[at:at + length])
            at += length
        return result


class Log:
    def __init__(self):
        self.connections = {}           # by id, in the order of their first records
        self.service = []               # records of the service itself, in order
        self.messages_in_file = []
        self.problems = []

    @property
    def messages(self):
        return sum(self.messages_in_file)

    def by_peer(self, peer):
        return [c for c in self.connections.values() if c.peer == peer]

    def service_events(self):
        return [r.event for r in self.service]


def check_clean(line):
    """Raises Malformed if the line contains control characters."""
    if line.isascii():
        if UNCLEAN.search(line.decode()):
            raise Malformed("control byte")
        return
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8")
    found = UNCLEAN.search(text)
    if found:
        raise Malformed("unclean character U+%04X" % ord(found.group()))


def decode_base64(text):
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise Malformed("base64: %s" % error)
    if base64.b64encode(data) != text:
        raise Malformed("base64 that no encoder makes")
    return data


def parse_text(line):
    match = TEXT_RECORD.fullmatch(line)
    if not match:
        raise Malformed("not a record")
    time, id, n, peer, event, rest = match.groups()
    event = event.decode()
    data, keys = None, {}
    if event in ("message", "part"):
        payload = PAYLOAD.fullmatch(rest or b"")
        if not payload:
            raise Malformed("bad payload")
        length, quoted, encoded = payload.groups()
        data = codecs.escape_decode(quoted)[0] if encoded is None else decode_base64(encoded)
        if str(len(data)).encode() != length:
            raise Malformed("length %s, but %d bytes" % (length.decode(), len(data)))
    elif rest is not None:
        words = rest.decode().split(" ")
        if event == "close":
            keys["reason"] = words.pop(0)
        for word in words:
            pair = KEY.fullmatch(word)
            if not pair or pair[1] in keys:
                raise Malformed("bad key in %r" % rest)
            keys[pair[1]] = pair[2]
    for name in ("messages", "bytes"):
        if name in keys:
            keys[name] = int(keys[name])
    return Record(time.decode(), id and id.decode(),
                  None if n in (None, b"-") else int(n),
                  None if peer == b"-" else peer.decode(), event, data, keys)


JSON_HEAD = ["time", "host", "id", "n", "peer", "event"]


def parse_json(line):
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except ValueError as error:
        raise Malformed("JSON: %s" % error)
    if not isinstance(pairs, list) or [k for k, _ in pairs[:6]] != JSON_HEAD:
        raise Malformed("keys not in order")
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("a key twice")
    if not JSON_TIME.fullmatch(fields["time"]) or not fields["host"]:
        raise Malformed("bad time or host")
    if fields["id"] is not None and not re.fullmatch("[0-9a-f]{13}", fields["id"]):
        raise Malformed("bad id")
    data, keys = None, dict(pairs[6:])
    if fields["event"] in ("message", "part"):
        names = [k for k, _ in pairs[6:]]
        if names == ["length", "data"]:
            data = fields["data"].encode()
        elif names == ["length", "data_base64"]:
            data = decode_base64(fields["data_base64"].encode())
        else:
            raise Malformed("keys %s" % names)
        if len(data) != fields["length"]:
            raise Malformed("length %s, but %d bytes" % (fields["length"], len(data)))
    return Record(fields["time"], fields["id"], fields["n"], fields["peer"], fields["event"],
                  data, keys)


PARSERS = {"text": parse_text, "json": parse_json}


class Reader:
    def __init__(self, format, allow_gaps):
        self.parse, self.allow_gaps, self.log = PARSERS[format], allow_gaps, Log()
        self.where = ""

    def problem(self, text):
        if len(self.log.problems) < 50:
            self.log.problems.append("%s: %s" % (self.where, text))

    def read_file(self, path):
        messages, torn = 0, None
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                self.where = "%s:%d" % (os.path.basename(path), number)
                if torn and not self.explains(torn, line):
                    self.log.problems.append(torn[0])
                torn = None
                try:
                    if not line.endswith(b"\n"):
                        raise Malformed("torn: no newline")
                    if len(line) > RECORD_MAX:
                        raise Malformed("record of %d bytes" % len(line))
                    check_clean(line[:-1])
                    record = self.parse_line(line)
                except Malformed as error:
                    torn = ("%s: %s: %.120r" % (self.where, error, line), len(line) - 1)
                    continue
                messages += record.event == "message"
                self.add(record)
        if torn:
            self.log.problems.append(torn[0])
        self.log.messages_in_file.append(messages)

    def parse_line(self, line):
        """Parses a line.  A `part` must be filled up to a page, and only a `part`."""
        filled = len(line) == RECORD_MAX and line.endswith(b" \n")
        record = self.parse(line.rstrip(b" \n") if filled else line[:-1])
        if record.event == "part" and len(line) != RECORD_MAX or filled and record.event != "part":
            raise Malformed("%s of %d bytes" % (record.event, len(line)))
        return record

    def explains(self, torn, line):
        """Whether LINE is the `torn` record that belongs to the torn line before it."""
        try:
            record = self.parse(line.rstrip(b"\n"))
        except Malformed:
            return False
        return record.event == "torn" and record.keys.get("bytes") == torn[1]

    def add(self, record):
        if record.event not in EVENTS:
            self.problem("unknown event %s" % record.event)
        elif record.id is None:
            if record.event not in ("start", "torn", "limit") or record.peer or \
                    record.n is not None:
                self.problem("%s is no record of the service" % record.event)
            self.log.service.append(record)
        else:
            self.add_of_client(record)

    def add_of_client(self, record):
        connection = self.log.connections.get(record.id)
        if connection is None:
            connection = self.log.connections[record.id] = Connection(record.id, record.peer)
            if self.allow_gaps:
                connection.records = record.n or 0
            elif record.event != "open":
                self.problem("%s begins with %s" % (record.id, record.event))
            if not PEER.fullmatch(record.peer or ""):
                self.problem("peer %r" % record.peer)
        if connection.peer != record.peer:
            self.problem("%s: the peer changes" % record.id)
        if connection.close:
            self.problem("%s: %s after its close" % (record.id, record.event))
        if record.event == "close" and record.keys.get("reason") == "killed":
            if record.n is not None or len(record.keys) != 1:
                self.problem("%s: `close killed` claims to know" % record.id)
            connection.close = "killed"
            return
        if record.n != connection.records:
            self.problem("%s: record %s, expected %d: records are %s" % (
                record.id, record.n, connection.records,
                "doubled" if record.n is not None and record.n < connection.records else "missing"))
            connection.records = record.n or 0
        connection.records += 1
        getattr(self, "add_" + record.event)(connection, record)

    def add_start(self, connection, record):
        self.problem("%s: %s of a client" % (record.id, record.event))

    add_torn = add_limit = add_start

    def add_open(self, connection, record):
        if record.n != 0:
            self.problem("%s: a second open" % record.id)

    def add_part(self, connection, record):
        if not record.data:
            self.problem("%s: an empty piece" % record.id)
        connection.pieces.append(record.data)
        connection.in_message += len(record.data)

    def add_message(self, connection, record):
        self.add_part(connection, record)
        connection.message_lengths.append(connection.in_message)
        connection.in_message = 0

    def add_dropped(self, connection, record):
        if connection.in_message:
            self.problem("%s: dropped within a message" % record.id)
        if not record.keys.get("messages") or not record.keys.get("bytes"):
            self.problem("%s: dropped without figures" % record.id)
        connection.dropped_messages += record.keys.get("messages", 0)
        connection.dropped_bytes += record.keys.get("bytes", 0)

    def add_close(self, connection, record):
        keys = record.keys
        connection.close = keys.get("reason")
        if connection.close not in REASONS:
            self.problem("%s: close %s" % (record.id, connection.close))
        if connection.in_message:
            self.problem("%s: closed within a message" % record.id)
        if list(keys) != ["reason", "messages", "bytes", "crc32c"]:
            self.problem("%s: close with %s" % (record.id, list(keys)))
            return
        if self.allow_gaps:
            return
        if keys["messages"] != len(connection.message_lengths):
            self.problem("%s: %d messages, close says %d" % (
                record.id, len(connection.message_lengths), keys["messages"]))
        if keys["bytes"] != len(connection.data):
            self.problem("%s: %d bytes, close says %d" % (
                record.id, len(connection.data), keys["bytes"]))
        if keys["crc32c"] != "%08x" % crc32c(connection.data):
            self.problem("%s: crc32c" % record.id)


def log_files(path):
    """All files of the log at PATH, the oldest first."""
    directory, base = os.path.split(os.fspath(path))
    found = [os.path.join(directory, name) for name in sorted(os.listdir(directory))
             if name.startswith(base) and ROTATED.fullmatch(name[len(base):])]
    return found + ([os.fspath(path)] if os.path.exists(path) else [])


def read_log(*paths, format="text", allow_gaps=False):
    """Reads the files in PATHS.  ALLOW_GAPS: the beginnings of connections may be missing."""
    reader = Reader(format, allow_gaps)
    for path in paths:
        reader.read_file(path)
    return reader.log
