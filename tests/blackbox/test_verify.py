# SPDX-License-Identifier: MIT
"""Tests echo-logctl verify: logs of the daemon are whole, and each kind of damage is named."""

import os
import random
import re
import signal
import subprocess

import pytest

from clients import Client
from crc32c import crc32c
from daemon import wait_until
from messagelog import log_files, read_log
from verify import assert_verified, control_program, verify

SEED = int(os.environ.get("ECHO_LOGD_SEED") or random.randrange(1 << 24))
FORMATS = ["text", "json"]
HELLO = b"hello\n"
LONG = b"0123456789" * 900


def shuffled(paths):
    rng = random.Random(SEED)
    return rng.sample(paths, len(paths))


def wait_for_end(daemon, client, format):
    """Waits until the log has the record of its end."""
    wait_until(lambda: any(c.close for c in read_log(*log_files(daemon.path), format=format)
                           .by_peer(client.peer)), "its close")


# --- what is whole

@pytest.mark.parametrize("format", FORMATS)
def test_a_rotated_log_in_any_order(start, format):
    daemon = start({"log.format": format, "log.message_limit": 7, "log.keep_files": 0})
    clients = [Client(daemon.port) for _ in range(4)]
    for n in range(10):
        for client in clients:
            client.talk(b"message %d of %s\n" % (n, client.peer.encode()))
    clients[0].talk(LONG)
    for client in clients:
        client.finish()
    daemon.stop()
    files = log_files(daemon.path)
    assert len(files) > 5
    facts = assert_verified(*shuffled(files)).facts
    sent = sum(len(c.sent) for c in clients)
    assert facts == {
        "files": len(files), "connections": 4, "whole": 4, "killed": 0, "without end": 0,
        "with problems": 0, "messages": sum(read_log(*files, format=format).messages_in_file),
        "payload bytes": sent, "dropped messages": 0, "dropped bytes": 0, "problems": 0,
        "records": sum(len(open(path, "rb").readlines()) for path in files)}
    # One of the files alone is not whole.
    verdict = verify(*files[:3], *files[4:])
    assert verdict.status == 1 and "missing" in verdict.problems[0], verdict


@pytest.mark.parametrize("format", FORMATS)
def test_killed_workers_and_clients_that_stay(start, format):
    daemon = start({"log.format": format})
    with Client(daemon.port) as killed, Client(daemon.port) as stays, Client(daemon.port) as ends:
        for client in (killed, stays, ends):
            client.talk(HELLO)
            client.talk(LONG)
        os.kill(daemon.worker_of(killed), signal.SIGKILL)
        ends.finish()
        wait_for_end(daemon, killed, format)
        wait_for_end(daemon, ends, format)
        facts = assert_verified(daemon.path).facts
        assert (facts["whole"], facts["killed"], facts["without end"]) == (1, 1, 1)
        stays.finish()
        wait_for_end(daemon, stays, format)
    assert assert_verified(daemon.path).facts["whole"] == 2


@pytest.mark.parametrize("format", FORMATS)
def test_dropped_messages(start, format):
    daemon = start({"log.format": format, "log.message_limit": 3, "log.at_message_limit": "stop"})
    with Client(daemon.port) as client:
        for _ in range(5):
            client.talk(HELLO)
        client.finish()
    daemon.stop()
    facts = assert_verified(daemon.path).facts
    assert (facts["messages"], facts["dropped messages"], facts["dropped bytes"]) == (3, 2, 12)
    assert facts["whole"] == 1


@pytest.mark.parametrize("format", FORMATS)
def test_a_log_of_many_reads(start, format):
    daemon = start({"log.format": format})
    with Client(daemon.port) as client:
        for _ in range(30):
            client.talk(LONG * 11)
        client.finish()
    daemon.stop()
    assert os.path.getsize(daemon.path) > 2_900_000
    assert assert_verified(daemon.path).facts["payload bytes"] == len(client.sent)


def test_a_log_that_holds_nothing_yet(tmp_path):
    path = tmp_path / "messages.log"
    path.touch()
    assert assert_verified(path).facts["records"] == 0


