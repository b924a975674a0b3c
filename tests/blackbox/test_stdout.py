# SPDX-License-Identifier: MIT
"""Tests log.path = -: the log goes to stdout, of any kind, by splice or by copying."""
import os
import pty
import signal
import subprocess
import threading
import time
import tty

import pytest

from clients import Client
from daemon import binary, kill_logger, wait_until
from standin import FdStore
from verify import assert_verified

COPIED = "stdout does not support splice(2), so records are copied"
LINE = b"0123456789abcdef" * 64 + b"\n"


@pytest.fixture
def on(make_daemon):
    """on(fd) starts a daemon that logs to fd."""
    def start_on(fd, options=None, **arguments):
        daemon = make_daemon({"log.path": "-", **(options or {})}, **arguments)
        daemon.stdout = fd
        return daemon.start()
    return start_on


@pytest.fixture
def file(tmp_path):
    return str(tmp_path / "out")


def text(path):
    with open(path, "rb") as opened:
        return opened.read()


class Reader(threading.Thread):
    """Reads FD until its end."""

    def __init__(self, fd):
        super().__init__(daemon=True)
        self.fd, self.data = fd, b""
        self.start()

    def run(self):
        while True:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:         # a terminal without a writer
                return
            if not piece:
                return
            self.data += piece


def visit(daemon, data=b"hello\n"):
    with Client(daemon.port) as client:
        client.talk(data)


def test_a_file(on, file):
    with open(file, "wb") as out:
        daemon = on(out.fileno())
    visit(daemon)
    daemon.signal(signal.SIGUSR1)
    visit(daemon, b"again\n")
    kill_logger(daemon)
    visit(daemon, b"and again\n")
    daemon.stop()
    assert assert_verified(file).facts["messages"] == 3
    assert COPIED not in daemon.stderr() and "logging to stdout" in daemon.stderr()
    assert os.listdir(os.path.dirname(file)).count("messages.log") == 0


def test_what_is_in_the_file_already_is_left_alone(on, file):
    """Here the file has bytes that are no log, without a newline at the end."""
    with open(file, "wb") as out:
        out.write(b"something else")
        out.flush()
        os.fchmod(out.fileno(), 0o604)
        daemon = on(out.fileno())
    visit(daemon)
    daemon.signal(signal.SIGUSR1)
    visit(daemon)
    daemon.reload()
    daemon.stop()
    assert text(file).startswith(b"something else2") and b" torn" not in text(file)
    assert os.stat(file).st_mode & 0o777 == 0o604


def test_another_run_appends(make_daemon, file):
    """StandardOutput=file: of systemd opens the file neither for appending nor for truncation."""
    daemon = make_daemon({"log.path": "-"})
    for data in [b"one\n", b"two\n"]:
        daemon.stdout = os.open(file, os.O_WRONLY | os.O_CREAT)
        daemon.start()
        os.close(daemon.stdout)
        visit(daemon, data)
        daemon.stop()
    assert assert_verified(file).facts["messages"] == 2
    assert text(file).index(b'"one') < text(file).index(b'"two')


def test_a_file_that_is_appended_to(on, file):
    """Records are copied.  Killed loggers lose nothing, and the warning is logged once."""
    with open(file, "ab") as out:
        daemon = on(out.fileno())
    with Client(daemon.port) as client:
        for i in range(200):
            client.talk(b"%05d " % i + LINE)
            if i % 20 == 10:
                kill_logger(daemon)
    daemon.stop()
    for i in range(200):
        assert b'"%05d 0123' % i in text(file), i
    assert daemon.stderr().count(COPIED) == 1


def test_copied_exactly_if_no_logger_is_killed(on, file):
    with open(file, "ab") as out:
        daemon = on(out.fileno(), {"log.echo_after": "written"})
    with Client(daemon.port) as client:
        for _ in range(300):
            client.talk(LINE * 20)
    daemon.stop()
    assert assert_verified(file).facts["messages"] >= 300


def test_a_pipe(on):
    reading, writing = os.pipe()
    daemon = on(writing)
    os.close(writing)
    reader = Reader(reading)
    visit(daemon)
    wait_until(lambda: b'"hello\\n"' in reader.data, "the record")
    daemon.stop()
    reader.join(10)
    assert b" close eof " in reader.data and not reader.is_alive()
    assert COPIED not in daemon.stderr()
    os.close(reading)


def test_a_pipe_that_is_not_read_is_no_fault(on, file):
    """Clients wait, no logger is killed, nothing is reported, and then all records come."""
    reading, writing = os.pipe()
    daemon = on(writing, {"log.logger_timeout": "1s"}, runtime_directory=True)
    os.close(writing)
    logger = daemon.wait_for_logger()
    client = Client(daemon.port)
    sender = threading.Thread(target=lambda: client.socket.sendall(LINE * 8000), daemon=True)
    sender.start()
    drain = threading.Thread(target=client.receive, args=(len(LINE) * 8000,), daemon=True)
    drain.start()
    beat = "until the logger would have been taken for hanging"
    began = len(daemon.notifications.received)
    # STATUS= comes once a second while anything moves, with a look at the logger.
    wait_until(lambda: len(daemon.notifications.received) >= began + 4 or not drain.is_alive(),
               beat)
    assert drain.is_alive()
    assert daemon.wait_for_logger() == logger
    assert "cannot write" not in daemon.stderr() and "sign of life" not in daemon.stderr()
    reader = Reader(reading)
    drain.join(60)
    sender.join(1)
    client.close()
    daemon.stop()
    reader.join(10)
    with open(file, "wb") as out:
        out.write(reader.data)
    assert assert_verified(file).facts["payload bytes"] == len(LINE) * 8000
    os.close(reading)


