#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""summary.py NAME=STATUS=RESULT[,RESULT...]...

Counts what the test runners left behind, names what failed or was skipped, and
ends with `N passed, N failed`.  A suite is a NAME, the exit STATUS of its
runner, and its result files: automake's .trs or JUnit's .xml, one result for
each test function.  A runner that failed without a failed test, or left no
result at all, counts as a failed test: silence is never success.

Exits with 0 when nothing failed, else with 1.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

TRS_OUTCOMES = {"PASS": "passed", "XFAIL": "passed", "SKIP": "skipped"}


def from_trs(path):
    """The .trs has the outcomes; the names are in the .log beside it."""
    words = re.findall(r"^:test-result: *(\w+)", path.read_text(errors="replace"), re.M)
    log = path.with_suffix(".log").read_text(errors="replace")
    if "FAIL" in words and words[-1] == "ERROR":
        words.pop()    # only says that the program exited as one with failed tests does
    for word in words:
        named = re.search(rf"^{word}: (.*)", log, re.M)
        yield TRS_OUTCOMES.get(word, "failed"), named[1] if named else path.stem, ""
        log = log[named.end():] if named else log


def from_junit(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name, ""
        elif skipped is not None:
            yield "skipped", name, skipped.get("message", "")
        else:
            yield "passed", name, ""


def read_suite(suite, status, paths):
    results = []
    for path in map(Path, paths):
        try:
            results += from_trs(path) if path.suffix == ".trs" else from_junit(path)
        except (OSError, ElementTree.ParseError) as error:
            results.append(("failed", str(path), f"no result: {error}"))
    if not results:
        results.append(("failed", suite, "no test was run"))
    elif status != 0 and not any(outcome == "failed" for outcome, _, _ in results):
        results.append(("failed", suite, f"the runner ended with status {status}"))
    return results


def main():
    results = []
    for argument in sys.argv[1:]:
        suite, status, paths = argument.split("=", 2)
        results += read_suite(suite, int(status), [path for path in paths.split(",") if path])
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for outcome, name, why in results:
        count[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name}" + (f" ({why})" if why else ""))
    line = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        line += f", {count['skipped']} skipped"
    print(line)
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main())
