# SPDX-License-Identifier: MIT
"""Runs the built `echo-logctl verify`."""

import os
import re
import subprocess

from daemon import binary


class Verdict:
    """The result: `status`, `problems` (lines of stderr), `facts` (numbers of stdout, by name)."""

    def __init__(self, status, stdout, stderr):
        self.status, self.problems = status, stderr.splitlines()
        self.facts = {name.strip(): int(n) for name, n in
                      re.findall(r"^ *([a-z ]+?) +(\d+)$", stdout, re.MULTILINE)}

    def __repr__(self):
        return "verify: exit status %d, %r\n%s" % (self.status, self.facts,
                                                    "\n".join(self.problems))


def control_program():
    return os.path.join(os.path.dirname(binary()), "echo-logctl")


def verify(*paths):
    done = subprocess.run([control_program(), "verify", *map(os.fspath, paths)], text=True,
                          errors="backslashreplace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return Verdict(done.returncode, done.stdout, done.stderr)


def assert_verified(*paths):
    verdict = verify(*paths)
    assert verdict.status == 0 and not verdict.problems, verdict
    return verdict
