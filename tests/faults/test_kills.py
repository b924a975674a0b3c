# SPDX-License-Identifier: MIT
"""Kills processes at any instant, under load: no echoed byte is lost, doubled or torn."""
import os
import random
import signal
import subprocess
import time

import pytest

from clients import Client
from daemon import is_gone, read_text, wait_until
from faults import (SEED, SOAK, check_account, failing, kill_again_and_again, kill_everything,
                    logger_of, stop)

LOGGER_KILLS = 10_000 if SOAK else 100
WORKER_KILLS = 500 if SOAK else 40
SERVICE_KILLS = 1000 if SOAK else 40
BOUNDARY_KILLS = 67 if SOAK else 5
LOAD = ["--clients", "16", "--size", "4096", "--window", "16384"]


@pytest.mark.seconds(3600 if SOAK else 120)
@pytest.mark.parametrize("echo_after", ["queued", "written"])
def test_killed_loggers(start, traffic, echo_after):
    daemon = start({"log.echo_after": echo_after})
    load = traffic(daemon, 3600, LOAD + ["--kind", "text"])
    kill_again_and_again(daemon, "echo-log-logger", LOGGER_KILLS, 0.02)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path)


@pytest.mark.seconds(600)
def test_killed_loggers_that_sync(start, traffic):
    """A logger is killed in the middle of a sync.  No client gets a receipt; a new file begins."""
    daemon = start({"log.echo_after": "synced"})
    load = traffic(daemon, 3600, LOAD)
    kill_again_and_again(daemon, "echo-log-logger", LOGGER_KILLS // 4, 0.05)
    load.end(at_once=True)
    daemon.stop()
    files = [os.path.join(os.path.dirname(daemon.path), name)
             for name in os.listdir(os.path.dirname(daemon.path))
             if name.startswith("messages.log")]
    load.judge(*files, least_bytes=100_000)
    assert len(files) > 1


@pytest.mark.seconds(1200 if SOAK else 120)
def test_killed_workers(start, traffic):
    daemon = start()
    load = traffic(daemon, 3600, LOAD)
    kill_again_and_again(daemon, "echo-log-worker", WORKER_KILLS, 0.03)
    load.end(at_once=True)
    daemon.stop()
    load.judge(daemon.path)
    with open(daemon.path) as log:
        assert sum(" close killed" in line for line in log) > 0


@pytest.mark.seconds(1200 if SOAK else 120)
@pytest.mark.parametrize("call", ["splice", "ioctl", "ppoll"])
def test_logger_killed_at_a_system_call(start, traffic, call):
    daemon = start()
    load = traffic(daemon, 3600, LOAD)
    for n in range(1, BOUNDARY_KILLS + 1):
        pid = logger_of(daemon)
        strace = subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
             "inject=%s:signal=KILL:when=%d" % (call, n)], timeout=60, stderr=subprocess.PIPE)
        # If it has ended before strace attaches, it is not killed at the call.
        assert b"attach" not in strace.stderr, strace.stderr
        wait_until(lambda: logger_of(daemon) != pid, "another logger")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path)


def test_everything_killed_after_written_receipts(start, traffic):
    """Without systemd nothing keeps the pipes, so what was echoed must be in the file."""
    daemon = start({"log.echo_after": "written"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 3_000_000, "a volume")
    kill_everything(daemon)
    load.end(at_once=True)
    daemon.start()
    daemon.stop()
    # The last record may be torn, and is followed by a `torn` record.  It was not echoed.
    with open(daemon.path, "rb") as log:
        lines = log.read().split(b"\n")
    torn = [i for i, line in enumerate(lines) if b" - - torn bytes=" in line]
    for i in torn:
        del lines[i - 1]
    with open(daemon.path + ".mended", "wb") as log:
        log.write(b"\n".join(lines))
    load.judge(daemon.path + ".mended")


@pytest.mark.seconds(1200 if SOAK else 120)
def test_everything_killed_and_the_pipes_kept(start, traffic, store):
    """Tests promise P2 at random instants, with a stand-in.  tests/systemd has the real systemd."""
    rng = random.Random(SEED)
    daemon = start(store=store)
    load = traffic(daemon, 3600, LOAD)
    bytes_waited = 0
    for _ in range(SERVICE_KILLS):
        time.sleep(rng.random() * 0.05)
        kill_everything(daemon)
        bytes_waited += store.bytes_in_pipes() > 0
        daemon.start()
    load.end(at_once=True)
    daemon.stop()
    # The scoreboard was kept too, so there is one account of all bytes.
    check_account(daemon, load.judge(daemon.path))
    # At least half of the kills left bytes in the pipes.
    assert bytes_waited * 2 >= SERVICE_KILLS, bytes_waited
    assert store.names() == ["echo-logd/" + name for name in (
        "log-file-1", "log-pipe", "log-pipe", "scoreboard", "stage-pipe", "stage-pipe")]


def test_a_stopped_logger_is_replaced(start, traffic):
    daemon = start({"log.logger_timeout": "1s"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "a volume")
    pid = logger_of(daemon)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: "not responded for" in daemon.stderr(), "the message about it")
    wait_until(lambda: logger_of(daemon) != pid, "another logger")
    size = os.path.getsize(daemon.path)
    wait_until(lambda: os.path.getsize(daemon.path) > size + 1_000_000, "a growing log")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path)


