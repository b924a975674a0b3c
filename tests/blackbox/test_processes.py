# SPDX-License-Identifier: MIT
"""Tests the processes and their descriptors, and what prevents a start."""

import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from clients import Client
from daemon import (TCP_LISTEN, binary, comm, descriptors, is_write_end, read_text, tcp_sockets,
                    wait_until)
from messagelog import read_log
from oracle import check_stopped


def census(daemon):
    """The descriptors of master and logger, and the zombies."""
    return {
        "master": sorted(descriptors(daemon.pid).values()),
        "logger": sorted(descriptors(daemon.wait_for_logger()).values()),
        "zombies": daemon.zombies(),
    }


def without_zombies(counted):
    return counted if not counted["zombies"] else None


def libraries(pid):
    """All libraries in the memory of PID, also those of a sanitizer."""
    return set(re.findall(r"/(lib[a-z-]+)\S*\.so", read_text("/proc/%d/maps" % pid)))


def can_dontfork(daemon):
    """Whether the daemon uses src/master/dontfork.h."""
    dynamic = subprocess.run(["readelf", "-dW", binary()], stdout=subprocess.PIPE,
                             check=True).stdout
    return b"BIND_NOW" in dynamic and "libasan" not in libraries(daemon.pid)


def test_children_do_not_have_the_masters_libraries(start):
    daemon = start()
    assert {"libc", "libsystemd", "libinih"} <= libraries(daemon.pid)
    for pid in [daemon.wait_for_logger(), daemon.wait_for_idle_worker()]:
        if can_dontfork(daemon):
            assert libraries(pid) == {"libc"}
        else:
            assert libraries(pid) == libraries(daemon.pid)


def test_a_preloaded_library(start, tmp_path, monkeypatch):
    """A preloaded library may look up a function at any time, which reads all libraries."""
    source, library = tmp_path / "lazy.c", tmp_path / "lazy.so"
    source.write_text("""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <sys/socket.h>
        ssize_t recv(int fd, void *to, size_t n, int flags)
        {
            return ((ssize_t (*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv"))(
                fd, to, n, flags);
        }""")
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-z,lazy", "-o", library, source], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("ASAN_OPTIONS",
                       "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))
    daemon = start()
    monkeypatch.delenv("LD_PRELOAD")
    with Client(daemon.port) as client:
        client.talk(b"hello\n")
    daemon.stop()
    assert "signal" not in daemon.stderr()


@pytest.mark.parametrize("clients_per_worker", [0, 1, 7])
def test_census_after_many_connections(start, clients_per_worker):
    n_clients = 2000 if clients_per_worker < 2 else 200
    daemon = start({"server.clients_per_worker": clients_per_worker})
    with Client(daemon.port) as client:
        client.talk(b"x")
    before = wait_until(lambda: without_zombies(census(daemon)), "the reaping of the first worker")
    # Two listeners, and one to systemd, which is also used for the store.
    assert sum(link.startswith("socket:") for link in before["master"]) == 3
    workers = set()
    for n in range(n_clients):
        with Client(daemon.port, ("127.0.0.1", "::1")[n % 2]) as client:
            client.talk(b"client %d" % n)
            if n % 100 == 0:
                workers.add(daemon.worker_of(client))
    wait_until(lambda: census(daemon) == before, "the same as before: %s" % before)
    assert 1 <= len(daemon.workers()) <= 32 + 1
    if clients_per_worker == 1:
        assert len(workers) == n_clients // 100
    daemon.stop()
    log = read_log(daemon.path)
    assert not log.problems and log.messages == n_clients + 1
    assert all(c.close in ("eof", "reset") for c in log.connections.values())


def pipes_of(pid):
    """The pipes of PID: (link with the inode, is write end)."""
    return sorted((link, is_write_end(pid, fd)) for fd, link in descriptors(pid).items()
                  if link.startswith("pipe:"))


def sockets_of(pid, daemon, to_systemd=0):
    """The numbers of listeners and of sockets of clients; TO_SYSTEMD more are expected."""
    listening = {row[3] for row in tcp_sockets() if row[2] == TCP_LISTEN and row[0] == daemon.port}
    connected = {row[3] for row in tcp_sockets() if row[2] != TCP_LISTEN and row[0] == daemon.port}
    inodes = [link[8:-1] for fd, link in descriptors(pid).items() if link.startswith("socket:")]
    found = (sum(i in listening for i in inodes), sum(i in connected for i in inodes))
    assert sum(found) + to_systemd == len(inodes), "%s holds a socket of another kind" % comm(pid)
    return found


def others_of(pid):
    """The other descriptors of PID: no standard streams, pipes or sockets."""
    return sorted(link.replace("anon_inode:", "") for fd, link in descriptors(pid).items()
                  if fd > 2 and not link.startswith(("pipe:", "socket:")))


