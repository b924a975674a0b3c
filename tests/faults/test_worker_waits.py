# SPDX-License-Identifier: MIT
"""Workers that wait and cannot continue: a stop, a reload and the next worker end every wait."""
import contextlib
import os
import random
import signal
import time

import pytest

from clients import Client
from confined import Confinement
from daemon import PATIENCE, children, descriptors, is_gone, is_write_end, wait_until
from faults import SEED, kill_again_and_again, start_on, traced
from test_exhaustion import FEW, NO_MORE, assert_idle, limit

OWN_FILTER = pytest.mark.free("it has a filter of its own")
# A stop without a client that is served, and the reload, take milliseconds.
AT_ONCE = 5
# A client that is stuck gets no answer at all.
ANSWERED = 10


@pytest.fixture
def refusing(start, tmp_path):
    """refusing({"accept4": "EPERM"}, options) starts a daemon to which these calls are refused."""
    def start_one(refused, options=None, **arguments):
        pytest.importorskip("seccomp")
        unit = os.path.join(os.environ["ECHO_LOGD_BUILDDIR"], "systemd", "echo-logd.service")
        confinement = Confinement(unit, str(tmp_path), refused)
        return start(options, confinement=confinement, **arguments)

    return start_one


def stop_at_once(daemon):
    begin = time.monotonic()
    daemon.stop(AT_ONCE)
    assert time.monotonic() - begin < AT_ONCE * PATIENCE


def wait_for_trouble(daemon, error):
    daemon.wait_status("^Trouble: cannot accept clients .%s" % error)


# --- accept4(2) that fails: before each, signals reach the worker

def test_stop_without_a_descriptor_for_a_client(start):
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    for pid in daemon.workers():
        limit(pid, nofile=NO_MORE)
    with Client(daemon.port):
        wait_for_trouble(daemon, "Too many open files")
        stop_at_once(daemon)


def test_reload_without_a_descriptor_for_a_client(start):
    """The workers that cannot accept leave; those that replace them can."""
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    workers = daemon.workers()
    for pid in workers:
        limit(pid, nofile=NO_MORE)
    with Client(daemon.port, timeout=ANSWERED * PATIENCE) as client:
        wait_for_trouble(daemon, "Too many open files")
        daemon.reload(AT_ONCE)
        for pid in workers:
            wait_until(lambda: is_gone(pid), "the end of worker %d" % pid, AT_ONCE)
        client.talk(b"answered by another")
        client.finish()
    stop_at_once(daemon)


@OWN_FILTER
@pytest.mark.parametrize("error, words", [("EPERM", "Operation not permitted"),
                                          ("EACCES", "Permission denied"),
                                          ("EPROTO", "Protocol error")])
def test_accept_is_refused_for_good(refusing, error, words):
    daemon = refusing({"accept4": error}, FEW)
    with Client(daemon.port):
        wait_for_trouble(daemon, words)
        assert_idle([daemon.pid] + children(daemon.pid))
        workers = daemon.workers()
        daemon.reload(AT_ONCE)
        for pid in workers:
            wait_until(lambda: is_gone(pid), "the end of worker %d" % pid, AT_ONCE)
        stop_at_once(daemon)
    assert daemon.stderr().count("cannot accept clients: %s; they wait, retrying" % words) == 1


@pytest.mark.parametrize("error", ["ECONNABORTED", "EHOSTUNREACH"])
def test_accept_finds_clients_that_are_gone(start, error):
    daemon = start(FEW)
    daemon.wait_for_idle_worker()
    with contextlib.ExitStack() as stack:
        for pid in daemon.workers():
            stack.enter_context(traced(pid, "-e", "inject=accept4:error=%s:when=1..5" % error))
        with Client(daemon.port) as client:
            client.talk(b"x")
            client.finish()
    stop_at_once(daemon)
    assert "cannot accept" not in daemon.stderr()


# --- a worker that died

def test_worker_death_between_wake_up_and_accept(start):
    """Idle workers are enough, so that none is forked in its place; the client wakes no other."""
    daemon = start({"server.min_spare": 1, "server.max_spare": 12})
    with Client(daemon.port) as first:
        first.talk(b"x")
        wait_until(lambda: len(daemon.idle_workers()) >= 4, "spare workers")
        first.finish()
    wait_until(lambda: len(daemon.idle_workers()) == len(daemon.workers()), "nobody served")
    workers = daemon.idle_workers()
    with contextlib.ExitStack() as stack:
        for pid in workers:
            stack.enter_context(traced(pid, "-e", "inject=accept4:signal=KILL"))
        with Client(daemon.port, timeout=ANSWERED * PATIENCE) as client:
            client.talk(b"answered")
            client.finish()
        wait_until(lambda: sum(is_gone(pid) for pid in workers) == 1, "one death")
    stop_at_once(daemon)


