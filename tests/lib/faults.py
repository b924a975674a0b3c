# SPDX-License-Identifier: MIT
"""Makes faults: full and failing disks, power cuts, processes killed under load."""
import contextlib
import ctypes
import fcntl
import os
import random
import re
import signal
import subprocess
import time

import pytest

from daemon import children, comm, is_gone, proc_stat, read_text, wait_until
from standin import FdStore
from verify import assert_verified

CLONE_NEWNS = 0x00020000
# linux/ext4.h: ends the file system at once, as a power cut would.
EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2
SYS_SPLICE = {"x86_64": 275, "aarch64": 76}[os.uname().machine]

SEED = int(os.environ.get("ECHO_LOGD_SEED") or random.randrange(1 << 24))
SOAK = bool(os.environ.get("ECHO_LOGD_SOAK"))


def pytest_report_header():
    return "ECHO_LOGD_SEED=%d" % SEED


def tool(name):
    return os.path.join(os.environ["ECHO_LOGD_BUILDDIR"], "tests", "faults", name)


def run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   timeout=60)


def payload_in(*files):
    """The bytes of all messages in text logs."""
    total = 0
    for path in files:
        with open(path) as log:
            for line in log:
                fields = line.split(" ", 5)
                if fields[3] in ("message", "part"):
                    total += int(fields[4])
    return total


def check_account(daemon, logged):
    """
    Checks that the account of all bytes adds up after an ordered stop, with LOGGED bytes of
    payload found in the log.  Returns the figures.
    """
    said = daemon.figures()
    assert said["in_flight_bytes"] == 0, said
    assert said["received_bytes"] == \
        said["logged_bytes"] + said["dropped_bytes"] + said["unknown_bytes"], said
    assert said["logged_bytes"] <= logged <= said["logged_bytes"] + said["unknown_bytes"], \
        (logged, said)
    return said


class Traffic:
    """The clients of tests/faults/load.c, and checks of the log with their ledger."""

    number = 0

    def __init__(self, daemon, seconds, options=()):
        Traffic.number += 1
        self.daemon = daemon
        self.ledger = os.path.join(daemon.directory, "ledger")
        self.process = subprocess.Popen(
            [tool("load"), "--port", str(daemon.port), "--ledger", self.ledger,
             "--seed", str(SEED + Traffic.number), "--seconds", str(seconds), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self, at_once=False):
        """Waits for its end.  Returns {"connections": n, "lost": n, "echoed": bytes}."""
        if at_once:
            self.process.terminate()
        said, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said
        return {name: int(n) for name, n in re.findall(r"(connections|lost|echoed) (\d+)", said)}

    def judge(self, *files, least_bytes=1_000_000):
        """Checks that no echoed byte is lost, doubled or torn in FILES.  Returns the payload."""
        done = subprocess.run([tool("oracle"), self.ledger, *files], text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        last = done.stdout.splitlines()[-1]
        assert last.startswith("lost 0 doubled 0 torn 0 "), done.stdout
        logged = int(last.split()[-1])
        assert logged >= least_bytes, last
        # A daemon that was killed may have lost its pipes, and a new start may count anew.
        if self.daemon.starts == 1 and self.daemon.process.poll() == 0:
            check_account(self.daemon, logged)
        assert_verified(*files)
        return logged


@pytest.fixture
def traffic():
    started = []

    def start(*arguments, **more):
        started.append(Traffic(*arguments, **more))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def store():
    store = FdStore()
    yield store
    store.clear()


def logger_of(daemon):
    """Waits for a logger and returns its pid."""
    return wait_until(lambda: next((pid for pid in children(daemon.pid)
                                    if comm(pid) == "echo-log-logger"), None), "a logger")


@contextlib.contextmanager
def failing(daemon, call, fault):
    """Injects FAULT into CALL in the master and in its children, also in those it forks then."""
    # While it is stopped it forks no child that would not be traced.
    stop(daemon.pid)
    pids = [daemon.pid, *children(daemon.pid)]
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null",
                               *(arg for pid in pids for arg in ("-p", str(pid))),
                               "-e", "trace=" + call,
                               "-e", "inject=%s:%s" % (call, fault)])
    try:
        wait_until(lambda: all(is_gone(pid) or "TracerPid:\t%d\n" % strace.pid in
                               read_text("/proc/%d/status" % pid) for pid in pids), "strace")
        os.kill(daemon.pid, signal.SIGCONT)
        yield
    finally:
        strace.terminate()
        strace.wait()


@contextlib.contextmanager
def traced(pid, *options):
    """Runs strace(1) with OPTIONS on PID for the duration of the block."""
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), *options],
                          stdin=subprocess.DEVNULL) as strace:
        try:
            wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in
                       read_text("/proc/%d/status" % pid), "strace at %d" % pid)
            yield strace
        finally:
            strace.terminate()


def wait_for_splice(pid, target=None):
    """
    Waits until strace delays PID before a splice(2); see traced(), delay_enter.  strace also stops
    it for an instant before other system calls, so name the TARGET if there are several splices.
    """
    def is_held_up():
        number, *arguments = read_text("/proc/%d/syscall" % pid).split() or [""]
        if number != str(SYS_SPLICE):
            return False
        return target is None or \
            os.readlink("/proc/%d/fd/%d" % (pid, int(arguments[2], 16))) == target

    wait_until(is_held_up, "a splice that has not begun")


