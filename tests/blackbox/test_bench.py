# SPDX-License-Identifier: MIT
"""Tests the benchmark: its load generator finds errors of a server, and its report is right."""

import argparse
import csv
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.join(os.environ["ECHO_LOGD_SRCDIR"], "tests", "bench"))

import bench  # noqa: E402
import report  # noqa: E402
from cases import CASES, P50, Case  # noqa: E402
from measure import Failed, Hangs, loadgen, wait_for_lines  # noqa: E402
from results import Results  # noqa: E402
from servers import Missing, Server  # noqa: E402
from targets import TARGETS  # noqa: E402

BENCH = os.path.join(os.environ["ECHO_LOGD_SRCDIR"], "tests", "bench", "bench.py")


class Mirror:
    """Echoes what CHANGE returns for the number of a read and its bytes."""
    name, echoes = "mirror", True

    def __init__(self, change):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.change = change
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client:
            try:
                for number, data in enumerate(iter(lambda: client.recv(65536), b"")):
                    data = self.change(number, data)
                    if data is None:
                        return
                    client.sendall(data)
            except OSError:
                pass

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def mirror():
    mirrors = []

    def make(change):
        mirrors.append(Mirror(change))
        return mirrors[-1]

    yield make
    for each in mirrors:
        each.end()


def one_bit_wrong(number, data):
    return data if number < 5 else data[:-1] + bytes([data[-1] ^ 1])


LOADS = [["latency", "--size", 64], ["throughput", "--size", 16384], ["connections", "--size", 64]]


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load[0])
@pytest.mark.parametrize("kind", ["text", "random"])
def test_an_honest_server(mirror, load, kind):
    fields = loadgen(mirror(lambda number, data: data), *load, "--kind", kind,
                     seconds=0.2, warmup=0)
    assert fields["errors"] == 0
    assert fields["bytes"] >= load[2]


@pytest.mark.parametrize("load", LOADS[:2], ids=lambda load: load[0])
@pytest.mark.parametrize("kind", ["text", "random"])
def test_one_wrong_bit(mirror, load, kind):
    with pytest.raises(Failed, match="another echo") as raised:
        loadgen(mirror(one_bit_wrong), *load, "--kind", kind, seconds=0.5, warmup=0)
    assert raised.value.verdict == "fails"


def test_a_wrong_bit_in_a_short_connection(mirror):
    with pytest.raises(Failed):
        loadgen(mirror(lambda number, data: data[:-1] + b"\xff"), *LOADS[2], seconds=0.2, warmup=0)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load[0])
def test_a_server_that_hangs_up(mirror, load):
    with pytest.raises(Failed):
        loadgen(mirror(lambda number, data: None), *load, seconds=0.2, warmup=0)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load[0])
def test_a_server_that_says_nothing(mirror, load):
    with pytest.raises(Hangs):
        loadgen(mirror(lambda number, data: b""), *load, seconds=0.2, warmup=0, patience=0.5)


@pytest.mark.parametrize("number", [0, 1])
def test_a_wrong_bit_for_a_held_client(mirror, number):
    """In the echo of its first message, and of the one that it sends after the measurement."""
    def wrong(n, data):
        return b"?" + data[1:] if len(data) == 64 and n == number else data

    with pytest.raises(Failed, match="another echo"):
        loadgen(mirror(wrong), "latency", "--size", 100, "--held", 2, seconds=0.2, warmup=0)


@pytest.mark.parametrize("lines,problem", [(9, Hangs), (10, None), (8, Failed)])
def test_what_is_stored_is_counted(tmp_path, lines, problem):
    """It waits for ten lines of five bytes.  In the last case there are fewer, but longer lines."""
    path = tmp_path / "messages.log"
    path.write_bytes(b"line\n" * 10 if lines == 10 else b"line\n" * (lines - 1) + b"x" * (
        4 if problem is Hangs else 14) + b"\n")
    if problem:
        with pytest.raises(problem) as raised:
            wait_for_lines(str(path), 10, seconds=0.1)
        assert raised.type is problem
    else:
        wait_for_lines(str(path), 10, seconds=0.1)


def test_percentiles(mirror):
    """One answer in twenty is late, so the 99th percentile is late, and the median is not."""
    def late(number, data):
        if number % 20 == 19:
            time.sleep(0.03)
        return data

    fields = loadgen(mirror(late), "latency", "--size", 64, seconds=1, warmup=0)
    assert fields["p50"] < 30000 <= fields["p99"]


def figures(results, **rounds):
    for server, values in rounds.items():
        for number, value in enumerate(values, 1):
            results.add("p50-64", server.replace("_", "-"), number, {"p50": value})


def target_line(results, words):
    return next(line for line in report.targets_text(results).splitlines() if words in line)