# --- what is not: a log of three connections, damaged

class Made:
    """A whole log.  `lines` are its records with newlines, `ids` the ids of its connections."""

    def __init__(self, daemon, format):
        self.path, self.format = daemon.path, format
        with open(self.path, "rb") as file:
            self.lines = file.readlines()
        log = read_log(self.path, format=format)
        assert not log.problems
        self.ids = list(log.connections)

    def at(self, n, connection=1):
        """The index of record N of a connection: 0 open, 1 message, parts and a message, close."""
        id = self.ids[connection]
        key = (f" {id}.{n} " if self.format == "text" else f'"id":"{id}","n":{n},').encode()
        (index,) = [i for i, line in enumerate(self.lines) if key in line]
        return index

    def last(self, connection=1):
        """The number of its close."""
        return sum(self.ids[connection].encode() in line for line in self.lines) - 1

    def edit(self, index, pattern, new):
        line, n = re.subn(pattern, new, self.lines[index], count=1)
        assert n == 1 and line != self.lines[index], self.lines[index]
        self.lines[index] = line

    def verify(self):
        with open(self.path, "wb") as file:
            file.writelines(self.lines)
        return verify(self.path)

    def judge(self, *problems):
        """Asserts that exactly these are found: (index of a line or None, words of the message)."""
        verdict = self.verify()
        assert verdict.status == 1 and verdict.facts["problems"] == len(problems), verdict
        expected = ["%s%s" % ("" if index is None else "%s:%d: " % (self.path, index + 1), text)
                    for index, text in problems]
        assert verdict.problems == expected
        return verdict.facts


@pytest.fixture(params=FORMATS)
def made(request, start):
    daemon = start({"log.format": request.param})
    with Client(daemon.port) as a, Client(daemon.port) as b, Client(daemon.port) as c:
        for client in (a, b, c):
            client.talk(HELLO)
        for client in (c, b, a):
            client.talk(LONG)
            client.talk(HELLO)
        for client in (b, a, c):
            client.finish()
    daemon.stop()
    assert_verified(daemon.path)
    return Made(daemon, request.param)


def test_deleted_records(made):
    id, last = made.ids[1], made.last()
    del made.lines[made.at(1)]
    facts = made.judge((None, f"connection {id}: record 1 is missing"))
    assert facts["whole"] == 2 and facts["with problems"] == 1
    for n in range(2, last):
        del made.lines[made.at(n)]
    made.judge((None, f"connection {id}: records 1 to {last - 1} are missing"))


def test_deleted_open(made):
    del made.lines[made.at(0)]
    made.judge((None, f"connection {made.ids[1]}: record 0 is missing"))


def test_deleted_close_is_not_known(made):
    del made.lines[made.at(made.last())]
    verdict = made.verify()
    assert verdict.status == 0 and verdict.facts["without end"] == 1, verdict


def test_doubled_record(made):
    made.lines.append(made.lines[made.at(2)])
    made.judge((len(made.lines) - 1, f"record {made.ids[1]}.2 is doubled"))


def test_a_file_given_twice(made):
    verdict = verify(made.path, made.path)
    clients = [line for line in made.lines if any(id.encode() in line for id in made.ids)]
    assert verdict.status == 1 and verdict.facts["problems"] == len(clients), verdict
    assert all("doubled" in problem for problem in verdict.problems), verdict


def totals(made, line):
    numbers = rb"messages\W+(\d+)\W+bytes\W+(\d+)\W+crc32c\W+([0-9a-f]{8})"
    return [n.decode() for n in re.search(numbers, made.lines[line]).groups()]


