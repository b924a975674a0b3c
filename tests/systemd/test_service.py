# SPDX-License-Identifier: MIT
"""Tests what an operator does: start, edit the configuration, reload, watch, stop."""
import re

import pytest

from service import (LOG, UNIT, assert_nothing_lost, configure, echo, end_load, generation,
                     main_pid, reload, start_load, wait_active)


@pytest.fixture
def service(box):
    """The installed daemon, running.  It is stopped and reset afterwards."""
    box.run("cp /etc/echo-logd.conf /etc/echo-logd.conf.shipped")
    box.run(f"rm -rf /var/tmp/ledger /var/log/echo-logd/*; systemctl reset-failed {UNIT} || true")
    box.run(f"systemctl start {UNIT}")
    yield box
    box.run(f"systemctl stop {UNIT}; mv /etc/echo-logd.conf.shipped /etc/echo-logd.conf; "
            f"rm -rf /etc/systemd/system/{UNIT}.service.d; systemctl daemon-reload; "
            f"systemctl reset-failed {UNIT} || true")


def test_echoes_on_port_7_over_both_families(service):
    # `systemctl start` has returned, so the daemon listens.
    assert echo(service, "127.0.0.1", 7, "four") == "four\n"
    assert echo(service, "::1", 7, "six") == "six\n"
    service.wait_for(f"grep -F '\"six\\n\"' {LOG} && grep -F '\"four\\n\"' {LOG}")


def test_runs_as_its_user_with_one_capability(service):
    pids = service.run(f"cat /sys/fs/cgroup/*/system.slice/{UNIT}.service/cgroup.procs "
                       f"/sys/fs/cgroup/system.slice/{UNIT}.service/cgroup.procs 2>/dev/null "
                       "| sort -u").stdout.split()
    comms = set()
    for pid in pids:
        words = service.run(f"cat /proc/{pid}/comm; stat -c %U /proc/{pid}; "
                            f"grep -E 'Cap(Eff|Bnd)' /proc/{pid}/status", check=False).stdout
        comm, user, *capabilities = words.split("\n")
        comms.add(comm)
        assert user == "echo-logd", words
        # CAP_NET_BIND_SERVICE is bit 10.
        assert {line.split()[1] for line in capabilities if line} == {"0000000000000400"}, words
    assert comms == {"echo-logd", "echo-log-worker", "echo-log-logger"}


def test_the_group_reads_the_log_and_others_do_not(service):
    echo(service, "127.0.0.1", 7)
    service.wait_for(f"grep -q hello {LOG}")
    service.run(f"setpriv --reuid=nobody --regid=echo-logd --clear-groups cat {LOG}")
    refused = service.run(f"setpriv --reuid=nobody --regid=nogroup --clear-groups cat {LOG}",
                          check=False)
    assert refused.status != 0 and "Permission denied" in refused.stderr
    assert service.run("stat -c '%a %U %G' /run/echo-logd/scoreboard").stdout == \
        "640 echo-logd echo-logd\n"


def test_status_has_live_numbers(service):
    service.run("exec 3<>/dev/tcp/127.0.0.1/7; echo live >&3; read -r line <&3; sleep 20 & ",
                check=False)
    service.wait_for(f"systemctl status {UNIT} | grep -E 'Status: \"Serving 1 of 1000 clients; "
                     "1 clients, 1 messages, 5 bytes'")
    service.run("pkill -x sleep")
    service.wait_for(f"systemctl status {UNIT} | grep 'Serving 0 of 1000'")


def test_a_new_port_after_reload(service):
    pid = main_pid(service)
    configure(service, "[server]\nport = 7007\n")
    reload(service)
    assert echo(service, "127.0.0.1", 7007) == "hello\n"
    assert service.run("nc -z 127.0.0.1 7", check=False).status != 0
    assert main_pid(service) == pid


def test_open_to_everybody_after_reload(service):
    configure(service, "[server]\naddress = *\n")
    reload(service)
    service.run("ip address add 192.0.2.1/32 dev lo")
    assert echo(service, "192.0.2.1", 7) == "hello\n"
    assert echo(service, "::1", 7) == "hello\n"


def test_a_new_path_after_reload(service):
    configure(service, "[log]\npath = /var/log/echo-logd/other.log\n")
    reload(service)
    assert echo(service, "127.0.0.1", 7, "elsewhere") == "elsewhere\n"
    service.wait_for("grep -q elsewhere /var/log/echo-logd/other.log")
    assert service.run(f"grep -c elsewhere {LOG}", check=False).stdout == "0\n"


def test_a_path_it_may_not_write_keeps_the_old_configuration(service):
    service.run("mkdir -p /srv/elsewhere")
    configure(service, "[log]\npath = /srv/elsewhere/messages.log\n")
    assert service.run(f"systemctl reload {UNIT}", check=False).status != 0
    assert re.search("^echo-logctl: not reloaded: log.path: .*/srv/elsewhere/messages.log",
                     service.journal(UNIT), re.M)
    service.wait_for(f"systemctl show -p StatusText {UNIT} | grep 'Last reload failed'")
    assert echo(service, "127.0.0.1", 7) == "hello\n"


