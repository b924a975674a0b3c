# SPDX-License-Identifier: MIT
"""The directory of the log is gone, or another, and what the message about it advises."""
import os
import signal

import pytest

from clients import Client
from daemon import wait_until
from faults import halt, run, start_on


@pytest.mark.parametrize("made_again", [True, False])
def test_made_again_below_a_read_only_mount(start, mounts, made_again):
    """As in the sandbox: the service's own mount went with the directory; only a restart helps."""
    outer = mounts.tmpfs("1m", "outer")
    inner = mounts.tmpfs("1m", "outer/inner")
    daemon = start_on(start, inner)
    halted = [*halt(daemon), daemon.pid]
    os.rename(daemon.path, daemon.path + ".mine")
    run("umount", "-l", inner)
    mounts.mounted.remove(inner)
    if not made_again:
        os.rmdir(inner)
    run("mount", "-o", "remount,ro", outer)
    for pid in halted:
        os.kill(pid, signal.SIGCONT)
    daemon.signal(signal.SIGUSR1)
    if made_again:
        daemon.wait_status("^Log stalled .Read-only file system")
        assert "if %s was made again while the service ran, restart the service; else, under " \
            "systemd, add ReadWritePaths=%s to a drop-in" % (inner, inner) in daemon.stderr()
    else:
        daemon.wait_status("^Log stalled .No such file or directory")
        assert "create it for user root and restart the service, which cannot write to a " \
            "directory that is made later" in daemon.stderr()
    run("mount", "-o", "remount,rw", outer)
    os.makedirs(inner, exist_ok=True)
    wait_until(lambda: os.path.exists(daemon.path), "a file")


def test_missing_below_a_writable_directory(start, tmp_path):
    """Then the directory is enough."""
    place = tmp_path / "place"
    place.mkdir()
    daemon = start(log_directory=place)
    place.rename(tmp_path / "gone")
    daemon.signal(signal.SIGUSR1)
    daemon.wait_status("^Log stalled .No such file or directory")
    assert "create it for user root; clients wait" in daemon.stderr()
    place.mkdir()
    with Client(daemon.port) as client:
        client.talk(b"hello\n")
    wait_until(lambda: os.path.exists(daemon.path), "a file")


def test_a_link_into_a_missing_directory(make_daemon, tmp_path):
    """The message names the directory that is missing, not that of the link."""
    daemon = make_daemon()
    os.symlink(tmp_path / "nowhere" / "log", daemon.path)
    daemon.expected_statuses.add(1)
    daemon.launch()
    assert daemon.wait() == 1
    assert "the directory %s does not exist" % (tmp_path / "nowhere") in daemon.stderr()
