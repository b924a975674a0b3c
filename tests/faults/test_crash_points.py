# SPDX-License-Identifier: MIT
"""
A process dies at a named point (src/base/crash_point.h), between two steps where a random kill
would hardly ever hit it.  A stand-in for systemd keeps the descriptors when the master dies.
"""
import os
import re
import signal
import socket
import subprocess

import pytest

from daemon import LogPipe, binary, children, comm, is_gone, settled, wait_until
from faults import SOAK, kill_everything, logger_of, stop

TIMES = 10 if SOAK else 2
# Little traffic is enough here, because the instant matters.
LEAST = 100_000
LOAD = ["--clients", "8", "--size", "4096", "--window", "16384", "--kind", "text"]
SYNCED = {"log.echo_after": "synced"}
WRITTEN = {"log.echo_after": "written"}
ROTATE = {"log.message_limit": "500"}
TICKETS = {"log.message_limit": "2000", "log.at_message_limit": "stop"}


class Points:
    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()

    def set(self, name):
        (self.directory / name).touch()

    def has_struck(self, name):
        return not (self.directory / name).exists()

    def wait(self, name):
        wait_until(lambda: self.has_struck(name), "a process at %s" % name)


@pytest.fixture
def points(tmp_path, monkeypatch):
    points = Points(tmp_path / "points")
    monkeypatch.setenv("ECHO_LOGD_CRASH_DIR", str(points.directory))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    return points


@pytest.fixture
def start_crashing(start):
    return lambda options=None, **more: start(options, program=binary() + "-crash", **more)


def files_of(daemon):
    """All files that contain records: the logs under all names, and the spill files."""
    directory, state = os.path.dirname(daemon.path), os.environ["STATE_DIRECTORY"]
    return [os.path.join(directory, name) for name in os.listdir(directory)
            if name.startswith("messages.log")] + \
        [os.path.join(state, name) for name in os.listdir(state)]


def grow(daemon, least=200_000):
    """Waits until all these files together have grown by LEAST bytes."""
    def size():
        return sum(os.path.getsize(path) for path in files_of(daemon) if os.path.exists(path))
    before = size()
    wait_until(lambda: size() > before + least, "a growing log")


def rename(daemon, n):
    os.rename(daemon.path, daemon.path + ".renamed%d" % n)


def end_the_rest(daemon):
    """Kills what is left when the master has died, as systemd would."""
    assert daemon.wait() == -signal.SIGKILL
    daemon.expected_statuses.add(-signal.SIGKILL)
    left = [pid for pid in children(os.getpid()) if comm(pid).startswith("echo-log")]
    daemon.orphans.update(left)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_gone(pid), "the end of %d" % pid)
    daemon.reap_orphans()


# --- the logger

@pytest.mark.parametrize("point, options", [
    ("logger-batch-seen", {}),
    ("logger-batch-seen", ROTATE),
    ("logger-batch-staged", {}),
    ("logger-mid-splice", {}),
    ("logger-mid-splice", {"log.format": "json"}),
    ("logger-mid-splice", ROTATE),
    ("logger-before-publish", WRITTEN),
    ("logger-before-wake", WRITTEN),
    ("logger-before-sync", SYNCED),
    ("logger-after-sync", SYNCED),
    ("logger-before-publish", SYNCED),
    ("logger-count-written", ROTATE),
    ("logger-leaves", ROTATE),
    ("logger-record-pending", ROTATE),
    ("logger-record-staged", ROTATE),
    ("logger-record-pending", {"rename": True}),
    ("logger-leaves", {"rename": True, **SYNCED}),
    ("logger-record-staged", {"rename": True}),
], ids=str)
def test_the_logger_dies(start_crashing, traffic, points, point, options):
    options = dict(options)
    renames = options.pop("rename", False)
    daemon = start_crashing(options)
    load = traffic(daemon, 3600, LOAD)
    for n in range(TIMES):
        grow(daemon)
        pid = logger_of(daemon)
        points.set(point)
        if renames:
            rename(daemon, n)
        points.wait(point)
        if not renames and options != ROTATE:
            wait_until(lambda: logger_of(daemon) != pid, "another logger")
        grow(daemon)
    lost = load.end(at_once=True)["lost"]
    assert lost == 0 or options == SYNCED, lost
    daemon.stop()
    assert "was killed by signal 9" in daemon.stderr()
    if options.get("log.format") != "json":
        load.judge(*files_of(daemon), least_bytes=LEAST)