def test_who_holds_which_descriptor(start):
    daemon = start(runtime_directory=True)
    with Client(daemon.port) as client:
        client.talk(b"x")
        busy, idle = daemon.worker_of(client), daemon.wait_for_idle_worker()
        logger = daemon.wait_for_logger()
        ((log_pipe, writes),) = pipes_of(idle)
        assert writes, "a worker writes to the log pipe"
        assert pipes_of(busy) == [(log_pipe, True)]

        stage_pipe = next(link for link, _ in pipes_of(daemon.pid) if link != log_pipe)
        both = sorted([(log_pipe, False), (log_pipe, True),
                       (stage_pipe, False), (stage_pipe, True)])
        assert pipes_of(daemon.pid) == both
        assert pipes_of(logger) == sorted([(log_pipe, False), (stage_pipe, False),
                                           (stage_pipe, True)])

        assert sockets_of(daemon.pid, daemon, to_systemd=1) == (2, 0)
        assert sockets_of(idle, daemon) == (2, 0)
        assert sockets_of(busy, daemon) == (2, 1)
        assert sockets_of(logger, daemon) == (0, 0)

        assert others_of(idle) == others_of(busy) == ["[eventfd]", "[eventfd]", "[eventpoll]"]
        assert others_of(logger) == [daemon.path, "[eventfd]", "[eventfd]"]
        master = others_of(daemon.pid)
        assert [link for link in master if not link.startswith("[")] == [
            daemon.path, os.path.join(daemon.runtime_directory, "lock")]
        assert {link for link in master if link.startswith("[")} == {
            "[eventfd]", "[eventpoll]", "[signalfd]", "[timerfd]"}
        for pid in [busy, idle, logger]:
            assert sum(fd < 3 for fd in descriptors(pid)) == 3
    daemon.stop()


def test_scoreboard_file(start):
    daemon = start(runtime_directory=True)
    path = os.path.join(daemon.runtime_directory, "scoreboard")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    with open(path, "rb") as file:
        assert file.read(8) == b"echologd"


def test_max_clients(start):
    daemon = start({"server.max_clients": "2"})
    first, second, third = (Client(daemon.port) for _ in range(3))
    # Two are served, and the third waits in the backlog.
    first.talk(b"1")
    second.talk(b"2")
    third.send(b"3")
    for _ in range(50):
        first.talk(b"1")
        second.talk(b"2")
    assert len(daemon.workers()) == 2
    third.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        third.socket.recv(1)
    third.socket.settimeout(20)
    first.finish()
    assert third.receive(1) == b"3"
    second.finish()
    third.finish()
    check_stopped(daemon, [first, second, third], min_bytes=103)


def test_max_clients_when_a_worker_is_killed(start):
    """The slot of a dead worker can be used again."""
    daemon = start({"server.max_clients": "2"})
    served = []
    for _ in range(10):
        client = Client(daemon.port)
        client.talk(b"x")
        os.kill(daemon.worker_of(client), signal.SIGKILL)
        served.append(client)
    with Client(daemon.port) as a, Client(daemon.port) as b:
        a.talk(b"x")
        b.talk(b"x")
    for client in served:
        client.close()


def test_the_number_of_workers_grows_and_shrinks(start):
    daemon = start({"server.min_spare": "2", "server.max_spare": "4"})
    wait_until(lambda: len(daemon.idle_workers()) == 2, "two spare workers at first")
    clients = [Client(daemon.port) for _ in range(30)]
    for client in clients:
        client.talk(b"x")
    wait_until(lambda: 2 <= len(daemon.idle_workers()) <= 4 and len(daemon.workers()) <= 34,
               "30 busy workers and two to four spare ones")
    daemon.wait_status("Serving 30 of 1000 clients")
    for client in clients:
        client.finish()
    wait_until(lambda: 2 <= len(daemon.workers()) <= 4, "two to four workers again")
    daemon.wait_status("Serving 0 of 1000 clients; 30 clients, 30 messages, 30 bytes so far")
    check_stopped(daemon, clients, min_bytes=30)


def test_workers_are_the_first_to_be_killed_for_want_of_memory(start):
    daemon = start()
    daemon.wait_for_idle_worker()

    def adjusted(pid):
        return int(read_text("/proc/%d/oom_score_adj" % pid))

    usual = adjusted(daemon.pid)
    assert adjusted(daemon.wait_for_logger()) == usual
    for pid in daemon.workers():
        wait_until(lambda: adjusted(pid) == min(usual + 200, 1000), "a worker that gives way")


def test_names(start):
    daemon = start()
    names = {comm(pid) for pid in daemon.workers() + [daemon.logger()]}
    assert names == {"echo-log-worker", "echo-log-logger"}
    assert comm(daemon.pid) == "echo-logd"


