# SPDX-License-Identifier: MIT
"""Every pair of keys, reloaded together from any of their values to others.

The keys and their values come from the daemon itself: --dump-config names the keys, and a bad
value is answered with the allowed ones.  So a new key is tested without a line here, unless its
values mean something outside of the service; those are in WORLD.

Each step has a connected client and one that waits in the queue of the kernel.  A reload is
refused, and nothing has changed, or is in force; either way both are served.  Whether it must be
refused is found out by --check-config, of the file and of the result.  A stop then takes less
than a second.
"""

import itertools
import os
import random
import re
import subprocess
import time

import pytest

from clients import Client
from daemon import PATIENCE, binary, free_port, wait_until

SOAK = bool(os.environ.get("ECHO_LOGD_SOAK"))
SEED = 4711
STEPS_IN_CI = 800
STEPS_OF_A_DAEMON = 1 if SOAK else 20
STOP_SECONDS = 1
RESTART_ONLY = {"log.format", "server.max_clients"}

# One client at a time, so that the second waits; a stop waits for nobody.
BASE = {"server.max_clients": "1", "server.min_spare": "1", "server.max_spare": "4",
        "server.drain_timeout": "0", "server.address": "127.0.0.1"}


def run(directory, *arguments):
    empty = os.path.join(directory, "empty.conf")
    with open(empty, "a"):
        pass
    return subprocess.run([binary(), "-c", empty, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=20 * PATIENCE)


def values_of(allowed, default):
    """Some values of a key, from the words by which a bad one is refused."""
    number = re.search(r"a (?:whole number|time|size) from (\S+) to \S+", allowed)
    if number:
        return {default, number[1]} | ({"0"} if allowed.startswith("0 (") else set())
    if "octal" in allowed:
        return {default, "0600"}
    words = re.split(r", | or ", allowed)
    assert default in words, "values of another kind: %s" % allowed
    return set(words)


def keys_and_values(directory, world):
    """{"section.key": [value, ...]}"""
    section, found = None, {}
    for line in run(directory, "--dump-config").stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            key, _, default = line.lstrip("#").partition(" = ")
            key = "%s.%s" % (section, key)
            said = run(directory, "-o", key + "=@", "--check-config").stderr
            allowed = said.partition("allowed: ")[2].strip()
            found[key] = sorted(world[key] if key in world else values_of(allowed, default))
    return found


class Walk:
    """A daemon, which is started again and again, and what is in force there."""

    def __init__(self, daemon, directory):
        self.daemon, self.directory = daemon, directory
        self.running = None             # the values that are in force; None: it is stopped
        self.generation = 0

    def start(self, values):
        self.running, self.generation = dict(values), 1
        self.daemon.options = dict(values)
        self.daemon.write_config()
        with open(self.directory / "stdout", "ab") as stdout:
            stdout.truncate(0)
        with open(self.directory / "stdout", "r+b") as stdout:
            self.daemon.stdout = stdout.fileno()
            self.daemon.start()

    def is_valid(self, values):
        options = [word for key, value in values.items() for word in ("-o", key + "=" + value)]
        return run(self.directory, *options, "--check-config").returncode == 0

    def expected(self, to):
        """What is in force after a reload to TO, or None if it is to be refused."""
        after = {k: self.running[k] if k in RESTART_ONLY else to[k] for k in to}
        was_stdout, is_stdout = self.running["log.path"] == "-", after["log.path"] == "-"
        if is_stdout and not was_stdout and self.running["log.echo_after"] == "synced":
            return None
        if was_stdout and not is_stdout and after["log.echo_after"] == "synced":
            return None
        return after if self.is_valid(to) and self.is_valid(after) else None

    def reload(self, to):
        """Returns whether it was done, as is expected; what is in force then is in RUNNING."""
        expected = self.expected(to)
        self.daemon.options = dict(to)
        self.daemon.write_config()
        status = self.daemon.reload()
        assert ("reload failed" in status) == (expected is None), status
        self.generation += expected is not None
        assert "configuration %d" % self.generation in status
        if expected is not None:
            self.running = expected
        if self.running["log.message_limit"] == "0" or \
                self.running["log.at_message_limit"] == "rotate":
            assert "limit reached" not in status
        return expected is not None

    def move(self, to):
        """To where a step begins: without a client, and until no worker of before is left."""
        if to == self.running:
            return True
        old = set(self.daemon.workers())
        if not self.reload(to):
            return False
        wait_until(lambda: not old & set(self.daemon.workers()), "the end of the old workers")
        return True

    def connect(self):
        return Client(int(self.running["server.port"]))

    def step(self, to):
        """A reload under a client that is connected and another that waits."""
        before, files = dict(self.running), set(os.listdir(self.directory))
        with self.connect() as connected:
            connected.talk(b"before\n")
            with self.connect() as waiting:
                waiting.send(b"waiting\n")
                done = self.reload(to)
                connected.talk(b"after\n")
                connected.finish()
                if self.keeps_queue(before):
                    assert waiting.receive(8) == b"waiting\n"
                    waiting.finish()
        with self.connect() as late:
            late.talk(b"new\n")
            late.finish()
        if done:
            self.check_file()
        else:
            assert os.path.basename(to["log.path"]) in files or \
                not os.path.exists(to["log.path"])

    def keeps_queue(self, before):
        return before["server.port"] == self.running["server.port"] and \
            "127.0.0.1" in self.running["server.address"] and \
            "127.0.0.1" in before["server.address"]

    def check_file(self):
        path = self.running["log.path"]
        if path == "-":
            return
        # If a message fills a file, the daemon begins another one just now.
        mode = wait_until(lambda: os.path.exists(path) and os.stat(path).st_mode & 0o777,
                          "the log file")
        if path == self.daemon.path:
            assert mode == int(self.running["log.mode"], 8)

    def stop(self):
        """With a client that is connected, and one that waits."""
        with self.connect() as connected, self.connect() as waiting:
            connected.talk(b"last\n")
            waiting.send(b"waiting\n")
            began = time.monotonic()
            self.daemon.stop()
            seconds = time.monotonic() - began
        assert seconds < STOP_SECONDS * PATIENCE, "the stop took %.1f s, with %s" % (
            seconds, self.running)
        self.running = None


def all_steps(values):
    """(keys, from, to) with values of two keys; both change."""
    for a, b in itertools.combinations(values, 2):
        for from_a, to_a in itertools.permutations(values[a], 2):
            for from_b, to_b in itertools.permutations(values[b], 2):
                yield {a: from_a, b: from_b}, {a: to_a, b: to_b}


def share(steps):
    """Those of this run: all, or a sample in which every pair of keys has its chance."""
    rng = random.Random(SEED)
    rng.shuffle(steps)
    if SOAK:
        return steps
    seen, first, rest = set(), [], []
    for step in steps:
        pair = frozenset(step[0])
        (rest if pair in seen else first).append(step)
        seen.add(pair)
    return (first + rest)[:STEPS_IN_CI]


@pytest.mark.seconds(7200 if SOAK else 300)
def test_every_pair_of_keys(make_daemon, tmp_path):
    ports = [str(free_port()), str(free_port())]
    paths = [str(tmp_path / "messages.log"), str(tmp_path / "other.log")]
    world = {
        "server.port": ports, "log.path": paths + ["-"],
        "server.address": ["127.0.0.1", "127.0.0.1, ::1", "*"],
        "server.max_clients": ["1", "2"],
        # A client of this test is silent for a moment, and a stop waits for so long.
        "server.idle_timeout": ["0", "1h"], "server.drain_timeout": ["0", "200ms"],
    }
    values = keys_and_values(str(tmp_path), world)
    assert len(values) > 15 and all(len(v) > 1 for v in values.values())
    base = {key: BASE.get(key, some[0]) for key, some in values.items()}
    base.update({"server.port": ports[0], "log.path": paths[0], "log.format": "text",
                 "log.message_limit": "0", "log.at_message_limit": "rotate",
                 "log.framing": "line", "log.when_stalled": "block"})
    steps = share(list(all_steps(values)))
    # By what only a start can set, so that a daemon serves many.
    steps.sort(key=lambda step: [step[0].get(key, "") for key in sorted(RESTART_ONLY)])
    walk, done, refused = Walk(make_daemon(), tmp_path), 0, 0
    walk.daemon.path = paths[0]
    for n, (before, after) in enumerate(steps):
        start = {**base, **before}
        if walk.running and (n % STEPS_OF_A_DAEMON == 0 or
                             any(start[key] != walk.running[key] for key in RESTART_ONLY)):
            walk.stop()
        if not walk.running:
            if not walk.is_valid(start):
                continue
            walk.start(start)
        elif not walk.move(start):
            continue                    # no configuration of its own: nothing begins there
        try:
            generation = walk.generation
            walk.step({**base, **after})
        except Exception:
            print("from %s to %s" % (before, after))
            raise
        done += walk.generation > generation
        refused += walk.generation == generation
    if walk.running:
        walk.stop()
    assert done > STEPS_IN_CI // 2 and refused > 0
