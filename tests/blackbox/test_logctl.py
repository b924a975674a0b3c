# SPDX-License-Identifier: MIT
"""Tests echo-logctl status and reopen."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from clients import Client, Load
from daemon import binary, children, control, is_gone, is_pending, wait_until
from oracle import check_log

ECHO_LOGCTL = os.path.join(os.path.dirname(binary()), "echo-logctl")
KEYS = ["state", "master_pid", "logger_pid", "started", "generation", "clients", "max_clients",
        "clients_total", "workers_idle", "log", "log_error", "log_files", "log_written_bytes",
        "received_messages", "dropped_messages", "received_bytes", "logged_bytes",
        "dropped_bytes", "in_flight_bytes", "unknown_bytes", "problems"]


@pytest.fixture
def start(make_daemon):
    def start_one(options=None, **arguments):
        return make_daemon(options, runtime_directory=True, **arguments).start()

    return start_one


def adds_up(said):
    return said["received_bytes"] == sum(said[name + "_bytes"] for name in
                                         ("logged", "dropped", "in_flight", "unknown"))


# --- status

def test_status_of_known_traffic(start):
    begin = time.time()
    daemon = start({"server.max_clients": 20, "log.framing": "line"})
    with Client(daemon.port) as gone:
        gone.talk(b"hello\n")
        gone.talk(b"again\n")
        gone.finish()
    with Client(daemon.port) as client:
        client.talk(b"seventeen bytes.\n")
        client.send(b"half a line")
        wait_until(lambda: daemon.figures()["in_flight_bytes"] == 11, "half a line in flight")
        wait_until(lambda: daemon.figures()["log_written_bytes"] ==
                   os.path.getsize(daemon.path), "all written")
        said = daemon.figures()
        text = daemon.control("status").stdout
        client.finish()
    assert list(said) == KEYS
    started = time.strptime(said.pop("started"), "%Y-%m-%dT%H:%M:%SZ")
    assert begin - 2 < time.mktime(started) - time.timezone < time.time() + 1
    assert said.pop("log_written_bytes") > 300
    assert said.pop("workers_idle") >= 1
    assert said == {
        "state": "running", "master_pid": daemon.pid, "logger_pid": daemon.logger(),
        "generation": 1, "clients": 1, "max_clients": 20, "clients_total": 2,
        "log": "takes", "log_error": "", "log_files": 1,
        "received_messages": 3, "dropped_messages": 0,
        "received_bytes": 40, "logged_bytes": 29, "dropped_bytes": 0, "in_flight_bytes": 11,
        "unknown_bytes": 0, "problems": []}
    assert re.fullmatch(
        r"echo-logd is running, started \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n"
        r"configuration  generation 1\n"
        r"processes      master %d, logger %d, \d+ workers, \d+ of them idle\n"
        r"log            can be written\n"
        r"clients        1 now, 20 at most, 2 in total\n"
        r"messages       3 received, 0 dropped\n"
        r"bytes          received    +40\n"
        r"               = logged    +29\n"
        r"               \+ dropped   +0\n"
        r"               \+ in flight +11\n"
        r"               \+ unknown   +0\n" % (daemon.pid, said["logger_pid"]), text), text
    daemon.reload()
    assert daemon.figures()["generation"] == 2
    # STATUS= has the same numbers.
    daemon.wait_status("1 messages, |40 bytes so far = 40 logged [+] 0 dropped [+] 0 in flight "
                       "[+] 0 unknown; 0 messages dropped; configuration 2$")


def test_status_adds_up_at_every_instant(start):
    daemon = start()
    with Load(daemon.port, 4, max_bytes=20_000) as load:
        looks = []
        while len(looks) < 100 or looks[-1]["logged_bytes"] < 5_000_000:
            looks.append(daemon.figures())
            assert adds_up(looks[-1]), looks[-1]
            # A worker has one read in hand at most.
            assert looks[-1]["in_flight_bytes"] <= 4 * 65536
    clients = load.finish()
    daemon.stop()
    said = daemon.figures()
    sent = sum(len(client.sent) for client in clients)
    assert said["received_bytes"] == said["logged_bytes"] == sent
    assert any(look["in_flight_bytes"] > 0 for look in looks)


def test_status_of_a_limit(start):
    daemon = start({"log.message_limit": 2, "log.at_message_limit": "stop"})
    with Client(daemon.port) as client:
        for _ in range(5):
            client.talk(b"1234567890")
        wait_until(lambda: daemon.figures()["log"] == "limit", "the limit")
        said = daemon.figures()
        assert (said["received_messages"], said["dropped_messages"]) == (5, 3)
        assert (said["logged_bytes"], said["dropped_bytes"]) == (20, 30)
        assert "log            message limit reached: new messages are echoed but not saved\n" \
            in daemon.control("status").stdout
        daemon.wait_status("50 bytes so far = 20 logged [+] 30 dropped [+] 0 in flight")


def test_status_of_a_log_that_cannot_be_opened(start, tmp_path):
    """There is no logger, and status reports why.  A reopen waits."""
    daemon = start(log_directory=tmp_path)
    os.rename(daemon.path, daemon.path + ".1")
    os.mkdir(daemon.path)
    waiting = start_reopen(daemon)
    wait_until(lambda: daemon.figures()["log"] == "stalled", "a stall")
    said = daemon.figures()
    assert said["logger_pid"] == 0 and said["log_error"], said
    text = daemon.control("status").stdout
    assert "log            stalled: %s\n" % said["log_error"] in text
    assert ", no logger, " in text
    assert waiting.poll() is None
    os.rmdir(daemon.path)
    assert waiting.communicate(timeout=60)[1] == "" and waiting.returncode == 0
    assert os.path.isfile(daemon.path)
    wait_until(lambda: daemon.figures()["log"] == "takes", "the end of it")
    assert daemon.figures()["logger_pid"] == daemon.logger()


def test_status_of_a_daemon_that_has_stopped(start):
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"hello\n")
        client.finish()
    daemon.stop()
    said = daemon.control("status")
    assert said.returncode == 1
    assert said.stderr == (
        "echo-logctl: the echo-logd of %s/scoreboard (process %d) is not running any more; for "
        "another instance use --runtime DIR\n" % (daemon.runtime_directory, daemon.pid))
    assert said.stdout.startswith("echo-logd is not running; figures of the one started ")
    assert "log  " not in said.stdout and "processes" not in said.stdout
    said = daemon.figures()
    assert said["state"] == "gone" and said["logged_bytes"] == 6


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM])
def test_status_of_a_master_that_nobody_has_reaped(start, signo):
    daemon = start()
    daemon.expected_statuses.add(-signal.SIGKILL)
    daemon.orphans.update(children(daemon.pid))
    os.kill(daemon.pid, signo)
    wait_until(lambda: "Z (zombie)" in open("/proc/%d/status" % daemon.pid).read(), "its end")
    for command in ("status", "reopen"):
        said = daemon.control(command)
        assert (said.returncode, "not running any more" in said.stderr) == (1, True), said
    daemon.wait()
    wait_until(lambda: all(is_gone(pid) for pid in daemon.orphans), "the end of its children")


def test_the_pid_of_a_dead_master_goes_to_somebody_else(start, tmp_path):
    """A reopen must not send a signal to another process."""
    daemon = start()
    daemon.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            with open(os.path.join(daemon.runtime_directory, "scoreboard"), "r+b") as board:
                data = board.read()
                old = daemon.pid.to_bytes(4, "little")
                at = data.index(old)
                board.seek(at)
                board.write(stranger.pid.to_bytes(4, "little"))
            said = daemon.control("reopen")
            assert said.returncode == 1
            assert "(process %d) is not running any more" % stranger.pid in said.stderr
            assert daemon.control("status").returncode == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("command", ["status", "reopen"])
def test_no_scoreboard(tmp_path, command):
    said = control(command, "--runtime", str(tmp_path))
    assert said.returncode == 1 and said.stdout == ""
    assert said.stderr == (
        "echo-logctl: echo-logd is not running here (no %s/scoreboard); for another instance use "
        "--runtime DIR\n" % tmp_path)


@pytest.mark.parametrize("damage, words", [
    (lambda data: b"", "is not a scoreboard of echo-logd, or is damaged"),
    (lambda data: data[:5000], "is not a scoreboard of echo-logd, or is damaged"),
    (lambda data: data + bytes(100), "is not a scoreboard of echo-logd, or is damaged"),
    (lambda data: b"X" + data[1:], "is not a scoreboard of echo-logd, or is damaged"),
    (lambda data: data[:8] + b"\xff" + data[9:],
     "was made by another version of echo-logd than this echo-logctl"),
    (lambda data: data[:12] + b"\xff\xff\xff\xff" + data[16:],
     "is not a scoreboard of echo-logd, or is damaged"),
], ids=["empty", "cut off", "too long", "magic", "version", "slots"])
def test_damaged_scoreboard(start, tmp_path, damage, words):
    daemon = start()
    with open(os.path.join(daemon.runtime_directory, "scoreboard"), "rb") as board:
        data = board.read()
    (tmp_path / "scoreboard").write_bytes(damage(data))
    for command in ("status", "reopen"):
        said = control(command, "--runtime", str(tmp_path))
        assert (said.returncode, said.stdout) == (1, ""), said
        assert said.stderr == "echo-logctl: %s/scoreboard %s\n" % (tmp_path, words)


@pytest.fixture
def public():
    """A directory that other users can enter, with an echo-logctl in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        shutil.copy(ECHO_LOGCTL, directory)
        yield directory


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_another_user(make_daemon, public):
    daemon = make_daemon(runtime_directory=True)
    daemon.runtime_directory = public
    daemon.start()

    def as_nobody(command, group="nogroup"):
        return subprocess.run([public + "/echo-logctl", command, "--runtime", public], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, user="nobody", group=group,
                              extra_groups=[])

    for command in ("status", "reopen"):
        said = as_nobody(command)
        assert (said.returncode, said.stdout) == (1, ""), said
        assert said.stderr == ("echo-logctl: cannot read %s/scoreboard: permission denied; use "
                               "sudo, or join the group echo-logd\n" % public)
    # The daemon's group can read the status, but cannot send signals.
    said = as_nobody("status", group="root")
    assert said.returncode == 0 and said.stdout.startswith("echo-logd is running"), said
    said = as_nobody("reopen", group="root")
    assert (said.returncode, said.stderr) == (
        1, "echo-logctl: cannot signal process %d: Operation not permitted; use sudo\n"
        % daemon.pid)


