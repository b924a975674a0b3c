# SPDX-License-Identifier: MIT
"""Tests the journal of the service: events with fields, explained by the catalogue."""
import json
import re

import pytest

from service import LOG, UNIT, configure, echo, main_pid

SECRET = "xyzzy-payload"


@pytest.fixture
def service(box):
    box.run("journalctl --update-catalog; cp /etc/echo-logd.conf /etc/echo-logd.conf.shipped; "
            f"rm -rf /var/log/echo-logd/*; systemctl start {UNIT}")
    yield box
    box.run(f"systemctl stop {UNIT}; mv /etc/echo-logd.conf.shipped /etc/echo-logd.conf; "
            f"systemctl reset-failed {UNIT} || true")


def ids(box):
    """The ids of all events by their subjects, from the installed catalogue."""
    said = box.run("journalctl --list-catalog").stdout
    return {subject: id
            for id, subject in re.findall(r"^([0-9a-f]{32}) echo-logd: (.*)$", said, re.M)}


def events(box, subject, since=None):
    """The messages with this event, as dictionaries, the oldest first."""
    matches = [f"MESSAGE_ID={ids(box)[subject]}", f"_SYSTEMD_UNIT={UNIT}.service"]
    if since:
        matches.append(f"_SYSTEMD_INVOCATION_ID={since}")
    said = box.run("journalctl --sync; journalctl -o json " + " ".join(f"'{m}'" for m in matches))
    return [json.loads(line) for line in said.stdout.splitlines()]


def explained(box, subject):
    return box.run(f"journalctl --sync; journalctl -x MESSAGE_ID={ids(box)[subject]}").stdout


def invocation(box):
    return box.show(UNIT, "InvocationID")


def test_start_reload_and_stop(service):
    run = invocation(service)
    [started] = events(service, "echo-logd has started", run)
    assert started["LISTEN"] == "127.0.0.1:7, [::1]:7" and started["LOG_PATH"] == LOG
    assert (started["PRIORITY"], started["SYSLOG_IDENTIFIER"]) == ("6", "echo-logd")
    assert started["MESSAGE"].startswith("listening on 127.0.0.1:7, ")
    said = explained(service, "echo-logd has started")
    assert "The service accepts clients on 127.0.0.1:7, [::1]:7\n" in said
    assert f"and logs their messages to {LOG}.\n" in said
    service.run(f"systemctl reload {UNIT}")
    [reloaded] = events(service, "echo-logd has reloaded its configuration", run)
    assert int(reloaded["GENERATION"]) > 0
    service.run(f"systemctl stop {UNIT}")
    [stopping] = events(service, "echo-logd is stopping", run)
    assert (stopping["CLIENTS"], stopping["PRIORITY"]) == ("0", "6")


def test_a_killed_worker(service):
    service.run(f"exec 3<>/dev/tcp/127.0.0.1/7; echo {SECRET} >&3; read -r line <&3; "
                f"echo {SECRET} >&3; read -r line <&3; sleep 30 & echo $! >/var/tmp/sleep.pid")
    service.wait_for(f"grep -c {SECRET} {LOG} | grep 2")
    _, name, peer, *_ = service.run(f"grep {SECRET} {LOG} | tail -n 1").stdout.split()
    # The worker with a client has a socket more than the others.
    service.run("kill -KILL $(for pid in $(pgrep -x echo-log-worker); do "
                "echo $(ls -l /proc/$pid/fd | grep -c socket:) $pid; done | sort -n | tail -n 1 | "
                "cut -d ' ' -f 2)")
    service.wait_for(f"grep 'close killed' {LOG}")
    said = [e for e in events(service, "A worker of echo-logd was killed") if "CONNECTION" in e]
    assert [(e["CONNECTION"], e["CLIENT_ADDRESS"], e["SIGNAL"], e["BYTES"], e["MESSAGES"],
             e["PRIORITY"]) for e in said] == \
        [(name.split(".")[0], peer, "9", str(2 * len(SECRET) + 2), "2", "4")]
    assert f"Process {said[0]['WORKER_PID']} was killed by signal 9." in \
        explained(service, "A worker of echo-logd was killed")
    service.run("kill $(cat /var/tmp/sleep.pid)", check=False)


def test_a_killed_logger(service):
    logger = service.run(f"pgrep -P {main_pid(service)} -x echo-log-logger").stdout.strip()
    service.run(f"kill -KILL {logger}")
    assert echo(service, "127.0.0.1", 7) == "hello\n"
    service.wait_for(f"grep hello {LOG}")
    [died] = events(service, "The logger of echo-logd died", invocation(service))
    assert (died["LOGGER_PID"], died["SIGNAL"], died["PRIORITY"]) == (logger, "9", "4")


