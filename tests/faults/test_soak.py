# SPDX-License-Identifier: MIT
"""Runs under full load for a long time, and checks that nothing grows."""
import os
import re
import signal
import time

import pytest

from daemon import children, comm, descriptors, read_text, settled, wait_until
from faults import SOAK

SECONDS = 1800 if SOAK else 12
SAMPLE_SECONDS = SECONDS / 12


def memory_kib(daemon):
    """The memory of all processes; shared pages count once (Pss)."""
    return sum(int(match[1]) for pid in [daemon.pid, *children(daemon.pid)]
               if (match := re.search(r"^Pss:\s+(\d+)",
                                      read_text("/proc/%d/smaps_rollup" % pid), re.M)))


def census(daemon):
    """The numbers of descriptors that processes of each kind hold."""
    found = {}
    for pid in [daemon.pid, *children(daemon.pid)]:
        # Without load all workers are idle and hold the same descriptors.
        found.setdefault(comm(pid), set()).add(len(descriptors(pid)))
    return found


@pytest.mark.seconds(SECONDS + 300)
def test_memory_and_descriptors_stay_flat(start, traffic):
    """Clients come and go, and files are rotated and deleted, with reloads and full load."""
    daemon = start({"log.message_limit": 2000, "log.keep_files": 2, "server.max_spare": 8})

    def calm():
        wait_until(lambda: len(daemon.idle_workers()) == len(daemon.workers()), "nobody served")
        wait_until(lambda: len(daemon.workers()) <= 8, "only spare workers left", timeout=60)
        return settled(lambda: census(daemon), "a census")

    load = traffic(daemon, 2, ["--clients", "16", "--size", "16384", "--window", "65536"])
    load.end()
    before = calm()
    load = traffic(daemon, SECONDS, ["--clients", "16", "--size", "16384", "--window", "65536"])
    samples = []
    while load.process.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        daemon.signal(signal.SIGHUP)
        samples.append(memory_kib(daemon))
    said = load.end()
    assert said["lost"] == 0 and said["echoed"] > SECONDS * 500_000, said
    print("echoed %d bytes in %d connections; Pss in KiB: %s" %
          (said["echoed"], said["connections"], samples))
    # The first samples are left out, because workers are still forked then.
    early, late = max(samples[2:5]), max(samples[-4:-1])
    assert late <= early * 1.1 + 1024, samples
    assert calm() == before
    daemon.stop()
    assert len([name for name in os.listdir(os.path.dirname(daemon.path))
                if name.startswith("messages.log")]) == 3
