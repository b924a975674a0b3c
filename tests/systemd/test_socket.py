# SPDX-License-Identifier: MIT
"""Tests echo-logd.socket: activation, and a queue that outlives restarts."""
import os
import re

import pytest

from service import (LOG, UNIT, assert_nothing_lost, echo, end_load, main_pid, start_load,
                     wait_active)

SOCKET = f"{UNIT}.socket"
RESTARTS = 50 if os.environ.get("ECHO_LOGD_SOAK") else 5
# Each client stays for some milliseconds, so one run of the daemon serves it to its end.
VISITS = "--clients 8 --size 512 --window 512 --connection-bytes 2048"


@pytest.fixture
def activated(fresh_box):
    fresh_box.run(f"systemctl start {SOCKET}")
    return fresh_box


def test_not_enabled_as_installed(box):
    assert box.run(f"systemctl is-enabled {SOCKET}", check=False).stdout == "disabled\n"
    assert box.show(SOCKET, "ActiveState") == "inactive"


def test_the_first_client_starts_the_service(activated):
    assert activated.show(UNIT, "ActiveState") == "inactive"
    assert echo(activated, "127.0.0.1", 7, "four") == "four\n"
    assert activated.show(UNIT, "ActiveState") == "active"
    assert echo(activated, "::1", 7, "six") == "six\n"
    assert "listening on 127.0.0.1:7, [::1]:7 (sockets from systemd; server.address and " \
        "server.port have no effect), logging to " in activated.journal(UNIT)
    # A stop keeps the sockets, and the next client starts the service again.
    activated.run(f"systemctl stop {UNIT}")
    assert activated.show(UNIT, "ActiveState") == "inactive"
    assert echo(activated, "127.0.0.1", 7, "again") == "again\n"
    activated.run(f"systemctl stop {SOCKET} {UNIT}")
    assert activated.run(f"grep -c 'close eof' {LOG}").stdout == "3\n"


@pytest.mark.parametrize("drop_in", ["", "socket-activated.conf"])
def test_restarts_refuse_nobody(activated, drop_in):
    if drop_in:
        activated.run(f"mkdir -p /etc/systemd/system/{UNIT}.service.d && "
                      f"ln -s /usr/share/{UNIT}/{drop_in} /etc/systemd/system/{UNIT}.service.d/ && "
                      "systemctl daemon-reload")
    start_load(activated, seed=31, seconds=600, options=VISITS)
    activated.wait_for(f"test -s {LOG}")
    for _ in range(RESTARTS):
        size = int(activated.run(f"stat -c %s {LOG}").stdout)
        activated.wait_for(f"test $(stat -c %s {LOG}) -gt {size + 100_000}")
        pid = main_pid(activated)
        activated.run(f"systemctl restart {UNIT}")
        assert main_pid(activated) != pid
    activated.run("kill $(cat /var/tmp/load.pid)")
    end_load(activated)
    said = activated.run("cat /var/tmp/load.out").stdout
    figures = {name: int(n) for name, n in re.findall(r"(connections|lost|refused) (\d+)", said)}
    assert figures["refused"] == 0 and figures["lost"] == 0, said
    assert figures["connections"] > 20 * RESTARTS, said
    activated.run(f"systemctl stop {SOCKET} {UNIT}")
    assert activated.run(f"grep -c ' - - start ' {LOG}").stdout == f"{RESTARTS + 1}\n"
    assert_nothing_lost(activated, LOG, least_bytes=50_000 * RESTARTS)


def test_everything_killed_and_the_queue_stays(activated):
    start_load(activated, seed=32, seconds=60, options=VISITS)
    for _ in range(3):
        size = int(activated.run(f"cat {LOG} | wc -c").stdout)
        activated.wait_for(f"test $(cat {LOG} | wc -c) -gt {size + 100_000}")
        pid = main_pid(activated)
        activated.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}")
        activated.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
        # A stop before the next master runs would empty systemd's store.
        wait_active(activated)
    activated.run("kill $(cat /var/tmp/load.pid)")
    end_load(activated)
    assert "refused 0\n" in activated.run("cat /var/tmp/load.out").stdout
    activated.run(f"systemctl stop {SOCKET} {UNIT}")
    assert_nothing_lost(activated, LOG, least_bytes=100_000)


@pytest.mark.parametrize("lines", ["ListenStream=\nListenDatagram=127.0.0.1:7",
                                   "ListenSequentialPacket=/run/echo"])
def test_other_sockets_are_refused(box, lines):
    box.run(f"mkdir -p /etc/systemd/system/{SOCKET}.d; "
            f"printf '[Socket]\\n{lines}\\n' >/etc/systemd/system/{SOCKET}.d/other.conf; "
            f"systemctl daemon-reload; systemctl start {SOCKET}; systemctl start {UNIT}",
            check=False)
    assert box.show(UNIT, "ExecMainStatus") == "1"
    assert "is not a stream socket: the socket unit needs ListenStream=" in box.journal(UNIT)
    box.run(f"systemctl stop {SOCKET}; rm -r /etc/systemd/system/{SOCKET}.d; "
            f"systemctl daemon-reload; systemctl reset-failed {UNIT} {SOCKET} || true")
