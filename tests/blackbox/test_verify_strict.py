# SPDX-License-Identifier: MIT
"""Tests that echo-logctl verify accepts only what a daemon writes, and reads on behind holes."""
import gzip
import lzma
import os
import re
import subprocess

import pytest

from clients import Client
from daemon import SOURCE_ROOT
from messagelog import log_files, read_log
from verify import Verdict, assert_verified, control_program, verify

FORMATS = ["text", "json"]
DATA = os.path.join(SOURCE_ROOT, "tests", "blackbox", "data")
EURO = "\u20ac".encode()


def verify_stdin(data, *names):
    done = subprocess.run([control_program(), "verify", *names], input=data, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return Verdict(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(params=FORMATS)
def log(request, start):
    """The path of a log with two whole connections."""
    daemon = start({"log.format": request.param})
    for data in (b"hello\n", b"x" + EURO * 2000):
        with Client(daemon.port) as client:
            client.talk(data)
            client.finish()
    daemon.stop()
    assert_verified(daemon.path)
    return daemon.path


def change(path, pattern, new):
    with open(path, "rb") as file:
        data, n = re.subn(pattern, new, file.read(), count=1)
    assert n == 1
    with open(path, "wb") as file:
        file.write(data)


def only_problem(path):
    verdict = verify(path)
    assert verdict.status == 1 and verdict.facts["problems"] == len(verdict.problems) == 1, verdict
    return verdict.problems[0]


# --- logs of 0.1.0

@pytest.mark.parametrize("format", FORMATS)
def test_a_log_of_the_first_version(format):
    facts = assert_verified(os.path.join(DATA, format + "-0.1.0")).facts
    assert (facts["connections"], facts["whole"], facts["killed"]) == (8, 7, 1)
    assert (facts["messages"], facts["dropped messages"]) == (9, 11)


# --- what no daemon writes

def test_an_event_that_no_version_has(log):
    change(log, rb"\bclose\b", b"clost")
    assert re.fullmatch(r".*:\d+: 1 event that this version of the log does not have; "
                        "here is the first", only_problem(log))


def test_an_event_of_a_later_version(log):
    change(log, rb"\bclose\b", b"clost")
    change(log, rb'(version\W+)1', rb"\g<1>2")
    assert assert_verified(log).facts["without end"] == 1


def test_a_part_without_its_blanks(log):
    change(log, rb" +\n", b"\n")
    assert "has its payload in a form that echo-logd does not choose" in only_problem(log)


def test_base64_for_text(log):
    if log_format(log) == "text":
        change(log, rb'"hello\\n"', b"base64:aGVsbG8K")
    else:
        change(log, rb'data":"hello\\n', b'data_base64":"aGVsbG8K')
    assert "has its payload in a form that echo-logd does not choose" in only_problem(log)


def log_format(path):
    return "json" if open(path, "rb").read(1) == b"{" else "text"


def test_nothing_was_dropped(log):
    line = open(log, "rb").readlines()[1]
    if log_format(log) == "text":
        dropped = re.sub(rb"open$", b"dropped messages=0 bytes=0", line)
    else:
        dropped = line.replace(b'"open"', b'"dropped","messages":0,"bytes":0')
    assert dropped != line
    with open(log, "ab") as file:
        file.write(dropped)
    assert "not a record" in only_problem(log)


def test_a_peer_that_is_no_address(log):
    peer = list(read_log(log, format=log_format(log)).connections.values())[0].peer
    with open(log, "rb") as file:
        data = file.read()
    with open(log, "wb") as file:
        file.write(data.replace(peer.encode(), peer.replace("127.0.0.1", "127.1").encode()))
    assert "the peer is not spelled as echo-logd spells it" in only_problem(log)


# --- holes

@pytest.mark.parametrize("size", [100, 65536, 5_000_000, 3_000_000_000])
@pytest.mark.parametrize("newline", [b"", b"\n"], ids=["alone", "with newline"])
def test_a_hole_at_the_start(log, size, newline):
    with open(log, "rb") as file:
        data = file.read()
    with open(log, "wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(newline + data)
    assert only_problem(log) == ("%s:1: %d bytes of zeros: a crash or another program left a hole "
                                 "here" % (log, size))
    assert verify(log).facts["whole"] == 2


def test_a_hole_behind_the_end_of_a_record(log):
    with open(log, "rb") as file:
        data = file.read()
    with open(log, "wb") as file:
        file.write(b"end of a record\n" + bytes(300_000) + b"\n" + data)
    verdict = verify(log)
    assert verdict.status == 1 and verdict.facts["whole"] == 2
    assert [problem.split(": ")[1] for problem in verdict.problems] == [
        "not a record (15 bytes)", "300000 bytes of zeros"]


def test_nothing_but_zeros(log, tmp_path):
    hole = tmp_path / "hole"
    hole.write_bytes(bytes(2_000_000))
    verdict = verify(hole, log)
    assert verdict.status == 1 and verdict.facts["whole"] == 2
    assert verdict.problems == ["%s:1: 2000000 bytes of zeros: a crash or another program left a "
                                "hole here" % hole]


# --- compressed files, and standard input

@pytest.mark.parametrize("name, compress, program", [
    ("gzip", gzip.compress, "zcat"),
    ("xz", lzma.compress, "xzcat"),
])
def test_a_compressed_file(log, tmp_path, name, compress, program):
    with open(log, "rb") as file:
        compressed = compress(file.read())
    path = tmp_path / "messages.log.1"
    path.write_bytes(compressed)
    verdict = verify(path)
    assert verdict.status == 2 and not verdict.facts
    assert verdict.problems == [
        f"echo-logctl: {path} is compressed with {name}; decompress it first: "
        f"{program} {path} | echo-logctl verify -"]
    verdict = verify_stdin(compressed, "-")
    assert verdict.status == 2 and verdict.problems == [
        f"echo-logctl: stdin is compressed with {name}; decompress it first: "
        f"{program} FILE... | echo-logctl verify -"]
    # The advice works.
    done = subprocess.run(f"{program} {path} | {control_program()} verify -", shell=True,
                          stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == 0 and b"whole            2" in done.stdout


def test_all_files_of_a_rotated_log_in_a_pipe(start):
    """README's command: a shell sorts the names, and some files are compressed."""
    daemon = start({"log.message_limit": 3, "log.keep_files": 0})
    with Client(daemon.port) as client:
        for n in range(20):
            client.talk(b"%d\n" % n)
        client.finish()
    daemon.stop()
    files = log_files(daemon.path)
    assert len(files) > 4
    subprocess.run(["gzip", files[0], files[2]], check=True, timeout=60)
    done = subprocess.run(f"zcat -f {daemon.path}* | {control_program()} verify -", shell=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0 and b"whole            1" in done.stdout, done


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input(log, name):
    with open(log, "rb") as file:
        data = file.read()
    assert verify_stdin(data, name).status == 0
    verdict = verify_stdin(data + b"x\n", name)
    assert verdict.status == 1 and verdict.problems == [
        "%s:%d: not a record (1 byte)" % ("stdin" if name == "-" else name,
                                          data.count(b"\n") + 1)]


def test_standard_input_among_files(log):
    with open(log, "rb") as file:
        lines = file.readlines()
    with open(log, "wb") as file:
        file.writelines(lines[3:])
    assert verify_stdin(b"".join(lines[:3]), log, "-").status == 0


def test_standard_input_that_cannot_be_read(tmp_path):
    directory = os.open(tmp_path, os.O_RDONLY)
    done = subprocess.run([control_program(), "verify", "-"], stdin=directory, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    os.close(directory)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "echo-logctl: cannot read stdin: Is a directory; verification aborted\n"