@pytest.mark.parametrize("own,word", [(110, "met"), (111, "**not met**")])
def test_a_target(tmp_path, own, word):
    results = Results(str(tmp_path))
    figures(results, floor=[100, 100, 100], echo_logd=[own, own, 500])
    assert target_line(results, TARGETS[0].words).endswith("| %s |" % word)
    # A target without a measurement is not met.
    assert report.targets_text(results).count("not measured") == len(TARGETS) - 1


@pytest.mark.parametrize("own,word", [(1.4, "**not met**"), (1.5, "met")])
def test_a_target_that_is_a_least(tmp_path, own, word):
    """The best of the other servers counts; one that hangs does not count."""
    results = Results(str(tmp_path))
    results.add("mbps-64k", "echo-logd", 1, {"mbps": own})
    results.add("mbps-64k", "textbook", 1, {"mbps": 0.1})
    results.add("mbps-64k", "tcpserver tee", 1, {"mbps": 1})
    lines = report.targets_text(results).splitlines()
    first = next(i for i, line in enumerate(lines) if "MB/s, text, 64 KiB" in line)
    assert lines[first + 1].endswith("| %g | %s |" % (own, word))


def test_a_target_of_a_case_that_failed_once(tmp_path):
    results = Results(str(tmp_path))
    figures(results, floor=[100, 100], echo_logd=[100])
    results.failures["p50-64", "echo-logd"] = "hangs: client 0: stalled: no echo"
    assert target_line(results, TARGETS[0].words).endswith("| hangs | **not met** |")


def test_each_target_is_of_a_figure_that_is_measured():
    taken = {(case.key, server, figure.field)
             for case in CASES for server in case.servers for figure in case.figures}
    assert {target.figure for target in TARGETS} <= taken


class Stub(Server):
    """A server that does not start, or that cannot be measured."""

    def __init__(self, name, at_start=None, at_load=None):
        super().__init__(name)
        self.at_start, self.at_load, self.stops = at_start, at_load, 0

    def start(self, directory):
        if self.at_start:
            raise self.at_start

    def load(self):
        if self.at_load:
            raise self.at_load
        return {"p50": 1.0}

    def stop(self):
        self.stops += 1


def test_whatever_a_server_does_the_next_one_is_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench.own, "isolate", lambda: None)
    monkeypatch.setattr(bench, "PAUSE", 0)
    stubs = [Stub("floor", at_load=Hangs("client 0:\nstalled")), Stub("epoll", Missing("no such")),
             Stub("textbook", at_load=subprocess.TimeoutExpired("loadgen", 1)),
             Stub("xinetd", OSError("no pty")), Stub("echo-logd")]
    case = Case("p50-64", "", [stub.name for stub in stubs], [P50],
                lambda server, directory, seconds: server.load())
    arguments = argparse.Namespace(quick=True, seconds=0.1, work=str(tmp_path))
    results = Results(str(tmp_path / "bench"))
    for number in (1, 2):
        bench.measure_round(number, case, stubs, arguments, results)
    results.save("p50-64")

    kept = Results(str(tmp_path / "bench"))
    kept.load("p50-64")
    assert kept.failures == {
        ("p50-64", "floor"): "hangs: client 0: stalled", ("p50-64", "epoll"): "missing: no such",
        ("p50-64", "textbook"): "hangs: Command 'loadgen' timed out after 1 seconds",
        ("p50-64", "xinetd"): "fails: no pty"}
    assert kept.rounds("p50-64", "echo-logd", "p50") == {1: 1.0, 2: 1.0}
    assert "| floor | hangs |" in report.overview_text(kept)
    # Each was ended, and none that had failed was measured again.
    assert [stub.stops for stub in stubs] == [1, 1, 1, 1, 2]
    assert os.listdir(tmp_path) == ["bench"]


def test_ratios_are_of_one_round(tmp_path):
    """If the machine is twice as slow in a round, it is so for all servers."""
    results = Results(str(tmp_path))
    figures(results, floor=[10, 20, 40], echo_logd=[20, 40, 40])
    assert results.ratio(("p50-64", "echo-logd", "p50"), ("p50-64", "floor", "p50")) == 2


def test_from_the_load_to_the_page(tmp_path):
    """Runs two cases of the benchmark.  The stored results can be read again."""
    done = subprocess.run([sys.executable, BENCH, "--output", str(tmp_path),
                           "--work", str(tmp_path), "--only", "p50-64", "--only", "tail",
                           "--servers", "floor,echo-logd", "--rounds", "2", "--seconds", "0.2"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    with open(tmp_path / "bench" / "p50-64.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert {(row[1], row[2]) for row in rows if row[3] == "p50"} == \
        {(server, number) for server in ("floor", "echo-logd") for number in "12"}
    assert not [row for row in rows if row[3] == "failure"]
    assert "| echo-logd |" in (tmp_path / "BENCHMARKS.md").read_text()
    assert os.path.exists(tmp_path / "bench" / "tail.csv")
