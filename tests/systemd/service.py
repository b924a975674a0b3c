# SPDX-License-Identifier: MIT
"""What the tests here do with the daemon in a box."""
import json

UNIT = "echo-logd"
LOG = "/var/log/echo-logd/messages.log"
LEDGER = "/var/tmp/ledger"

# Few bytes would prove little: what `load` echoes in a second is some ten megabytes.
LEAST_BYTES = 1_000_000


def configure(box, text):
    box.write("/etc/echo-logd.conf", text)


def generation(box):
    """The generation of the configuration in force."""
    return json.loads(box.run("echo-logctl status --json").stdout)["generation"]


def reload(box):
    """Reloads; the new configuration is in force when it returns."""
    before = generation(box)
    said = box.run(f"systemctl reload {UNIT}")
    assert (said.stdout, said.stderr) == ("", "")
    assert generation(box) == before + 1


def echo(box, host, port, text="hello", where=""):
    """WHERE: a command that runs another somewhere else."""
    return box.run(f"printf '{text}\\n' | {where}timeout 5 nc -N {host} {port}", check=False).stdout


def start_load(box, seed, seconds, port=7, options="--clients 16 --size 2048 --window 8192"):
    box.run(f"load --port {port} --ledger {LEDGER} --seed {seed} --seconds {seconds} {options} "
            ">/var/tmp/load.out 2>&1 & echo $! >/var/tmp/load.pid")


def end_load(box):
    """Waits for the load to end by itself; a wrong echo has made it say so."""
    box.wait_for("! kill -0 $(cat /var/tmp/load.pid) 2>/dev/null", timeout=30)
    said = box.run("cat /var/tmp/load.out").stdout
    assert "wrong echo" not in said and "connections" in said, said


def assert_nothing_lost(box, *files, least_bytes=LEAST_BYTES):
    """Everything that a client saw echoed is in the files: once, whole, in order."""
    said = box.run(f"oracle {LEDGER} {' '.join(files)}", timeout=120).stdout
    assert said.startswith("lost 0 doubled 0 torn 0 "), said
    assert int(said.split()[-1]) >= least_bytes, said
    box.run(f"echo-logctl verify {' '.join(files)}", timeout=120)
    return said


def wait_active(box):
    box.wait_for(f"test $(systemctl show --value -p ActiveState {UNIT}) = active")


def main_pid(box):
    return int(box.show(UNIT, "MainPID"))
