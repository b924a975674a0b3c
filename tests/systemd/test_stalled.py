# SPDX-License-Identifier: MIT
"""when_stalled under the real unit, and what systemctl(1) shows of the processes."""
import json

import pytest

from service import UNIT, configure, echo

# In lock-step, until the daemon disconnects or messages are dropped.
TALK = """
import json, socket, subprocess, time
client = socket.create_connection(("127.0.0.1", 7), 10)
message, deadline = bytes(3000), time.monotonic() + 25
while time.monotonic() < deadline:
    client.sendall(message)
    got = b""
    while len(got) < len(message):
        piece = client.recv(len(message))
        if not piece:
            raise SystemExit("disconnected")
        got += piece
    said = subprocess.run(["echo-logctl", "status", "--json"], stdout=subprocess.PIPE)
    if json.loads(said.stdout)["dropped_bytes"] > 0:
        raise SystemExit("dropped")
"""


@pytest.mark.parametrize("when_stalled, outcome", [("drop", "dropped"), ("close", "disconnected")])
def test_when_stalled_under_the_unit(fresh_box, when_stalled, outcome):
    box = fresh_box
    # The pipes hold 2 MB; a client alone fills them in some hundred messages.
    box.run("mkdir -p /var/log/echo-logd; mount -t tmpfs -o size=64k log /var/log/echo-logd")
    configure(box, f"[log]\nwhen_stalled = {when_stalled}\nstall_timeout = 300ms\n")
    box.run(f"systemctl start {UNIT}")
    said = box.run("python3 -c \"$(cat)\"", stdin=TALK, timeout=60, check=False)
    assert said.stderr.strip().endswith(outcome), said
    box.run("mount -o remount,size=20m /var/log/echo-logd")
    assert echo(box, "127.0.0.1", 7) == "hello\n"
    box.run(f"systemctl stop {UNIT}", timeout=20)
    assert box.show(UNIT, "Result") == "success"
    figures = json.loads(box.run("echo-logctl status --json", check=False).stdout or "{}")
    assert not figures or figures["dropped_bytes"] > 0


def test_titles(box):
    box.run(f"systemctl start {UNIT}")
    shown = box.wait_for(f"systemctl status --no-pager {UNIT} | tee /dev/stderr | "
                         "grep 'echo-logd: worker (idle)'").stderr
    assert "echo-logd: master" in shown and "echo-logd: logger" in shown
    box.run(f"systemctl stop {UNIT}")
