# SPDX-License-Identifier: MIT
"""Descriptors, processes or memory run out: no busy loop, one message, and the daemon recovers."""
import contextlib
import os
import re
import subprocess
import time

import pytest

from clients import Client
from daemon import children, read_text, wait_until
from faults import files_in, logger_of, traced

LOAD = ["--clients", "12", "--size", "4096", "--window", "16384"]
# Fewer descriptors than any process has.  poll(2) refuses an array that is longer than the limit,
# and this is long enough.
NO_MORE = 3
# As many as it had, or fewer: the unit does not let it have more.
ENOUGH = 256
# Options for few workers, so that no more are forked without clients.
FEW = {"server.min_spare": 2, "server.max_spare": 2}
# Share of one CPU.  A busy loop uses all of it; some retries a second use 0.02.
IDLE_SHARE = 0.3
LOOK_SECONDS = 0.7


def limit(pid, prefix=(), **limits):
    """Sets soft limits of PID by name, with prlimit(1).  They can be raised again."""
    subprocess.run([*prefix, "prlimit", "--pid", str(pid)] +
                   ["--%s=%s:" % item for item in limits.items()], check=True, timeout=10)


def count(text, daemon):
    return len(re.findall(text, daemon.stderr()))


def cpu_seconds(pid):
    """The CPU time of PID and of its children that were reaped."""
    fields = read_text("/proc/%d/stat" % pid).rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def assert_idle(pids):
    """Asserts that these processes wait, and do not run in a busy loop."""
    begin, before = time.monotonic(), {pid: cpu_seconds(pid) for pid in pids}
    time.sleep(LOOK_SECONDS)
    used = {pid: cpu_seconds(pid) - before[pid] for pid in pids}
    assert sum(used.values()) < IDLE_SHARE * (time.monotonic() - begin), used


def grows(daemon, least=1_000_000):
    size = os.path.getsize(daemon.path)
    wait_until(lambda: os.path.getsize(daemon.path) > size + least, "a growing log")


def stop_and_judge(daemon, load):
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(*files_in(daemon.directory), least_bytes=500_000)


# --- workers

def test_no_descriptor_for_a_client(start, traffic):
    """Every worker gets EMFILE: clients wait in the backlog."""
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    workers = daemon.workers()
    for pid in workers:
        limit(pid, nofile=NO_MORE)
    load = traffic(daemon, 3600, LOAD)
    daemon.wait_status("^Trouble: cannot accept clients .Too many open files")
    assert_idle([daemon.pid] + children(daemon.pid))
    for pid in workers:
        limit(pid, nofile=ENOUGH)
    grows(daemon)
    load.process.terminate()
    wait_until(lambda: "clients are accepted again" in daemon.stderr(), "the end of it")
    wait_until(lambda: daemon.status().startswith("Serving"), "STATUS= without a shortage")
    assert count("cannot accept clients: Too many open files; they wait", daemon) == 1
    stop_and_judge(daemon, load)


@pytest.mark.parametrize("error", ["ENFILE", "ENOMEM"])
def test_accept_fails_for_a_while(start, traffic, error):
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    with contextlib.ExitStack() as stack:
        for pid in daemon.workers():
            stack.enter_context(traced(pid, "-e", "inject=accept4:error=%s:when=1..5" % error))
        load = traffic(daemon, 3600, LOAD)
        daemon.wait_status("^Trouble: cannot accept clients")
        grows(daemon)
    assert count("cannot accept clients", daemon) == 1
    stop_and_judge(daemon, load)


def test_workers_find_no_memory(start, traffic):
    """Each new worker ends at once.  They are not forked in a busy loop; busy workers continue."""
    daemon = start(FEW)
    served = Client(daemon.port)
    served.talk(b"before\n")
    limit(daemon.pid, **{"as": 1})
    load = traffic(daemon, 3600, LOAD)
    daemon.wait_status("Trouble: workers cannot continue .Cannot allocate memory")
    # The first hundred are replaced at once.
    wait_until(lambda: cpu_seconds(daemon.pid) == (time.sleep(0.2) or cpu_seconds(daemon.pid)),
               "a pause")
    assert_idle([daemon.pid])
    served.talk(b"meanwhile\n")
    limit(daemon.pid, **{"as": "unlimited"})
    grows(daemon)
    served.close()
    assert count("workers cannot continue: Cannot allocate memory", daemon) == 1
    assert count("\n", daemon) < 20, daemon.stderr()
    stop_and_judge(daemon, load)


# --- fork

