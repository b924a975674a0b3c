# SPDX-License-Identifier: MIT
"""Tests the box itself, on which the other tests rely."""
import os
import subprocess
import time

import pytest

from box import Box, BoxError

UNIT = """[Service]
Type=notify
ExecStart=/bin/sh -c 'systemd-notify --ready --status="up as $(id -un)"; echo said; exec sleep 600'
NotifyAccess=all
User=echo-logd
"""


def test_systemd_runs_a_unit_as_the_user_of_the_daemon(box):
    box.write("/etc/systemd/system/trivial.service", UNIT)
    box.run("systemctl daemon-reload && systemctl start trivial")
    assert box.show("trivial", "ActiveState") == "active"
    assert box.show("trivial", "StatusText") == "up as echo-logd"
    assert "said" in box.journal("trivial")
    box.run("systemctl stop trivial")
    assert box.show("trivial", "ActiveState") == "inactive"


def test_the_build_is_installed(box):
    assert box.show("echo-logd", "LoadState") == "loaded"
    assert box.show("echo-logd", "FragmentPath").endswith("echo-logd.service")
    box.run("test -x /usr/sbin/echo-logd && test -r /etc/echo-logd.conf && getent group echo-logd")


def test_loopback_has_both_families(box):
    addresses = box.run("cat /proc/net/fib_trie; cat /proc/net/if_inet6").stdout
    assert "127.0.0.1" in addresses
    assert "00000000000000000000000000000001" in addresses


def test_results_are_told_apart(box):
    result = box.run("printf 'gr\u00fcn'; printf bad >&2; exit 3", check=False)
    assert (result.status, result.stdout, result.stderr) == (3, "gr\u00fcn", "bad")
    with pytest.raises(AssertionError):
        box.run("false")
    assert box.run("cat", stdin="gr\u00fcn\n").stdout == "gr\u00fcn\n"


def test_a_command_that_hangs_is_killed(box):
    with pytest.raises(BoxError):
        box.run("sleep 599", timeout=0.5)
    assert box.run("pgrep -fx 'sleep 599'", check=False).status == 1


def test_a_background_process_does_not_hold_up_the_answer(box):
    started = time.monotonic()
    box.run("sleep 598 & echo $! >/run/background")
    assert time.monotonic() - started < 5
    box.run("kill $(cat /run/background)")


def test_nothing_is_left_of_a_box(tmp_path):
    marker = f"sleep {100000 + os.getpid()}"
    with Box(tmp_path) as box:
        box.run(f"setsid {marker} >/dev/null 2>&1 & touch /var/tmp/sdbox-was-here")
        assert subprocess.run(["pgrep", "-fx", marker], stdout=subprocess.DEVNULL).returncode == 0
    assert subprocess.run(["pgrep", "-fx", marker], stdout=subprocess.DEVNULL).returncode == 1
    assert not os.path.exists("/var/tmp/sdbox-was-here")
