# SPDX-License-Identifier: MIT
"""Functions for tests of the daemon in a box."""
import json

UNIT = "echo-logd"
LOG = "/var/log/echo-logd/messages.log"
LEDGER = "/var/tmp/ledger"

# With few bytes a test would prove little: `load` echoes about ten megabytes a second.
LEAST_BYTES = 1_000_000


def configure(box, text):
    box.write("/etc/echo-logd.conf", text)


def figures(box):
    """All figures of `echo-logctl status`, by name."""
    said = box.run("echo-logctl status --json", check=False)
    figures = json.loads(said.stdout)
    assert said.status == (3 if figures["problems"] else 0), said
    return figures


def generation(box):
    """The generation of the configuration in force."""
    return figures(box)["generation"]


def reload(box):
    """Reloads.  When it returns, the new configuration is in force."""
    before = generation(box)
    said = box.run(f"systemctl reload {UNIT}")
    assert (said.stdout, said.stderr) == ("", "")
    assert generation(box) == before + 1


def echo(box, host, port, text="hello", where=""):
    """Sends a line and returns its echo.  WHERE: a command that runs another one elsewhere."""
    return box.run(f"printf '{text}\\n' | {where}timeout 5 nc -N {host} {port}", check=False).stdout


def start_load(box, seed, seconds, port=7, options="--clients 16 --size 2048 --window 8192"):
    box.run(f"load --port {port} --ledger {LEDGER} --seed {seed} --seconds {seconds} {options} "
            ">/var/tmp/load.out 2>&1 & echo $! >/var/tmp/load.pid")


def end_load(box):
    """Waits until the load has ended, and checks that it saw no wrong echo."""
    box.wait_for("! kill -0 $(cat /var/tmp/load.pid) 2>/dev/null", timeout=30)
    said = box.run("cat /var/tmp/load.out").stdout
    assert "wrong echo" not in said and "connections" in said, said


def assert_nothing_lost(box, *files, least_bytes=LEAST_BYTES):
    """Asserts that all echoed bytes are in the files: once, whole, in order."""
    said = box.run(f"oracle {LEDGER} {' '.join(files)}", timeout=120).stdout
    assert said.startswith("lost 0 doubled 0 torn 0 "), said
    assert int(said.split()[-1]) >= least_bytes, said
    box.run(f"echo-logctl verify {' '.join(files)}", timeout=120)
    return said


def wait_active(box):
    box.wait_for(f"test $(systemctl show --value -p ActiveState {UNIT}) = active")


def main_pid(box):
    return int(box.show(UNIT, "MainPID"))
