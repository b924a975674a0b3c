# SPDX-License-Identifier: MIT
"""Tests the notifications to systemd of a service that starts, reloads or fails: sd_notify(3)."""
import errno
import os
import signal
import socket

import pytest


def last_words(daemon):
    return daemon.notifications.wait(lambda f: "EXIT_STATUS" in f, "EXIT_STATUS=")


def fail(daemon, status):
    daemon.expected_statuses.add(status)
    assert daemon.launch().wait() == status
    said = last_words(daemon)
    assert said["EXIT_STATUS"] == str(status)
    return said


def test_who_is_the_main_process(start):
    """Also if another program starts the daemon as its child."""
    daemon = start(prefix=["/bin/sh", "-c", "\"$@\"; exit $?", "sh"])
    said = daemon.notifications.wait(lambda f: f.get("READY") == "1", "READY=1")
    pid = int(said["MAINPID"])
    assert pid != daemon.pid
    with open("/proc/%d/comm" % pid) as comm:
        assert comm.read() == "echo-logd\n"
    os.kill(pid, signal.SIGTERM)
    assert daemon.wait() == 0


def test_a_reload_as_notify_reload_wants_it(start):
    daemon = start()
    since = len(daemon.notifications.received)
    daemon.signal(signal.SIGHUP)
    daemon.notifications.wait(lambda f: f.get("READY") == "1", "READY=1", since=since)
    said = [f for f in daemon.notifications.received[since:] if "RELOADING" in f or "READY" in f]
    assert [f.get("RELOADING") for f in said] == ["1", None]
    assert int(said[0]["MONOTONIC_USEC"]) > 0


def test_a_port_that_is_taken(make_daemon):
    daemon = make_daemon()
    with socket.create_server(("127.0.0.1", daemon.port)):
        said = fail(daemon, 1)
    assert said["ERRNO"] == str(errno.EADDRINUSE)
    assert said["STATUS"].startswith("Failed: cannot listen on 127.0.0.1:%d: " % daemon.port)


def test_a_log_that_cannot_be_written(make_daemon):
    daemon = make_daemon({"log.path": "/proc/sys/messages.log"})
    said = fail(daemon, 1)
    assert said["ERRNO"] in (str(errno.ENOENT), str(errno.EACCES))
    assert said["STATUS"].startswith("Failed: log.path: ")


@pytest.mark.parametrize("text, number, words", [
    ("[server]\nport = 0\nmax_clint = 5\n", errno.EINVAL, ":2: server.port"),
    (None, errno.ENOENT, "No such file"),
])
def test_a_bad_configuration(make_daemon, tmp_path, text, number, words):
    daemon = make_daemon()
    daemon.config_path = str(tmp_path / "other.conf")
    if text:
        daemon.write_config(text)
    said = fail(daemon, 6)
    assert said["ERRNO"] == str(number)
    assert said["STATUS"].startswith("Failed: ") and words in said["STATUS"]


def test_a_clean_stop_reports_no_error(start):
    daemon = start()
    daemon.stop()
    assert not any("EXIT_STATUS" in f or "ERRNO" in f for f in daemon.notifications.received)
