# SPDX-License-Identifier: MIT
"""Tests log files that cannot be written, synced or replaced, also in the middle of a record."""
import os
import re
import signal
import subprocess

import pytest

from clients import Client
from daemon import read_text, wait_until
from faults import (assert_dropped_is_what_lacks, files_in, is_stalled, logger_of,
                    remove_torn_tails, start_on, stop, traced, without_torn)

LOAD = ["--clients", "8", "--size", "4096", "--window", "16384"]


@pytest.mark.parametrize("error", ["EROFS", "EIO", "ENOMEM"])
def test_the_next_file_is_refused_for_a_while(start, traffic, error):
    """The next file cannot be opened for a while: clients wait, and one message is logged."""
    daemon = start()
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "a volume")
    with traced(daemon.pid, "-P", daemon.path, "-e", "inject=openat:error=%s:when=1..4" % error):
        os.rename(daemon.path, daemon.path + ".mine")
        wait_until(lambda: "can be written again" in daemon.stderr(), "the next file")
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "the log going on")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    assert len(re.findall("log.path: cannot", daemon.stderr())) == 1, daemon.stderr()
    load.judge(daemon.path, daemon.path + ".mine")


@pytest.mark.parametrize("when_stalled", ["block", "drop", "close"])
def test_the_directory_vanishes(start, traffic, tmp_path, when_stalled):
    """Without its directory no next file can be opened.  That is a stall like any other."""
    place, gone = tmp_path / "place", tmp_path / "gone"
    place.mkdir()
    daemon = start({"log.when_stalled": when_stalled, "log.stall_timeout": "300ms"},
                   log_directory=place)
    options = LOAD if when_stalled != "drop" else \
        ["--clients", "8", "--size", "1000", "--window", "1000",
         "--connection-bytes", "100000000000"]
    load = traffic(daemon, 3600, options)
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "a volume")
    place.rename(gone)
    consequence = {
        "block": "clients wait, nothing is lost",
        "drop": "after log.stall_timeout messages are echoed but not saved",
        "close": "after log.stall_timeout clients are disconnected without their echo",
    }[when_stalled]
    daemon.wait_status(r"^Log stalled .No such file or directory.: " + consequence)
    if when_stalled == "drop":
        daemon.wait_status(r" [1-9]\d* messages dropped")
    elif when_stalled == "close":
        daemon.wait_status(r" (1[7-9]|[2-9]\d|\d{3,}) clients, ")
    # Neither of these helps, and each failed reload is reported.
    daemon.signal(signal.SIGUSR1)
    assert "Last reload failed" in daemon.reload()
    assert "Last reload failed" in daemon.reload()
    place.mkdir()
    wait_until(lambda: os.path.exists(daemon.path) and os.path.getsize(daemon.path) > 500_000,
               "a growing log")
    lost = load.end(at_once=True)["lost"]
    assert (lost > 0) == (when_stalled == "close")
    daemon.stop()
    said = re.findall("directory .* does not exist or is not a directory.*; (.*)\n",
                      daemon.stderr())
    assert said == [consequence] + ["the running configuration stays"] * 2
    if when_stalled == "drop":
        assert_dropped_is_what_lacks(load, files_in(str(place), str(gone)))
    else:
        load.judge(*files_in(str(place), str(gone)))


def test_reported_again_after_a_reload(start, tmp_path):
    """An error of the log is reported, even if a reload failed for the same reason before."""
    place = tmp_path / "place"
    place.mkdir()
    daemon = start(log_directory=place)
    path = daemon.path
    daemon.configure(log_path=str(tmp_path / "nowhere" / "messages.log"))
    daemon.reload()
    place.rename(tmp_path / "gone")
    # No client sends anything.
    daemon.signal(signal.SIGUSR1)
    daemon.wait_status("^Log stalled .No such file or directory")
    assert "log.path: the directory %s does not exist" % place in daemon.stderr()
    place.mkdir()
    daemon.wait_status("^Last reload failed")
    wait_until(lambda: os.path.exists(path), "a file")
    with Client(daemon.port) as client:
        client.talk(b"hello\n")


@pytest.mark.parametrize("act", ["rename", "new path", "kill"])
def test_full_in_the_middle_of_a_record(start, traffic, mounts, tmp_path, act):
    """A record is finished in the file where it begins, whatever happens meanwhile."""
    disk = mounts.tmpfs("4m")
    daemon = start_on(start, disk)
    path, other = daemon.path, tmp_path / "other"
    other.mkdir()
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: is_stalled(daemon), "a stall")
    if act == "rename":
        os.rename(path, path + ".mine")
        daemon.signal(signal.SIGUSR1)
    elif act == "new path":
        daemon.path = str(other / "messages.log")
        daemon.configure(log_path=daemon.path)
        daemon.signal(signal.SIGHUP)
    else:
        os.kill(logger_of(daemon), signal.SIGKILL)
    size = os.path.getsize(path + ".mine" if act == "rename" else path)
    mounts.resize(disk, "2g")
    wait_until(lambda: os.path.exists(daemon.path) and
               os.path.getsize(daemon.path) > (1_000_000 if act != "kill" else size + 1_000_000),
               "a growing log")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    files = files_in(disk, str(other))
    assert len(files) == (1 if act == "kill" else 2)
    load.judge(*files)


