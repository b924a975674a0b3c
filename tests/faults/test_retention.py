# SPDX-License-Identifier: MIT
"""Names of rotated files, and which are deleted: clocks, links, odd file systems."""
import os
import shutil
import signal
import stat
import subprocess

import pytest

from clients import Client
from daemon import wait_until
from faults import failing, start_on
from verify import assert_verified

LIMIT = 5
ROTATE = {"log.message_limit": LIMIT}
AHEAD = ["20400101T000000.00000%dZ" % n for n in range(3)]


def names_in(directory, base="messages.log"):
    """The rotated files there, the oldest first."""
    return sorted(n for n in os.listdir(directory)
                  if n.startswith(base + ".") and len(n) == len(base) + 24)


def talk(daemon, first, n):
    """Logs the messages FIRST to FIRST + N - 1."""
    with Client(daemon.port) as client:
        for i in range(first, first + n):
            client.talk(b"number %04d\n" % i)
        client.finish()


def numbers(path):
    with open(path) as log:
        return [int(line.split("number ")[1][:4]) for line in log if " message " in line]


def wait_for_rotations(directory, newest, base="messages.log"):
    """Until the newest rotated file is the one that ends with message NEWEST."""
    def is_there():
        try:
            names = names_in(directory, base)
            return names and numbers(os.path.join(directory, names[-1]))[-1:] == [newest]
        except FileNotFoundError:
            return False

    wait_until(is_there, "the file that ends with message %d" % newest)


# --- the clock

def test_the_clock_was_ahead(start, tmp_path):
    """What it left has the newest names.  The file just rotated is not the one that is deleted."""
    for suffix in AHEAD:
        (tmp_path / ("messages.log." + suffix)).write_text("")
    daemon = start({**ROTATE, "log.keep_files": 2})
    talk(daemon, 0, 4 * LIMIT + 1)
    wait_until(lambda: os.path.exists(daemon.path) and numbers(daemon.path) == [4 * LIMIT],
               "the fifth file")
    wait_until(lambda: len(names_in(tmp_path)) == 2, "two rotated files")
    kept = names_in(tmp_path)
    assert [numbers(tmp_path / name) for name in kept] == \
        [list(range(2 * LIMIT, 3 * LIMIT)), list(range(3 * LIMIT, 4 * LIMIT))]
    assert kept[0] > "messages.log." + AHEAD[-1]
    daemon.stop()


# --- what is deleted, and what is not

def test_a_foreign_file_is_kept(start, tmp_path):
    """It was in the way at the start; no rotation, of this run or a later one, deletes it."""
    path = tmp_path / "messages.log"
    path.write_text("somebody's diary\n")
    daemon = start({**ROTATE, "log.keep_files": 1})
    talk(daemon, 0, 3 * LIMIT + 1)
    wait_for_rotations(tmp_path, 3 * LIMIT - 1)
    daemon.stop()
    daemon.start()
    talk(daemon, 3 * LIMIT + 1, 3 * LIMIT)
    wait_until(lambda: os.path.exists(path) and len(names_in(tmp_path)) == 1, "one rotated file")
    daemon.stop()
    (foreign,) = tmp_path.glob("messages.log.*.foreign")
    assert foreign.read_text() == "somebody's diary\n"


def test_one_file_cannot_be_deleted(start, mounts):
    """The others are, and it is said once."""
    disk = mounts.ext4(16 << 20)
    daemon = start_on(start, disk, ROTATE)
    talk(daemon, 0, 3 * LIMIT)
    wait_for_rotations(disk, 3 * LIMIT - 1)
    oldest = os.path.join(disk, names_in(disk)[0])
    subprocess.run(["chattr", "+i", oldest], check=True)
    try:
        daemon.configure(log_keep_files=1)
        daemon.reload()
        talk(daemon, 3 * LIMIT, 3 * LIMIT)
        wait_for_rotations(disk, 6 * LIMIT - 1)
        wait_until(lambda: len(names_in(disk)) == 2, "all others deleted")
        assert os.path.exists(oldest)
        assert numbers(os.path.join(disk, names_in(disk)[1]))[-1] == 6 * LIMIT - 1
        assert daemon.stderr().count("cannot delete every old file of") == 1
    finally:
        subprocess.run(["chattr", "-i", oldest], check=True)
    daemon.stop()


@pytest.mark.parametrize("format", ["text", "json"])
def test_connections_without_a_byte(start, tmp_path, format):
    """Each counts as a message, so they cannot fill the disk past keep_files."""
    limit, n = 40, 400
    daemon = start({"log.message_limit": limit, "log.keep_files": 2, "log.format": format})
    for _ in range(n):
        with Client(daemon.port) as client:
            client.finish()
    with Client(daemon.port) as client:
        client.talk(b"the last\n")
        client.finish()
    daemon.stop()
    names = names_in(tmp_path)
    assert len(names) == 2
    for name in names:
        closes = (tmp_path / name).read_text().count("close")
        # A connection may have ended in another order than it was logged.
        assert closes == limit, (name, closes)


def test_empty_connections_do_not_count_under_stop(start):
    """There the limit is that of messages, also after a restart."""
    daemon = start({"log.message_limit": 5, "log.at_message_limit": "stop"})
    for _ in range(2):
        for _ in range(10):
            with Client(daemon.port) as client:
                client.finish()
        talk(daemon, 0, 2)
        daemon.stop()
        daemon.start()
    talk(daemon, 0, 2)
    daemon.wait_status("Message limit reached")
    daemon.stop()
    assert len(numbers(daemon.path)) == 5


