# SPDX-License-Identifier: MIT
"""Tests echo-logd@NAME: several services, each with its own configuration, log and sockets."""
import re

import pytest

from service import UNIT, echo

NAMES = ("lab", "field-2")


@pytest.fixture
def instances(box):
    box.run("mkdir -p /etc/echo-logd")
    for i, name in enumerate(NAMES):
        box.write(f"/etc/echo-logd/{name}.conf", f"[server]\nport = {7001 + i}\n")
    yield box
    box.run(f"systemctl stop '{UNIT}@*' {UNIT}; rm -rf /etc/echo-logd; "
            f"systemctl reset-failed '{UNIT}@*' || true")


def log(name):
    return f"/var/log/echo-logd@{name}/messages.log"


def start_all(box):
    box.run(f"systemctl start {UNIT} {UNIT}@{NAMES[0]} {UNIT}@{NAMES[1]}")


def test_each_for_itself(instances):
    start_all(instances)
    for i, name in enumerate(NAMES):
        assert echo(instances, "127.0.0.1", 7001 + i, name) == f"{name}\n"
        instances.wait_for(f"grep '\"{name}' {log(name)}")
        assert instances.run(f"stat -c '%a %U' {log(name)}").stdout == "640 echo-logd\n"
    assert echo(instances, "127.0.0.1", 7, "the one") == "the one\n"
    instances.wait_for("grep '\"the one' /var/log/echo-logd/messages.log")
    instances.run(f"systemctl stop {UNIT}@{NAMES[0]}")
    # Its stop removes only what is its own.
    assert instances.run(f"ls -d /run/echo-logd*").stdout == \
        f"/run/echo-logd\n/run/echo-logd@{NAMES[1]}\n"
    assert echo(instances, "127.0.0.1", 7002) == "hello\n"


def test_reload_of_one(instances):
    start_all(instances)
    instances.write(f"/etc/echo-logd/{NAMES[0]}.conf", "[server]\nport = 7011\n")
    instances.run(f"systemctl reload {UNIT}@{NAMES[0]}")
    assert echo(instances, "127.0.0.1", 7011) == "hello\n"
    assert echo(instances, "127.0.0.1", 7002) == "hello\n"
    instances.write(f"/etc/echo-logd/{NAMES[0]}.conf", "[server]\nport = 0\n")
    assert instances.run(f"systemctl reload {UNIT}@{NAMES[0]}", check=False).status != 0
    assert re.search(rf"^/etc/echo-logd/{NAMES[0]}.conf:2: server.port",
                     instances.journal(f"{UNIT}@{NAMES[0]}"), re.M)


def test_one_does_not_write_to_anothers_log(instances):
    start_all(instances)
    instances.write(f"/etc/echo-logd/{NAMES[0]}.conf",
                    f"[server]\nport = 7001\n[log]\npath = {log(NAMES[1])}.other\n")
    # A restart would continue with the file that systemd has kept.
    instances.run(f"systemctl stop {UNIT}@{NAMES[0]}")
    assert instances.run(f"systemctl start {UNIT}@{NAMES[0]}", check=False).status != 0
    assert "Read-only file system" in instances.journal(f"{UNIT}@{NAMES[0]}")


def test_everything_killed(instances):
    start_all(instances)
    echo(instances, "127.0.0.1", 7001, "before")
    instances.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}@{NAMES[0]}")
    instances.wait_for(f"echo again | nc -N 127.0.0.1 7001 | grep again")
    instances.wait_for(f"grep '\"again' {log(NAMES[0])}")
    instances.run(f"systemctl stop {UNIT}@{NAMES[0]}; echo-logctl verify {log(NAMES[0])}")
    assert instances.run(f"grep -c ' message ' {log(NAMES[0])}", check=False).stdout.strip() >= "2"


def test_one_without_a_configuration_is_not_tried_again(instances):
    assert instances.run(f"systemctl start {UNIT}@none", check=False).status != 0
    assert instances.show(f"{UNIT}@none", "ExecMainStatus") == "6"
    assert instances.show(f"{UNIT}@none", "NRestarts") == "0"
    assert "No such file or directory" in instances.show(f"{UNIT}@none", "StatusText")


def test_logrotate_rotates_each_log(instances):
    start_all(instances)
    for i, name in enumerate(NAMES):
        echo(instances, "127.0.0.1", 7001 + i, name)
        instances.wait_for(f"grep '\"{name}' {log(name)}")
    instances.run("logrotate -f /etc/logrotate.d/echo-logd")
    for i, name in enumerate(NAMES):
        # It returned when each new file was in use.
        assert "start" in instances.run(f"cat {log(name)}").stdout
        instances.run(f"grep '\"{name}' {log(name)}.1")


def test_as_strict_as_the_one(box):
    one = box.run(f"sed -n '/^LimitNOFILE/,$p' /usr/lib/systemd/system/{UNIT}.service").stdout
    instance = box.run(f"sed -n '/^LimitNOFILE/,$p' /usr/lib/systemd/system/{UNIT}@.service").stdout
    assert len(one.splitlines()) > 50
    assert instance.replace("@%i", "") == one
    said = box.run(f"systemd-analyze verify --recursive-errors=no {UNIT}@lab.service")
    assert (said.stdout, said.stderr) == ("", "")
