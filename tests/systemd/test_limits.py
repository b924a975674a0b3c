# SPDX-License-Identifier: MIT
"""Tests limits of processes, descriptors, memory: the service continues, nothing is lost."""
import re

import pytest

from service import (LOG, UNIT, assert_nothing_lost, configure, echo, end_load, main_pid,
                     start_load)

DROP_IN = f"/etc/systemd/system/{UNIT}.service.d"
FEW = "[server]\nmin_spare = 2\nmax_spare = 2\n"
# Sends bytes of a line that never ends.
HOG = """
import socket, time
hogs = [socket.create_connection(("127.0.0.1", 7)) for _ in range(40)]
for hog in hogs:
    hog.setblocking(False)
line = b"x" * (1 << 20)
sent = [0] * len(hogs)
deadline, killed = time.monotonic() + 20, 0
while time.monotonic() < deadline and not killed:
    for i, hog in enumerate(hogs):
        try:
            sent[i] += hog.send(line[sent[i]:sent[i] + 65536])
        except BlockingIOError:
            pass
        except OSError:
            killed += 1
    time.sleep(0.001)
"""


# Clients that send nothing.
QUIET = """
import os, socket, time
quiet = [socket.create_connection(("127.0.0.1", 7), 20) for _ in range(10)]
def serves(client, line):
    try:
        client.sendall(line)
        return client.recv(64) == line
    except OSError:
        return False
assert all(serves(client, b"before\\n") for client in quiet)
print("ready", flush=True)
until = time.monotonic() + 60
while not os.path.exists("/var/tmp/go") and time.monotonic() < until:
    time.sleep(0.05)
for client in quiet:
    port = client.getsockname()[1]
    print("served" if serves(client, b"after\\n") else "lost", port, flush=True)
print("done", flush=True)
"""


@pytest.fixture
def service(fresh_box):
    return fresh_box


def tasks(box):
    return int(box.show(UNIT, "TasksCurrent"))


def wait_status(box, pattern):
    box.wait_for(f"systemctl show --value -p StatusText {UNIT} | grep -E '{pattern}'")


def count(box, text):
    return box.journal(UNIT).count(text)


def test_no_more_tasks(service):
    """Clients wait in the backlog until `systemctl set-property` has raised the limit."""
    configure(service, FEW)
    service.run(f"systemctl start {UNIT}")
    service.run(f"systemctl set-property --runtime {UNIT} TasksMax={tasks(service)}")
    start_load(service, seed=21, seconds=5, options="--clients 16 --size 2048 --window 8192 "
               "--connection-bytes 100000000000")
    wait_status(service, "^Trouble: cannot fork workers .Resource temporarily unavailable")
    logger = service.run(f"pgrep -P {main_pid(service)} -x echo-log-logger").stdout.strip()
    # The next logger gets its place in the group, if no worker is faster.
    service.run(f"kill -KILL {logger}")
    service.run(f"systemctl set-property --runtime {UNIT} TasksMax=infinity")
    wait_status(service, "Serving 16 of")
    end_load(service)
    assert "lost 0 " in service.run("cat /var/tmp/load.out").stdout
    service.run(f"systemctl stop {UNIT}")
    assert count(service, "cannot fork workers: Resource temporarily unavailable") == 1
    assert_nothing_lost(service, LOG)


def test_few_descriptors(service):
    """With too few descriptors for a start it reports an error; with just enough it serves."""
    service.run(f"mkdir -p {DROP_IN}; printf '[Service]\\nLimitNOFILE=8\\n' >{DROP_IN}/few.conf; "
                "systemctl daemon-reload")
    assert service.run(f"systemctl start {UNIT}", check=False).status != 0
    assert service.show(UNIT, "ExecMainStatus") == "1"
    assert re.search("Too many open files.*not started", service.journal(UNIT))
    service.run(f"sed -i s/=8/=24/ {DROP_IN}/few.conf; systemctl daemon-reload; "
                f"systemctl start {UNIT}")
    start_load(service, seed=22, seconds=1)
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert_nothing_lost(service, LOG)


def test_killed_for_want_of_memory(service):
    """The kernel kills workers whose clients send endless lines.  The service continues."""
    configure(service, "[log]\nframing = line\nmessage_size = 1M\n")
    service.run(f"systemctl start {UNIT}")
    pid = main_pid(service)
    service.write("/var/tmp/quiet.py", QUIET)
    service.run("python3 /var/tmp/quiet.py >/var/tmp/quiet.out 2>&1 &")
    service.wait_for("grep -x ready /var/tmp/quiet.out")
    service.run(f"systemctl set-property --runtime {UNIT} MemoryMax=24M")
    service.write("/var/tmp/hog.py", HOG)
    service.run("python3 /var/tmp/hog.py", timeout=40)
    # The log is on a tmpfs here, so its pages count as memory of the service.  It may be stalled,
    # and the master may be slow to report anything.
    service.run(f"systemctl set-property --runtime {UNIT} MemoryMax=infinity")
    service.wait_for("journalctl --sync; journalctl -o cat -u echo-logd | "
                     "grep -E 'worker [0-9]+ was killed by signal 9'")
    service.run("touch /var/tmp/go")
    service.wait_for("grep -x done /var/tmp/quiet.out")
    said = service.run("cat /var/tmp/quiet.out").stdout
    # The kernel chooses a worker to kill, here nearly always one with an endless line.
    assert "served" in said
    for port in re.findall(r"lost (\d+)", said):
        assert re.search(rf"worker \d+ was killed by signal 9; connection from 127.0.0.1:{port} ",
                         service.journal(UNIT)), port
    assert main_pid(service) == pid and service.show(UNIT, "NRestarts") == "0"
    assert echo(service, "127.0.0.1", 7) == "hello\n"
    start_load(service, seed=23, seconds=1,
               options="--clients 8 --size 2048 --window 8192 --kind text")
    end_load(service)
    service.run(f"systemctl stop {UNIT}")
    assert service.show(UNIT, "Result") in ("success", "oom-kill")
    assert service.show(UNIT, "ExecMainStatus") == "0"
    assert int(service.run(f"grep -c ' close killed' {LOG}").stdout) > 0
    assert_nothing_lost(service, LOG, least_bytes=100_000)
