# SPDX-License-Identifier: MIT
"""Runs commands in the box: reads them from stdin, as JSON lines, and answers in the same way.

The output of a command goes to files, not pipes.  So a command may leave a process in the
background, and the answer does not wait for it.
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
