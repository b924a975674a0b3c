# SPDX-License-Identifier: MIT
"""Renames, replaces, truncates and deletes the log file under load, and stops processes."""
import os
import random
import signal
import time

import pytest

from clients import Client, Load
from daemon import children, comm, wait_until
from faults import (SEED, SOAK, files_in, logger_of, stop, traced, wait_for_splice,
                    without_torn)
from messagelog import read_log

RELOADS, ROTATIONS = (100, 50) if SOAK else (10, 5)
TRUNCATIONS = 30 if SOAK else 4
# The largest piece that a client of tests/lib/clients.py sends here.
PIECE = 4000
LOAD = ["--clients", "8", "--size", "4096", "--window", "16384"]
# Connections that outlast a test, so that one that ends early was cut off.
STAY = ["--connection-bytes", "1000000000000"]


def grows(path, least=300_000):
    """Waits until the file, or a new one with this name, has grown by LEAST bytes."""
    def look():
        try:
            stat = os.stat(path)
            return stat.st_ino, stat.st_size
        except FileNotFoundError:
            return None, 0

    inode, size = look()

    def has_grown():
        now = look()
        return now[1] > least + (size if now[0] == inode else 0)

    wait_until(has_grown, "a growing log")


# --- rotation

@pytest.mark.seconds(900 if SOAK else 120)
@pytest.mark.parametrize("limit", [0, 300])
def test_reloads_and_rotations(start, traffic, tmp_path, limit):
    """Reloads and rotations in any order split, lose or double no record; no client is cut off."""
    other = tmp_path / "other"
    other.mkdir()
    daemon = start({"log.message_limit": limit})
    places = [daemon.path, str(other / "messages.log")]
    load = traffic(daemon, 3600, LOAD + STAY)
    rng = random.Random(SEED)
    # With a limit the daemon renames files too.
    acts = ["reload"] * (RELOADS // 2) + ["new path"] * (RELOADS - RELOADS // 2) + \
        ["rename"] * (ROTATIONS // 2) + ["signal"] * (ROTATIONS - ROTATIONS // 2)
    rng.shuffle(acts)
    for n, act in enumerate(acts):
        if act == "reload":
            daemon.configure(log_message_size="%dK" % (1 + n))
            assert "failed" not in daemon.reload()
        elif act == "new path":
            places.reverse()
            daemon.configure(log_path=places[0])
            assert "failed" not in daemon.reload()
        else:
            try:
                os.rename(places[0], "%s.mine%d" % (places[0], n))
            except FileNotFoundError:
                assert limit, "no file"
            if act == "signal":
                daemon.signal(signal.SIGUSR1)
        grows(places[0], 100_000)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    files = files_in(str(tmp_path), str(other))
    assert len(files) > ROTATIONS
    load.judge(*files)


# --- what loses records

def cut(daemon):
    """Copies and truncates the file.  The logger is stopped, so nothing is lost between."""
    pid = logger_of(daemon)
    stop(pid)
    with open(daemon.path, "rb") as log:
        copy = log.read()
    os.truncate(daemon.path, 0)
    os.kill(pid, signal.SIGCONT)
    return copy


@pytest.mark.seconds(600 if SOAK else 120)
def test_truncation_between_two_records(start, traffic, tmp_path):
    """Nothing is written between copy and truncation, so nothing is lost."""
    daemon = start()
    load = traffic(daemon, 3600, LOAD + STAY)
    copies = []
    for _ in range(TRUNCATIONS):
        grows(daemon.path)
        copies.append(cut(daemon))
        wait_until(lambda: daemon.stderr().count("was truncated by another program") == len(copies),
                   "the truncation noticed")
    grows(daemon.path)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    with open(daemon.path, "rb") as log:
        last = log.read()
    # A stopped logger may be in the middle of a record.  Its rest begins the next copy.
    whole = tmp_path / "whole"
    whole.write_bytes(without_torn(b"".join(copies) + last))
    assert b"\0" not in last
    assert b"torn bytes=0" in last
    load.judge(str(whole))


def positions(clients):
    return [len(c.echoed) for c in clients], [len(c.sent) for c in clients]


@pytest.mark.seconds(600 if SOAK else 120)
def test_copytruncate_under_load(start):
    """The copy has what was echoed before it; the log has what was sent after the truncation."""
    for n in range(TRUNCATIONS):
        daemon = start({"log.echo_after": "written"}, name="copy%d" % n)
        with Load(daemon.port, 4, PIECE, window=60_000) as load:
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 1_000_000, "more echoes")
            clients = [s.client for s in load.streams]
            echoed, _ = positions(clients)
            with open(daemon.path, "rb") as log, open(daemon.path + ".copy", "wb") as copy:
                copy.write(log.read())
            os.truncate(daemon.path, 0)
            _, sent = positions(clients)
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 1_000_000, "more echoes")
            clients = load.finish()
        daemon.stop()
        assert "was truncated by another program" in daemon.stderr()
        before, after = whole_lines(daemon.path + ".copy"), whole_lines(daemon.path)
        for client, e, s in zip(clients, echoed, sent):
            first = b"".join(c.data for c in before.by_peer(client.peer))
            rest = b"".join(c.data for c in after.by_peer(client.peer))
            assert client.sent.startswith(first) and len(first) >= e
            # A thread may have sent a piece before it has noted that.
            assert client.sent.endswith(rest) and len(client.sent) - len(rest) <= s + PIECE
        assert "torn" in after.service_events()


