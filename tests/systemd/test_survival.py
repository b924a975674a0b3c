# SPDX-License-Identifier: MIT
"""Tests promise P2: killing all processes at once, and the restart by systemd, lose nothing."""
import os

import pytest

from service import (LEDGER, LOG, UNIT, assert_nothing_lost, configure, echo, end_load, main_pid,
                     start_load, wait_active)

KILLS = 100 if os.environ.get("ECHO_LOGD_SOAK") else 6
LOGS = "/var/log/echo-logd/messages.log*"
SPILLS = "/var/lib/echo-logd/*.spill"


@pytest.fixture
def service(fresh_box):
    fresh_box.run(f"systemctl start {UNIT}")
    return fresh_box


def kill_all(box):
    box.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}")


def wait_for_bytes(box, least):
    """Waits until the log has grown, because a kill without traffic would prove nothing."""
    box.wait_for(f"test $(cat {LOGS} | wc -c) -gt {least}")


def log_bytes(box):
    return int(box.run(f"cat {LOGS} | wc -c").stdout)


def test_everything_killed_again_and_again(service):
    # The disk of the box is small: for many kills, small messages.
    start_load(service, seed=5, seconds=20 * KILLS, options="--clients 16 --size 2048 --window 8192"
               if KILLS < 10 else "--clients 4 --size 64 --window 64")
    for _ in range(KILLS):
        wait_for_bytes(service, log_bytes(service) + 1_000_000)
        pid = main_pid(service)
        kill_all(service)
        service.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
        wait_active(service)
    service.run("kill $(cat /var/tmp/load.pid)")
    end_load(service)
    assert int(service.show(UNIT, "NRestarts")) == KILLS
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOG)
    assert int(service.run(f"grep -c 'close killed' {LOG}").stdout) >= KILLS
    # One for the start, and one for each restart after a kill.
    assert service.run(f"grep -c ' - - start ' {LOG}").stdout == f"{KILLS + 1}\n"


def test_everything_killed_while_the_log_is_renamed(service):
    start_load(service, seed=6, seconds=4)
    wait_for_bytes(service, 2_000_000)
    service.run(f"mv {LOG} {LOG}.1; systemctl kill -s KILL --kill-whom=all {UNIT}")
    service.wait_for(f"test -s {LOG}")
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOGS)


def test_a_killed_master_is_restarted(service):
    start_load(service, seed=7, seconds=3)
    wait_for_bytes(service, 2_000_000)
    pid = main_pid(service)
    service.run(f"kill -KILL {pid}")
    service.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
    wait_active(service)
    assert echo(service, "127.0.0.1", 7) == "hello\n"
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOG)


def test_restart_and_reexec_under_load(service):
    start_load(service, seed=8, seconds=60)
    wait_for_bytes(service, 1_000_000)
    service.run("systemctl daemon-reexec")
    wait_for_bytes(service, log_bytes(service) + 1_000_000)
    kill_all(service)
    wait_active(service)
    wait_for_bytes(service, log_bytes(service) + 1_000_000)
    service.run(f"systemctl restart {UNIT}")
    wait_for_bytes(service, log_bytes(service) + 1_000_000)
    service.run("kill $(cat /var/tmp/load.pid)")
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOG)
    assert service.show(UNIT, "NFileDescriptorStore") == "0"


def kill_so_that_it_cannot_come_back(box, spoil):
    """Makes a start impossible with SPOIL, and kills all under load, with bytes in the pipes."""
    start_load(box, seed=9, seconds=3)
    wait_for_bytes(box, 2_000_000)
    # The logger is stopped until there are bytes in the pipes.
    logger = box.run(f"pgrep -P {main_pid(box)} -x echo-log-logger").stdout.strip()
    box.run(f"kill -STOP {logger}; sleep 0.3")
    box.run(spoil)
    kill_all(box)
    box.wait_for(f"test $(systemctl show --value -p ActiveState {UNIT}) = failed")
    end_load(box)


@pytest.mark.parametrize("spoil, mend, status", [
    ("echo nonsense >>/etc/echo-logd.conf", "sed -i '$d' /etc/echo-logd.conf", "6"),
    ("mv /var/log/echo-logd/messages.log /var/tmp/m; mkdir /var/log/echo-logd/messages.log;"
     " echo '[log]' >/etc/echo-logd.conf; echo 'format = json' >>/etc/echo-logd.conf",
     "rmdir /var/log/echo-logd/messages.log; mv /var/tmp/m /var/log/echo-logd/messages.log;"
     " echo '[log]' >/etc/echo-logd.conf", "1"),
], ids=["bad configuration", "log that cannot be opened"])
def test_what_cannot_come_back_spills(service, spoil, mend, status):
    kill_so_that_it_cannot_come_back(service, spoil)
    assert service.show(UNIT, "ExecMainStatus") == status
    assert service.run(f"ls {SPILLS} | wc -l").stdout == "1\n"
    assert int(service.run(f"cat {SPILLS} | wc -c").stdout) > 10_000
    service.run(f"{mend}; systemctl start {UNIT}")
    assert "1 spill file with records that an earlier run could not log" in service.journal(UNIT)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOGS, SPILLS)


def test_records_of_another_format_spill(service):
    configure(service, "[log]\nformat = json\n")
    start_load(service, seed=10, seconds=2)
    wait_for_bytes(service, 2_000_000)
    logger = service.run(f"pgrep -P {main_pid(service)} -x echo-log-logger").stdout.strip()
    service.run(f"kill -STOP {logger}; sleep 0.3")
    kill_all(service)
    wait_active(service)
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    first = service.run(f"head -c 9 {LOG}").stdout
    assert first == '{"time":"', first
    # The first part of the ledger is what was echoed before the kill.  The rest is in JSON.
    assert service.run(f"grep -vc '^20' {SPILLS}", check=False).stdout == "0\n"
    assert service.run(f"ls {LOG}.2* | wc -l").stdout == "1\n"


def test_another_number_of_clients_after_a_kill(service):
    start_load(service, seed=11, seconds=3)
    wait_for_bytes(service, 2_000_000)
    configure(service, "[server]\nmax_clients = 40\n")
    kill_all(service)
    wait_active(service)
    service.wait_for(f"systemctl show -p StatusText {UNIT} | grep 'of 40 clients'")
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOG)
    # A client may have been between two connections.
    assert int(service.run(f"grep -c 'close killed' {LOG}").stdout) >= 10


def test_a_long_drain_is_not_cut_short(service):
    """A stop may last for drain_timeout, whatever TimeoutStopSec= is."""
    service.run(f"mkdir -p /etc/systemd/system/{UNIT}.service.d && "
                "printf '[Service]\\nTimeoutStopSec=1s\\n' "
                f">/etc/systemd/system/{UNIT}.service.d/short.conf && systemctl daemon-reload")
    configure(service, "[server]\ndrain_timeout = 4s\n")
    service.run(f"systemctl restart {UNIT}")
    # Clients that would stay for ever, and small messages: nothing of the last second may be lost.
    start_load(service, seed=11, seconds=60,
               options="--clients 4 --size 512 --window 512 --connection-bytes 100000000000")
    wait_for_bytes(service, 1_000_000)
    service.run(f"systemctl stop {UNIT}", timeout=60)
    assert service.show(UNIT, "Result") == "success"
    service.run("kill $(cat /var/tmp/load.pid)")
    end_load(service)
    assert_nothing_lost(service, LOG)
