# SPDX-License-Identifier: MIT
"""A reload that is refused has changed nothing, inside or outside of the service."""

import ctypes
import os
import socket
import stat

import pytest

from clients import Client
from daemon import free_port, read_text, wait_until
from messagelog import log_files, read_log
from oracle import check_stopped


def picture(directory):
    """Every file in DIRECTORY but the daemon's own: name, inode, mode, contents."""
    found = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        info = os.lstat(path)
        if stat.S_ISREG(info.st_mode):
            with open(path, "rb") as file:
                found[name] = info.st_ino, info.st_mode, file.read()
        else:
            found[name] = info.st_ino, info.st_mode
    return found


@pytest.fixture
def taken():
    """A port that another program has."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize("contents", [
    None, b"", b'{"this":"is JSON"}\n', b"somebody's letter\n", b"no line",
], ids=["no file", "empty", "JSON", "text", "no line"])
def test_files_at_the_new_path(start, tmp_path, taken, contents):
    other = tmp_path / "elsewhere"
    other.mkdir()
    if contents is not None:
        (other / "messages.log").write_bytes(contents)
    before = picture(other)
    daemon = start()
    good_port = daemon.port
    with Client(daemon.port) as client:
        client.talk(b"before")
        daemon.configure(server_port=taken, log_path=str(other / "messages.log"))
        for _ in range(3):
            assert "reload failed" in daemon.reload()
            assert picture(other) == before
        client.talk(b"after")
        # The same with a port that can be had: now the file is ours.
        daemon.configure(server_port=good_port)
        assert "failed" not in daemon.reload()
        client.talk(b"elsewhere")
        client.finish()
    daemon.stop()
    files = log_files(str(other / "messages.log"))
    assert read_log(files[-1], allow_gaps=True).messages == 1
    if contents and contents.endswith(b"\n"):
        assert contents in [kept[2] for kept in picture(other).values()]


def test_a_directory_that_does_not_let_a_foreign_file_be_renamed(start, tmp_path):
    """The renaming is refused: so is the reload, and the sockets stay as well."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "messages.log").write_bytes(b"somebody's letter\n")
    daemon = start()
    old_port, new_port = daemon.port, free_port()
    if os.geteuid() == 0:
        # What is mounted on cannot be renamed, whoever asks.
        libc = ctypes.CDLL(None, use_errno=True)
        path = os.fsencode(other / "messages.log")
        if libc.mount(path, path, None, 4096, None) != 0:
            pytest.skip("no mount: %s" % os.strerror(ctypes.get_errno()))
        undo = lambda: libc.umount2(path, 2)  # noqa: E731
    else:
        other.chmod(0o555)
        undo = lambda: other.chmod(0o755)  # noqa: E731
    try:
        before = picture(other)
        daemon.configure(server_port=new_port, log_path=str(other / "messages.log"))
        assert "reload failed" in daemon.reload()
        assert picture(other) == before
        assert "cannot rename" in daemon.stderr()
        with pytest.raises(ConnectionRefusedError):
            Client(new_port)
        with Client(old_port) as client:
            client.talk(b"still served")
            client.finish()
        check_stopped(daemon, [client])
    finally:
        undo()


def test_a_file_that_somebody_uses_meanwhile_is_not_removed(start, tmp_path, taken):
    """Only a new and empty file is deleted; the log in use never is."""
    daemon = start()
    with Client(daemon.port) as client:
        client.talk(b"x")
        client.finish()
    wait_until(lambda: " close " in read_text(daemon.path), "the last record")
    before = read_text(daemon.path)
    for changes in ({"server_port": taken}, {"server_port": taken, "log_mode": "0600"}):
        daemon.configure(**changes)
        assert "reload failed" in daemon.reload()
    assert read_text(daemon.path) == before
    assert stat.S_IMODE(os.stat(daemon.path).st_mode) == 0o640


@pytest.mark.parametrize("contents", [None, b"somebody's letter\n"], ids=["no file", "text"])
def test_a_failed_start_leaves_files_too(make_daemon, tmp_path, taken, contents):
    place = tmp_path / "place"
    place.mkdir()
    if contents:
        (place / "messages.log").write_bytes(contents)
    before = picture(place)
    daemon = make_daemon({"server.port": taken}, log_directory=place)
    daemon.expected_statuses.add(1)
    daemon.launch()
    assert daemon.wait() == 1 and "cannot listen" in daemon.stderr()
    assert picture(place) == before


def test_stdout_cannot_keep_the_promise_of_synced(make_daemon, tmp_path):
    daemon = make_daemon({"log.echo_after": "synced"})
    with open(tmp_path / "stdout", "wb") as stdout:
        daemon.stdout = stdout.fileno()
        daemon.start()
    old = Client(daemon.port)
    old.talk(b"synced")
    daemon.configure(log_path="-", log_echo_after="written")
    assert "reload failed" in daemon.reload()
    assert "echo_after = synced" in daemon.stderr() and "log.path = -" in daemon.stderr()
    old.talk(b"still synced")
    # First the promise ends, for new clients; then the last of the old ones leaves.
    daemon.configure(log_path=daemon.path)
    assert "failed" not in daemon.reload()
    daemon.configure(log_path="-")
    assert "reload failed" in daemon.reload()
    old.finish()
    wait_until(lambda: "failed" not in daemon.reload(), "the end of the last promise")
    with Client(daemon.port) as client:
        client.talk(b"to stdout")
        client.finish()
    daemon.stop()
    assert read_log(daemon.path, allow_gaps=True).messages == 2
    assert read_log(str(tmp_path / "stdout"), allow_gaps=True).messages == 1


def test_from_stdout_to_synced_in_two_steps(make_daemon, tmp_path):
    """Until the log has changed, records go to stdout, where a receipt would say too much."""
    daemon = make_daemon({"log.path": "-"})
    with open(tmp_path / "stdout", "wb") as stdout:
        daemon.stdout = stdout.fileno()
        daemon.start()
    daemon.configure(log_path=daemon.path, log_echo_after="synced")
    assert "reload failed" in daemon.reload()
    assert "log.path = - is in effect" in daemon.stderr() and not os.path.exists(daemon.path)
    daemon.configure(log_echo_after="written")
    assert "failed" not in daemon.reload()
    daemon.configure(log_echo_after="synced")
    assert "failed" not in daemon.reload()
    with Client(daemon.port) as client:
        client.talk(b"x")
        client.finish()
    check_stopped(daemon, [client])
