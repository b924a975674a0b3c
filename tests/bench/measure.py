# SPDX-License-Identifier: MIT
"""
How each figure is taken.  A function here gets a server that runs and the directory it
stores in, and returns {field: value}; what goes wrong is a Failed, with its words.
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
    """The server did not do what an echo server has to do, and what it did."""
    verdict = "fails"


class Hangs(Failed):
    """It did nothing, or not all, for as long as one may be patient."""
    verdict = "hangs"


# Of loadgen's errors, those that say so.
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
    """The fields of what it prints.  It ends by itself, whatever the server does."""
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


# --- what is sent to a file and not echoed

def count_lines(path):
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def wait_for_lines(path, lines, seconds=60):
    """
    When the file had so many lines, on the monotonic clock.  All lines are equally long,
    so its size says it and nobody has to read it meanwhile.
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
    """Lines a second that are echoed, or, by those who do not echo, that are in the file."""
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
    """What one fdatasync(2) takes after a record was appended, in microseconds."""
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


# --- who reads along

def tail(server, directory, messages):
    """How long after it was sent a message comes out of tail -F, in microseconds."""
    path, took = server.log_path(directory), []
    # From the first line on: nobody knows when it has found the end.
    follower = subprocess.Popen(["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE,
                                stdin=subprocess.DEVNULL)
    # Who waits for a line that does not come is told of the end of the file.
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
                # Pauses of 1 to 60 ms: the logger naps, or sleeps, or is about to.
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


# --- nothing to do

def context_switches(pids):
    total = 0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, task)) as file:
                total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def wakeups(server, seconds):
    """Context switches of all its processes while nobody comes, in a second."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(b"once\n")
        client.recv(5)
    time.sleep(2)
    pids = server.pids()
    before = context_switches(pids)
    time.sleep(seconds)
    return {"wakeups": (context_switches(pids) - before) / seconds}
