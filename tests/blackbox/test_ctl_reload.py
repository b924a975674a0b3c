# SPDX-License-Identifier: MIT
"""Tests that the answers of echo-logctl reload are true."""
import os
import signal
import subprocess

import pytest

from clients import Client
from daemon import binary, control, free_port, is_gone, is_pending, proc_stat, wait_until


@pytest.fixture
def start(make_daemon):
    def start_one(options=None, **arguments):
        return make_daemon(options, runtime_directory=True, **arguments).start()

    return start_one


def reload(daemon):
    said = daemon.control("reload")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", ""), said
    return daemon.figures()["generation"]


def refuse(daemon):
    """Runs a reload that fails.  Returns its message."""
    before = daemon.figures()["generation"]
    said = daemon.control("reload")
    assert (said.returncode, said.stdout) == (1, ""), said
    assert daemon.figures()["generation"] == before
    with Client(daemon.port) as client:
        client.talk(b"still served")
    return said.stderr


def is_told(daemon):
    return any("RELOADING" in fields for fields in daemon.notifications.received)


def background(daemon):
    return subprocess.Popen([os.path.join(os.path.dirname(binary()), "echo-logctl"), "reload",
                             "--runtime", daemon.runtime_directory],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_in_force_when_it_returns(start):
    daemon = start()
    for n in range(10):
        daemon.configure(server_port=free_port(), log_path="%s.%d" % (daemon.path, n))
        assert reload(daemon) == n + 2
        with Client(daemon.options["server.port"]) as client:
            client.talk(b"%d" % n)
            client.finish()
    daemon.stop()
    for n in range(10):
        assert ' message 1 "%d"\n' % n in open("%s.%d" % (daemon.path, n)).read()


def test_a_slow_master_is_waited_for(start):
    daemon = start()
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(daemon.pid), "-e",
                           "inject=openat:delay_enter=300000"]) as strace:
        wait_until(lambda: "TracerPid:\t%d\n" % strace.pid in
                   open("/proc/%d/status" % daemon.pid).read(), "strace at the master")
        for n in range(2):
            daemon.configure(log_path="%s.%d" % (daemon.path, n))
            assert reload(daemon) == n + 2
            assert os.path.exists(daemon.options["log.path"])
        strace.terminate()


def test_no_idle_worker_is_left_with_the_old_configuration(start):
    daemon = start({"server.min_spare": 2, "server.max_spare": 2})
    pid = daemon.wait_for_idle_worker()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: proc_stat(pid)[0] == "T", "a worker that is stopped")
    with background(daemon) as waiting:
        wait_until(lambda: daemon.figures()["generation"] == 2, "the new configuration")
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.3)
        os.kill(pid, signal.SIGCONT)
        assert waiting.wait(20) == 0
        assert is_gone(pid)


def test_a_bad_file_never_reaches_the_daemon(start):
    daemon = start()
    said, status = daemon.stderr(), daemon.status()
    daemon.write_config("[server]\nport = %d\nmax_clint = 5\nidle_timeout = soon\n" % daemon.port)
    lines = refuse(daemon).splitlines()
    assert lines[0].startswith("%s:3: server.max_clint" % daemon.config_path) and \
        "max_clients" in lines[0]
    assert lines[1].startswith("%s:4: server.idle_timeout" % daemon.config_path)
    assert lines[2:] == ["echo-logctl: not reloaded; the running configuration stays"]
    assert (daemon.stderr(), "failed" in daemon.status()) == (said, "failed" in status)
    assert not is_told(daemon)


def test_a_file_that_is_gone(start):
    daemon = start()
    os.unlink(daemon.config_path)
    assert "No such file or directory" in refuse(daemon)


