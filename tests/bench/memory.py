# SPDX-License-Identifier: MIT
"""
Measures the memory for an idle client.

Counted are the proportional set size (PSS) of all processes of the server, and kernel stacks, page
tables and slab of the whole machine.  So nothing else may run meanwhile.  The client's end of each
connection is on this machine too; its part of the slab is measured and subtracted.

Not counted are socket buffers, which are empty, and other pages of the kernel.  The latter show in
"free": by how much the free memory of the machine decreases, the client's end included.
"""

import functools
import os
import re
import socket
import struct
import subprocess
import time

from measure import failure, parse
from servers import beside

KINDS = ("KernelStack", "PageTables", "Slab", "MemFree", "Buffers", "Cached")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def meminfo():
    with open("/proc/meminfo") as file:
        rows = dict(line.split(":") for line in file)
    values = {kind: int(rows[kind].split()[0]) for kind in KINDS}
    # Each processor has lists of free pages: tens of MiB that MemFree does not count.
    with open("/proc/zoneinfo") as file:
        values["MemFree"] += PAGE_KIB * sum(int(n) for n in re.findall(r"\bcount: +(\d+)",
                                                                       file.read()))
    return values


def settled_meminfo(seconds=5):
    """meminfo(), once slab and free memory have stayed the same for a while, except some pages."""
    seen, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.append(meminfo())
        last = seen[-6:]
        if len(last) == 6 and all(max(m[kind] for m in last) - min(m[kind] for m in last) < 128
                                  for kind in ("Slab", "MemFree")):
            break
        time.sleep(0.05)
    return seen[-1]


def pss(pids):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/smaps_rollup" % pid) as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            pass
    return total


def snapshot(server):
    # Reading /proc allocates inodes, which are slab, so the processes come last.
    kernel = settled_meminfo()
    return dict(kernel, Pss=pss(server.pids()))


@functools.cache
def one_end(n=450):
    """KiB of slab for one end of a connection.  Measured with both ends in this process."""
    ends, reset = [], struct.pack("ii", 1, 0)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        before = settled_meminfo()
        for _ in range(n):
            client = socket.create_connection(listener.getsockname())
            ends += [client, listener.accept()[0]]
        after = settled_meminfo()
    for end in ends:
        # No TIME_WAIT, which would use slab as well.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        end.close()
    return (after["Slab"] - before["Slab"]) / (2 * n)


class Idle:
    """CLIENTS clients that have sent one message and then stay silent."""

    def __init__(self, server, clients):
        self.load = subprocess.Popen(
            [beside("loadgen"), "idle", "--port", str(server.port), "--held", str(clients),
             "--patience", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.load.stdout.readline()
        if line != "ready\n":
            self.load.wait()
            raise failure(parse(line).get("first_error", "loadgen failed"))

    def end(self):
        """Lets each client send once more; raises Failed or Hangs if one gets no echo."""
        said = parse(self.load.communicate()[0])
        if self.load.returncode != 0:
            raise failure(said.get("first_error", "loadgen failed"))


def idle_memory(server, clients, first=100):
    """
    KiB for each of CLIENTS.  FIRST other clients connect before, so that one-time costs (a pool
    that grows, a table that is allocated) do not count as the cost of each client.
    """
    end = one_end()
    early = Idle(server, first)
    before = snapshot(server)
    late = Idle(server, clients)
    after = snapshot(server)
    late.end()
    early.end()
    each = {kind: (after[kind] - before[kind]) / clients for kind in after}
    return {"pss": each["Pss"], "stack": each["KernelStack"], "tables": each["PageTables"],
            "slab": each["Slab"] - end, "client_end": end,
            "free": -(each["MemFree"] + each["Buffers"] + each["Cached"]),
            "total": each["Pss"] + each["KernelStack"] + each["PageTables"] + each["Slab"] - end}