@pytest.mark.parametrize("arguments, words", [
    (["status", "--runtime"], "option '--runtime' requires an argument"),
    (["status", "--yaml"], "unrecognized option '--yaml'"),
    (["status", "more"], "more: not an argument of status"),
    (["reopen", "--json"], "--json: not an option of reopen"),
    (["reopen", "more"], "more: not an argument of reopen"),
])
def test_usage(arguments, words):
    said = control(*arguments)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "echo-logctl: %s\nTry 'echo-logctl --help'.\n" % words


def test_output_that_cannot_be_written(start):
    daemon = start()
    with open("/dev/full", "w") as full:
        said = subprocess.run([ECHO_LOGCTL, "status", "--runtime", daemon.runtime_directory],
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert said.returncode == 1 and "No space left on device" in said.stderr


# --- reopen

def by_first_record(daemon):
    """The log and all renamed files beside it, in the order of their records."""
    directory, name = os.path.split(daemon.path)
    return sorted((os.path.join(directory, each) for each in os.listdir(directory)
                   if each.startswith(name)), key=lambda path: open(path).readline())


def start_reopen(daemon):
    return subprocess.Popen([ECHO_LOGCTL, "reopen", "--runtime", daemon.runtime_directory],
                            stderr=subprocess.PIPE, text=True)


def rotate(daemon, name):
    """Rotates as logrotate does.  When echo-logctl returns, the new file must be in use."""
    os.rename(daemon.path, name)
    said = daemon.control("reopen")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", ""), said
    assert os.path.exists(daemon.path)


def test_reopen_waits_for_the_new_file(start):
    daemon = start()
    with Client(daemon.port) as client:
        for n in range(30):
            client.talk(b"before %d\n" % n)
            name = "%s.%d" % (daemon.path, n)
            rotate(daemon, name)
            size = os.path.getsize(name)
            client.talk(b"after %d\n" % n)
            wait_until(lambda: b"after %d\\n" % n in open(daemon.path, "rb").read(), "the message")
            assert os.path.getsize(name) == size
        client.finish()
    daemon.stop()
    check_log(by_first_record(daemon), [client])


def test_reopen_without_a_renaming(start):
    daemon = start()
    inode = os.stat(daemon.path).st_ino
    assert daemon.control("reopen").returncode == 0
    assert os.stat(daemon.path).st_ino == inode


def slow_down(daemon):
    """Delays each open(2) of the master, so that a command that does not wait returns too early."""
    strace = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(daemon.pid), "-e",
                               "inject=openat:delay_enter=300000"], stderr=subprocess.DEVNULL)
    wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in
               open("/proc/%d/status" % daemon.pid).read(), "strace at the master")
    return strace