@pytest.mark.parametrize("pattern, new, differing", [
    (rb"messages(\W+)(\d+)(\W+)bytes(\W+)(\d+)", rb"messages\g<1>\5\3bytes\g<4>\2",
     "%s messages, %s bytes"),
    (rb"messages(\W+)3", rb"messages\g<1>2", "%s messages%.0s"),
    (rb"bytes(\W+)9", rb"bytes\g<1>8", "%.0s%s bytes"),
    (rb"crc32c(\W+)[0-9a-f]{8}", rb"crc32c\g<1>01234567", "%.0s%.0scrc32c %s"),
], ids=["swapped", "messages", "bytes", "crc32c"])
def test_wrong_totals(made, pattern, new, differing):
    close = made.at(made.last())
    true = totals(made, close)
    made.edit(close, pattern, new)
    says, have = (differing % tuple(each[:differing.count("%")])
                  for each in (totals(made, close), true))
    made.judge((close, f"connection {made.ids[1]}: `close` says {says}; its records have {have}"))


def test_changed_payload(made):
    close = made.at(made.last())
    made.edit(made.at(1), b"hello", b"hallo")
    payload = b"hallo\n" + LONG + HELLO
    made.judge((close, f"connection {made.ids[1]}: `close` says crc32c {totals(made, close)[2]}; "
                       f"its records have crc32c {crc32c(payload):08x}"))


def test_wrong_length(made):
    made.edit(made.at(1), rb'(event":"message","length":|message )6', rb"\g<1>7")
    made.judge((made.at(1), f"record {made.ids[1]}.1 has a malformed payload, "
                             "or one of another length than stated"))


def test_cut_line(made):
    index = made.at(1)
    made.lines[index] = made.lines[index][:-5] + b"\n"
    made.judge((index, "not a record (%d bytes)" % (len(made.lines[index]) - 1)),
               (None, f"connection {made.ids[1]}: record 1 is missing"))


def test_merged_lines(made):
    """Joins record 1 of the second connection with the next line."""
    index = made.at(1)
    below = re.search(rb"([0-9a-f]{13})(?:\.|\",\"n\":)(\d+)", made.lines[index + 1]).groups()
    made.lines[index:index + 2] = [made.lines[index][:-1] + made.lines[index + 1]]
    lost = sorted([(made.ids[1], 1), (below[0].decode(), int(below[1]))])
    words = [f"connection {id}: record {n} is missing" for id, n in lost]
    # The second connection in the log may be the first one that sent a second message.
    if lost[0][0] == lost[1][0]:
        words = [f"connection {made.ids[1]}: records 1 to 2 are missing"]
    made.judge((index, "not a record (%d bytes)" % (len(made.lines[index]) - 1)),
               *((None, text) for text in words))


def test_foreign_lines(made):
    made.lines[5:5] = [b"kilroy was here\n", b"\n", b"\0\0\0\n", b"x" * 3_000_000 + b"\n"]
    made.judge((5, "not a record (15 bytes)"), (6, "not a record (0 bytes)"),
               (7, "3 bytes of zeros: a crash or another program left a hole here"),
               (8, "not a record (3000000 bytes)"))


def test_foreign_first_line(made):
    made.lines[0:0] = [b"kilroy was here\n"]
    made.judge((0, "not a record (15 bytes)"))


def test_record_after_close(made):
    last = made.last()
    line = made.lines[made.at(1)]
    number = (b".1 ", b".%d ") if made.format == "text" else (b'"n":1,', b'"n":%d,')
    made.lines.append(line.replace(number[0], number[1] % (last + 1), 1))
    made.judge((None, f"connection {made.ids[1]}: record {last + 1} comes after `close`"))


DROPPED = {
    "text": "2026-11-25T00:00:00.000000Z %s.%d %s dropped messages=1 bytes=1\n",
    "json": '{"time":"2026-11-25T00:00:00.000000Z","host":"h","id":"%s","n":%d,"peer":"%s",'
            '"event":"dropped","messages":1,"bytes":1}\n',
}


def test_part_without_its_message(made):
    """The `part` is followed by a record of another kind."""
    part, id = made.at(2), made.ids[1]
    peer = re.search(rb"127\.0\.0\.1:\d+", made.lines[part])[0].decode()
    made.lines[part + 1:] = [(DROPPED[made.format] % (id, 3, peer)).encode()]
    made.judge((part + 1, f"record {id}.2 is part of a message that is not continued"))


def test_another_peer(made):
    made.edit(made.at(3), rb"127\.0\.0\.1", b"127.0.0.2")
    made.judge((made.at(3), f"connection {made.ids[1]}: the peer differs from its first record"))