def test_a_terminal(on):
    terminal, slave = pty.openpty()
    tty.setraw(slave)
    daemon = on(slave)
    os.close(slave)
    reader = Reader(terminal)
    visit(daemon, b"\x1b[2J\n")
    wait_until(lambda: b'"\\x1b[2J\\n"' in reader.data, "the record")
    daemon.stop()
    assert b"\x1b" not in reader.data
    os.close(terminal)


def test_a_stopped_terminal_does_not_look_like_a_logger_that_hangs(on):
    """Ctrl-S stops the output for longer than logger_timeout."""
    terminal, slave = pty.openpty()
    tty.setraw(slave)
    daemon = on(slave, {"log.logger_timeout": "1s"})
    os.close(slave)
    with Client(daemon.port) as client:
        for _ in range(300):
            client.talk(LINE)
    time.sleep(5)
    reader = Reader(terminal)
    wait_until(lambda: reader.data.count(b'"0123456789') == 300, "all records")
    daemon.stop()
    assert "not responded" not in daemon.stderr()
    os.close(terminal)


def test_a_reader_that_is_gone_is_a_full_disk(on, monkeypatch, tmp_path):
    """At a stop, what it did not read goes to the state directory."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    os.mkdir(tmp_path / "state")
    reading, writing = os.pipe()
    daemon = on(writing, {"log.stall_timeout": "100ms"})
    os.close(writing)
    daemon.wait_for_logger()
    os.close(reading)
    visit(daemon)
    daemon.wait_status("Log stalled .Broken pipe")
    assert daemon.stderr().count("cannot write to stdout: Broken pipe; clients wait") == 1
    daemon.stop()
    [spill] = os.listdir(tmp_path / "state")
    assert b'"hello\\n"' in text(tmp_path / "state" / spill)


def test_everything_killed(on, file, monkeypatch, tmp_path):
    """The next run has another stdout, so the records in the pipes go to a spill file."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    os.mkdir(tmp_path / "state")
    store = FdStore()
    with open(file, "wb") as out:
        daemon = on(out.fileno(), store=store)
    logger = daemon.wait_for_logger()
    assert store.files() == []
    os.kill(logger, signal.SIGSTOP)
    visit(daemon, b"in the pipe\n")
    # Leave no time for another logger, which would never end: the store holds the pipes open.
    daemon.signal(signal.SIGSTOP)
    daemon.orphans.add(logger)
    os.kill(logger, signal.SIGKILL)
    daemon.kill_master()
    second = file + "2"
    with open(second, "wb") as out:
        daemon.stdout = out.fileno()
        daemon.start()
    visit(daemon, b"after\n")
    daemon.stop()
    store.clear()
    both = text(file) + b"".join(text(tmp_path / "state" / name)
                                 for name in os.listdir(tmp_path / "state"))
    assert both.count(b'"in the pipe\\n"') == 1
    assert b"after" in text(second) and b"in the pipe" not in text(second)


def test_reloads_to_a_file_and_back(on, file):
    with open(file, "wb") as out:
        daemon = on(out.fileno())
    visit(daemon, b"one\n")
    # Records that are still in the pipe at a reload go to the next file.
    wait_until(lambda: b" close " in text(file), "the end of the first visit")
    daemon.configure(log_path=daemon.path)
    daemon.reload()
    visit(daemon, b"two\n")
    wait_until(lambda: b" close " in text(daemon.path), "the end of the second")
    daemon.configure(log_path="-")
    daemon.reload()
    visit(daemon, b"three\n")
    daemon.stop()
    assert (b'"one' in text(file), b'"two' in text(file), b'"three' in text(file)) == \
        (True, False, True)
    assert b'"two\\n"' in text(daemon.path) and b'"three' not in text(daemon.path)
    assert_verified(file, daemon.path)


def test_not_to_the_journal(make_daemon, file, monkeypatch):
    with open(file, "wb") as out:
        st = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", "%d:%d" % (st.st_dev, st.st_ino))
        daemon = make_daemon({"log.path": "-"})
        daemon.stdout = out.fileno()
        daemon.expected_statuses = {1}
        assert daemon.launch().wait() == 1
    assert "stdout is the journal, where client data does not belong" in daemon.stderr()
    assert text(file) == b""


def test_one_that_cannot_be_written_to(make_daemon):
    daemon = make_daemon({"log.path": "-"})
    with open("/dev/null", "rb") as out:
        daemon.stdout = out.fileno()
        daemon.expected_statuses = {1}
        assert daemon.launch().wait() == 1
    assert "log.path: cannot write to stdout: Bad file descriptor; not started" in daemon.stderr()


def test_none(make_daemon):
    daemon = make_daemon({"log.path": "-"}, prefix=["sh", "-c", 'exec "$0" "$@" >&-'])
    daemon.expected_statuses = {1}
    assert daemon.launch().wait() == 1
    assert "log.path: cannot write to stdout: Bad file descriptor; not started" in daemon.stderr()


@pytest.mark.parametrize("line, said", [
    ("message_limit = 5", "stdout is no file that messages can be counted in"),
    ("echo_after = synced", "stdout cannot be put on disk"),
])
def test_what_needs_a_file(tmp_path, line, said):
    conf = tmp_path / "conf"
    conf.write_text("[log]\npath = -\n%s\n" % line)
    done = subprocess.run([binary(), "-c", str(conf), "--check-config"], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 6
    assert "%s:3: log.%s: bad value" % (conf, line.split()[0]) in done.stderr and \
        said in done.stderr
