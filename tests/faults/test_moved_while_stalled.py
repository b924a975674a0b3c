# SPDX-License-Identifier: MIT
"""
The log cannot be written, and meanwhile its file is no longer the log: renamed, deleted, or a
reload names another.  The logger leaves for the next file, in the middle of a record too; that
record is in the next file, whole.
"""
import os
import shutil
import signal
import subprocess
import time

import pytest

from clients import Client
from daemon import read_text, wait_until
from faults import files_in, is_stalled, kill_everything, logger_of, start_on, stop
from test_crash_points import (  # noqa: F401: fixtures among them
    end_the_rest, ends_in_a_record, points, start_crashing)

LOAD = ["--clients", "8", "--size", "4096", "--window", "16384"]
# Of a reload or reopen that meets a stall.
BOUND = 5


def in_time(what, act):
    begin = time.monotonic()
    result = act()
    assert time.monotonic() - begin < BOUND, what
    return result


def stall_in_a_record(start, traffic, mounts, options=None, **more):
    """A daemon on a full disk whose log ends in the middle of a record, and its load."""
    disk = mounts.tmpfs("4m")
    daemon = start_on(start, disk, options, **more)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: is_stalled(daemon), "a stall")
    wait_until(lambda: ends_in_a_record(daemon.path), "half a record")
    return daemon, load, disk


def goes_on(path, least=1_000_000):
    wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > least, "the log going on")


def end(daemon, load, *files, lost=False):
    assert (load.end(at_once=True)["lost"] > 0) == lost
    daemon.stop()
    load.judge(*files)


@pytest.mark.parametrize("echo_after", ["queued", "written"])
def test_renamed_while_full(start, traffic, mounts, echo_after):
    """The next file is on the same disk: reopen returns, and the record waits for room there."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts,
                                           {"log.echo_after": echo_after})
    os.rename(daemon.path, daemon.path + ".mine")
    said = in_time("reopen", lambda: daemon.control("reopen"))
    assert said.returncode == 0, said
    assert not ends_in_a_record(daemon.path + ".mine")
    assert daemon.figures()["log"] == "stalled"
    mounts.resize(disk, "2g")
    goes_on(daemon.path)
    end(daemon, load, daemon.path, daemon.path + ".mine")


def test_synced_before_it_is_left(start, traffic, mounts, tmp_path):
    """The receipts of the next logger are for records in the old file too."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts, {"log.echo_after": "synced"})
    calls = tmp_path / "calls"
    with subprocess.Popen(["strace", "-qq", "-y", "-o", str(calls), "-p", str(logger_of(daemon)),
                           "-e", "trace=fdatasync"], stdin=subprocess.DEVNULL):
        wait_until(lambda: "TracerPid:\t0\n" not in
                   read_text("/proc/%d/status" % logger_of(daemon)), "strace")
        os.rename(daemon.path, daemon.path + ".mine")
        # strace ends with the logger.
    assert "messages.log.mine>) = 0" in calls.read_text()
    mounts.resize(disk, "2g")
    goes_on(daemon.path)
    end(daemon, load, daemon.path, daemon.path + ".mine")