def test_what_the_daemon_refuses_is_reported(start):
    daemon = start()
    taken = free_port()
    with Client(daemon.port) as client:
        blocker = start({"server.port": taken}, name="blocker")
        daemon.configure(server_port=taken)
        assert refuse(daemon) == (
            "echo-logctl: not reloaded: cannot listen on 127.0.0.1:%d: Address already in use: "
            "another program listens there; the running configuration stays\n" % taken)
        client.talk(b"undisturbed")
    assert daemon.wait_status("^Last reload failed")
    daemon.configure(server_port=daemon.port, log_path=blocker.path)
    assert refuse(daemon).startswith(
        "echo-logctl: not reloaded: log.path: %s is locked" % blocker.path)
    # Control characters from the daemon do not reach a terminal.
    daemon.write_config("[server]\nport = %d\n[log]\npath = /nowhere/\u009b/x\n" % daemon.port)
    assert "the directory /nowhere/?? does not exist" in refuse(daemon)
    daemon.write_config("[server]\nport = %d\n[log]\npath = %s\n" % (daemon.port, daemon.path))
    assert reload(daemon) == 2
    assert "failed" not in daemon.status()


def test_the_command_line_counts(start):
    daemon = start({"server.max_spare": 40}, arguments=["-o", "server.min_spare=20"])
    daemon.configure(server_max_spare=10)
    assert "min_spare = 20 is more than max_spare = 10" in refuse(daemon)
    assert not is_told(daemon)
    daemon.configure(server_max_spare=20)
    assert reload(daemon) == 2


def test_a_relative_name_is_the_daemons(start, tmp_path):
    daemon = start(prefix=["env", "-C", str(tmp_path)], arguments=["-c", "echo-logd.conf"])
    assert reload(daemon) == 2
    daemon.write_config("nonsense\n")
    assert refuse(daemon).startswith("%s/echo-logd.conf:1: nonsense: " % tmp_path)


def test_a_command_line_that_is_too_long(make_daemon, tmp_path):
    name = "log.path=%s/%smessages.log" % (tmp_path, "./" * 40)
    daemon = make_daemon(runtime_directory=True, arguments=["-o", name] * 60).start()
    assert "cannot store the command line" in daemon.stderr()
    assert "send SIGHUP to its master" in refuse(daemon)
    assert not is_told(daemon)


def test_what_needs_a_restart_is_reported(start):
    daemon = start()
    daemon.configure(server_max_clients=7, log_format="json")
    said = daemon.control("reload")
    assert (said.returncode, said.stdout) == (0, "")
    assert said.stderr == ("echo-logctl: reloaded, but a change of server.max_clients, log.format "
                           "needs a restart; the running value stays\n")
    # Only what this reload has changed is named.
    daemon.configure(server_max_clients=1000, log_format="text")
    assert reload(daemon) == 3


def test_many_at_once(start):
    daemon = start()
    many = [background(daemon) for _ in range(10)]
    assert [each.communicate(timeout=60)[0] for each in many] == [""] * 10
    assert [each.returncode for each in many] == [0] * 10


def test_a_service_that_stops(start):
    daemon = start({"server.drain_timeout": "1h"})
    with Client(daemon.port) as client:
        client.talk(b"keeps it busy")
        daemon.signal(signal.SIGTERM)
        daemon.notifications.wait(lambda f: f.get("STOPPING") == "1", "STOPPING=1")
        said = daemon.control("reload")
        assert (said.returncode, said.stderr) == (
            1, "echo-logctl: not reloaded: the service is stopping\n")
        client.talk(b"still served")
        client.finish()
    assert daemon.wait() == 0
    assert "not running any more" in daemon.control("reload").stderr


def test_a_daemon_that_dies_meanwhile(start):
    daemon = start()
    os.kill(daemon.pid, signal.SIGSTOP)
    with background(daemon) as waiting:
        wait_until(lambda: is_pending(daemon.pid, signal.SIGHUP),
                   "SIGHUP that waits for the master")
        daemon.kill_master()
        assert "not running any more" in waiting.communicate(timeout=60)[0]
        assert waiting.returncode == 1


def test_usage():
    said = control("reload", "--json")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("echo-logctl: --json: not an option of reload\n")
