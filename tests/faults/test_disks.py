# SPDX-License-Identifier: MIT
"""Tests disks that are full, fail, or lose power."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from clients import Client
from daemon import children, read_text, wait_until
from faults import (SOAK, check_account, failing, files_in, halt, is_stalled, kill_everything,
                    logger_of, remove_torn_tails, messages_about_stalls, payload_in, start_on)

LOAD = ["--clients", "8", "--size", "4096", "--window", "16384"]
POWER_CUTS = 50 if SOAK else 3
STALLED = "No space left on device"


def log_files(daemon):
    directory = os.path.dirname(daemon.path)
    return [os.path.join(directory, n)
            for n in os.listdir(directory) if n.startswith("messages.log")]


def free(daemon, mounts, disk, load):
    """Makes room for the rest of the test; then STATUS= and journal report the end of the stall."""
    mounts.resize(disk, "2g")
    wait_until(lambda: daemon.stderr().endswith("can be written again\n"), "the end of the stall")
    size = os.path.getsize(daemon.path)
    wait_until(lambda: os.path.getsize(daemon.path) > size + 1_000_000, "a growing log")
    load.process.terminate()
    wait_until(lambda: not daemon.status().startswith("Log stalled"), "STATUS= without a stall")


def anonymous_kilobytes(daemon):
    """The private memory of all processes.  A process that has just ended counts as 0."""
    return sum(int(n) for pid in [daemon.pid] + children(daemon.pid)
               for n in re.findall(r"RssAnon:\s*(\d+)", read_text("/proc/%d/status" % pid)))


@pytest.mark.seconds(600 if SOAK else 120)
def test_sixteen_megabytes_three_times(start, traffic, mounts, tmp_path):
    """Moving rotated files away makes room.  The log resumes at once, and memory stays the same."""
    archive, resumed = tmp_path / "archive", []
    archive.mkdir()
    disk = mounts.ext4(16 << 20)
    daemon = start_on(start, disk, {"log.message_limit": 300})
    load = traffic(daemon, 3600, LOAD)
    for _ in range(3):
        wait_until(lambda: is_stalled(daemon), "a stall")
        wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "STATUS=")
        if not resumed:
            before = anonymous_kilobytes(daemon)
        old = [path for path in files_in(disk) if path != daemon.path]
        assert sum(map(os.path.getsize, old)) > 5_000_000
        for path in old:
            shutil.move(path, archive / os.path.basename(path))
        freed = time.monotonic()
        wait_until(lambda: not is_stalled(daemon), "a growing log", timeout=10)
        resumed.append(time.monotonic() - freed)
    after = anonymous_kilobytes(daemon)
    print("resumed after %s s; memory %d KiB, then %d KiB" % (
        ", ".join("%.3f" % t for t in resumed), before, after))
    load.process.terminate()
    # The bytes that the clients have under way need more room.
    deadline = time.monotonic() + 20
    while load.process.poll() is None and time.monotonic() < deadline:
        for path in files_in(disk):
            if path != daemon.path:
                shutil.move(path, archive / os.path.basename(path))
        time.sleep(0.01)
    assert load.end()["lost"] == 0
    for path in files_in(disk):
        if path != daemon.path:
            shutil.move(path, archive / os.path.basename(path))
    daemon.stop()
    assert after < before * 1.5 + 4096
    load.judge(*files_in(disk, archive), least_bytes=20_000_000)


@pytest.mark.parametrize("echo_after", ["queued", "written"])
def test_full_then_freed(start, traffic, mounts, echo_after):
    """Three times: clients wait, nothing is lost, and the daemon continues by itself."""
    disk = mounts.tmpfs("6m")
    daemon = start_on(start, disk, {"log.echo_after": echo_after})
    load = traffic(daemon, 3600, LOAD)
    for megabytes in (12, 18, 24):
        wait_until(lambda: is_stalled(daemon), "a stall")
        size = os.path.getsize(daemon.path)
        mounts.resize(disk, "%dm" % megabytes)
        wait_until(lambda: os.path.getsize(daemon.path) > size + 5_000_000, "the disk full again")
    wait_until(lambda: is_stalled(daemon), "the last stall")
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall in STATUS=")
    free(daemon, mounts, disk, load)
    assert load.end()["lost"] == 0
    daemon.stop()
    load.judge(daemon.path, least_bytes=10_000_000)
    # One line for each change of state, and not for each message.
    said = messages_about_stalls(daemon)
    assert 8 <= len(said) < 30
    assert all(a != b for a, b in zip(said, said[1:])), said


@pytest.mark.parametrize("echo_after", ["queued", "written", "synced"])
def test_stop_while_full_spills(start, traffic, mounts, tmp_path, monkeypatch, echo_after):
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    disk = mounts.tmpfs("4m")
    daemon = start_on(start, disk, {"log.stall_timeout": "300ms", "server.drain_timeout": "100ms",
                                    "log.echo_after": echo_after})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    daemon.stop()
    load.end(at_once=True)
    (spill,) = state.iterdir()
    assert spill.stat().st_size > (100_000 if echo_after == "queued" else 10_000)
    load.judge(daemon.path, str(spill), least_bytes=3_000_000)
    mounts.resize(disk, "50m")
    daemon.start()
    assert str(spill) in daemon.stderr()


def test_stop_while_stdout_is_full_spills(make_daemon, traffic, mounts, tmp_path, monkeypatch):
    """
    Stdout is a file as after the > of a shell: the daemon cannot read it and must not truncate
    it.  A record that is split there continues in the spill file.
    """
    state, whole = tmp_path / "state", tmp_path / "whole"
    state.mkdir()
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    path = os.path.join(mounts.tmpfs("4m"), "out")
    daemon = make_daemon({"log.path": "-", "log.stall_timeout": "300ms",
                          "server.drain_timeout": "100ms"}, runtime_directory=True)
    daemon.stdout = os.open(path, os.O_WRONLY | os.O_CREAT)
    daemon.start()
    os.close(daemon.stdout)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    daemon.stop()
    load.end(at_once=True)
    (spill,) = state.iterdir()
    with open(path, "rb") as out:
        whole.write_bytes(out.read() + spill.read_bytes())
    load.judge(str(whole), least_bytes=3_000_000)
    assert "because stdout could not be written" in daemon.stderr()


def test_a_start_on_a_full_disk_is_ready(start, mounts):
    """There is no room for the first record.  READY=1 comes, and STATUS= says that clients wait."""
    disk = mounts.tmpfs("64k")
    with open(os.path.join(disk, "fill"), "wb") as fill, pytest.raises(OSError):
        fill.write(bytes(1 << 20))
    daemon = start_on(start, disk)
    daemon.wait_status("Log stalled")
    with Client(daemon.port) as client:
        client.talk(b"hello")
        os.remove(os.path.join(disk, "fill"))
        client.finish()
    daemon.stop()


def test_stop_while_full_and_nowhere_to_spill(start, traffic, mounts, tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "missing"))
    disk = mounts.tmpfs("4m")
    daemon = start_on(start, disk, {"log.stall_timeout": "300ms", "server.drain_timeout": "100ms"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    daemon.expected_statuses.add(150)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 150
    assert re.search(r"cannot create .*: No such file or directory; "
                     r"[1-9]\d* bytes of records are lost", daemon.stderr())
    load.end(at_once=True)


def test_reopen_while_full(start, traffic, mounts):
    """It does not wait for room: the record in the making goes to the next file."""
    disk = mounts.tmpfs("6m")
    daemon = start_on(start, disk)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.figures()["log"] == "stalled", "a stall")
    assert daemon.figures()["log_error"] == STALLED
    assert "log            stalled: %s\n" % STALLED in daemon.control("status").stdout
    os.rename(daemon.path, daemon.path + ".1")
    said = daemon.control("reopen")
    assert said.returncode == 0 and os.path.exists(daemon.path), said
    assert daemon.figures()["log"] == "stalled"
    mounts.resize(disk, "2g")
    wait_until(lambda: os.path.getsize(daemon.path) > 1_000_000, "the log going on")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path + ".1", daemon.path, least_bytes=4_000_000)


@pytest.mark.parametrize("echo_after", ["queued", "written"])
def test_when_stalled_close(start, traffic, mounts, echo_after):
    """Clients are disconnected without an echo.  What was echoed is in the log."""
    disk = mounts.tmpfs("6m")
    daemon = start_on(start, disk, {"log.when_stalled": "close", "log.stall_timeout": "300ms",
                                    "log.echo_after": echo_after})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    # Clients that were disconnected connect again, and are counted.
    wait_until(lambda: int(re.search(r"(\d+) clients, ", daemon.status())[1]) > 16,
               "closed clients")
    free(daemon, mounts, disk, load)
    assert load.end()["lost"] > 0
    daemon.stop()
    load.judge(daemon.path, least_bytes=4_000_000)
    # A worker that waited for room in the pipe has not logged its message.  One that waited for the
    # receipt has.
    assert echo_after == "written" or daemon.figures()["dropped_bytes"] > 0
    with open(daemon.path) as log:
        assert sum(" close stalled" in line for line in log) > 0


def test_when_stalled_drop(start, traffic, mounts):
    """Clients still get echoes.  The log counts as dropped exactly what it lacks."""
    disk = mounts.tmpfs("6m")
    daemon = start_on(start, disk, {"log.when_stalled": "drop", "log.stall_timeout": "300ms"})
    # Messages of one record.  If the first part of a longer message is already logged, it is not
    # dropped: its client is disconnected.
    load = traffic(daemon, 3600, ["--clients", "8", "--size", "1000", "--window", "1000",
                                  "--connection-bytes", "100000000000"])
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    wait_until(lambda: not re.search(" 0 messages dropped", daemon.status()), "drops in STATUS=")
    free(daemon, mounts, disk, load)
    assert load.end()["lost"] == 0
    daemon.stop()
    logged = payload_in(daemon.path)
    with open(daemon.path) as log:
        dropped = sum(int(line.rsplit("bytes=", 1)[1]) for line in log if " dropped " in line)
    assert check_account(daemon, logged)["dropped_bytes"] >= dropped
    with open(load.ledger) as ledger:
        counts = [line.split() for line in ledger]
    sent, echoed = (sum(int(c[i]) for c in counts) for i in (1, 2))
    assert dropped > 100_000
    # Bytes under way between a client and its worker may be in neither sum.
    assert echoed <= logged + dropped <= sent


def test_keep_free_leaves_room_to_others(start, traffic, mounts):
    disk = mounts.tmpfs("20m")
    daemon = start_on(start, disk, {"log.keep_free": "50%"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (" + STALLED), "a stall")
    fs = os.statvfs(disk)
    assert fs.f_bavail * 2 >= fs.f_blocks
    free(daemon, mounts, disk, load)
    assert load.end()["lost"] == 0
    daemon.stop()
    load.judge(daemon.path, least_bytes=5_000_000)


@pytest.mark.parametrize("call, error", [
    ("splice", "EIO"), ("splice", "EDQUOT"), ("splice", "EROFS"), ("splice", "ENOMEM"),
    ("splice", "EINTR")])
def test_bursts_of_errors(start, traffic, call, error):
    """Errors on the way to the file: the logger tries again, and nothing is lost."""
    daemon = start()
    load = traffic(daemon, 3600, LOAD)
    pid = logger_of(daemon)
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-P", daemon.path,
                           "-e", "inject=%s:error=%s:when=5..15" % (call, error)]) as strace:
        if error == "EINTR":
            size = os.path.getsize(daemon.path)
            wait_until(lambda: os.path.getsize(daemon.path) > size + 3_000_000, "a growing log")
        else:
            wait_until(lambda: "can be written again" in daemon.stderr(), "the end of the stall")
        strace.terminate()
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path)


def test_a_logger_that_cannot_look_is_followed_by_one_that_can(start, traffic):
    """It cannot look into the batch for the message that fills the file."""
    daemon = start({"log.message_limit": 500})
    load = traffic(daemon, 3600, LOAD)
    with failing(daemon, "tee", "error=ENOMEM"):
        os.kill(logger_of(daemon), signal.SIGKILL)
        # So many that they are not replaced at once any more.
        wait_until(lambda: daemon.stderr().count("after a pause") >= 2, "loggers that cannot look")
    size = sum(os.path.getsize(path) for path in log_files(daemon))
    wait_until(lambda: sum(os.path.getsize(path) for path in log_files(daemon)) > size + 3_000_000,
               "a growing log")
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(*log_files(daemon))


def test_limit_of_the_file_size(start, traffic):
    """The logger gets EFBIG, and a SIGXFSZ that must not kill it."""
    daemon = start(prefix=["prlimit", "--fsize=3000000:"])
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: daemon.status().startswith("Log stalled (File too large"), "a stall")
    subprocess.run(["prlimit", "--pid", str(logger_of(daemon)), "--fsize=unlimited"], check=True)
    wait_until(lambda: not daemon.status().startswith("Log stalled"), "STATUS= without a stall")
    subprocess.run(["prlimit", "--pid", str(daemon.pid), "--fsize=unlimited"], check=True)
    assert load.end(at_once=True)["lost"] == 0
    daemon.stop()
    load.judge(daemon.path, least_bytes=2_000_000)


@pytest.mark.seconds(1200 if SOAK else 120)
def test_power_cut(start, traffic, mounts):
    """With `synced` every echoed byte is on the disk after a power cut."""
    for n in range(POWER_CUTS):
        disk = mounts.ext4(200 << 20)
        daemon = start_on(start, disk, {"log.echo_after": "synced", "log.message_limit": "300"},
                          name="cut%d" % n)
        load = traffic(daemon, 3600, LOAD)
        wait_until(lambda: len(os.listdir(disk)) > 4, "some rotations")
        # Stopped processes are not in the middle of a sync, and send no more echoes.
        halt(daemon)
        mounts.cut_power(disk)
        load.end(at_once=True)
        kill_everything(daemon)
        mounts.unmount(disk)
        mounts.mount_image()
        remove_torn_tails(disk)
        load.judge(*(os.path.join(disk, name) for name in os.listdir(disk)
                     if name.startswith("messages.log")), least_bytes=1_000_000)
        mounts.unmount(disk)


def test_a_queued_echo_does_not_survive_a_power_cut(start, traffic, mounts):
    """This shows that the test above can fail."""
    disk = mounts.ext4(200 << 20)
    daemon = start_on(start, disk)
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 3_000_000, "a volume")
    mounts.cut_power(disk)
    load.end(at_once=True)
    kill_everything(daemon)
    mounts.unmount(disk)
    mounts.mount_image()
    # Even the name of the file may be missing on the disk.
    open(daemon.path, "a").close()
    remove_torn_tails(disk)
    with pytest.raises(AssertionError, match="lost [1-9]"):
        load.judge(daemon.path, least_bytes=0)


def test_a_failed_sync_is_no_receipt(start, traffic):
    """The waiting clients are disconnected, the file is set aside, the service continues."""
    daemon = start({"log.echo_after": "synced"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: os.path.getsize(daemon.path) > 500_000, "a volume")
    pid = logger_of(daemon)
    subprocess.run(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
                    "inject=fdatasync:error=EIO:when=3"], timeout=60)
    wait_until(lambda: logger_of(daemon) != pid, "another logger")
    assert "cannot sync" in daemon.stderr() and "the file is renamed" in daemon.stderr()
    size = os.path.getsize(daemon.path)
    wait_until(lambda: os.path.getsize(daemon.path) > size + 500_000, "a growing log")
    assert load.end(at_once=True)["lost"] > 0
    daemon.stop()
    directory = os.path.dirname(daemon.path)
    files = [os.path.join(directory, n)
             for n in os.listdir(directory) if n.startswith("messages.log")]
    assert len(files) == 2
    load.judge(*files, least_bytes=500_000)


@pytest.mark.parametrize("echo_after", ["synced", "queued"])
def test_a_sync_that_fails_again_and_again(start, echo_after):
    """There are not many new files, no old file is deleted, and a stop succeeds in time."""
    daemon = start({"log.echo_after": echo_after, "log.keep_files": 3, "log.message_limit": 100,
                    "server.drain_timeout": "0"})
    with Client(daemon.port) as client:
        for n in range(250):
            client.talk(b"precious")
    with failing(daemon, "fdatasync", "error=EIO"):
        if echo_after == "synced":
            with Client(daemon.port) as client:
                client.send(b"hope")
                assert client.receive_rest() == b""
        # A loop without a pause would fail hundreds of times by then.
        wait_until(lambda: daemon.stderr().count("cannot sync") >= 8 or echo_after == "queued",
                   "failures")
        daemon.expected_statuses.add(4)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 4
    assert daemon.stderr().count("cannot sync") < 30
    assert len(log_files(daemon)) < 35
    assert sum(open(path).read().count("precious") for path in log_files(daemon)) == 250


def test_a_sync_that_really_fails(start, traffic, mounts):
    """The image of an ext4 is on a full tmpfs.  What was echoed is there without the page cache."""
    outer = mounts.tmpfs("12m", name="outer")
    disk = mounts.ext4(100 << 20, image_directory=outer)
    daemon = start_on(start, disk, {"log.echo_after": "synced"})
    load = traffic(daemon, 3600, LOAD)
    wait_until(lambda: "cannot sync" in daemon.stderr(), "a failed sync")
    load.end(at_once=True)
    kill_everything(daemon)
    mounts.cut_power(disk)
    mounts.unmount(disk)
    mounts.resize(outer, "200m")
    mounts.mount_image()
    remove_torn_tails(disk)
    load.judge(*(os.path.join(disk, name) for name in os.listdir(disk)
                 if name.startswith("messages.log")), least_bytes=100_000)