@pytest.mark.parametrize("when_stalled", ["block", "close"])
def test_deleted_while_full(start, traffic, mounts, when_stalled):
    """The file frees its space, so the log goes on without any other help."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts,
                                           {"log.when_stalled": when_stalled,
                                            "log.stall_timeout": "300ms"})
    if when_stalled == "close":
        # Whoever is closed connects anew, and is counted.
        daemon.wait_status(r" (1[7-9]|[2-9]\d|\d{3,}) clients, ")
    kept = daemon.path + ".kept"
    with open(daemon.path, "rb") as deleted:
        copy = deleted.read()
    os.unlink(daemon.path)
    goes_on(daemon.path, 2_000_000)
    mounts.resize(disk, "2g")
    goes_on(daemon.path, 6_000_000)
    # Its last record, of which it had the beginning, is in the next file.
    with open(kept, "wb") as file:
        file.write(copy[:copy.rfind(b"\n") + 1])
    end(daemon, load, daemon.path, kept, lost=when_stalled == "close")


def test_moved_to_another_disk_while_full(start, traffic, mounts, tmp_path):
    """As mv(1) does it.  The copy keeps the beginning of the record, the next file has all."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts)
    kept = str(tmp_path / "messages.log.kept")
    shutil.copy(daemon.path, kept)
    os.unlink(daemon.path)
    goes_on(daemon.path, 2_000_000)
    mounts.resize(disk, "2g")
    with open(kept, "rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
    end(daemon, load, daemon.path, kept)


def test_reloaded_to_another_disk_while_full(start, traffic, mounts, tmp_path):
    daemon, load, disk = stall_in_a_record(start, traffic, mounts)
    other, full = tmp_path / "other", daemon.path
    other.mkdir()
    daemon.path = str(other / "messages.log")
    daemon.configure(log_path=daemon.path)
    assert "failed" not in daemon.reload(BOUND)
    goes_on(daemon.path)
    assert not ends_in_a_record(full)
    end(daemon, load, daemon.path, full)


def test_reloaded_while_full(start, traffic, mounts):
    """To other settings of the same file: in force at once, and the record is finished there."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts)
    daemon.configure(log_keep_free="1K")
    assert "failed" not in daemon.reload(BOUND)
    assert in_time("reopen", lambda: daemon.control("reopen")).returncode == 0
    assert ends_in_a_record(daemon.path)
    mounts.resize(disk, "2g")
    goes_on(daemon.path, 6_000_000)
    end(daemon, load, daemon.path)


def test_a_file_that_may_not_grow(start, traffic):
    """EFBIG: the next file has room, so a rename is enough."""
    daemon = start(prefix=["prlimit", "--fsize=3000000:"])
    load = traffic(daemon, 3600, LOAD)
    daemon.wait_status("^Log stalled .File too large")
    wait_until(lambda: os.path.getsize(daemon.path) == 3_000_000, "a file of its longest")
    os.rename(daemon.path, daemon.path + ".mine")
    goes_on(daemon.path)
    subprocess.run(["prlimit", "--pid", str(daemon.pid), "--fsize=unlimited"], check=True)
    wait_until(lambda: is_unlimited(daemon), "a logger without a limit")
    end(daemon, load, daemon.path, daemon.path + ".mine")


def is_unlimited(daemon):
    """A logger that was forked before the change has the old limit."""
    pid = daemon.logger()
    if pid:
        subprocess.run(["prlimit", "--pid", str(pid), "--fsize=unlimited"])
    return pid and daemon.logger() == pid


@pytest.mark.parametrize("at_limit", ["rotate", "stop"])
def test_keep_free_and_another_file(start, traffic, mounts, tmp_path, at_limit):
    """Stalled between two records, under a limit of either kind."""
    disk = mounts.tmpfs("8m")
    daemon = start_on(start, disk, {"log.keep_free": "4M", "log.message_limit": 1_000_000,
                                    "log.at_message_limit": at_limit})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: is_stalled(daemon), "a stall")
    other, full = tmp_path / "other", daemon.path
    other.mkdir()
    daemon.path = str(other / "messages.log")
    daemon.configure(log_path=daemon.path)
    assert "failed" not in daemon.reload(BOUND)
    goes_on(daemon.path)
    end(daemon, load, daemon.path, full)


def test_moved_again_and_again(start, traffic, mounts):
    """The record travels through files that have no room for it."""
    daemon, load, disk = stall_in_a_record(start, traffic, mounts)
    for n in range(5):
        os.rename(daemon.path, "%s.mine%d" % (daemon.path, n))
        assert in_time("reopen", lambda: daemon.control("reopen")).returncode == 0
        if n == 2:
            os.kill(logger_of(daemon), signal.SIGKILL)
            daemon.wait_for_logger()
    mounts.resize(disk, "2g")
    goes_on(daemon.path)
    end(daemon, load, *files_in(disk))


def test_into_a_file_with_a_torn_tail(start, traffic, mounts):
    """The record begins a line of its own."""
    disk = mounts.tmpfs("4m")
    torn = os.path.join(disk, "torn")
    with open(torn, "w") as log:
        log.write("2026-11-22T21:04:05.123456Z 6443f5a1b2c3d.0 192.0.2.7:53412 op")
    daemon = start_on(start, disk)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: is_stalled(daemon), "a stall")
    assert ends_in_a_record(daemon.path)
    stop(logger_of(daemon))
    os.rename(daemon.path, daemon.path + ".mine")
    os.rename(torn, daemon.path)
    os.kill(logger_of(daemon), signal.SIGCONT)
    assert in_time("reopen", lambda: daemon.control("reopen")).returncode == 0
    mounts.resize(disk, "2g")
    goes_on(daemon.path)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    with open(daemon.path) as log:
        junk, *rest = log.readlines()
    assert junk.endswith(" op\n") and " - - " not in rest[0]
    with open(daemon.path + ".mended", "w") as log:
        log.writelines(rest)
    load.judge(daemon.path + ".mended", daemon.path + ".mine")


# --- killed on the way

@pytest.mark.parametrize("point", ["half-record-copied", "half-record-rewound",
                                   "half-record-taken", "master-file-taken", "master-file-stored"])
def test_the_master_dies_on_the_way(start_crashing, traffic, mounts, points, store, point):
    """Everything is killed while the record moves; the next service goes on in either file."""
    daemon, load, disk = stall_in_a_record(start_crashing, traffic, mounts, store=store)
    points.set(point)
    os.rename(daemon.path, daemon.path + ".mine")
    points.wait(point)
    end_the_rest(daemon)
    mounts.resize(disk, "2g")
    daemon.start()
    load.end(at_once=True)
    with Client(daemon.port) as client:
        client.talk(b"again\n")
        client.finish()
    daemon.stop()
    load.judge(*files_in(disk))


@pytest.mark.parametrize("all_of_them", [False, True])
@pytest.mark.parametrize("point", ["half-record-half", "half-record-written",
                                   "logger-mid-splice"])
def test_the_logger_dies_in_the_next_file(start_crashing, traffic, mounts, points, store, point,
                                          all_of_them):
    """While it writes the beginning, or between that and the rest."""
    daemon, load, disk = stall_in_a_record(start_crashing, traffic, mounts, store=store)
    os.rename(daemon.path, daemon.path + ".mine")
    assert daemon.control("reopen").returncode == 0
    points.set(point)
    if all_of_them:
        os.kill(daemon.pid, signal.SIGSTOP)
    mounts.resize(disk, "2g")
    points.wait(point)
    if all_of_them:
        kill_everything(daemon)
        daemon.start()
        load.end(at_once=True)
    else:
        goes_on(daemon.path)
        assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(*files_in(disk))


# --- and a stop

@pytest.mark.parametrize("point", [None, "half-record-half"])
def test_stop_while_the_record_is_between_two_files(start_crashing, traffic, mounts, points,
                                                    store, tmp_path, point):
    """It is in the spill file, whole, and in no other."""
    daemon, load, disk = stall_in_a_record(start_crashing, traffic, mounts,
                                           {"log.stall_timeout": "300ms",
                                            "server.drain_timeout": "100ms"}, store=store)
    os.rename(daemon.path, daemon.path + ".mine")
    assert daemon.control("reopen").returncode == 0
    if point:
        # A part of the beginning is in the next file when that is full again.
        size = os.statvfs(disk).f_blocks * os.statvfs(disk).f_frsize
        mounts.resize(disk, str(size))
    in_time("stop", daemon.stop)
    load.end(at_once=True)
    (spill,) = (tmp_path / "state").iterdir()
    assert not ends_in_a_record(daemon.path + ".mine")
    load.judge(daemon.path + ".mine", daemon.path, str(spill))


@pytest.mark.parametrize("point", ["spill-created", "spill-head-copied", "spill-half",
                                   "spill-synced"])
def test_that_spill_dies(start_crashing, traffic, mounts, points, store, tmp_path, point):
    """The master is killed in the middle of the spill, and the next one continues it."""
    daemon, load, disk = stall_in_a_record(start_crashing, traffic, mounts,
                                           {"log.stall_timeout": "300ms",
                                            "server.drain_timeout": "100ms"}, store=store)
    os.rename(daemon.path, daemon.path + ".mine")
    assert daemon.control("reopen").returncode == 0
    points.set(point)
    daemon.signal(signal.SIGTERM)
    points.wait(point)
    end_the_rest(daemon)
    mounts.resize(disk, "2g")
    daemon.start()
    load.end(at_once=True)
    daemon.stop()
    (spill,) = (tmp_path / "state").iterdir()
    load.judge(daemon.path + ".mine", daemon.path, str(spill))
