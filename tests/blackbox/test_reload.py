# SPDX-License-Identifier: MIT
"""Tests reloads: new settings take effect at once, bad ones change nothing, clients stay."""

import os
import re
import signal
import socket
import threading

import pytest

from clients import Client, Load
from daemon import descriptors, free_port, is_pending, read_text, settled, wait_until
from messagelog import log_files, read_log
from oracle import check_log, check_stopped

MIB = 1024 * 1024


def refuses(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 20).close()
    except ConnectionRefusedError:
        return True
    return False


def generation(status):
    return int(re.search(r"configuration (\d+)", status)[1])


def test_new_port_at_once(start):
    daemon = start()
    old, new = daemon.port, free_port()
    running = Client(old)
    running.talk(b"before")
    daemon.configure(server_port=new)
    assert generation(daemon.reload()) == 2
    assert refuses(old) and refuses(old, "::1")
    running.talk(b"after, on the old connection")
    late = Client(new)
    late.talk(b"on the new port")
    for client in (late, running):
        client.finish()
    check_stopped(daemon, [running, late], min_bytes=40)


def test_fewer_addresses(start):
    daemon = start()
    daemon.configure(server_address="127.0.0.1")
    daemon.reload()
    assert refuses(daemon.port, "::1")
    with Client(daemon.port) as client:
        client.talk(b"x")
    daemon.configure(server_address="127.0.0.1, ::1")
    daemon.reload()
    with Client(daemon.port, "::1") as client:
        client.talk(b"x")


def test_what_was_queued_before_is_in_the_old_file(start, tmp_path):
    daemon = start()
    old, new = daemon.path, str(tmp_path / "elsewhere.log")
    logger = daemon.wait_for_logger()
    with Client(daemon.port) as client:
        os.kill(logger, signal.SIGSTOP)
        client.talk(b"to the old file")
        daemon.configure(log_path=new)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: is_pending(logger, signal.SIGUSR1), "the order to the logger")
        os.kill(logger, signal.SIGCONT)
        wait_until(lambda: " start " in read_text(new), "the new file in use")
        client.finish()
    daemon.stop()
    assert read_log(old).messages == 1


def test_new_path_at_once(start, tmp_path):
    daemon = start()
    old, new = daemon.path, str(tmp_path / "elsewhere.log")
    with Client(daemon.port) as client:
        client.talk(b"to the old file")
        daemon.configure(log_path=new)
        daemon.reload()
        # READY=1 says that the new file is in use.
        client.talk(b"to the new file")
        client.finish()
    daemon.stop()
    check_log([old, new], [client], min_bytes=30)
    assert read_log(old).messages == 1
    assert read_log(new, allow_gaps=True).messages == 1
    assert read_log(new, allow_gaps=True).service_events() == ["start"]


@pytest.mark.parametrize("line, number, message", [
    ("port = 65536", 3, "port"),
    ("prot = 7", 3, "port"),
    ("idle_timeout = soon", 3, "idle_timeout"),
    ("max_clients", 3, ""),
])
def test_bad_file_keeps_the_old_configuration(start, line, number, message):
    daemon = start()
    good = open(daemon.config_path).read()
    with Client(daemon.port) as client:
        client.talk(b"before")
        daemon.write_config("# bad\n[server]\n%s\n" % line)
        status = daemon.reload()
        assert "reload failed" in status and generation(status) == 1
        client.talk(b"after")
        with Client(daemon.port) as other:
            other.talk(b"new clients too")
    said = next(l for l in daemon.stderr().splitlines()
                if "%s:%d:" % (daemon.config_path, number) in l)
    assert message in said
    daemon.write_config(good)
    status = daemon.reload()
    assert "failed" not in status and generation(status) == 2


def test_missing_file_keeps_the_old_configuration(start):
    daemon = start()
    os.unlink(daemon.config_path)
    assert "reload failed" in daemon.reload()
    with Client(daemon.port) as client:
        client.talk(b"x")
    assert daemon.config_path in daemon.stderr()


def test_taken_port_keeps_the_old_configuration(start, tmp_path):
    daemon = start()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        daemon.configure(server_port=taken, log_path=str(tmp_path / "unused.log"))
        assert "reload failed" in daemon.reload()
    assert "127.0.0.1:%d" % taken in daemon.stderr()
    with Client(daemon.port) as client:
        client.talk(b"x")
        client.finish()
    check_stopped(daemon, [client])
    assert not log_files(tmp_path / "unused.log") or not read_log(tmp_path / "unused.log").messages


def test_impossible_path_keeps_the_old_configuration(start, tmp_path):
    daemon = start()
    old_port, new_port = daemon.port, free_port()
    daemon.configure(log_path=str(tmp_path / "no" / "such" / "directory.log"), server_port=new_port)
    assert "reload failed" in daemon.reload()
    assert refuses(new_port)
    with Client(old_port) as client:
        client.talk(b"x")
        client.finish()
    check_stopped(daemon, [client])