def test_the_logger_dies_between_a_failed_sync_and_its_report(start_crashing, traffic, points):
    """The kernel reports such an error only once.  The next logger must not assume success."""
    daemon = start_crashing(SYNCED)
    load = traffic(daemon, 3600, LOAD)
    grow(daemon)
    points.set("logger-sync-failed")
    pid = logger_of(daemon)
    subprocess.run(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
                    "inject=fdatasync:error=EIO:when=3"], timeout=60)
    wait_until(lambda: "the sync counts as failed" in daemon.stderr(), "the message about it")
    assert points.has_struck("logger-sync-failed")
    grow(daemon)
    # All clients that waited for this sync were disconnected without an echo.
    assert load.end(at_once=True)["lost"] > 0
    daemon.stop()
    assert len(files_of(daemon)) == 2
    load.judge(*files_of(daemon), least_bytes=LEAST)


@pytest.mark.parametrize("point", ["logger-record-pending", "logger-record-staged"])
def test_a_torn_tail_is_recorded_once(start_crashing, make_daemon, points, point):
    """The logger dies before or after it has written the `torn` record to the stage."""
    daemon = make_daemon(program=binary() + "-crash")
    with open(daemon.path, "w") as log:
        log.write("2026-11-22T21:04:05.123456Z 6443f5a1b2c3d.0 192.0.2.7:53412 open\n"
                  "2026-11-22T21:04:05.123987Z 6443f5a1b2c3d.1 192.0.2.7:53412 mess")
    points.set(point)
    daemon.start()
    points.wait(point)
    daemon.stop()
    with open(daemon.path) as log:
        events = [line.split(" ")[3] for line in log.read().splitlines()]
    assert events == ["open", "mess", "torn", "start"]


# --- workers

@pytest.mark.parametrize("point, options", [
    ("worker-before-open", {}),
    ("worker-before-write", {}),
    ("worker-written", {}),
    ("worker-written", WRITTEN),
    ("worker-before-echo", {}),
    ("worker-before-echo", SYNCED),
    ("worker-closed", {}),
    ("worker-holds-tickets", TICKETS),
], ids=str)
def test_a_worker_dies(start_crashing, traffic, points, point, options):
    daemon = start_crashing(options)
    load = traffic(daemon, 3600, LOAD + ["--connection-bytes", "200000"])
    for n in range(TIMES * 2):
        if options != TICKETS:
            grow(daemon)
        points.set(point)
        points.wait(point)
    load.end(at_once=True)
    daemon.stop()
    assert "was killed by signal 9" in daemon.stderr()
    if options != TICKETS:
        load.judge(daemon.path, least_bytes=LEAST)
    with open(daemon.path) as log:
        text = log.read()
    # One for each worker that was killed.
    assert text.count(" close killed") == TIMES * 2
    assert options != TICKETS or text.count(" message ") <= 2000


def test_close_killed_is_written_at_least_once(start_crashing, traffic, points):
    daemon = start_crashing()
    load = traffic(daemon, 3600, LOAD)
    grow(daemon)
    points.set("worker-close-killed-written")
    points.set("worker-written")
    points.wait("worker-close-killed-written")
    grow(daemon)
    load.end(at_once=True)
    daemon.stop()
    load.judge(daemon.path, least_bytes=LEAST)


# --- the master, and with it all processes

def start_again(daemon):
    end_the_rest(daemon)
    daemon.start()


