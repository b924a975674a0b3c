# SPDX-License-Identifier: MIT
"""
Functions that measure one figure.  Each gets a running server and the directory of its files,
and returns {field: value}.  If the server does something wrong, it raises Failed.
"""

import os
import re
import socket
import subprocess
import threading
import time

from servers import beside

FIELD = re.compile(r'(\w+)=("[^"]*"|\S+)')


class Failed(Exception):
    """The server did something that an echo server must not do; the text says what."""
    verdict = "fails"


class Hangs(Failed):
    """The server did not finish in time, or did nothing at all."""
    verdict = "hangs"


# The errors of loadgen that mean a server that hangs.
HANGS = re.compile(r"stalled|not done in time|timed out|takes too long")


def failure(words):
    return (Hangs if HANGS.search(words) else Failed)(words)


def parse(line):
    fields = {}
    for name, value in FIELD.findall(line):
        try:
            fields[name] = float(value)
        except ValueError:
            fields[name] = value.strip('"')
    return fields


def loadgen(server, mode, *arguments, seconds=2.0, warmup=0.5, patience=5.0):
    """Runs loadgen and returns the fields that it prints.  It ends whatever the server does."""
    command = [beside("loadgen"), mode, "--port", str(server.port), "--seconds", str(seconds),
               "--warmup", str(warmup), "--patience", str(patience), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=600)
    if not done.stdout:
        raise failure(done.stderr.strip() or "loadgen: status %d" % done.returncode)
    fields = parse(done.stdout)
    if done.returncode != 0:
        raise failure("%s (%d errors)" % (fields.get("first_error"), fields["errors"]))
    if server.echoes and fields["bytes"] == 0:
        raise Hangs("nothing came back in %g s" % fields["seconds"])
    return fields


# --- servers that write to a file and do not echo

def count_lines(path):
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def wait_for_lines(path, lines, seconds=60):
    """
    Returns the monotonic time at which the file had this many lines.  All lines have the same
    length, so the size of the file is enough, and reading it does not disturb the measurement.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.path.exists(path) and os.path.getsize(path) > 0:
            with open(path, "rb") as file:
                first = len(file.readline())
            break
        time.sleep(0.01)
    else:
        raise Hangs("wrote nothing to its file")
    while os.path.getsize(path) < lines * first:
        if time.monotonic() > deadline:
            raise Hangs("%d of %d lines are in its file" % (count_lines(path), lines))
        time.sleep(0.001)
    ended = time.monotonic()
    if count_lines(path) != lines:
        raise Failed("%d lines in its file, not %d" % (count_lines(path), lines))
    return ended


def ingest(server, directory, kind, clients, line_bytes, megabytes):
    """Lines a second that come back, or, if the server does not echo, that reach its file."""
    size = 65536
    arguments = ["--clients", clients, "--size", size, "--line", line_bytes, "--kind", kind]
    if server.echoes:
        return loadgen(server, "throughput", *arguments, "--window", 4 * size)
    each = megabytes * 1024 * 1024 // clients // size * size
    sent = loadgen(server, "throughput", *arguments, "--bytes", each, "--no-echo", seconds=60)
    lines = clients * each // line_bytes
    ended = wait_for_lines(server.log_path(directory), lines)
    return {"line_rate": lines / (ended - sent["begin"])}


# --- the disk

def fdatasync(directory, seconds):
    """How long an fdatasync(2) takes after a record was appended, in microseconds."""
    path, record, took = os.path.join(directory, "fdatasync"), b"x" * 120, []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        os.write(fd, record)
        begin = time.monotonic()
        os.fdatasync(fd)
        took.append((time.monotonic() - begin) * 1e6)
    os.close(fd)
    os.unlink(path)
    took.sort()
    return {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}


# --- a reader of the log

def tail(server, directory, messages):
    """The time from sending a message until tail -F prints it, in microseconds."""
    path, took = server.log_path(directory), []
    # From the first line on: with -n 0, tail might start behind the line that we wait for.
    follower = subprocess.Popen(["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE,
                                stdin=subprocess.DEVNULL)
    # If a line does not come, this ends the wait: the pipe reports its end.
    timer = threading.Timer(60, follower.kill)
    timer.start()

    def wait_for(word):
        for line in iter(follower.stdout.readline, b""):
            if word in line:
                return
        raise Failed("tail did not show %s" % word.decode())

    try:
        with socket.create_connection(("127.0.0.1", server.port), 5) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(5)
            client.sendall(b"first\n")
            wait_for(b"first")
            for i in range(messages):
                # Pauses of 1 to 60 ms, so that the logger naps, waits on the pipe, or is about to.
                time.sleep(0.001 + 0.059 * (i * 7919 % messages) / messages)
                word = b"message-%d." % i
                begin = time.monotonic()
                client.sendall(word + b"\n")
                wait_for(word)
                took.append((time.monotonic() - begin) * 1e6)
    finally:
        timer.cancel()
        follower.kill()
        follower.wait()
        follower.stdout.close()
    took.sort()
    return {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "max": took[-1]}


# --- an idle server

def context_switches(pids):
    total = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, task)) as file:
                total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def wakeups(server, seconds):
    """Context switches of all processes of the server in a second without clients."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(b"once\n")
        client.recv(5)
    time.sleep(2)
    pids = server.pids()
    before = context_switches(pids)
    time.sleep(seconds)
    return {"wakeups": (context_switches(pids) - before) / seconds}