def as_another_user():
    """A prefix to become a user to whom RLIMIT_NPROC applies, and who may write as root may."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    return ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups",
            "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def wait_while_no_fork(daemon):
    """Opens three clients: two are served, the third waits."""
    clients = [Client(daemon.port) for _ in range(3)]
    for client in clients:
        client.send(b"hello\n")
    daemon.wait_status("Trouble: cannot fork workers")
    assert_idle([daemon.pid] + children(daemon.pid))
    return clients


def test_no_more_processes(start, traffic):
    """With RLIMIT_NPROC, clients wait for a worker, and the log waits for its logger."""
    user = as_another_user()
    daemon = start(FEW, prefix=user)
    daemon.wait_for_idle_worker()
    limit(daemon.pid, user, nproc=1)
    clients = wait_while_no_fork(daemon)
    os.kill(logger_of(daemon), 9)
    daemon.wait_status("Log stalled .Resource temporarily unavailable.: "
                       "clients wait, nothing is lost")
    assert_idle([daemon.pid] + children(daemon.pid))
    load = traffic(daemon, 3600, LOAD)
    limit(daemon.pid, user, nproc=1000)
    grows(daemon)
    for client in clients:
        assert client.receive(6) == b"hello\n"
        client.finish()
    assert count("cannot fork workers: Resource temporarily unavailable", daemon) == 1
    assert count("cannot fork the logger: Resource temporarily unavailable", daemon) == 1
    assert count("can be written again", daemon) == 1
    stop_and_judge(daemon, load)


def test_no_memory_for_a_fork(start, traffic):
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    with traced(daemon.pid, "-e", "inject=clone,clone3,fork,vfork:error=ENOMEM"):
        load = traffic(daemon, 3600, LOAD)
        daemon.wait_status("Trouble: cannot fork workers .Cannot allocate memory")
        os.kill(logger_of(daemon), 9)
        daemon.wait_status("Log stalled .Cannot allocate memory")
        assert_idle([daemon.pid])
    grows(daemon)
    assert count("cannot fork workers", daemon) == 1
    assert count("cannot fork the logger: Cannot allocate memory", daemon) == 1
    stop_and_judge(daemon, load)


# --- the log

@pytest.mark.parametrize("what", ["reopen", "message_limit"])
def test_no_descriptor_for_the_next_file(start, traffic, what):
    """The master gets EMFILE: records wait in the pipe until it can open a file."""
    daemon = start({"log.message_limit": 300} if what == "message_limit" else {},
                   prefix=["env", "WATCHDOG_USEC=300000"])
    load = traffic(daemon, 3600, LOAD)
    grows(daemon)
    limit(daemon.pid, nofile=NO_MORE)
    if what == "reopen":
        os.rename(daemon.path, daemon.path + ".mine")
    daemon.wait_status("^Log stalled .Too many open files.: clients wait, nothing is lost")
    assert_idle([daemon.pid] + children(daemon.pid))
    # The watchdog of systemd must not end the service.
    since = len(daemon.notifications.received)
    daemon.notifications.wait(lambda f: "WATCHDOG" in f, "WATCHDOG=1", since)
    # Each reload reports its own error, even if the same was reported for the log before.
    for n in range(1, 3):
        assert "Last reload failed" in daemon.reload()
        assert count("reload failed; the running configuration stays", daemon) == n
    limit(daemon.pid, nofile=ENOUGH)
    wait_until(lambda: os.path.exists(daemon.path), "a file")
    wait_until(lambda: daemon.status().startswith(("Serving", "Last reload")),
               "no stall in STATUS=")
    wait_until(lambda: re.search(r"configuration [2-9]", daemon.reload()), "a reload that succeeds")
    assert count("cannot open .*messages.log: Too many open files", daemon) == 1
    assert count("can be written again", daemon) == 1
    stop_and_judge(daemon, load)


def test_no_descriptor_to_count_with(start, traffic):
    """A logger that cannot count messages waits until it can, and the service continues."""
    daemon = start({"log.message_limit": 1000})
    load = traffic(daemon, 3600, LOAD)
    grows(daemon)
    limit(daemon.pid, nofile=NO_MORE)
    os.kill(logger_of(daemon), 9)
    daemon.wait_status("^Log stalled .Too many open files")
    assert_idle([daemon.pid] + children(daemon.pid))
    limit(daemon.pid, nofile=ENOUGH)
    limit(logger_of(daemon), nofile=ENOUGH)
    wait_until(lambda: "can be written again" in daemon.stderr(), "the end of it")
    daemon.wait_status("^Serving")
    stop_and_judge(daemon, load)


def test_no_socket_to_hand_over_the_next_file_with(start, store):
    """The store still gets the new file: the master opens its socket to systemd at the start."""
    daemon = start(store=store)
    with traced(daemon.pid, "-e", "inject=socket:error=ENFILE"):
        os.rename(daemon.path, daemon.path + ".1")
        daemon.reopen()
        wait_until(lambda: store.files() == [daemon.path], "the new file in the store, alone")
    daemon.stop()


# --- start

def test_start_with_few_descriptors(make_daemon):
    """With any number of descriptors the daemon either runs, or reports an error and ends."""
    ran = refused = 0
    for n in range(4, 40):
        daemon = make_daemon(prefix=["prlimit", "--nofile=%d" % n], name="with%d" % n)
        daemon.expected_statuses.update((1, 6))
        daemon.launch()
        wait_until(lambda: daemon.process.poll() is not None or
                   any(f.get("READY") == "1" for f in daemon.notifications.received), "an answer")
        if daemon.process.poll() is None:
            ran += 1
            daemon.stop()
            if ran == 3:
                break
        else:
            refused += 1
            assert re.search("echo-logd.*Too many open files", daemon.stderr()), \
                (n, daemon.stderr())
    assert refused > 3 and ran == 3