def test_a_stopped_logger_that_only_receipts_wait_for_is_replaced(start):
    """The log pipe is empty, and nobody may look into the stage, where the records are."""
    daemon = start({"log.logger_timeout": "1s", "log.echo_after": "written"})
    with Client(daemon.port) as client:
        client.talk(b"before")
        pid = logger_of(daemon)
        strace = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
                                   "trace=splice", "-e", "inject=splice:signal=STOP:when=1"])
        wait_until(lambda: "TracerPid:\t%d" % strace.pid in read_text("/proc/%d/status" % pid),
                   "strace")
        client.talk(b"in the stage")
        strace.terminate()
        strace.wait()
        client.talk(b"after")
        client.finish()
    assert "not responded for" in daemon.stderr()
    daemon.stop()


def test_a_logger_that_counts_for_long_is_alive(make_daemon):
    """The file is large, the disk is slow, and message_limit is new."""
    daemon = make_daemon({"log.message_limit": 1_000_000, "log.logger_timeout": "1s"}).start()
    with Client(daemon.port) as client:
        client.talk(b"x" * 200)
        client.finish()
    daemon.stop()
    with open(daemon.path) as log:
        line = next(line for line in log if " message " in line)
    with open(daemon.path, "a") as log:
        log.write(line * 30_000)
    daemon.start()
    with failing(daemon, "pread64", "delay_enter=100000"):
        # As with a new limit, the file must be counted again.
        daemon.configure(log_message_limit=0)
        daemon.reload()
        os.rename(daemon.path, daemon.path + ".new")
        daemon.reopen()
        os.rename(daemon.path + ".new", daemon.path)
        daemon.configure(log_message_limit=2_000_000)
        pid = logger_of(daemon)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: logger_of(daemon) != pid, "the logger that counts")
        with Client(daemon.port) as client:
            client.talk(b"waits meanwhile")
            client.finish()
        wait_until(lambda: "generation 3" in daemon.stderr(), "the end of the reload")
    assert "not responded" not in daemon.stderr()
    daemon.stop()


def test_a_stopped_logger_does_not_keep_the_service(start):
    daemon = start({"log.stall_timeout": "300ms", "server.drain_timeout": "0"})
    stop(logger_of(daemon))
    daemon.stop()


@pytest.mark.parametrize("change", ["limit", "rename"])
def test_an_orphan_empties_the_pipe_whatever_its_file_is_called(start, change):
    """
    When the master is dead, no other logger follows.  So this one must not leave, neither for a
    full file nor for a new name.
    """
    daemon = start({"server.drain_timeout": "0", "log.framing": "line",
                    "log.message_limit": 2 if change == "limit" else 0})
    logger = logger_of(daemon)
    os.kill(logger, signal.SIGSTOP)
    with Client(daemon.port) as client:
        for n in range(5):
            client.talk(b"line %d\n" % n)
        path = daemon.path
        if change == "rename":
            path += ".1"
            os.rename(daemon.path, path)
        daemon.orphans.add(logger)
        daemon.expected_statuses.add(-signal.SIGKILL)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        os.kill(logger, signal.SIGCONT)
        wait_until(lambda: is_gone(logger), "the end of the logger")
    with open(path) as log:
        assert [line.split(" ", 5)[5] for line in log if " message " in line] == \
            ['"line %d\\n"\n' % n for n in range(5)]
