# SPDX-License-Identifier: MIT
"""Runs commands in a box (tests/sdbox) with a real systemd."""
import json
import os
import select
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SDBOX = HERE.parent / "sdbox"

BOOT_SECONDS = 60
# A box ends by itself after this time, even if the test was killed.
LIFE_SECONDS = 600
# In the box systemd gives a unit 15 s to stop, and then needs some time itself.
STOP_SECONDS = 40

CANNOT_RUN_HERE = 77


class CannotRun(Exception):
    """This machine cannot run a box; the message says why."""


class BoxError(Exception):
    """The box failed, or a command in it did not end in time."""


class Result:
    """The result of a command in the box: `status` (exit code), `stdout`, `stderr` (text)."""

    def __init__(self, command, status, stdout, stderr):
        self.command = command
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def __repr__(self):
        return (f"`{self.command}` exited {self.status}\n"
                f"--- stdout\n{self.stdout}--- stderr\n{self.stderr}---")


class Box:
    """A running box.  The tree `stage` is copied over its root before it boots.

    Use it in a `with` statement, at whose end the box is powered off and removed.
    """

    def __init__(self, workdir, stage=None):
        self._workdir = Path(workdir)
        self._stage = stage
        self._process = None
        self._answers = b""

    def __enter__(self):
        self._console = open(self._workdir / "sdbox.err", "w+b")
        argv = [str(SDBOX), "--boot-timeout", str(BOOT_SECONDS), "--timeout", str(LIFE_SECONDS),
                "--log", str(self._workdir / "box.log"), "--setup", str(self._setup_hook()), "--",
                "/usr/bin/python3", "-c", (HERE / "agent.py").read_text()]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._console)
        try:
            self._answer(BOOT_SECONDS + 5)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_):
        self._close()

    def _setup_hook(self):
        hook = self._workdir / "setup"
        lines = ["#!/bin/sh", "set -e", "# what an echo-logd on this machine may have left",
                 'rm -rf "$SDBOX_ROOT/var/log/echo-logd" "$SDBOX_ROOT/var/lib/echo-logd"']
        if self._stage:
            lines.append(f"tar -C '{self._stage}' -cf - . | tar -C \"$SDBOX_ROOT\" -xf - "
                         "--no-same-owner --no-overwrite-dir --keep-directory-symlink")
        hook.write_text("\n".join(lines) + "\n")
        hook.chmod(0o755)
        return hook

    def _close(self):
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise BoxError("the box did not power off") from None
        finally:
            self._process.stdout.close()
            self._console.close()

    def _answer(self, seconds):
        deadline = time.monotonic() + seconds
        stdout = self._process.stdout.fileno()
        while b"\n" not in self._answers:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                raise BoxError(f"no answer from the box in {seconds} s")
            data = os.read(stdout, 1 << 16)
            if not data:
                self._died()
            self._answers += data
        line, self._answers = self._answers.split(b"\n", 1)
        return json.loads(line)

    def _died(self):
        status = self._process.wait(STOP_SECONDS)
        self._console.seek(0)
        words = self._console.read().decode(errors="replace").strip()
        if status == CANNOT_RUN_HERE:
            raise CannotRun(words)
        raise BoxError(f"the box ended with status {status}: {words}")

    def run(self, command, timeout=30, check=True, stdin=""):
        """Runs a bash command line in the box and returns its Result.

        Raises AssertionError if it does not exit with 0, unless `check` is false.  Kills it with
        its process group and raises BoxError if it has not ended after `timeout` seconds.
        """
        request = json.dumps({"command": command, "timeout": timeout,
                              "stdin": stdin.encode().decode("latin-1")})
        self._process.stdin.write(request.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer(timeout + 10)
        text = {name: answer[name].encode("latin-1").decode(errors="surrogateescape")
                for name in ("stdout", "stderr")}
        result = Result(command, answer["status"], **text)
        if result.status is None:
            raise BoxError(f"not ended after {timeout} s: {result!r}")
        assert not check or result.status == 0, repr(result)
        return result

    def wait_for(self, command, timeout=20):
        """Repeats a command line until it exits with 0; returns that Result."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.run(command, check=False)
            if result.status == 0:
                return result
            assert time.monotonic() < deadline, f"still failing after {timeout} s: {result!r}"
            time.sleep(0.05)

    def show(self, unit, name):
        """Returns a property of a unit, as systemctl(1) shows it."""
        return self.run(f"systemctl show --value -p {name} {unit}").stdout.strip()

    def journal(self, unit):
        """Returns the messages of a unit, and of systemd about it, since the box booted."""
        return self.run("journalctl --sync && "
                        f"journalctl --no-pager -o cat -u {unit}").stdout

    def write(self, path, text):
        """Writes a file in the box."""
        self.run(f"cat >'{path}'", stdin=text)