def test_reopen_waits_for_a_slow_master(start):
    daemon = start()
    with slow_down(daemon) as strace:
        for n in range(3):
            rotate(daemon, "%s.%d" % (daemon.path, n))
        strace.terminate()


def test_reopen_twenty_at_once_under_load(start):
    daemon = start()
    with Load(daemon.port, 4, max_bytes=4000, window=8000) as load:
        for n in range(5):
            echoed = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > echoed + 100_000, "traffic")
            os.rename(daemon.path, "%s.%d" % (daemon.path, n))
            many = [start_reopen(daemon) for _ in range(20)]
            assert [process.wait(60) for process in many] == [0] * 20
            assert os.path.exists(daemon.path)
    clients = load.finish()
    daemon.stop()
    check_log(by_first_record(daemon), clients, min_bytes=500_000)


@pytest.mark.parametrize("at_limit", ["rotate", "stop"])
def test_reopen_with_a_limit_under_load(start, at_limit):
    """At the same time the logger leaves because of the limit, and holds back tickets."""
    daemon = start({"log.message_limit": 200, "log.at_message_limit": at_limit})
    with Load(daemon.port, 4, max_bytes=2000) as load:
        for n in range(20):
            echoed = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > echoed + 50_000, "traffic")
            # With `rotate` the daemon may rename the file at any moment, also after the reopen.
            with contextlib.suppress(FileNotFoundError):
                os.rename(daemon.path, "%s.%d" % (daemon.path, n))
            said = daemon.control("reopen")
            assert (said.returncode, said.stdout, said.stderr) == (0, "", ""), said
            assert at_limit == "rotate" or os.path.exists(daemon.path)
    clients = load.finish()
    daemon.stop()
    if at_limit == "rotate":
        check_log(by_first_record(daemon), clients, min_bytes=1_000_000)
    assert adds_up(daemon.figures())


