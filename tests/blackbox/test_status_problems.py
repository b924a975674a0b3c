# SPDX-License-Identifier: MIT
"""Tests that echo-logctl status tells what is not well: exit status 3, and "problems" in JSON."""
import json
import os
import resource
import socket

import pytest

from clients import Client
from daemon import children, comm, wait_until
from standin import FdStore


@pytest.fixture
def start(make_daemon):
    def start_one(options=None, **arguments):
        return make_daemon(options, runtime_directory=True, **arguments).start()

    return start_one


def problems(daemon):
    """The problems, by name, with their reasons.  The exit statuses of both forms agree."""
    said = daemon.control("status", "--json")
    found = {each["problem"]: each["reason"] for each in json.loads(said.stdout)["problems"]}
    assert said.returncode == (3 if found else 0), said
    return found


def expect(daemon, *names):
    wait_until(lambda: list(problems(daemon)) == list(names), "problems: %s" % (names,))
    said = daemon.control("status")
    assert (said.returncode, said.stderr) == (3 if names else 0, ""), said
    return said.stdout


def test_well(start):
    assert "problem" not in expect(start())


def test_a_log_that_is_stalled(start, tmp_path):
    daemon = start(log_directory=tmp_path)
    os.rename(daemon.path, daemon.path + ".1")
    os.mkdir(daemon.path)
    daemon.reopen()
    text = expect(daemon, "log-stalled")
    reason = problems(daemon)["log-stalled"]
    assert reason == daemon.figures()["log_error"] != ""
    assert "log            stalled: %s\n" % reason in text
    os.rmdir(daemon.path)
    expect(daemon)


def test_a_limit(start):
    daemon = start({"log.message_limit": 1, "log.at_message_limit": "stop"})
    expect(daemon)
    with Client(daemon.port) as client:
        client.talk(b"one")
        client.talk(b"two")
        assert "log            message limit reached" in expect(daemon, "message-limit")
    os.rename(daemon.path, daemon.path + ".1")
    daemon.reopen()
    expect(daemon)


def test_a_refused_reload(start):
    daemon = start()
    port = daemon.options["server.port"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        daemon.configure(server_port=other.getsockname()[1])
        said = daemon.control("reload")
        assert said.returncode == 1
    text = expect(daemon, "reload-refused")
    reason = problems(daemon)["reload-refused"]
    assert said.stderr == "echo-logctl: not reloaded: %s\n" % reason
    assert "problem        the last reload was refused: %s\n" % reason in text
    daemon.configure(server_port=port)
    assert daemon.control("reload").returncode == 0
    expect(daemon)


def test_a_refused_reload_is_forgotten_at_a_restart(start):
    daemon = start(store=FdStore())
    daemon.configure(log_path="/dev/null/x")
    assert daemon.control("reload").returncode == 1
    expect(daemon, "reload-refused")
    daemon.configure(log_path=daemon.path)
    daemon.stop()
    daemon.start()
    expect(daemon)


def test_json_stays_json(start, tmp_path):
    daemon = start()
    daemon.configure(log_path=str(tmp_path) + '/"\\"/log')
    assert daemon.control("reload").returncode == 1
    assert '/"\\" ' in expect(daemon, "reload-refused")
    assert '/"\\" ' in problems(daemon)["reload-refused"]


def test_a_shortage_of_descriptors(start):
    daemon = start()
    workers = [pid for pid in children(daemon.pid) if comm(pid) != "echo-log-logger"]
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in workers + [daemon.pid]}
    try:
        for pid, (_, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, hard))
        with socket.create_connection(("127.0.0.1", daemon.port)):
            wait_until(lambda: problems(daemon), "a shortage")
            found = problems(daemon)
            assert "Too many open files" in found["accept-shortage"]
            text = daemon.control("status")
            assert text.returncode == 3
            assert "problem        cannot accept clients: Too many open files\n" in text.stdout
    finally:
        for pid, limit in limits.items():
            try:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
            except ProcessLookupError:
                pass
    expect(daemon)


def test_a_daemon_that_is_gone(start, tmp_path):
    """It has no problems any more."""
    daemon = start({"log.message_limit": 1, "log.at_message_limit": "stop"})
    with Client(daemon.port) as client:
        client.talk(b"one")
        client.talk(b"two")
        client.finish()
    daemon.stop()
    said = daemon.control("status", "--json")
    assert said.returncode == 1 and json.loads(said.stdout)["problems"] == []


def test_written_bytes_continue_with_another_max_clients(start):
    daemon = start({"server.max_clients": 10}, store=FdStore())
    with Client(daemon.port) as client:
        client.talk(b"x" * 100_000)
        client.finish()
    daemon.stop()
    before = daemon.figures()
    assert before["log_written_bytes"] > 100_000
    daemon.configure(server_max_clients=20)
    daemon.start()
    after = daemon.figures()
    assert after["max_clients"] == 20
    for name in ("log_written_bytes", "log_files", "clients_total", "received_bytes",
                 "received_messages", "logged_bytes"):
        assert after[name] >= before[name], name
    daemon.stop()