def test_message_in_place_of_open(made):
    if made.format == "text":
        made.edit(made.at(0, 2), rb" open$", rb' message 1 "x"')
    else:
        made.edit(made.at(0, 2), rb'"open"', rb'"message","length":1,"data":"x"')
    del made.lines[made.at(made.last(2), 2)]
    made.judge((made.at(0, 2), f"record {made.ids[2]}.0 is not `open`"))


def test_no_newline(made):
    made.lines[-1] = made.lines[-1][:-1]
    made.judge((len(made.lines) - 1, "the last line has no newline (%d bytes): it is being "
                                     "written, or was cut off" % len(made.lines[-1])))


def test_torn_tail(made, make_daemon):
    """A daemon records it, and verify explains it."""
    with open(made.path, "ab") as file:
        file.write(made.lines[-1][:33])
    daemon = make_daemon({"log.format": made.format, "log.path": made.path}, name="next")
    daemon.start()
    daemon.stop()
    verdict = verify(made.path)
    assert verdict.problems == ["%s:%d: torn: a crash left 33 bytes of a record here; echo-logd "
                                "ended the line" % (made.path, len(made.lines) + 1)]
    assert verdict.status == 1


def test_truncated_log(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(HELLO)
        wait_until(lambda: read_log(daemon.path).messages == 1, "the message")
        os.truncate(daemon.path, 0)
        client.talk(HELLO)
        client.finish()
    daemon.stop()
    verdict = verify(daemon.path)
    assert verdict.status == 1
    truncated, missing = verdict.problems
    assert re.fullmatch(r".*messages.log:\d: torn: another program truncated the file here; "
                        "its records are lost", truncated)
    assert re.fullmatch("connection [0-9a-f]{13}: records 0 to 1 are missing", missing)


def test_many_problems_are_summed_up(made):
    made.lines += [b"x\n"] * 250
    verdict = made.verify()
    assert verdict.status == 1 and verdict.facts["problems"] == 250
    assert len(verdict.problems) == 101 and verdict.problems[-1] == "... and 150 more"
    assert all(problem.endswith(": not a record (1 byte)") for problem in verdict.problems[:-1])


# --- what cannot be verified

def test_raw_log_is_refused(start):
    daemon = start({"log.format": "raw"})
    with Client(daemon.port) as client:
        client.talk(b"neither here nor there\n" * 10)
        client.finish()
    daemon.stop()
    verdict = verify(daemon.path)
    assert verdict.status == 2 and not verdict.facts
    assert verdict.problems == [f"echo-logctl: {daemon.path} holds no records in text or JSON: "
                                "it cannot be verified"]


def test_files_that_cannot_be_read(tmp_path):
    for path, why in ((tmp_path / "none", "No such file or directory"),
                      (tmp_path, "Is a directory")):
        verdict = verify(path)
        assert verdict.status == 2 and not verdict.facts
        assert verdict.problems == [f"echo-logctl: cannot read {path}: {why}; "
                                    "verification aborted"]


@pytest.mark.parametrize("arguments, words", [
    ([], "verify needs a file, or - for stdin"),
    (["--json", "x"], "--json: not an option of verify"),
    (["-v", "x"], "invalid option -- 'v'"),
])
def test_usage(arguments, words):
    verdict = verify(*arguments)
    assert verdict.status == 2 and not verdict.facts
    assert verdict.problems == ["echo-logctl: " + words, "Try 'echo-logctl --help'."]


def test_reads_from_a_pipe(made):
    """As behind a decompressor, and with several read(2)s."""
    done = subprocess.run(f"{{ cat {made.path}; yes x | head -c 5000000; }} | "
                          f"{control_program()} verify /dev/stdin", shell=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert "problems           2500000" in done.stdout and "whole            3" in done.stdout


def test_stdout_that_is_full(made):
    with open("/dev/full", "w") as full:
        done = subprocess.run([control_program(), "verify", made.path], stdout=full, timeout=60)
    assert done.returncode == 1