def test_reopen_during_reloads(start, tmp_path):
    """The file that a reload has opened may be renamed before the logger uses it."""
    paths = [str(tmp_path / "one.log"), str(tmp_path / "two.log")]
    daemon = start({"log.path": paths[0]})
    for n in range(30):
        path = paths[(n + 1) % 2]
        daemon.configure(log_path=path)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: os.path.exists(path), "the other file")
        os.rename(path, path + ".%d" % n)
        assert daemon.control("reopen").returncode == 0
        assert os.path.exists(path)
        wait_until(lambda: daemon.figures()["generation"] == n + 2, "the reload")
        os.rename(paths[n % 2], "%s.old" % paths[n % 2])


def test_signal_during_the_start(make_daemon):
    """The signal does not kill the master, and the log is opened again."""
    first = make_daemon(name="first").start()
    second = make_daemon(name="second", runtime_directory=True,
                         log_directory=os.path.dirname(first.path))
    second.launch()
    # The second daemon waits for the lock of the first one now.
    wait_until(lambda: second.control("status").stdout.startswith("echo-logd is starting"), "it")
    second.signal(signal.SIGUSR1)
    first.stop()
    second.notifications.wait(lambda f: f.get("READY") == "1", "READY=1")
    assert second.figures()["state"] == "running"
    rotate(second, first.path + ".1")


def test_reopen_when_the_master_dies(start):
    daemon = start()
    os.kill(daemon.pid, signal.SIGSTOP)
    with start_reopen(daemon) as waiting:
        wait_until(lambda: is_pending(daemon.pid, signal.SIGUSR1),
                   "SIGUSR1 that waits for the master")
        daemon.kill_master()
        assert "not running any more" in waiting.communicate(timeout=60)[1]
        assert waiting.returncode == 1
