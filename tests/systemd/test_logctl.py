# SPDX-License-Identifier: MIT
"""Tests echo-logctl and the shipped logrotate policy as operators, cron and monitoring use them."""

import pytest

from service import (LEDGER, LOG, UNIT, assert_nothing_lost, configure, echo, end_load, figures,
                     main_pid, start_load, wait_active)

POLICY = "/etc/logrotate.d/echo-logd"
LOGROTATE = f"logrotate -f {POLICY}"
ROTATIONS = 5


@pytest.fixture
def service(fresh_box):
    fresh_box.run(f"systemctl start {UNIT}")
    return fresh_box


def adds_up(said):
    return said["received_bytes"] == sum(said[name + "_bytes"] for name in
                                         ("logged", "dropped", "in_flight", "unknown"))


def size(box, path):
    return int(box.run(f"stat -c %s {path}").stdout)


# --- status

def test_status_for_root_group_and_others(service):
    echo(service, "127.0.0.1", 7)
    said = figures(service)
    assert said["master_pid"] == main_pid(service) and said["state"] == "running"
    assert (said["received_bytes"], said["clients_total"]) == (6, 1)
    member = "setpriv --reuid=nobody --regid=nogroup --groups=echo-logd"
    assert service.run(f"{member} echo-logctl status").stdout.startswith("echo-logd is running")
    other = service.run("setpriv --reuid=nobody --regid=nogroup --clear-groups echo-logctl status",
                        check=False)
    assert (other.status, other.stdout) == (1, "")
    assert other.stderr == ("echo-logctl: cannot read /run/echo-logd/scoreboard: permission "
                            "denied; use sudo, or join the group echo-logd\n")
    # A member of the group can read the status, but cannot send signals.
    other = service.run(f"{member} echo-logctl reopen", check=False)
    assert (other.status, "Operation not permitted; use sudo" in other.stderr) == (1, True)
    service.run("echo-logctl reopen")
    service.run("setpriv --reuid=echo-logd --regid=echo-logd --clear-groups echo-logctl reopen")


def test_status_continues_over_a_restart(service):
    echo(service, "127.0.0.1", 7)
    service.run(f"systemctl restart {UNIT}")
    echo(service, "127.0.0.1", 7)
    service.wait_for("echo-logctl status --json | grep '\"logged_bytes\":12,'")
    said = figures(service)
    assert (said["master_pid"], said["clients_total"], said["generation"]) == \
        (main_pid(service), 2, 2)


def test_status_of_a_service_that_is_stopped(service):
    service.run(f"systemctl stop {UNIT}")
    said = service.run("echo-logctl status", check=False)
    assert said.status == 1
    assert "echo-logd is not running here (no /run/echo-logd/scoreboard)" in said.stderr


def test_status_adds_up_after_everything_was_killed(service):
    """The counters continue, and what the killed workers had in hand is settled."""
    start_load(service, seed=21, seconds=4, options="--clients 32 --size 16384 --window 65536")
    for _ in range(2):
        before = figures(service)["logged_bytes"]
        service.wait_for(f"test $(stat -c %s {LOG}) -gt $(({size(service, LOG)} + 2000000))")
        # The pipe is full, and workers wait with bytes in hand.
        service.run(f"pkill -STOP -P {main_pid(service)} -x echo-log-logger")
        service.wait_for("echo-logctl status --json | grep -vE '\"in_flight_bytes\":[0-9]{1,5},'")
        pid = main_pid(service)
        service.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}")
        service.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
        wait_active(service)
        said = figures(service)
        assert adds_up(said) and said["logged_bytes"] > before
    end_load(service)
    service.wait_for("echo-logctl status --json | grep '\"clients\":0,.*\"in_flight_bytes\":0,'")
    said = figures(service)
    assert adds_up(said), said
    service.run(f"systemctl stop {UNIT}")
    logged = int(assert_nothing_lost(service, LOG).split()[-1])
    assert said["logged_bytes"] <= logged <= said["logged_bytes"] + said["unknown_bytes"]
    assert said["unknown_bytes"] + said["dropped_bytes"] > 0


