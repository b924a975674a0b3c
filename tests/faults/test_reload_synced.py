# SPDX-License-Identifier: MIT
"""A reload to echo_after = synced: what the new promise needs is on disk before it is given."""

import contextlib
import os
import re
import subprocess

import pytest

from clients import Client
from daemon import read_text, wait_until
from oracle import check_log


@contextlib.contextmanager
def syncs_of(pid, path):
    """Yields a function that returns what PID has synced since, by strace(1)."""
    with subprocess.Popen(["strace", "-qq", "-y", "-o", path, "-p", str(pid), "-e",
                           "trace=fsync,fdatasync"], stdin=subprocess.DEVNULL) as strace:
        try:
            wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in
                       read_text("/proc/%d/status" % pid), "strace at %d" % pid)
            yield lambda: re.findall(r"sync\(\d+<(.*?)>\)\s+= 0", read_text(path))
        finally:
            strace.terminate()


@pytest.mark.parametrize("where", ["same path", "new path"])
def test_the_directory(start, tmp_path, where):
    daemon = start({"log.echo_after": "queued"})
    old, other = daemon.path, tmp_path / "other"
    other.mkdir()
    new = old if where == "same path" else str(other / "messages.log")
    with Client(daemon.port) as client, syncs_of(daemon.pid, str(tmp_path / "trace")) as synced:
        client.talk(b"queued")
        daemon.configure(log_echo_after="synced", log_path=new)
        assert "failed" not in daemon.reload()
        # Also that of the file of before: new clients may get a receipt for records there.
        assert set(synced()) >= {os.path.dirname(old), os.path.dirname(new)}
        daemon.configure(log_message_size=1000)
        before = len(synced())
        assert "failed" not in daemon.reload()
        assert len(synced()) == before
        with Client(daemon.port) as late:
            late.talk(b"synced")
            late.finish()
        client.finish()
    daemon.stop()
    check_log([old] if old == new else [old, new], [client, late])