def test_keys_for_a_restart_are_named(start):
    daemon = start()
    daemon.configure(log_format="json", server_max_clients=5)
    assert generation(daemon.reload()) == 2
    said = next(l for l in daemon.stderr().splitlines() if "needs a restart" in l)
    assert "log.format" in said and "server.max_clients" in said
    with Client(daemon.port) as client:
        client.talk(b"still text")
        client.finish()
    check_stopped(daemon, [client], format="text")


def test_new_clients_get_the_new_settings(start):
    daemon = start({"log.framing": "stream"})
    old = Client(daemon.port)
    old.talk(b"a")
    daemon.configure(log_framing="line", server_idle_timeout="200ms")
    daemon.reload()
    new = Client(daemon.port)
    new.send(b"half a line")
    # With the new framing the echo comes at the end of a line, or, as here, of the connection.
    assert new.receive_rest() == b"half a line"
    old.talk(b"b, at once and without a newline")
    old.finish()
    log = check_stopped(daemon, [old, new], min_bytes=10)
    assert log.by_peer(new.peer)[0].close == "idle"
    assert log.by_peer(old.peer)[0].close == "eof"


def test_a_backlog_does_not_keep_the_old_configuration(start):
    """Workers are replaced even if the next client always waits already."""
    daemon = start({"server.max_clients": 2, "server.min_spare": 1, "server.max_spare": 2})
    ended = threading.Event()

    def come_again_and_again():
        while not ended.is_set():
            with Client(daemon.port) as client:
                client.talk(b"x" * 200)
                client.finish()

    threads = [threading.Thread(target=come_again_and_again, daemon=True) for _ in range(12)]
    for thread in threads:
        thread.start()
    wait_until(lambda: os.path.getsize(daemon.path) > 100_000, "clients")
    old = set(daemon.workers())
    daemon.configure(log_message_size=100)
    daemon.reload()
    try:
        wait_until(lambda: not old & set(daemon.workers()), "the end of the old workers")
    finally:
        ended.set()
        for thread in threads:
            thread.join(20)
    with Client(daemon.port) as client:
        client.talk(b"x" * 200)
        client.finish()
    daemon.stop()
    connection, = read_log(daemon.path).by_peer(client.peer)
    assert len(connection.messages) == 2


def test_thirty_reloads_under_load(start):
    daemon = start({"server.max_spare": 6})
    with Load(daemon.port, 6, 4000, ("127.0.0.1", "::1"), window=20_000) as load:
        for n in range(30):
            mark = load.echoed_bytes
            daemon.configure(server_max_spare=6 + n % 3, log_message_size="%dK" % (1 + n))
            assert generation(daemon.reload()) == n + 2
            with Client(daemon.port) as other:
                other.talk(b"new one")
            wait_until(lambda: load.echoed_bytes > mark + 50_000, "more echoes")
        clients = load.finish()
    log = check_stopped(daemon, clients, min_bytes=MIB, others_allowed=True)
    assert len(log.connections) == 36
    for client in clients:
        assert {c.close for c in log.by_peer(client.peer)} == {"eof"}


def test_reloads_to_new_files_under_load(start, tmp_path):
    daemon = start()
    paths = [daemon.path]
    with Load(daemon.port, 4, 4000, window=20_000) as load:
        for n in range(10):
            mark = load.echoed_bytes
            wait_until(lambda: load.echoed_bytes > mark + 50_000, "more echoes")
            paths.append(str(tmp_path / ("log%d" % n)))
            daemon.configure(log_path=paths[-1])
            daemon.reload()
        clients = load.finish()
    daemon.stop()
    log = check_log(paths, clients, min_bytes=500_000)
    assert log.service_events() == ["start"] * 11


def test_fifty_signals_leave_no_descriptor(start):
    daemon = start()
    daemon.reload()

    def link_kinds():
        return sorted(descriptors(daemon.pid).values())

    before = link_kinds()
    for _ in range(50):
        daemon.reload()
        with Client(daemon.port) as client:
            client.talk(b"x")
    wait_until(lambda: link_kinds() == before, "the same descriptors as before: %s" % before)
    wait_until(lambda: not daemon.zombies(), "the reaping of all children")


def test_failed_reloads_leave_no_descriptor(start, tmp_path):
    daemon = start()
    before = settled(lambda: sorted(descriptors(daemon.pid).values()), "the set of descriptors")
    with socket.socket(socket.AF_INET6) as holder:
        holder.bind(("::1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        # 127.0.0.1 is free, ::1 is in use.  Then a good port with a bad path.
        for _ in range(5):
            daemon.configure(server_port=taken, log_path=str(tmp_path / "other.log"))
            assert "failed" in daemon.reload()
            daemon.configure(server_port=daemon.port, log_path="/proc/none/log")
            assert "failed" in daemon.reload()
    wait_until(lambda: len(descriptors(daemon.pid)) <= len(before) + 1,
               "no more descriptors than %s" % before)