def whole_lines(path):
    """
    Reads the log at PATH without a line that the truncation has cut: the last line of a copy, or
    the first line.
    """
    with open(path, "rb") as log:
        lines = log.read().split(b"\n")
    end = lines.pop()
    assert not end or path.endswith(".copy"), "torn at the end"
    if lines and not lines[0].startswith(b"20"):
        lines.pop(0)
    assert all(line.startswith(b"20") for line in lines), "torn in the middle"
    with open(path + ".whole", "wb") as log:
        log.write(b"".join(line + b"\n" for line in lines))
    return read_log(path + ".whole", allow_gaps=True)


def test_truncated_in_the_middle_of_a_write(start):
    """A write at the old offset leaves a hole.  A newline ends it, so the record is whole."""
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"before\n" * 1000)
        wait_until(lambda: read_log(daemon.path).messages >= 1, "the first message")
        size, pid = os.path.getsize(daemon.path), logger_of(daemon)
        with traced(pid, "-P", daemon.path, "-e", "inject=splice:delay_enter=500000"):
            client.talk(b"after\n")
            wait_for_splice(pid, daemon.path)
            os.truncate(daemon.path, 0)
            wait_until(lambda: "was truncated by another program" in daemon.stderr(),
                       "the truncation noticed")
        client.talk(b"later\n")
        client.finish()
    daemon.stop()
    with open(daemon.path, "rb") as log:
        hole, *lines = log.read().splitlines()
    assert hole == b"\0" * (size - 1)
    words = [line.split()[3] for line in lines]
    assert words == [b"message", b"torn", b"message", b"close"], lines
    assert lines[0].endswith(b'message 6 "after\\n"')


def test_truncated_in_a_record_while_another_comes(start):
    """The record that was cut gets a newline before the next one."""
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"before\n")
        wait_until(lambda: read_log(daemon.path).messages >= 1, "the first message")
        size, pid = os.path.getsize(daemon.path), logger_of(daemon)
        # The splice to the stage is delayed too, after the logger has checked the file.
        with traced(pid, "-e", "inject=splice:delay_enter=500000"):
            client.talk(b"after\n")
            wait_for_splice(pid)
            os.truncate(daemon.path, size - 5)
            wait_until(lambda: "was truncated by another program" in daemon.stderr(),
                       "the truncation noticed")
        client.finish()
    daemon.stop()
    with open(daemon.path, "rb") as log:
        lines = log.read().splitlines()
    assert lines[2].endswith(b'message 7 "befor'), lines
    assert lines[3].endswith(b'message 6 "after\\n"'), lines
    assert [line.split()[3] for line in lines[4:]] == [b"torn", b"close"], lines


@pytest.mark.seconds(600 if SOAK else 120)
def test_deletion_under_load(start, traffic):
    """Only the records in the deleted files are lost."""
    daemon = start()
    load = traffic(daemon, 3600, LOAD + STAY)
    deleted = []
    for n in range(TRUNCATIONS):
        grows(daemon.path)
        deleted.append(open(daemon.path, "rb"))
        os.unlink(daemon.path)
    grows(daemon.path)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    kept = []
    for n, file in enumerate(deleted):
        with file, open("%s.deleted%d" % (daemon.path, n), "wb") as copy:
            copy.write(file.read())
        kept.append(copy.name)
    load.judge(daemon.path, *kept)


# --- stopped for a while

@pytest.mark.parametrize("who, when_stalled", [("master", "block"), ("workers", "close"),
                                               ("all", "close")])
def test_stopped_for_a_while(start, traffic, who, when_stalled):
    """
    Processes that are stopped for longer than every timeout only cost time: no record is lost, no
    client disconnected, no logger killed.
    """
    daemon = start({"log.stall_timeout": "2s", "log.logger_timeout": "2s",
                    "log.message_limit": 2000, "log.when_stalled": when_stalled,
                    "log.echo_after": "written"})
    load = traffic(daemon, 3600, LOAD + STAY)
    wait_until(lambda: len(files_in(daemon.directory)) > 1, "a rotation")
    family = {"master": [daemon.pid],
              "workers": [p for p in children(daemon.pid) if comm(p) == "echo-log-worker"],
              "all": [daemon.pid] + children(daemon.pid)}[who]
    stopped = []
    for pid in family:
        # A logger may have left for a rotation.
        try:
            os.kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        except ProcessLookupError:
            pass
    time.sleep(2.5)
    # The workers continue first, and find that the log does not move.
    workers = [pid for pid in stopped if comm(pid) == "echo-log-worker"]
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    time.sleep(0.2)
    for pid in set(stopped) - set(workers):
        os.kill(pid, signal.SIGCONT)
    grows(daemon.path)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    assert "not responded" not in daemon.stderr()
    load.judge(*files_in(daemon.directory))


def test_a_stopped_master_does_not_blame_the_logger(start, traffic):
    """The time in which the master was stopped does not count for the logger's timeout."""
    daemon = start({"log.logger_timeout": "4s"})
    load = traffic(daemon, 3600, LOAD + STAY)
    grows(daemon.path)
    pid = logger_of(daemon)
    stop(pid)

    def wait_looked_at():
        since = len(daemon.notifications.received)
        daemon.notifications.wait(lambda f: "STATUS" in f, "a look", since)

    # The first look finds what the logger did before the stop; the second, that it does nothing.
    wait_looked_at()
    wait_looked_at()
    stop(daemon.pid)
    time.sleep(4.5)
    os.kill(daemon.pid, signal.SIGCONT)
    wait_looked_at()
    os.kill(pid, signal.SIGCONT)
    grows(daemon.path)
    assert logger_of(daemon) == pid
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    assert "not responded" not in daemon.stderr()
    load.judge(daemon.path)