def test_a_bad_file_keeps_the_old_configuration(service):
    before = generation(service)
    configure(service, "[server]\nport = 7\nmax_clint = 5\n")
    pid = main_pid(service)
    assert service.run(f"systemctl reload {UNIT}", check=False).status != 0
    said = service.journal(UNIT)
    assert re.search("^/etc/echo-logd.conf:3: server.max_clint.*max_clients", said, re.M)
    assert "echo-logctl: not reloaded; the running configuration stays" in said
    # The daemon was not signalled.
    assert "failed" not in service.show(UNIT, "StatusText") and main_pid(service) == pid
    assert service.show(UNIT, "ActiveState") == "active"
    assert echo(service, "127.0.0.1", 7) == "hello\n"
    assert generation(service) == before
    configure(service, "[server]\nport = 7\n")
    reload(service)
    assert "failed" not in service.show(UNIT, "StatusText")


def test_a_follower_sees_messages_and_follows_a_rotation(service):
    service.run(f"tail -n 0 -F {LOG} >/var/tmp/tail.out 2>/dev/null & echo $! >/var/tmp/tail.pid")
    service.wait_for("test -s /var/tmp/tail.pid && ls -l /proc/$(cat /var/tmp/tail.pid)/fd | "
                     f"grep -q {LOG}")
    echo(service, "127.0.0.1", 7, "before")
    service.wait_for("grep -q '\"before' /var/tmp/tail.out")
    service.run(f"mv {LOG} {LOG}.1 && systemctl kill -s USR1 --kill-whom=main {UNIT}")
    service.wait_for(f"test -s {LOG}")
    echo(service, "127.0.0.1", 7, "after")
    service.wait_for("grep -q '\"after' /var/tmp/tail.out")
    assert "after" not in service.run(f"cat {LOG}.1").stdout
    service.run("kill $(cat /var/tmp/tail.pid)")


def test_stops_clean_under_load(service):
    start_load(service, seed=3, seconds=3)
    service.wait_for(f"test $(stat -c %s {LOG}) -gt 10000000")
    service.run(f"systemctl stop {UNIT}")
    assert service.show(UNIT, "Result") == "success"
    assert service.show(UNIT, "ExecMainStatus") == "0"
    assert service.run("pgrep -c '^echo-log'", check=False).stdout == "0\n"
    end_load(service)
    assert_nothing_lost(service, LOG)


def test_what_is_no_error_is_not_logged_as_one(service):
    service.run(f"systemctl restart {UNIT}")
    assert service.run(f"journalctl --sync; journalctl -o cat -p warning _SYSTEMD_INVOCATION_ID="
                       f"{service.show(UNIT, 'InvocationID')}").stdout == ""
    assert "listening on 127.0.0.1:7, [::1]:7, logging to " in service.journal(UNIT)


def test_a_configuration_error_is_not_tried_again(service):
    configure(service, "[server]\nport = 0\n")
    result = service.run(f"systemctl restart {UNIT}", check=False)
    assert result.status != 0
    assert service.show(UNIT, "ExecMainStatus") == "6"
    assert service.show(UNIT, "ActiveState") == "failed"
    assert "/etc/echo-logd.conf:2: server.port" in service.journal(UNIT)
    said = service.run(f"systemctl status {UNIT}", check=False).stdout
    assert re.search('Status: "Failed: /etc/echo-logd.conf:2: server.port', said), said
    assert re.search(r"Error: 22 .Invalid argument", said), said
    assert service.show(UNIT, "NRestarts") == "0"


def test_a_wrong_command_line_is_not_tried_again(service):
    service.run(f"mkdir -p /etc/systemd/system/{UNIT}.service.d && "
                "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/echo-logd --prot=7\\n' "
                f">/etc/systemd/system/{UNIT}.service.d/wrong.conf && systemctl daemon-reload")
    assert service.run(f"systemctl restart {UNIT}", check=False).status != 0
    assert (service.show(UNIT, "ExecMainStatus"), service.show(UNIT, "NRestarts")) == ("2", "0")


def test_a_port_that_is_taken_is_not_tried_again(service):
    service.run(f"systemctl stop {UNIT}; nc -lk 127.0.0.1 7 >/dev/null & echo $! >/var/tmp/nc.pid")
    service.wait_for("nc -z 127.0.0.1 7")
    assert service.run(f"systemctl start {UNIT}", check=False).status != 0
    assert service.show(UNIT, "ExecMainStatus") == "1"
    assert service.show(UNIT, "ActiveState") == "failed"
    assert "cannot listen on 127.0.0.1:7: Address already in use" in service.journal(UNIT)
    assert (service.show(UNIT, "StatusErrno"), service.show(UNIT, "NRestarts")) == ("98", "0")
    assert service.show(UNIT, "StatusText").startswith("Failed: cannot listen on 127.0.0.1:7")
    service.run("kill $(cat /var/tmp/nc.pid)")


def test_the_watchdog_bites_a_master_that_hangs(service):
    service.run(f"mkdir -p /etc/systemd/system/{UNIT}.service.d && "
                "printf '[Service]\\nWatchdogSec=1s\\n' "
                f">/etc/systemd/system/{UNIT}.service.d/dog.conf && "
                f"systemctl daemon-reload && systemctl restart {UNIT}")
    # A master that works is not killed after the limit...
    pid = main_pid(service)
    service.run("sleep 2.5")
    assert main_pid(service) == pid
    # ... and one that hangs is not.
    service.run(f"kill -STOP {pid}")
    service.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
    wait_active(service)
    assert "watchdog" in service.journal(UNIT).lower()
    assert echo(service, "127.0.0.1", 7) == "hello\n"