def test_messages_of_the_logger_belong_to_the_service(service):
    """The logger is another process, but its messages have the unit."""
    service.run(f"systemctl stop {UNIT}; mkdir -p /srv/small /etc/systemd/system/{UNIT}.service.d; "
                "mount -t tmpfs -o size=64k none /srv/small; chown echo-logd /srv/small; "
                "printf '[Service]\\nReadWritePaths=/srv/small\\n' "
                f">/etc/systemd/system/{UNIT}.service.d/small.conf; systemctl daemon-reload")
    configure(service, "[log]\npath = /srv/small/messages.log\n")
    service.run(f"systemctl start {UNIT}; head -c 40000 /dev/urandom >/srv/small/other; "
                "head -c 60000 /dev/zero | tr '\\0' x | timeout 5 nc -N 127.0.0.1 7 >/dev/null")
    service.wait_for(f"systemctl show -p StatusText {UNIT} | grep 'Log stalled'")
    [stalled] = events(service, "The log of echo-logd cannot be written", invocation(service))
    assert (stalled["ERRNO"], stalled["PRIORITY"]) == ("28", "3")
    assert stalled["_COMM"] == "echo-log-logger"
    assert "/srv/small/messages.log cannot be written. With" in \
        explained(service, "The log of echo-logd cannot be written")
    service.run("rm /srv/small/other; mount -o remount,size=10m /srv/small")
    service.wait_for(f"systemctl show -p StatusText {UNIT} | grep -v 'Log stalled'")
    [resumed] = events(service, "The log of echo-logd can be written again", invocation(service))
    assert resumed["PRIORITY"] == "5"
    service.run(f"systemctl stop {UNIT}; umount /srv/small; "
                f"rm -r /etc/systemd/system/{UNIT}.service.d; systemctl daemon-reload")


def test_the_last_words_of_a_start_that_fails(service):
    """
    Before it exits, the process waits until a slow journal has read its messages.  Otherwise the
    journal could not find out which unit they belong to.
    """
    service.run(f"systemctl stop {UNIT}")
    configure(service, "[server]\nport = 0\nmax_clint = 1\n")
    service.run("journald=$(systemctl show --value -p MainPID systemd-journald); "
                f"kill -STOP $journald; systemctl start --no-block {UNIT}; "
                "for i in {1..500}; do pgrep -x echo-logd >/dev/null && break; sleep 0.01; done; "
                "sleep 0.2; kill -CONT $journald")
    service.wait_for(f"systemctl is-failed {UNIT}")
    said = events(service, "A mistake in the configuration of echo-logd", invocation(service))
    assert [e["MESSAGE"].split(": ")[0] for e in said] == ["/etc/echo-logd.conf:2",
                                                           "/etc/echo-logd.conf:3"]
    assert {(e["PRIORITY"], e["CONFIG_FILE"]) for e in said} == {("3", "/etc/echo-logd.conf")}
    service.run("nc -lk 127.0.0.1 7 >/dev/null & echo $! >/var/tmp/nc.pid")
    service.wait_for("nc -z 127.0.0.1 7")
    configure(service, "")
    service.run(f"systemctl start {UNIT}", check=False)
    [taken] = events(service, "echo-logd cannot listen on @ADDRESS@", invocation(service))
    assert (taken["ADDRESS"], taken["ERRNO"]) == ("127.0.0.1:7", "98")
    service.run("kill $(cat /var/tmp/nc.pid)")


def test_without_a_journal_socket_words_still_arrive(service):
    """Nothing reads the socket, so the messages go to stderr, with their priorities."""
    service.run(f"systemctl stop {UNIT}; mkdir -p /etc/systemd/system/{UNIT}.service.d; "
                "printf '[Service]\\nInaccessiblePaths=/run/systemd/journal/socket\\n' "
                f">/etc/systemd/system/{UNIT}.service.d/deaf.conf; systemctl daemon-reload; "
                f"systemctl start {UNIT}")
    said = service.run("journalctl --sync; journalctl -o json _SYSTEMD_INVOCATION_ID=" +
                       invocation(service)).stdout
    [started] = [e for e in map(json.loads, said.splitlines())
                 if e["MESSAGE"].startswith("listening")]
    assert started["PRIORITY"] == "6" and "MESSAGE_ID" not in started
    service.run(f"rm -r /etc/systemd/system/{UNIT}.service.d; systemctl daemon-reload")


def test_no_payload(service):
    """The journal also has no payload of the tests above."""
    echo(service, "127.0.0.1", 7, SECRET)
    service.wait_for(f"grep {SECRET} {LOG}")
    service.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}")
    service.wait_for(f"echo {SECRET} | nc -N 127.0.0.1 7 | grep {SECRET}")
    service.run(f"systemctl restart {UNIT}")
    said = service.run("journalctl --sync; journalctl -o export").stdout
    assert f"{UNIT}.service" in said and SECRET not in said


def test_every_entry_can_be_printed(service):
    said = service.run("journalctl --dump-catalog " + " ".join(ids(service).values())).stdout
    assert len(ids(service)) == said.count("Defined-By: echo-logd") == 26