@pytest.mark.parametrize("point, cause", [
    ("master-file-renamed", "limit"),
    ("master-file-taken", "limit"),
    ("master-file-stored", "limit"),
    ("master-file-taken", "rename"),
    ("master-file-stored", "rename"),
    ("master-reload", "reload"),
    ("master-truncation-seen", "truncate"),
    ("adopted", "kill"),
], ids=str)
def test_the_master_dies(start_crashing, traffic, points, store, point, cause):
    daemon = start_crashing(ROTATE if cause == "limit" else {}, store=store)
    load = traffic(daemon, 3600, LOAD)
    for n in range(TIMES):
        grow(daemon)
        points.set(point)
        if cause == "rename":
            rename(daemon, n)
        elif cause == "reload":
            daemon.configure(log_path=daemon.path + ".reload%d" % n)
            daemon.signal(signal.SIGHUP)
        elif cause == "truncate":
            load.end(at_once=True)
            wait_until(lambda: len(daemon.idle_workers()) == len(daemon.workers()), "nobody served")
            settled(lambda: os.path.getsize(daemon.path), "a log")
            os.truncate(daemon.path, 0)
            os.remove(load.ledger)
            load = traffic(daemon, 3600, LOAD)
        elif cause == "kill":
            daemon.signal(signal.SIGKILL)
            end_the_rest(daemon)
            daemon.launch()
        points.wait(point)
        start_again(daemon)
        grow(daemon)
    load.end(at_once=True)
    daemon.stop()
    load.judge(*files_of(daemon), least_bytes=LEAST)
    

def test_pending_records_of_the_next_file_are_not_written_to_this_one(start_crashing, traffic,
                                                                      points, store):
    """The next file has a torn tail.  The master dies before it has stored that file in systemd."""
    daemon = start_crashing(store=store)
    load = traffic(daemon, 3600, LOAD)
    grow(daemon)
    torn, old = daemon.path + ".torn", daemon.path + ".old"
    with open(torn, "w") as log:
        log.write("2026-11-22T21:04:05.123456Z 6443f5a1b2c3d.0 192.0.2.7:53412 op")
    stop(daemon.pid)
    os.rename(daemon.path, old)
    os.rename(torn, daemon.path)
    points.set("master-records-pending")
    os.kill(daemon.pid, signal.SIGCONT)
    points.wait("master-records-pending")
    start_again(daemon)
    grow(daemon)
    load.end(at_once=True)
    daemon.stop()
    with open(old) as log:
        assert " - - torn " not in log.read()
    with open(daemon.path) as log:
        junk, torn_record, *rest = log.readlines()
    assert junk.endswith(" op\n") and " - - torn bytes=" in torn_record
    with open(daemon.path + ".mended", "w") as log:
        log.writelines(rest)
    load.judge(old, daemon.path + ".mended", least_bytes=LEAST)


def test_the_master_dies_with_half_of_its_pipes_stored(make_daemon, traffic, points, store):
    """The pipes are still empty.  The next master makes its own."""
    daemon = make_daemon(program=binary() + "-crash", store=store)
    points.set("master-half-stored")
    daemon.launch()
    points.wait("master-half-stored")
    end_the_rest(daemon)
    daemon.start()
    assert store.names().count("echo-logd/log-pipe") == 2
    assert store.names().count("echo-logd/stage-pipe") == 2
    load = traffic(daemon, 3600, LOAD)
    grow(daemon)
    pipe = LogPipe(daemon)
    stop(logger_of(daemon))
    wait_until(lambda: pipe.waiting_bytes() > 10_000, "records in the pipe")
    kill_everything(daemon)
    pipe.close()
    load.end(at_once=True)
    assert store.bytes_in_pipes() > 10_000
    daemon.start()
    daemon.stop()
    load.judge(daemon.path, least_bytes=LEAST)


def ends_in_a_record(path):
    with open(path, "rb") as log:
        log.seek(-1, os.SEEK_END)
        return log.read() != b"\n"


