# SPDX-License-Identifier: MIT
"""The servers that are measured.  Each is started anew for each figure, and ended after it."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time

from daemon import Daemon, binary, children

PORT = 7777                     # free: each server gets its own network namespace, see isolate()
CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
MAX_CLIENTS = 12000

libc = ctypes.CDLL(None, use_errno=True)


class Missing(Exception):
    """The server cannot run here; the text says why."""
    verdict = "missing"


def isolate():
    """
    Moves the calling process into a new network namespace, with loopback up.  So there are no
    TIME_WAIT sockets of the last measurement, and port 7 is free for the servers that know no
    other.  This needs root; for other users all servers share the loopback of the machine.
    """
    if os.geteuid() != 0:
        return
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def adopt_orphans():
    """Orphaned processes of a server become our children; end_children() ends them."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children():
    """Kills every child of this process, and those that become its children by this."""
    while True:
        left = children(os.getpid())
        if not left:
            return
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass


def family(pid):
    """The process PID and all its descendants."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def wait_for_port(port, process, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process and process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise Missing("does not listen on port %d" % port)


class Server:
    """NAME is its name in the tables.  ECHOES: whether it sends anything back."""

    def __init__(self, name, echoes=True):
        self.name, self.echoes = name, echoes
        self.port = PORT

    def start(self, directory):
        raise NotImplementedError

    def pids(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def log_path(self, directory):
        return os.path.join(directory, "messages.log")


class Command(Server):
    """A server that is a command and stays in the foreground."""

    def __init__(self, name, argv, **properties):
        super().__init__(name, **properties)
        self.argv = argv                # a function: directory -> list of arguments
        self.process = None

    def start(self, directory):
        argv = self.argv(directory)
        path = shutil.which(argv[0])
        if not path:
            raise Missing("%s is not here" % os.path.basename(argv[0]))
        with open(os.path.join(directory, "output"), "ab") as output:
            self.process = subprocess.Popen([path] + argv[1:], cwd=directory, stdout=output,
                                            stdin=subprocess.DEVNULL, stderr=output,
                                            env=self.environment())
        wait_for_port(self.port, self.process)

    def environment(self):
        return None

    def pids(self):
        return family(self.process.pid)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_children()


class EchoLogd(Server):
    """The daemon as built, started as in other tests.  OPTIONS are keys of the section [log]."""

    def __init__(self, name, **options):
        super().__init__(name)
        self.options = {"log." + key: value for key, value in options.items()}
        self.daemon = None

    def start(self, directory):
        options = {"server.max_clients": MAX_CLIENTS, "server.address": "127.0.0.1"}
        self.daemon = Daemon(directory, dict(options, **self.options), port=self.port)
        self.daemon.start()

    def pids(self):
        return family(self.daemon.pid)

    def stop(self):
        problems = self.daemon.end()
        end_children()
        if problems:
            raise AssertionError("%s: %s" % (self.name, "; ".join(problems)))


def beside(program):
    """The path of PROGRAM, which is built from tests/bench."""
    return os.path.join(os.path.dirname(os.path.dirname(binary())), "tests", "bench", program)


def own_servers():
    return [
        Command("floor", lambda d: [beside("floor"), str(PORT)]),
        Command("epoll", lambda d: [beside("epoll_echo"), str(PORT)]),
        Command("textbook", lambda d: [beside("textbook"), str(PORT), d + "/messages.log"]),
        EchoLogd("echo-logd"),
        EchoLogd("echo-logd raw", format="raw"),
        EchoLogd("echo-logd written", echo_after="written"),
        EchoLogd("echo-logd synced", echo_after="synced"),
        EchoLogd("echo-logd line", framing="line"),
    ]