def test_truncated_to_make_room(start, traffic, mounts):
    """Somebody truncates the file on a full disk.  Its records are lost, but no later ones."""
    disk = mounts.tmpfs("4m")
    daemon = start_on(start, disk)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: is_stalled(daemon), "a stall")
    with open(daemon.path, "rb") as log:
        lost = log.read()
    os.truncate(daemon.path, 0)
    wait_until(lambda: "was truncated by another program" in daemon.stderr(),
               "the truncation noticed")
    mounts.resize(disk, "2g")
    wait_until(lambda: os.path.getsize(daemon.path) > 6_000_000, "a growing log")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    with open(daemon.path, "rb") as log:
        rest = log.read()
    assert b"\0" not in rest and b" - - torn bytes=0\n" in rest
    # The stall was in the middle of a record.  Its rest is the first line.
    with open(daemon.path + ".whole", "wb") as log:
        log.write(lost + without_torn(rest))
    load.judge(daemon.path + ".whole")


# --- file systems that turn read-only

def break_file_system(disk):
    """Makes ext4 find an error: it aborts its journal and is read-only afterwards."""
    found = re.search(r"^/dev/(loop\d+) %s " % re.escape(disk), read_text("/proc/mounts"), re.M)
    with open("/sys/fs/ext4/%s/trigger_fs_error" % found[1], "w") as trigger:
        trigger.write("tests/faults\n")
    wait_until(lambda: re.search(r" %s ext4 ro," % re.escape(disk), read_text("/proc/mounts")) or
               re.search(r" %s ext4 .*emergency_ro" % re.escape(disk), read_text("/proc/mounts")),
               "a read-only file system")


def repair(mounts, disk):
    mounts.unmount(disk)
    subprocess.run(["fsck.ext4", "-fy", mounts.image], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)
    mounts.mount_image()
    remove_torn_tails(disk)


def up_to_gaps(files):
    """The records of each connection, up to the first missing one."""
    connections = {}
    for path in files:
        with open(path) as log:
            for line in log:
                head, _, n = line.split(" ", 2)[1].partition(".")
                if n.isdigit():
                    connections.setdefault(head, {})[int(n)] = line
    for records in connections.values():
        n = 0
        while n in records:
            yield records[n]
            n += 1


def test_read_only_and_a_stop(start, traffic, mounts, tmp_path, monkeypatch):
    """The operator stops the service, which spills, repairs the disk and starts it again."""
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    disk = mounts.ext4(200 << 20, options="loop,errors=remount-ro")
    daemon = start_on(start, disk, {"log.echo_after": "synced", "log.stall_timeout": "300ms",
                                    "server.drain_timeout": "100ms"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "a volume")
    # No sync may be in progress: ext4 can report success for one during the abort (see cut_power).
    logger = logger_of(daemon)
    stop(logger)
    break_file_system(disk)
    os.kill(logger, signal.SIGCONT)
    daemon.wait_status(r"^Log stalled .(Read-only file system|Input/output error)")
    daemon.stop()
    load.end(at_once=True)
    repair(mounts, disk)
    daemon.start()
    with Client(daemon.port) as client:
        client.talk(b"again\n")
        client.finish()
    daemon.stop()
    # What was written but not synced is lost with the file system.  It was not echoed.
    whole = tmp_path / "whole"
    whole.write_text("".join(up_to_gaps(files_in(disk, str(state)))))
    load.judge(str(whole), least_bytes=300_000)


def test_a_sync_that_fails_on_the_way_to_the_next_file(start, traffic):
    """The last sync of each full file fails: no receipt for records that are only in that file."""
    daemon = start({"log.echo_after": "synced", "log.message_limit": 10})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: len(files_in(daemon.directory)) > 3, "rotations")
    with traced(daemon.pid, "-f", "-e", "inject=fdatasync:error=EIO:when=1"):
        wait_until(lambda: daemon.stderr().count("cannot sync") > 10, "failed syncs")
    n = len(files_in(daemon.directory))
    wait_until(lambda: len(files_in(daemon.directory)) > n + 10, "rotations")
    assert load.end(at_once=True)["lost"] > 0
    daemon.stop()
    load.judge(*files_in(daemon.directory), least_bytes=300_000)
