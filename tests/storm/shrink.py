# SPDX-License-Identifier: MIT
"""The fewest steps of a failing walk that still fail: ddmin, bounded in time."""
import re
import subprocess
import sys
import tempfile
import time

WALK_SECONDS = 120


def verdict(walk, program):
    """Runs WALK in a process of its own; returns how it fails, without numbers, or None."""
    with tempfile.NamedTemporaryFile("w", suffix=".walk") as file:
        file.write(walk.text())
        file.flush()
        done = subprocess.run([sys.executable, program, "--replay", file.name], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    failed = re.search(r"^# FAILED at [^:]*?: (.*)", done.stdout, re.M)
    return kind_of(done.stdout) if failed else None


def kind_of(output):
    """The first words of a failure, which a shorter walk must have too."""
    said = re.search(r"^# FAILED at .*", output, re.M).group()
    said = re.sub(r"^# FAILED at (the end|start|\w+ \{.*?\}): ", "", said)
    return re.sub(r"[\d.]+", "N", said)[:30]


def last_steps(walk, program, wanted, deadline):
    """Often the last few steps are enough; to try that is quick."""
    n = 1
    while n < len(walk.steps) and time.monotonic() < deadline:
        if verdict(walk.without(walk.steps[-n:]), program) == wanted:
            return walk.steps[-n:]
        n *= 2
    return list(walk.steps)


def shrink(walk, program, seconds):
    deadline = time.monotonic() + seconds
    wanted = verdict(walk, program)
    if wanted is None:
        print("# good: there is nothing to shrink")
        return 0
    steps, parts = last_steps(walk, program, wanted, deadline), 2
    while len(steps) > 1 and time.monotonic() < deadline:
        size = -(-len(steps) // parts)
        for at in range(0, len(steps), size):
            rest = steps[:at] + steps[at + size:]
            if rest and time.monotonic() < deadline and \
                    verdict(walk.without(rest), program) == wanted:
                steps, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(steps), parts * 2)
    print(walk.without(steps).text(), end="")
    print("# %d of %d steps: %s" % (len(steps), len(walk.steps), wanted))
    return 1
