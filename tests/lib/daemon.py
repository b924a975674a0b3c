# SPDX-License-Identifier: MIT
"""Runs one echo-logd under test, watches it through /proc, and always reaps it."""

import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import termios
import time

from standin import PATIENCE, Notifications, handover

SOURCE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PR_SET_CHILD_SUBREAPER = 36
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")
TCP_LISTEN = "0A"


def binary():
    return os.path.abspath(os.environ.get("ECHO_LOGD") or
                           os.path.join(SOURCE_ROOT, "build", "src", "echo-logd"))


def control(*arguments, timeout=90):
    """Runs the built echo-logctl.  Returns what subprocess.run() returns."""
    return subprocess.run([os.path.join(os.path.dirname(binary()), "echo-logctl"), *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=timeout)


def wait_until(predicate, what, timeout=20):
    """Polls until PREDICATE() is true and returns its value."""
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %s s: %s" % (timeout, what))
        time.sleep(0.003)


def settled(look, what):
    """Waits until LOOK() returns the same for a while, and returns that."""
    seen = []

    def is_settled():
        seen.append(look())
        return len(seen) >= 30 and all(value == seen[-1] for value in seen[-30:])

    wait_until(is_settled, "%s that stays" % what)
    return seen[-1]


def free_port():
    """A port that is free on both loopback addresses."""
    while True:
        with socket.socket() as v4:
            v4.bind(("127.0.0.1", 0))
            port = v4.getsockname()[1]
            # Not a port that the kernel chooses for clients.
            port = 10000 + port % 20000
            try:
                with socket.socket() as probe, socket.socket(socket.AF_INET6) as probe6:
                    probe.bind(("127.0.0.1", port))
                    probe6.bind(("::1", port))
                return port
            except OSError:
                continue


def read_text(path):
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def comm(pid):
    return read_text("/proc/%d/comm" % pid).strip()


def proc_stat(pid):
    """State and parent of a process, or None if there is no such process."""
    text = read_text("/proc/%d/stat" % pid)
    if not text:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[1])


def is_gone(pid):
    stat = proc_stat(pid)
    return stat is None or stat[0] in "ZX"


def is_pending(pid, signo):
    """Whether a signal to the process is pending; ShdPnd in proc(5)."""
    with open("/proc/%d/status" % pid) as status:
        words = next(line.split()[1] for line in status if line.startswith("ShdPnd"))
    return bool(int(words, 16) >> (signo - 1) & 1)


def children(pid):
    found = []
    try:
        tasks = os.listdir("/proc/%d/task" % pid)
    except FileNotFoundError:
        return found
    for task in tasks:
        found += map(int, read_text("/proc/%d/task/%s/children" % (pid, task)).split())
    return found


def descriptors(pid):
    """The links of the descriptors of PID, by number."""
    directory, found = "/proc/%d/fd" % pid, {}
    for name in os.listdir(directory):
        try:
            found[int(name)] = os.readlink("%s/%s" % (directory, name))
        except FileNotFoundError:
            pass
    return found


def is_write_end(pid, fd):
    flags = re.search(r"^flags:\s*(\d+)", read_text("/proc/%d/fdinfo/%d" % (pid, fd)), re.M)
    return int(flags[1], 8) & os.O_ACCMODE == os.O_WRONLY


def tcp_sockets():
    """For each TCP socket: (local port, remote port, state, inode, unread bytes)."""
    rows = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in read_text(path).splitlines()[1:]:
            f = line.split()
            rows.append((int(f[1].rpartition(":")[2], 16), int(f[2].rpartition(":")[2], 16), f[3],
                         f[9], int(f[4].partition(":")[2], 16)))
    return rows


class LogPipe:
    """The log pipe (not the stage pipe) of a daemon, opened by the test to look into it."""

    def __init__(self, daemon):
        links = descriptors(daemon.wait_for_idle_worker())
        link = next(l for l in links.values() if l.startswith("pipe:"))
        fd = next(n for n, l in descriptors(daemon.pid).items()
                  if l == link and not is_write_end(daemon.pid, n))
        self.fd = os.open("/proc/%d/fd/%d" % (daemon.pid, fd), os.O_RDONLY | os.O_NONBLOCK)

    def waiting_bytes(self):
        return struct.unpack("i", fcntl.ioctl(self.fd, termios.FIONREAD, bytes(4)))[0]

    def close(self):
        os.close(self.fd)


