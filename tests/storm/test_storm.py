# SPDX-License-Identifier: MIT
"""Random walks over everything at once; see storm.py, which runs and shrinks one by hand."""
import os
import subprocess
import sys

import pytest

from faults import SEED, SOAK
from standin import PATIENCE

HERE = os.path.dirname(os.path.abspath(__file__))
# The fixed ones take less than two minutes; the others some hours.
SEEDS = range(SEED, SEED + 3000) if SOAK else range(1, 15)
STEPS = 60 if SOAK else 40
WALK_SECONDS = 200 * PATIENCE


@pytest.mark.parametrize("seed", SEEDS)
def test_walk(seed, tmp_path):
    """A failing walk is printed: save it in a file for `storm.py --replay FILE --shrink'."""
    done = subprocess.run([sys.executable, os.path.join(HERE, "storm.py"), "--seed", str(seed),
                           "--steps", str(STEPS)], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, TMPDIR=str(tmp_path)), timeout=WALK_SECONDS)
    assert done.returncode == 0, "\n" + done.stdout


def test_a_walk_is_made_by_its_seed_alone():
    """What is printed for a seed here is what fails elsewhere."""
    def listed(seed):
        return subprocess.run([sys.executable, os.path.join(HERE, "storm.py"), "--list", "--seed",
                               str(seed)], text=True, stdout=subprocess.PIPE, check=True).stdout

    assert listed(7) == listed(7) != listed(8)