# --- logrotate

def test_logrotate_under_load(service):
    # Slower than gzip; otherwise each file would be larger than the last.
    start_load(service, seed=22, seconds=300,
               options="--clients 2 --size 64 --window 64 --kind text")
    for n in range(ROTATIONS):
        service.wait_for(f"test -e {LOG} && test $(stat -c %s {LOG}) -gt 300000")
        said = service.run(LOGROTATE)
        assert (said.stdout, said.stderr) == ("", "")
        # Renamed files do not grow any more, and the new file has the right owner and mode.
        before = size(service, LOG + ".1")
        service.wait_for(f"test $(stat -c %s {LOG}) -gt 300000")
        assert size(service, LOG + ".1") == before
        assert service.run(f"stat -c '%a %U %G' {LOG} {LOG}.1").stdout == \
            "640 echo-logd echo-logd\n" * 2
    service.run("kill $(cat /var/tmp/load.pid)")
    end_load(service)
    said = figures(service)
    assert said["clients_total"] == int(service.run(f"wc -l <{LEDGER}").stdout)
    assert service.run(f"grep -c ' lost$' {LEDGER}", check=False).stdout == "0\n"
    service.run(f"systemctl stop {UNIT}")
    names = service.run("ls /var/log/echo-logd").stdout.split()
    assert sorted(names) == sorted(["messages.log", "messages.log.1"] +
                                   [f"messages.log.{n}.gz" for n in range(2, ROTATIONS + 1)])
    assert service.run(f"stat -c '%a %U %G' {LOG}.2.gz").stdout == "640 echo-logd echo-logd\n"
    service.run(f"gunzip {LOG}.*.gz")
    assert_nothing_lost(service, LOG + "*", least_bytes=ROTATIONS * 100_000)


def test_logrotate_leaves_our_own_files_alone(service):
    configure(service, "[log]\nmessage_limit = 3\nkeep_files = 3\n")
    service.run(f"systemctl restart {UNIT}")
    for n in range(10):
        echo(service, "127.0.0.1", 7, f"message {n}")
    ours = f"ls {LOG}.2*Z"
    service.wait_for(f"test $({ours} | wc -l) = 3 && grep 'message 9' {LOG}")
    before = service.run(ours).stdout
    # There are no clients, so only the policy can have caused the new file.
    service.run(f"{LOGROTATE} && test -s {LOG}")
    service.run(f"{LOGROTATE} && test -s {LOG}")
    assert service.run(ours).stdout == before
    assert "message 9" in service.run(f"zcat -f {LOG}.2.gz {LOG}.1").stdout
    for n in range(10):
        echo(service, "127.0.0.1", 7, f"more {n}")
    # The daemon does not treat files of logrotate as its own.
    service.wait_for(f"test $({ours} | wc -l) = 3 && grep 'more 9' {LOG} {LOG}.2*Z")
    assert service.run(ours).stdout != before
    service.run(f"test -e {LOG}.1 && test -e {LOG}.2.gz")


def test_logrotate_while_the_service_is_stopped(service):
    echo(service, "127.0.0.1", 7)
    service.run(f"systemctl stop {UNIT}")
    for _ in range(3):
        said = service.run(LOGROTATE)
        assert (said.stdout, said.stderr) == ("", "")
    assert "hello" in service.run(f"zcat -f {LOG}.*").stdout
    service.run(f"systemctl start {UNIT}")
    assert service.run(f"stat -c '%a %U %G' {LOG}").stdout == "640 echo-logd echo-logd\n"


def test_logrotate_reports_a_log_that_is_not_reopened(service):
    echo(service, "127.0.0.1", 7)
    service.run(f"systemctl stop {UNIT}; mkdir /run/echo-logd; echo >/run/echo-logd/scoreboard")
    said = service.run(LOGROTATE, check=False)
    assert said.status != 0
    assert "/run/echo-logd/scoreboard is not a scoreboard of echo-logd, or is damaged" \
        in said.stderr