def fill_the_stage(daemon, points):
    """Has the logger die in the middle of a record, and no other follow: the master is stopped."""
    victim = None
    for _ in range(20):
        victim = daemon.wait_for_logger(other_than=victim)
        stop(daemon.pid)
        points.set("logger-mid-splice")
        points.wait("logger-mid-splice")
        if ends_in_a_record(daemon.path):
            return
        # It died between two records: try again.
        os.kill(daemon.pid, signal.SIGCONT)
    raise AssertionError("no half record")


def leave_half_a_record(start_crashing, traffic, points, store):
    """Kills all processes with half a record in the log.  Returns the daemon and its load."""
    daemon = start_crashing(store=store)
    load = traffic(daemon, 3600, LOAD)
    grow(daemon, 1_000_000)
    fill_the_stage(daemon, points)
    daemon.signal(signal.SIGKILL)
    end_the_rest(daemon)
    load.end(at_once=True)
    return daemon, load


@pytest.mark.parametrize("spoil", ["bad configuration", "port taken"])
@pytest.mark.parametrize("point", ["spill-created", "spill-head-copied", "spill-log-rewound",
                                   "spill-half", "spill-synced", None])
def test_a_spill_dies(start_crashing, traffic, points, store, point, spoil):
    """
    All processes are killed with half a record in the log, and the service cannot start again.
    The master that spills the records is killed too.  After a repair the service starts, and all
    records are there, once and whole.
    """
    daemon, load = leave_half_a_record(start_crashing, traffic, points, store)
    good = dict(daemon.options)
    if spoil == "bad configuration":
        daemon.configure(server_prot=7)
    else:
        daemon.configure(server_address="127.0.0.9")
    with socket.create_server(("127.0.0.9", daemon.port)):
        # A second master does not create the spill file, so it cannot die there.
        for _ in range(1 if point == "spill-created" else 2):
            if point:
                points.set(point)
            daemon.launch()
            if not point:
                assert daemon.wait() in (1, 6)
                store.clear()
                break
            points.wait(point)
            end_the_rest(daemon)
    daemon.options = good
    daemon.write_config()
    daemon.start()
    daemon.stop()
    assert re.search(r"records that were not logged \(\d+ bytes\) are in ", daemon.stderr())
    assert len(os.listdir(os.environ["STATE_DIRECTORY"])) == 1
    load.judge(*files_of(daemon), least_bytes=LEAST)


def test_a_spill_does_not_fill_up_a_log_that_was_truncated(start_crashing, traffic, points, store):
    """It would fill it with zero bytes, up to its former size."""
    daemon, _ = leave_half_a_record(start_crashing, traffic, points, store)
    os.truncate(daemon.path, 0)
    good = dict(daemon.options)
    daemon.configure(server_prot=7)
    daemon.launch()
    assert daemon.wait() == 6
    assert os.path.getsize(daemon.path) == 0
    assert len(os.listdir(os.environ["STATE_DIRECTORY"])) == 1
    store.clear()
    daemon.options = good
    daemon.write_config()
    daemon.start()
    daemon.stop()
    with open(daemon.path) as log:
        assert [line.split(" ")[3] for line in log] == ["start"]


def test_another_format_waits_for_room_for_a_spill(start_crashing, traffic, points, store, mounts,
                                                   monkeypatch):
    """The records of the old format stay in the pipes until all of them fit in one spill file."""
    disk = mounts.tmpfs("16k")
    daemon, load = leave_half_a_record(start_crashing, traffic, points, store)
    monkeypatch.setenv("STATE_DIRECTORY", disk)
    daemon.configure(log_format="json")
    daemon.expected_statuses.add(150)
    for _ in range(2):
        daemon.launch()
        assert daemon.wait() == 150
        assert len(os.listdir(disk)) == 1
    assert daemon.stderr().count("cannot save the last run's records") == 2
    mounts.resize(disk, "8m")
    daemon.start()
    daemon.stop()
    assert len(os.listdir(disk)) == 1
    load.judge(*(path for path in files_of(daemon) if path != daemon.path), least_bytes=LEAST)
    with open(daemon.path) as log:
        assert all(line.startswith("{") for line in log)