# --- what prevents a start

def refused_start(daemon, status):
    """Starts a daemon that cannot start.  Returns its message."""
    daemon.launch()
    daemon.expected_statuses = {status}
    assert daemon.wait() == status, daemon.stderr()
    assert not any("READY" in f for f in daemon.notifications.received)
    assert daemon.stderr()
    return daemon.stderr()


def test_second_daemon_on_the_same_log(start, make_daemon):
    daemon = start()
    other = make_daemon({"log.path": daemon.path}, name="other")
    said = refused_start(other, 1)
    assert daemon.path in said and "another echo-logd" in said
    # Also after a change of the logger.
    old = daemon.wait_for_logger()
    os.kill(old, signal.SIGKILL)
    daemon.wait_for_logger(other_than=old)
    assert "another echo-logd" in refused_start(
        make_daemon({"log.path": daemon.path}, name="third"), 1)
    with Client(daemon.port) as client:
        client.talk(b"undisturbed")


def test_port_that_is_taken(make_daemon):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = refused_start(make_daemon(port=port), 1)
    assert "127.0.0.1:%d" % port in said and "another program listens" in said


def test_interface_that_is_not_there(make_daemon):
    said = refused_start(make_daemon({"server.address": "fe80::1%not-here"}), 1)
    assert "cannot listen on [fe80::1%not-here]:" in said and "No such device" in said


def test_missing_directory(make_daemon, tmp_path):
    said = refused_start(make_daemon({"log.path": tmp_path / "none" / "log"}), 1)
    assert str(tmp_path / "none") in said and "create it" in said


@pytest.mark.parametrize("kind", ["directory", "fifo", "device"])
def test_log_that_is_no_file(make_daemon, tmp_path, kind):
    path = {"directory": tmp_path / "d", "fifo": tmp_path / "f", "device": "/dev/null"}[kind]
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    said = refused_start(make_daemon({"log.path": path}), 1)
    assert str(path) in said


@pytest.mark.free("it starts the daemon in its own way")
def test_log_that_may_not_be_written(make_daemon):
    prefix, user = [], pwd.getpwuid(os.geteuid()).pw_name
    base = tempfile.mkdtemp(prefix="echo-logd-test.", dir="/tmp")
    try:
        if os.geteuid() == 0:
            if not shutil.which("setpriv"):
                pytest.skip("setpriv is not installed")
            user = "nobody"
            ids = pwd.getpwnam(user)
            # That user may not be able to enter the build directory.
            copy = shutil.copy(binary(), base)
            prefix = ["setpriv", "--reuid=%d" % ids.pw_uid, "--regid=%d" % ids.pw_gid,
                      "--clear-groups", "--inh-caps=-all", "--", "sh", "-c",
                      'shift; exec "$0" "$@"', copy]
        os.chmod(base, 0o755)
        logs = os.path.join(base, "logs")
        os.mkdir(logs, 0o555)
        daemon = make_daemon({"log.path": logs + "/messages.log"}, prefix=prefix)
        shutil.copy(daemon.config_path, base)
        daemon.config_path = os.path.join(base, "echo-logd.conf")
        os.chmod(daemon.config_path, 0o644)
        said = refused_start(daemon, 1)
    finally:
        shutil.rmtree(base)
    assert re.search(r"\buser %s\b" % user, said) and logs + "/messages.log" in said
    assert "chown %s %s" % (user, logs) in said


def test_takes_no_terminal(make_daemon, tmp_path):
    """A session leader that opens a terminal would get it as its own, daemon(7)."""
    terminal, slave = os.openpty()
    trace = tmp_path / "trace"
    # A leak checker cannot trace what is traced already.
    strace = ["strace", "-o", str(trace), "-e", "trace=openat", "-E", "LSAN_OPTIONS=detect_leaks=0"]
    daemon = make_daemon({"log.path": os.ttyname(slave)}, prefix=["setsid", "-w", *strace])
    daemon.expected_statuses = {1}
    assert daemon.launch().wait() == 1
    assert "is not a regular file; not started" in daemon.stderr()
    opened = [line for line in trace.read_text().splitlines() if os.ttyname(slave) in line]
    assert opened and all("O_NOCTTY" in line for line in opened)
    os.close(slave)
    os.close(terminal)


def test_unknown_option():
    done = subprocess.run([binary(), "--no-such-option"], stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=20)
    assert done.returncode == 2 and "no-such-option" in done.stderr


def test_bad_configuration(make_daemon):
    daemon = make_daemon({"server.max_clients": "many"})
    said = refused_start(daemon, 6)
    assert re.search(re.escape(daemon.config_path) + r":\d+: server.max_clients", said)
    assert not os.path.exists(daemon.path)
