# SPDX-License-Identifier: MIT
"""Tests what operators see in the message log."""

import glob
import json
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from clients import Client, Load, Stream
from daemon import wait_until
from messagelog import log_files, read_log
from oracle import check_log, check_stopped

MIB = 1024 * 1024
FORMATS = ["text", "json"]

# Whatever controls a terminal or deceives a reader.
NASTY = (bytes(range(256)) + b"\x1b]0;title\x07\x1b[2J\x1b[31mred" +
         "\u0085\u009b31m\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
         "\u2066\u2067\u2068\u2069 readable: äöü € 😀 漢字 \ufeff".encode() +
         b"\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x80 \xff\xfe \\ \" \\x41 \\n \r\n\t\x7f\0")


@pytest.mark.parametrize("format", FORMATS)
def test_sixteen_clients_and_200_megabytes(start, format):
    total = 200_000_000 if format == "text" else 20_000_000
    daemon = start({"log.format": format})
    streams = [Stream(daemon.port, os.urandom(total // 16), ("127.0.0.1", "::1")[i % 2])
               for i in range(16)]
    clients = [s.wait(100) for s in streams]
    for client in clients:
        assert client.is_complete and client.sent == client.echoed
    log = check_stopped(daemon, clients, format=format, min_bytes=total)
    assert len(log.connections) == 16
    assert {c.close for c in log.connections.values()} == {"eof"}


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_sent_reaches_a_terminal(start, format):
    daemon = start({"log.format": format})
    client = Client(daemon.port)
    client.talk(NASTY)
    for i in range(len(NASTY)):
        client.talk(NASTY[i:i + 9])
    client.finish()
    check_stopped(daemon, [client], format=format, min_bytes=4 * len(NASTY))
    with open(daemon.path, "rb") as file:
        raw = file.read()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    text = raw.decode()
    assert not re.search(
        "[\x80-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    for line in text.splitlines():
        assert len(line.encode()) < 4096


def test_what_is_readable_stays_readable(start):
    daemon = start()
    words = 'grüße, "quoted" \\ and 漢字 😀\n'
    with Client(daemon.port) as client:
        client.talk(words.encode())
        client.finish()
    daemon.stop()
    with open(daemon.path, encoding="utf-8") as file:
        assert ' message %d "grüße, \\"quoted\\" \\\\ and 漢字 😀\\n"\n' % len(words.encode()) \
            in file.read()


@pytest.mark.parametrize("framing", ["stream", "line"])
@pytest.mark.parametrize("format", FORMATS)
def test_no_client_can_forge_a_record(start, format, framing):
    daemon = start({"log.format": format, "log.framing": framing})
    with Client(daemon.port) as client:
        client.talk(b"harmless\n")
        wait_until(lambda: os.path.getsize(daemon.path) and
                   read_log(daemon.path, format=format).messages, "the first message")
        with open(daemon.path, "rb") as file:
            genuine = file.read()
        forged = [b'"\n' + genuine, b"\r" + genuine, b"\\n" + genuine, b"\x85" + genuine,
                  "\u2028".encode() + genuine, b'base64:' + genuine, b'"}\n' + genuine]
        n_lines = 1
        for text in forged:
            client.talk(text)
            n_lines += text.count(b"\n")
        client.finish()
    log = check_stopped(daemon, [client], format=format, min_bytes=1000)
    assert log.messages == (1 + len(forged) if framing == "stream" else n_lines)
    assert len(log.connections) == 1
    assert log.service_events() == ["start"]


def test_awk_counts_messages(start):
    daemon = start()
    clients = []
    for i in range(10):
        client = Client(daemon.port)
        for j in range(10):
            client.talk(b"message %d message\n" % j if j else os.urandom(20_000))
        client.finish()
        clients.append(client)
    log = check_stopped(daemon, clients, min_bytes=200_000)
    counted = subprocess.run(["awk", '$4 == "message" { n++ } END { print n }', daemon.path],
                             stdout=subprocess.PIPE, check=True, timeout=20)
    assert int(counted.stdout) == log.messages >= 100


def test_text_record_by_record(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"hello\n")
        client.finish()
    daemon.stop()
    with open(daemon.path) as file:
        first, opened, message, closed = file.read().splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    assert re.fullmatch(time + r" - - start version=1 host=\S+ boot=[0-9a-f]{32} daemon=\S+", first)
    id = opened.split()[1][:-2]
    assert re.fullmatch("[0-9a-f]{13}", id)
    head = "%s %s.%%d %s " % (time, id, re.escape(client.peer))
    assert re.fullmatch(head % 0 + "open", opened)
    assert re.fullmatch(head % 1 + r'message 6 "hello\\n"', message)
    assert re.fullmatch(head % 2 + r"close eof messages=1 bytes=6 crc32c=[0-9a-f]{8}", closed)


def test_json_record_by_record(start):
    daemon = start({"log.format": "json"})
    with Client(daemon.port, "::1") as client:
        client.talk(b"hello\n")
        client.talk(b"\xff\xfe")
        client.finish()
    daemon.stop()
    with open(daemon.path) as file:
        records = [json.loads(line) for line in file]
    assert [r["event"] for r in records] == ["start", "open", "message", "message", "close"]
    assert [r["n"] for r in records] == [None, 0, 1, 2, 3]
    assert {r["peer"] for r in records[1:]} == {client.peer}
    assert len({r["id"] for r in records[1:]}) == 1
    assert records[2]["data"] == "hello\n" and records[2]["length"] == 6
    assert records[3]["data_base64"] == "//4=" and records[3]["length"] == 2
    assert (records[4]["reason"], records[4]["messages"], records[4]["bytes"]) == ("eof", 2, 8)


def test_raw_is_the_payload_and_nothing_else(start):
    daemon = start({"log.format": "raw"})
    first, second = os.urandom(300_000), NASTY * 10
    for payload in (first, second):
        Stream(daemon.port, payload).wait()
    daemon.stop()
    with open(daemon.path, "rb") as file:
        assert file.read() == first + second


def test_raw_with_many_clients(start):
    """The pieces of the clients are mixed, but each is whole and in the order of its client."""
    daemon = start({"log.format": "raw", "log.framing": "line"})
    sent = {}

    def talk(name):
        sent[name] = []
        with Client(daemon.port) as client:
            for i in range(200):
                line = b"%d %d %s\n" % (name, i, b"x" * (i * 37 % 2000))
                client.talk(line)
                sent[name].append(line)
            client.finish()

    threads = [threading.Thread(target=talk, args=(n,), daemon=True) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    daemon.stop()
    logged = {}
    with open(daemon.path, "rb") as file:
        for line in file:
            logged.setdefault(int(line.split()[0]), []).append(line)
    assert logged == sent
    assert sum(map(len, sent.values())) == 12 * 200


def test_mode_and_order(start):
    daemon = start({"log.mode": "0604"})
    assert stat.S_IMODE(os.stat(daemon.path).st_mode) == 0o604
    clients = [Client(daemon.port) for _ in range(20)]
    for client in clients:
        client.talk(b"x")
    for client in clients:
        client.finish()
    log = check_stopped(daemon, clients, min_bytes=20)
    assert len(set(log.connections)) == 20


def test_ids_rise_over_a_restart(make_daemon):
    daemon = make_daemon()
    ids, clients = [], []
    for _ in range(3):
        daemon.start()
        for _ in range(5):
            client = Client(daemon.port)
            client.talk(b"x")
            client.finish()
            clients.append(client)
        daemon.stop()
        ids = list(read_log(daemon.path).connections)
    log = check_log(daemon.path, clients, min_bytes=15)
    assert len(ids) == 15 and ids == sorted(ids)
    assert log.service_events() == ["start"] * 3


# --- files that move

def rename(daemon, n):
    old = "%s.mine%d" % (daemon.path, n)
    os.rename(daemon.path, old)
    return old


@pytest.mark.parametrize("by_signal", [True, False])
@pytest.mark.parametrize("format", FORMATS)
def test_rename_under_load(start, format, by_signal):
    daemon = start({"log.format": format})
    files = []
    with Load(daemon.port, 6, 20_000, window=60_000) as load:
        for n in range(12):
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 100_000, "more echoes")
            files.append(rename(daemon, n))
            if by_signal:
                daemon.reopen()
            else:
                wait_until(lambda: os.path.exists(daemon.path), "a new log file")
        clients = load.finish()
    daemon.stop()
    log = check_log(files + [daemon.path], clients, format=format, min_bytes=MIB)
    assert len(log.messages_in_file) == 13
    assert log.service_events() == ["start"] * 13
    # A record whose echo has arrived may still be in the pipe when the file is renamed.
    assert sum(1 for n in log.messages_in_file if n) >= 6


def test_reopen_without_a_rename_changes_nothing(start):
    daemon = start()
    inode = os.stat(daemon.path).st_ino
    with Load(daemon.port, 4, 20_000, window=60_000) as load:
        for _ in range(20):
            mark = load.echoed_bytes
            daemon.signal(signal.SIGUSR1)
            wait_until(lambda: load.echoed_bytes > mark + 50_000, "more echoes")
        clients = load.finish()
    log = check_stopped(daemon, clients, min_bytes=MIB)
    assert os.stat(daemon.path).st_ino == inode
    assert log.service_events() == ["start"]


def test_truncation_is_noticed(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"before\n" * 1000)
        wait_until(lambda: read_log(daemon.path).messages >= 1, "the first message")
        size = os.path.getsize(daemon.path)
        os.truncate(daemon.path, 0)
        client.talk(b"after\n")
        client.finish()
    daemon.stop()
    with open(daemon.path, "rb") as file:
        content = file.read()
    assert len(content) < size and b"\0" not in content
    assert b'message 6 "after\\n"\n' in content and b"before" not in content
    log = read_log(daemon.path, allow_gaps=True)
    assert not log.problems
    assert "torn" in log.service_events()
    assert "truncated" in daemon.stderr()


def test_truncation_in_the_middle_of_a_record(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"before\n" * 100)
        wait_until(lambda: read_log(daemon.path).messages >= 1, "the first message")
        size = os.path.getsize(daemon.path)
        os.truncate(daemon.path, size - 30)
        client.talk(b"after\n")
        client.finish()
    daemon.stop()
    log = read_log(daemon.path, allow_gaps=True)
    (connection,) = log.connections.values()
    with open(daemon.path, "rb") as file:
        assert b"\0" not in file.read()
    assert connection.messages[-1] == b"after\n" and connection.close == "eof"
    assert all("missing" in p for p in log.problems), log.problems
    assert "torn" in log.service_events()


def test_copytruncate_of_logrotate(start):
    daemon = start()
    with Client(daemon.port) as client:
        for n in range(5):
            mark = b"round %d\n" % n
            client.talk(mark)
            wait_until(lambda: os.path.exists(daemon.path) and
                       b"round %d" % n in open(daemon.path, "rb").read(), "the message")
            subprocess.run(["cp", daemon.path, daemon.path + ".copy%d" % n], check=True, timeout=10)
            os.truncate(daemon.path, 0)
        client.finish()
    daemon.stop()
    for path in [daemon.path + ".copy%d" % n for n in range(5)] + [daemon.path]:
        with open(path, "rb") as file:
            assert b"\0" not in file.read()
        assert not read_log(path, allow_gaps=True).problems


def test_deletion_is_noticed(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"doomed\n")
        wait_until(lambda: read_log(daemon.path).messages == 1, "the first message")
        os.unlink(daemon.path)
        client.talk(b"after\n")
        wait_until(lambda: os.path.exists(daemon.path), "a new log file")
        client.finish()
    daemon.stop()
    log = read_log(daemon.path, allow_gaps=True)
    assert not log.problems
    assert [c.messages for c in log.connections.values()] == [[b"after\n"]]
    assert log.service_events() == ["start"]


# --- what is found at start

def make_log(make_daemon, options, payload=b"of an earlier life\n"):
    daemon = make_daemon(options)
    daemon.start()
    client = Client(daemon.port)
    client.talk(payload)
    client.finish()
    daemon.stop()
    return daemon, client


@pytest.mark.parametrize("format", FORMATS)
def test_torn_tail_is_recorded(make_daemon, format):
    daemon, before = make_log(make_daemon, {"log.format": format})
    with open(daemon.path, "rb+") as file:
        whole = file.read()
        torn = whole.splitlines()[-1][:40]
        file.write(torn)
    daemon.start()
    with Client(daemon.port) as after:
        after.talk(b"of this life\n")
        after.finish()
    log = check_stopped(daemon, [before, after], format=format, min_bytes=30)
    with open(daemon.path, "rb") as file:
        assert file.read().startswith(whole + torn + b"\n")
    assert log.service_events() == ["start", "torn", "start"]
    assert log.service[1].keys["bytes"] == 40
    assert "incomplete record of 40 bytes" in daemon.stderr()


@pytest.mark.parametrize("before, after", [("text", "json"), ("json", "text"), ("raw", "text"),
                                           ("text", "raw")])
def test_file_of_another_format_is_set_aside(make_daemon, before, after):
    daemon, _ = make_log(make_daemon, {"log.format": before})
    with open(daemon.path, "rb") as file:
        old = file.read()
    assert old
    daemon.configure(log_format=after)
    daemon.start()
    with Client(daemon.port) as client:
        client.talk(b"of this life\n")
        client.finish()
    daemon.stop()
    (current,) = log_files(daemon.path)
    assert current == daemon.path
    # Not the name of a rotated file, so keep_files never deletes it.
    (aside,) = glob.glob(glob.escape(daemon.path) + ".????????T??????.??????Z.foreign")
    with open(aside, "rb") as file:
        assert file.read() == old
    if after == "raw":
        with open(current, "rb") as file:
            assert file.read() == b"of this life\n"
    else:
        check_log([current], [client], format=after, min_bytes=10)
    assert "it is renamed" in daemon.stderr()
