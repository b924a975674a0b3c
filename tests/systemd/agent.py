# SPDX-License-Identifier: MIT
"""Runs in the box: takes commands from stdin, one JSON object a line, and answers in kind.

What a command prints goes to files, not pipes, so that a command may leave
something running in the background without holding up the answer.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile


def run(command, stdin, timeout):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
            tempfile.TemporaryFile() as given:
        given.write(stdin.encode("latin-1"))
        given.seek(0)
        process = subprocess.Popen(["/bin/bash", "-c", command], stdin=given, stdout=out,
                                   stderr=err, start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = None
        out.seek(0)
        err.seek(0)
        return {"status": status, "stdout": out.read().decode("latin-1"),
                "stderr": err.read().decode("latin-1")}


print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)