def test_worker_death_again_and_again(start):
    """Whoever dies and when: no client waits for long, with a single spare worker."""
    daemon = start({"server.min_spare": 1, "server.max_spare": 1, "server.max_clients": 64})
    rng = random.Random(SEED)
    deadline = time.monotonic() + 8
    answered = 0
    while time.monotonic() < deadline:
        kill_again_and_again(daemon, "echo-log-worker", 1, 0.002)
        if rng.random() < 0.5:
            continue
        # This one may be killed too, and then the client is disconnected.
        with contextlib.suppress(ConnectionError, AssertionError), \
                Client(daemon.port, timeout=ANSWERED * PATIENCE) as client:
            client.talk(b"x")
            answered += 1
    with Client(daemon.port, timeout=ANSWERED * PATIENCE) as client:
        client.talk(b"at last")
        client.finish()
    assert answered > 10
    daemon.stop()


def test_stall_with_workers_that_write_close_killed(start, mounts):
    """They serve nobody until the log can be written, so others must."""
    disk = mounts.tmpfs("1m")
    daemon = start_on(start, disk, {"log.when_stalled": "drop", "log.stall_timeout": "200ms",
                                    "server.min_spare": 3, "server.max_spare": 6})
    with contextlib.ExitStack() as stack:
        victims = [stack.enter_context(Client(daemon.port)) for _ in range(12)]
        filler = stack.enter_context(Client(daemon.port))
        for client in victims:
            client.talk(b"x")
        # The disk, both pipes, and then messages are dropped.
        while daemon.figures()["dropped_bytes"] == 0:
            filler.talk(bytes(3000))
        for client in victims:
            os.kill(daemon.worker_of(client), signal.SIGKILL)
        clients = [stack.enter_context(Client(daemon.port, timeout=ANSWERED * PATIENCE))
                   for _ in range(40)]
        for client in clients:
            client.talk(b"echoed although the log is stalled")
        mounts.resize(disk, "20m")
        for client in clients + [filler]:
            client.finish()
    daemon.stop()
    with open(daemon.path) as log:
        assert sum(" close killed" in line for line in log) == 12


# --- system calls that a filter refuses

@OWN_FILTER
@pytest.mark.parametrize("when_stalled", ["drop", "close"])
def test_stall_without_a_timer(refusing, mounts, when_stalled):
    """setitimer(2) is refused, as in other sandboxes: a stall ends the wait all the same."""
    disk = mounts.tmpfs("1m")
    daemon = refusing({"setitimer": "EPERM"}, {"log.when_stalled": when_stalled,
                                               "log.stall_timeout": "200ms"}, log_directory=disk)
    with Client(daemon.port, timeout=ANSWERED * PATIENCE) as client:
        with contextlib.suppress(ConnectionError):
            while daemon.figures()["dropped_bytes"] == 0:
                client.send(bytes(3000))
                if not client.receive(3000):
                    break
    mounts.resize(disk, "20m")
    daemon.stop()
    with open(daemon.path) as log:
        text = log.read()
    assert (" dropped " if when_stalled == "drop" else " close stalled") in text


NO_PROC = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /proc && exec "$@"', "sh"]


@OWN_FILTER
@pytest.mark.parametrize("error, prefix", [("ENOSYS", []), ("EPERM", []), ("EPERM", NO_PROC)],
                         ids=["ENOSYS", "EPERM", "no-proc"])
def test_who_holds_which_descriptor_without_close_range(refusing, error, prefix):
    """One by one, from the list in /proc or by number.  Without /proc there is no title either."""
    if prefix and os.geteuid() != 0:
        pytest.skip("needs root, to hide /proc")
    daemon = refusing({"close_range": error}, FEW, prefix=prefix)
    logger, worker = daemon.wait_for_logger(), daemon.wait_for_idle_worker()

    def pipe_ends(pid):
        return sorted((link, is_write_end(pid, fd)) for fd, link in descriptors(pid).items()
                      if link.startswith("pipe:") and fd > 2)

    assert daemon.path not in descriptors(worker).values()
    assert len(pipe_ends(worker)) == 1 and pipe_ends(worker)[0][1]
    # The read end of the log pipe, and both ends of the stage.
    assert [is_write for _, is_write in pipe_ends(logger)].count(True) == 1
    assert len(pipe_ends(logger)) == 3
    assert daemon.path in descriptors(logger).values()
    # The logger leaves when the last worker is gone: nobody else has the write end.
    daemon.kill_master()
