# SPDX-License-Identifier: MIT
"""
Measures echo-logd, the floor and the peers with the same load (make bench).

A case is measured in rounds.  In every round each server is started anew and measured, one after
the other.  The figures go to OUTPUT/bench/CASE.csv.  OUTPUT/BENCHMARKS.md and the plots are made
from all CSV files, so one case can be measured again alone.
"""

import argparse
import fnmatch
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import machine
import plots
import report
import servers as own
from cases import CASES
from measure import Failed, Hangs
from peers import peers
from results import Results

PAUSE = 0.3                     # seconds between start and load: pools fill, memory is freed


class Disk(own.Server):
    """Takes the place of a server in a case that measures the disk alone."""

    def start(self, directory):
        pass

    def stop(self):
        pass


def all_servers():
    found = own.own_servers() + peers() + [Disk("fdatasync")]
    return {server.name: server for server in found}


def matches(name, patterns):
    return not patterns or any(fnmatch.fnmatchcase(name, p) for p in patterns)


# The errors that a server can cause.  Each becomes a row of the table; then the next server is
# measured.
PROBLEMS = (own.Missing, Failed, AssertionError, OSError, subprocess.SubprocessError)


def words_of(problem):
    """PROBLEM in one line; the first word is the verdict, see Results.failure()."""
    usual = Hangs if isinstance(problem, subprocess.TimeoutExpired) else Failed
    return "%s: %s" % (getattr(problem, "verdict", usual.verdict),
                       " ".join((str(problem) or repr(problem)).split()))


def measure_once(case, server, work, seconds):
    """Returns the figures, {field: value}, or raises one of PROBLEMS."""
    own.isolate()
    directory = tempfile.mkdtemp(prefix="bench-", dir=work)
    try:
        server.start(directory)
        time.sleep(PAUSE)
        fields = case.measure(server, directory, seconds)
    finally:
        try:
            server.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    wanted = {figure.field for figure in case.figures}
    return {name: value for name, value in fields.items() if name in wanted}


def measure_round(number, case, servers, arguments, results):
    """A server that has failed once is not measured again."""
    seconds = arguments.seconds or (case.quick_seconds if arguments.quick else case.seconds)
    for server in servers:
        if results.failure(case.key, server.name):
            continue
        try:
            fields = measure_once(case, server, arguments.work, seconds)
            results.add(case.key, server.name, number, fields)
            said = "  ".join("%s %.5g" % item for item in fields.items())
        except PROBLEMS as problem:
            said = results.failures[case.key, server.name] = words_of(problem)
        print("%-20s %-20s round %d  %s" % (case.key, server.name, number, said), flush=True)


def measure_case(case, names, arguments, results):
    known = all_servers()
    for name in names:
        results.forget(case.key, name)
    for number in range(1, arguments.rounds + 1):
        measure_round(number, case, [known[name] for name in names], arguments, results)
    results.save(case.key)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--output", required=True, help="directory of BENCHMARKS.md and bench/")
    parser.add_argument("--work", default="/var/tmp", help="directory for the logs; not a tmpfs")
    parser.add_argument("--only", action="append", default=[],
                        help="only the cases that match this pattern")
    parser.add_argument("--servers", default="",
                        help="only the servers that match; patterns, separated by commas")
    parser.add_argument("--rounds", type=int, help="number of rounds (5; 1 with --quick)")
    parser.add_argument("--seconds", type=float, help="how long to measure each figure")
    parser.add_argument("--quick", action="store_true",
                        help="few servers, short loads: two minutes")
    parser.add_argument("--report", action="store_true",
                        help="measure nothing, only make the page and the plots")
    parser.add_argument("--list", action="store_true", help="list the cases and their servers")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    return arguments


def choose(arguments):
    """(case, names of its servers) of all cases that the command line asks for."""
    patterns = [p for p in arguments.servers.split(",") if p]
    for case in CASES:
        if not matches(case.key, arguments.only):
            continue
        usual = case.quick if arguments.quick and not patterns else case.servers
        names = [name for name in usual if matches(name, patterns)]
        if names:
            yield case, names


def main():
    arguments = parse_arguments()
    if arguments.list:
        for case, names in choose(arguments):
            print("%-20s %s" % (case.key, ", ".join(names)))
        return 0
    results = Results(os.path.join(arguments.output, "bench"))
    for case in CASES:
        results.load(case.key)
    own.adopt_orphans()
    # On SIGTERM, too, the running server must be stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # systemd's default for a service.  A higher limit would slow inetd, which closes all possible
    # descriptors in each child.
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if not arguments.report:
        for case, names in choose(arguments):
            measure_case(case, names, arguments, results)
        machine.save(results.directory, arguments.work)
    drawn = plots.draw(results)
    text = report.write(results, drawn, os.path.join(arguments.output, "BENCHMARKS.md"))
    print(text if not arguments.only else report.cases_text(results, arguments.only))
    return 0


if __name__ == "__main__":
    sys.exit(main())