def stop(pid):
    """Sends SIGSTOP and waits until the process has stopped, perhaps after a system call."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: proc_stat(pid)[0] in "TZ", "a halt")


def halt(daemon):
    """Stops the master, and the logger if there is one.  Returns a list of loggers."""
    stop(daemon.pid)
    # A child that has no name yet may be a logger.
    loggers = [pid for pid in children(daemon.pid) if comm(pid) != "echo-log-worker"]
    for pid in loggers:
        stop(pid)
    return loggers


def kill_everything(daemon):
    """Kills all processes of the service, so that none empties the pipes or forks again."""
    loggers = halt(daemon)
    daemon.orphans.update(children(daemon.pid))
    daemon.expected_statuses.add(-signal.SIGKILL)
    for pid in loggers + [daemon.pid]:
        os.kill(pid, signal.SIGKILL)
    daemon.wait()

    def all_reaped():
        daemon.reap_orphans()
        return not daemon.orphans

    wait_until(all_reaped, "the end of them all")


def kill_again_and_again(daemon, name, times, longest_pause):
    """Kills TIMES processes called NAME at random instants.  Returns their number."""
    rng, killed = random.Random(SEED), set()
    deadline = time.monotonic() + 60 + times
    while len(killed) < times:
        assert time.monotonic() < deadline, "only %d kills" % len(killed)
        found = [pid for pid in children(daemon.pid) if comm(pid) == name and pid not in killed]
        if found:
            pid = rng.choice(found)
            try:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            except ProcessLookupError:
                pass
        time.sleep(rng.random() * longest_pause)
    return len(killed)


def start_on(start, disk, options=None, **more):
    return start(options, log_directory=disk, **more)


def files_in(*directories):
    return [os.path.join(d, name) for d in directories for name in os.listdir(d)
            if name.startswith("messages.log")]


def messages_about_stalls(daemon):
    return re.findall(r"cannot write to .*: No space|can be written again", daemon.stderr())


def is_stalled(daemon):
    said = messages_about_stalls(daemon)
    return said and said[-1].endswith("No space")


def remove_torn_tails(disk):
    """Removes what a power cut has left behind the last newline.  It was never echoed."""
    for name in os.listdir(disk):
        path = os.path.join(disk, name)
        if name.startswith("messages.log"):
            with open(path, "rb+") as log:
                data = log.read()
                # Blocks that were allocated, but not written, contain zeros.
                log.truncate(data.find(b"\0") if b"\0" in data else len(data))
                log.seek(0)
                log.truncate(log.read().rfind(b"\n") + 1)


def without_torn(log):
    """
    Removes the `torn` records from the bytes LOG.  LOG was put together from all pieces, so it is
    whole, as if it had never been truncated.
    """
    return re.sub(rb"(?m)^\S+ - - torn bytes=0\n", b"", log)


def assert_dropped_is_what_lacks(load, files):
    logged, dropped = payload_in(*files), 0
    for path in files:
        with open(path) as log:
            dropped += sum(int(line.rsplit("bytes=", 1)[1]) for line in log if " dropped " in line)
    with open(load.ledger) as ledger:
        counts = [line.split() for line in ledger]
    sent, echoed = (sum(int(c[i]) for c in counts) for i in (1, 2))
    assert dropped > 100_000
    # Bytes under way between a client and its worker may be in neither sum.
    assert echoed <= logged + dropped <= sent


class Mounts:
    """File systems that only this test and its children see."""

    def __init__(self, directory):
        self.directory = directory
        self.mounted = []
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        run("mount", "--make-rprivate", "/")

    def _point(self, name):
        point = str(self.directory / name)
        os.makedirs(point, exist_ok=True)
        self.mounted.append(point)
        return point

    def tmpfs(self, size, name="disk"):
        point = self._point(name)
        run("mount", "-t", "tmpfs", "-o", "size=%s" % size, "tmpfs", point)
        return point

    def resize(self, point, size):
        run("mount", "-o", "remount,size=%s" % size, point)

    def ext4(self, size, image_directory=None, name="disk", options="loop"):
        """Makes an ext4 in a sparse file of SIZE.  Returns its mount point."""
        self.image = os.path.join(str(image_directory or self.directory), name + ".img")
        with open(self.image, "wb") as image:
            image.truncate(size)
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard", self.image)
        return self.mount_image(name, options)

    def mount_image(self, name="disk", options="loop"):
        point = self._point(name)
        run("mount", "-o", options, self.image, point)
        return point

    def cut_power(self, point):
        """
        Cuts the power of the disk: what is not on it is lost.  No sync may be in progress, because
        ext4 may report success for a sync during the shutdown, which no disk without power does.
        (This was seen in 1 of 40 cuts of a loop of write and fdatasync, Linux 6.18.)
        """
        fd = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
        flags = EXT4_GOING_FLAGS_NOLOGFLUSH.to_bytes(4, "little")
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, flags)
        os.close(fd)

    def unmount(self, point):
        # The last process with a file there may not have ended yet.
        wait_until(lambda: subprocess.run(["umount", point], stderr=subprocess.DEVNULL)
                   .returncode == 0, "unmounting of %s" % point)
        self.mounted.remove(point)

    def end(self):
        for point in reversed(self.mounted):
            subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)


@pytest.fixture
def mounts(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount file systems of its own")
    mounts = Mounts(tmp_path)
    yield mounts
    mounts.end()