# --- file systems

def fuse(mounts, program, source, point, *options):
    """Mounts SOURCE at POINT by bindfs or mergerfs."""
    if not shutil.which(program) or not os.path.exists("/dev/fuse"):
        pytest.skip("needs %s and /dev/fuse" % program)
    os.makedirs(source, exist_ok=True)
    os.makedirs(point, exist_ok=True)
    done = subprocess.run([program, *options, source, point], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    if done.returncode != 0:
        pytest.skip("no FUSE here: " + done.stdout)
    mounts.mounted.append(point)
    return point


@pytest.mark.parametrize("error", ["EINVAL", "ENOSYS", "EOPNOTSUPP", "EPERM"])
def test_rename_takes_no_flags(start, tmp_path, error):
    daemon = start(ROTATE)
    with failing(daemon, "renameat2", "error=" + error):
        talk(daemon, 0, 2 * LIMIT + 1)
        wait_until(lambda: len(names_in(tmp_path)) == 2, "two rotated files")
    assert "cannot rename" not in daemon.stderr()
    daemon.stop()
    assert_verified(daemon.path, *(str(tmp_path / name) for name in names_in(tmp_path)))


@pytest.mark.parametrize("program", ["bindfs", "mergerfs"])
def test_rotation_on_fuse(start, mounts, tmp_path, program):
    disk = fuse(mounts, program, str(tmp_path / "source"), str(tmp_path / "point"))
    daemon = start_on(start, disk, {**ROTATE, "log.keep_files": 2})
    talk(daemon, 0, 4 * LIMIT + 1)
    wait_until(lambda: os.path.exists(daemon.path) and numbers(daemon.path) == [4 * LIMIT],
               "the fifth file")
    assert "cannot rename" not in daemon.stderr()
    assert len(names_in(disk)) == 2
    daemon.stop()
    talked = [n for name in names_in(disk) for n in numbers(os.path.join(disk, name))]
    assert talked == list(range(2 * LIMIT, 4 * LIMIT))


def test_a_share_refuses_modes(start, mounts, tmp_path):
    """A warning: the first start works, and so does the second."""
    disk = fuse(mounts, "bindfs", str(tmp_path / "source"), str(tmp_path / "point"),
                "--chmod-deny", "--create-with-perms=0600")
    daemon = start_on(start, disk, ROTATE)
    talk(daemon, 0, 2 * LIMIT + 1)
    wait_until(lambda: len(names_in(disk)) == 2, "two rotated files")
    daemon.stop()
    assert daemon.stderr().count("does not have the permissions that log.mode says") == 1
    daemon.start()
    talk(daemon, 2 * LIMIT + 1, 1)
    daemon.stop()
    assert "not started" not in daemon.stderr()


def test_fchmod_is_refused(make_daemon):
    """The file has what the umask leaves of the mode; the first start works all the same."""
    daemon = make_daemon({"log.mode": "0664"})
    daemon.prefix = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", daemon.path,
                     "-e", "trace=fchmod", "-e", "inject=fchmod:error=EPERM"]
    before = os.umask(0o077)
    try:
        daemon.start()
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(daemon.path).st_mode) == 0o600
    assert "does not have the permissions that log.mode says" in daemon.stderr()
    talk(daemon, 0, 1)
    daemon.stop()


# --- the path is a symbolic link

def test_rotation_where_the_link_leads(start, tmp_path):
    real, link = tmp_path / "real", tmp_path / "links"
    real.mkdir()
    link.mkdir()
    (link / "messages.log").symlink_to("../real/data.log")
    before = os.umask(0o077)
    try:
        daemon = start({**ROTATE, "log.keep_files": 2, "log.mode": "0644"}, log_directory=link)
    finally:
        os.umask(before)
    talk(daemon, 0, 4 * LIMIT + 1)
    wait_until(lambda: (real / "data.log").exists() and numbers(real / "data.log") == [4 * LIMIT],
               "the fifth file")
    assert (link / "messages.log").is_symlink()
    assert os.listdir(link) == ["messages.log"]
    kept = names_in(real, "data.log")
    assert [n for name in kept for n in numbers(real / name)] == \
        list(range(2 * LIMIT, 4 * LIMIT))
    for name in kept + ["data.log"]:
        assert stat.S_IMODE(os.stat(real / name).st_mode) == 0o644
    daemon.stop()


def test_the_link_is_switched(start, tmp_path):
    """That is a move: the next record is in the other file, and rotated there."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    path = tmp_path / "messages.log"
    path.symlink_to(one / "a.log")
    daemon = start(ROTATE)
    talk(daemon, 0, 2)
    wait_until(lambda: numbers(one / "a.log") == [0, 1], "two messages")
    new = tmp_path / "new"
    new.symlink_to(two / "b.log")
    os.rename(new, path)
    daemon.signal(signal.SIGUSR1)
    wait_until(lambda: (two / "b.log").exists(), "the other file")
    talk(daemon, 2, LIMIT + 1)
    wait_for_rotations(two, 2 + LIMIT - 1, "b.log")
    wait_until(lambda: (two / "b.log").exists() and numbers(two / "b.log") == [2 + LIMIT],
               "the last message")
    assert numbers(one / "a.log") == [0, 1] and len(os.listdir(one)) == 1
    daemon.stop()