class Daemon:
    def __init__(self, directory, options=None, arguments=(), log_directory=None,
                 runtime_directory=False, prefix=(), port=None, program=None, store=None,
                 sockets=(), confinement=None):
        """
        OPTIONS: {"section.key": value} of the configuration file.  ARGUMENTS: more words of the
        command line.  PREFIX: a command that starts the daemon.  PROGRAM: the program, instead of
        binary().  STORE: an FdStore that keeps descriptors when the processes end.  SOCKETS: a
        list of (name, socket) as from a socket unit; the caller closes them.  CONFINEMENT: of
        confined.py, or None.
        """
        self.directory = str(directory)
        self.port = port or free_port()
        self.path = os.path.join(str(log_directory or directory), "messages.log")
        self.config_path = os.path.join(self.directory, "echo-logd.conf")
        self.options = {"server.port": self.port, "log.path": self.path}
        self.options.update(options or {})
        self.arguments = list(arguments)
        # ECHO_LOGD_PREFIX: a command that starts every daemon (make check-valgrind).
        self.prefix = list(prefix) + os.environ.get("ECHO_LOGD_PREFIX", "").split()
        if confinement:
            self.prefix += confinement.command()
        self.program, self.store = program or binary(), store
        self.sockets = list(sockets)
        self.stdout = subprocess.DEVNULL        # for log.path = -, a descriptor
        self.runtime_directory = None
        if runtime_directory:
            self.runtime_directory = os.path.join(self.directory, "run")
            os.makedirs(self.runtime_directory, exist_ok=True)
        self.process = self.notifications = None
        self.starts = 0
        self.stderr_paths = []
        self.expected_statuses = {0}
        self.orphans = set()
        self.write_config()

    # --- configuration

    def write_config(self, text=None):
        if text is None:
            text = ""
            for section in ("server", "log"):
                text += "[%s]\n" % section
                text += "".join("%s = %s\n" % (key.partition(".")[2], value)
                                for key, value in self.options.items()
                                if key.startswith(section + "."))
        temporary = self.config_path + ".new"
        with open(temporary, "w") as file:
            file.write(text)
        os.rename(temporary, self.config_path)

    def configure(self, **options):
        """Sets keys and writes the file; server_port=7 sets server.port."""
        self.options.update({k.replace("_", ".", 1): v for k, v in options.items()})
        self.write_config()

    # --- life

    def launch(self):
        """Starts the daemon and does not wait until it is ready."""
        self.starts += 1
        notify_path = os.path.join(self.directory, "notify%d" % self.starts)
        if self.notifications:
            self.notifications.end()
        self.notifications = Notifications(notify_path, self.store)
        # systemd passes the sockets of socket units first.
        prefix, kept = handover([(name, s.fileno()) for name, s in self.sockets] +
                                (self.store.kept if self.store else []))
        environment = dict(os.environ, NOTIFY_SOCKET=notify_path)
        environment.pop("RUNTIME_DIRECTORY", None)
        environment.pop("LISTEN_FDS", None)
        if self.runtime_directory:
            environment["RUNTIME_DIRECTORY"] = self.runtime_directory
        # Orphans of a killed master become our children, so that we can reap them.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.stderr_paths.append(os.path.join(self.directory, "stderr%d" % self.starts))
        with open(self.stderr_paths[-1], "wb") as stderr:
            self.process = subprocess.Popen(
                prefix + self.prefix + [self.program, "-c", self.config_path] + self.arguments,
                stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=stderr,
                env=environment, pass_fds=kept)
        return self

    def start(self):
        self.launch()

        def ready_or_dead():
            return self.process.poll() is not None or any(
                f.get("READY") == "1" for f in self.notifications.received)

        wait_until(ready_or_dead, "READY=1")
        assert self.process.poll() is None, "ended with status %s: %s" % (
            self.process.returncode, self.stderr())
        return self

    @property
    def pid(self):
        return self.process.pid

    def signal(self, signo):
        self.process.send_signal(signo)

    def wait(self, timeout=30):
        """Waits until the daemon has ended.  Returns its exit status."""
        try:
            return self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("echo-logd does not end: %s" % self.stderr())

    def stop(self, timeout=30):
        self.signal(signal.SIGTERM)
        status = self.wait(timeout)
        assert status == 0, "exit status %s: %s" % (status, self.stderr())

    def kill_master(self):
        """Kills the master with SIGKILL and, as systemd would not, waits until the children end."""
        left = children(self.pid)
        self.orphans.update(left)
        self.expected_statuses.add(-signal.SIGKILL)
        self.signal(signal.SIGKILL)
        self.wait()
        for pid in left:
            wait_until(lambda: is_gone(pid), "end of %d (%s)" % (pid, comm(pid)))
        self.reap_orphans()

    def reap_orphans(self):
        for pid in list(self.orphans):
            stat = proc_stat(pid)
            if stat and stat[1] == os.getpid():
                os.waitpid(pid, 0)
                self.orphans.discard(pid)

    def end(self):
        """Ends the daemon after a test.  Returns a list of what is wrong, in words."""
        problems = []
        if self.process and self.process.poll() is None:
            family = children(self.pid)
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                problems.append("did not stop within 30 s")
                self.expected_statuses.add(-signal.SIGKILL)
                self.process.kill()
                self.process.wait()
            self.orphans.update(family)
        for pid in self.orphans:
            stat = proc_stat(pid)
            if stat and stat[1] == os.getpid():
                if stat[0] != "Z":
                    problems.append("%s outlived the master" % comm(pid))
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if self.notifications:
            self.notifications.end()
        if self.process and self.process.returncode not in self.expected_statuses:
            problems.append("exit status %d" % self.process.returncode)
        if SANITIZER.search(self.stderr()):
            problems.append("a sanitizer complained")
        return problems

    def stderr(self):
        return "".join(read_text(path) for path in self.stderr_paths)

    # --- notifications to systemd

    def status(self):
        return self.notifications.status()

    def wait_status(self, pattern, timeout=20):
        return self.notifications.wait(lambda f: re.search(pattern, f.get("STATUS", "")),
                                       "STATUS=~" + pattern, timeout=timeout)["STATUS"]

    def reload(self, timeout=20):
        """Sends SIGHUP and waits for READY=1.  Returns its STATUS=."""
        since = len(self.notifications.received)
        self.signal(signal.SIGHUP)
        self.notifications.wait(lambda f: f.get("RELOADING") == "1", "RELOADING=1", since, timeout)
        return self.notifications.wait(lambda f: f.get("READY") == "1", "READY=1 after a reload",
                                       since, timeout)["STATUS"]

    def reopen(self):
        """Sends SIGUSR1 after a renaming of the log, and waits for the new file."""
        self.signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(self.path), "a new log file")

    # --- echo-logctl; needs a runtime directory

    def control(self, command, *arguments):
        return control(command, "--runtime", self.runtime_directory, *arguments)

    def figures(self):
        """All figures of `echo-logctl status`, by name; the last ones if the daemon has ended."""
        said = self.control("status", "--json")
        figures = json.loads(said.stdout)
        expected = 1 if self.process.poll() is not None else 3 if figures["problems"] else 0
        assert said.returncode == expected, said
        return figures

    # --- processes

    def logger(self):
        """The pid of the logger, or None if there is none at the moment."""
        return next((p for p in children(self.pid)
                     if comm(p) == "echo-log-logger" and not is_gone(p)), None)

    def wait_for_logger(self, other_than=None):
        return wait_until(lambda: (p := self.logger()) != other_than and p, "a new logger")

    def workers(self):
        return [p for p in children(self.pid) if comm(p) == "echo-log-worker" and not is_gone(p)]

    def idle_workers(self):
        listening = {row[3] for row in tcp_sockets() if row[2] == TCP_LISTEN}
        idle = []
        for pid in self.workers():
            try:
                links = descriptors(pid).values()
            except (FileNotFoundError, PermissionError):
                continue
            sockets = [link[8:-1] for link in links if link.startswith("socket:")]
            waits = any(link == "anon_inode:[eventpoll]" for link in links)
            if waits and sockets and all(inode in listening for inode in sockets):
                idle.append(pid)
        return idle

    def wait_for_idle_worker(self):
        return wait_until(self.idle_workers, "an idle worker")[0]

    def server_socket(self, client):
        """The daemon's end of CLIENT's connection: (inode, unread bytes)."""
        local, remote = client.socket.getsockname()[1], client.socket.getpeername()[1]
        return next(((row[3], row[4]) for row in tcp_sockets()
                     if row[0] == remote and row[1] == local), (None, 0))

    def worker_of(self, client):
        def find():
            # 0 until it is accepted.
            link = "socket:[%s]" % self.server_socket(client)[0]
            for pid in self.workers():
                try:
                    if link in descriptors(pid).values():
                        return pid
                except FileNotFoundError:
                    pass
            return None

        return wait_until(find, "the worker of %s" % client.peer)

    def zombies(self):
        return [p for p in children(self.pid) if (s := proc_stat(p)) and s[0] == "Z"]


def kill_logger(daemon, pipe=None, timeout=20):
    """
    Kills the logger with SIGKILL.  With PIPE, it waits until there are bytes in the log pipe.
    Returns (number of these bytes, pid of the next logger).
    """
    old = daemon.wait_for_logger()
    waiting = 0
    if pipe:
        deadline = time.monotonic() + timeout
        while waiting == 0 and time.monotonic() < deadline:
            waiting = pipe.waiting_bytes()
    os.kill(old, signal.SIGKILL)
    new = daemon.wait_for_logger(other_than=old)
    assert new != old
    return waiting, new
