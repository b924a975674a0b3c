# SPDX-License-Identifier: MIT
"""The service in a walk, its disks, its clients, and what the walk has done to all of them."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from configs import RESTART_ONLY, VALUES
from daemon import PATIENCE, Daemon, children, comm, control, free_port, is_gone, proc_stat
from evidence import contents
from faults import Mounts, run
from guests import Guest, payload, pump
from messagelog import ROTATED
from standin import FdStore

# The least that a service needs for what it does at once on a busy machine.
MOMENT = 6 * PATIENCE
DISK_SIZE = "160m"
GUEST_BYTES = 6_000_000
# Directories of the log are tmpfs, ext4 or bindfs; see walk.py.
FOREIGN = b"foreign, and no log\n"
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Failure(Exception):
    """The service has broken a promise."""


def seconds(value):
    for unit in ("ms", "s", "m", "h", "d"):
        if value.endswith(unit):
            return int(value[:-len(unit)]) * UNITS[unit]
    return int(value)


class World:
    def __init__(self, setting, base, clock_library):
        self.setting, self.base = setting, Path(base)
        self.held = {}                  # name of a fault: what lifts it needs to know
        self.guests, self.n_guests, self.guest_bytes = [], 0, 0
        self.deleted = []               # [descriptor, size when it may grow no more or None]
        self.pieces = {}                # {(device, inode): what was there before each truncation}
        self.truncated = []             # descriptors, so that no other file gets such an inode
        self.truncations = self.violence = self.violence_before = self.n_moved = 0
        self.pending = self.cgroup = None
        self.down = True
        self.epochs = []
        self.tmpfs_size = DISK_SIZE
        self.make_disks()
        self.config = dict(setting["config"])
        self.file_config = dict(self.config)
        self.limit_floor = None
        self.clock = str(self.base / "clock")
        self.step_clock(0)
        self.store = FdStore()
        self.state = self.base / "state"
        self.state.mkdir()
        self.ports = {"@PORT": free_port(), "@OTHER": free_port()}
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.ports["@TAKEN"] = self.taken.getsockname()[1]
        (self.base / "daemon").mkdir()
        prefix = ["env", "STATE_DIRECTORY=%s" % self.state, "STORM_CLOCK=" + self.clock]
        if clock_library:
            prefix.append("LD_PRELOAD=" + clock_library)
        self.daemon = Daemon(self.base / "daemon", self.real(self.file_config), store=self.store,
                             runtime_directory=True, prefix=prefix, port=self.ports["@PORT"])
        self.inodes = {os.fstat(self.foreign).st_ino}           # of logs that were judged
        self.clock_went_back = self.ids_may_repeat = False
        self.rotated_before, self.at, self.was_held = set(), None, False

    # --- disks

    def make_disks(self):
        kind = self.setting["disk"]
        self.disk, self.spare = self.base / "disk", self.base / "spare"
        self.mounts = None
        if kind == "plain":
            self.disk.mkdir()
        else:
            self.mounts = Mounts(self.base)
            if kind in ("bindfs", "share"):
                self.mount_bindfs(kind)
            elif kind == "ext4":
                # To read from a disk that is frozen must not wait for the time of access.
                self.mounts.ext4(DISK_SIZE_BYTES, options="loop,noatime")
            else:
                self.mounts.tmpfs(DISK_SIZE)
        self.spare.mkdir()
        (self.disk / "b").mkdir()
        (self.disk / "b" / "messages.log").write_bytes(FOREIGN)
        self.foreign = os.open(self.disk / "b" / "messages.log", os.O_RDONLY)
        self.links = set()              # names of the log that are symbolic links

    def mount_bindfs(self, kind):
        point = self.mounts.tmpfs(DISK_SIZE, "below")
        if not shutil.which("bindfs"):
            self.disk.mkdir()
            return
        self.disk.mkdir()
        self.mounts.mounted.append(str(self.disk))
        run("bindfs", *(["--chmod-deny"] if kind == "share" else []), point, str(self.disk))

    def rotated(self):
        """The files that the service has renamed, in the directory of the log."""
        directory = self.log_path().parent
        return [directory / name for name in sorted(os.listdir(directory))
                if ROTATED.fullmatch(name.removeprefix("messages.log"))] \
            if directory.is_dir() else []

    def real(self, config):
        return {key: self.real_value(value) for key, value in config.items()}

    def real_value(self, value):
        value = value.replace("@DISK", str(self.disk)).replace("@SPARE", str(self.spare))
        for name, port in self.ports.items():
            value = value.replace(name, str(port))
        return value

    def log_path(self, config=None):
        return Path(self.real_value((config or self.config)["log.path"]))

    def log_names(self):
        return [Path(self.real_value(value)) for value in VALUES["log.path"]]

    def step_clock(self, offset):
        self.clock_offset = offset
        # Nobody may see a file without a number, so it is written in place.
        fd = os.open(self.clock, os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(fd, struct.pack("=q", offset), 0)
        os.close(fd)

    # --- the service

    def candidates(self):
        """The configurations that may be in force."""
        return [self.config] + ([self.pending.config] if self.pending else [])

    def is_lossy(self, config):
        return config["log.when_stalled"] == "drop" or config["log.message_limit"] != "0" and \
            config["log.at_message_limit"] == "stop"

    def note_config(self):
        """What a configuration allows is allowed to all clients that meet it."""
        if any(self.is_lossy(config) for config in self.candidates()):
            for guest in self.guests:
                guest.lossy = guest.lossy or not guest.is_over

    def start(self):
        """Returns whether the service runs then."""
        self.lift("freeze")
        self.config = dict(self.file_config)
        self.daemon.options = self.real(self.file_config)
        self.daemon.write_config()
        self.daemon.launch()
        self.violence += 1

        def is_decided():
            return self.daemon.process.poll() is not None or any(
                f.get("READY") == "1" for f in self.daemon.notifications.received)

        if not pump(self.guests, MOMENT if self.held else 2 * MOMENT, is_decided):
            return self.give_up_start()
        self.down = self.daemon.process.poll() is not None
        if self.down:
            self.note_failed_start(self.daemon.process.returncode)
        self.note_config()
        return not self.down

    def give_up_start(self):
        """It waits for what is wrong; a stop ends that too."""
        if not self.held:
            raise Failure("a start is neither ready nor over")
        self.down = False
        self.stop()
        return False

    def note_failed_start(self, status):
        if not self.held or status not in (1, 150):
            raise Failure("a start failed with status %s, and %s" % (
                status, "nothing is wrong" if not self.held else "this status says otherwise"))
        self.reap()
        if status != 150:
            self.forget_store()

    def forget_store(self):
        """As systemd does for a unit that is stopped or has failed."""
        left = self.store.bytes_in_pipes()
        if left:
            raise Failure("%d bytes of records were still in the pipes when it ended" % left)
        said = self.figures()
        if said:
            self.epochs.append(said)
        # The next ids are those of the clock, unless the log by this name tells the last one.
        self.ids_may_repeat = self.ids_may_repeat or self.clock_went_back
        self.store.clear()

    def stop(self):
        self.end_pending_by_force()
        self.lift("freeze")
        self.lift("halt")
        self.violence += 1
        if not self.held and not self.is_lossy(self.config):
            for guest in self.guests:
                guest.met_stop = guest.met_stop or guest.connected and guest.reads and \
                    not guest.is_over and not guest.lossy and not guest.may_end
        bound = sum(seconds(max((c[key] for c in self.candidates()), key=seconds))
                    for key in ("server.drain_timeout", "log.stall_timeout"))
        began = time.monotonic()
        self.daemon.signal(signal.SIGTERM)
        bound += 1 + MOMENT
        if not pump(self.guests, bound, lambda: self.daemon.process.poll() is not None):
            raise Failure("a stop takes more than %.1f s" % bound)
        self.last_stop = time.monotonic() - began
        self.down = True
        if self.daemon.process.returncode != 0:
            raise Failure("a stop ended with status %d" % self.daemon.process.returncode)
        self.reap()

    def reap(self):
        """Nobody may be left of a service that is down."""
        def are_gone():
            self.daemon.reap_orphans()
            return not [pid for pid in children(os.getpid()) if comm(pid).startswith("echo-log")
                        and not self.reap_one(pid)]

        if not pump(self.guests, MOMENT, are_gone):
            raise Failure("processes are left over: %s" % [
                (pid, comm(pid)) for pid in children(os.getpid())])

    def reap_one(self, pid):
        try:
            return os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            return True

    def kill_service(self, first):
        """SIGKILL for all, as systemd does when the master is dead."""
        self.lift("freeze")
        self.pending = None
        self.violence += 1
        family = children(self.daemon.pid)
        victims = [self.daemon.pid]
        if first == "all":
            victims = [pid for pid in family if comm(pid) != "echo-log-worker"] + victims
            for pid in victims:
                self.send(pid, signal.SIGSTOP)
        for pid in victims:
            self.send(pid, signal.SIGKILL)
        self.daemon.process.wait(MOMENT)
        self.down = True
        for pid in set(family + children(os.getpid())):
            if comm(pid).startswith("echo-log"):
                self.send(pid, signal.SIGKILL)
        self.reap()
        self.held.pop("halt", None)
        self.held.pop("take", None)

    def send(self, pid, signo):
        try:
            os.kill(pid, signo)
        except ProcessLookupError:
            pass

    def figures(self):
        """What `echo-logctl status --json` says; its exit status is not our subject."""
        said = control("status", "--json", "--runtime", self.daemon.runtime_directory)
        if not said.stdout.startswith("{"):
            if self.down:
                return None
            raise Failure("status says nothing: %s" % said.stderr)
        return json.loads(said.stdout)

    def processes(self, who):
        if who == "master":
            return [self.daemon.pid]
        name = "echo-log-" + who
        return sorted(pid for pid in children(self.daemon.pid)
                      if comm(pid) == name and not is_gone(pid))

    # --- reload: it may take long while something is wrong, so it is awaited like a client

    def end_pending_by_force(self):
        if self.pending:
            self.pending.abandon()
            self.pending = None

    # --- clients

    def address(self, config, rng_number=0):
        """Where a client finds the service."""
        words = [word.strip() for word in config["server.address"].split(",")]
        hosts = ["127.0.0.1" if word in ("*", "0.0.0.0") else word for word in words]
        hosts = [host for host in hosts if host in ("127.0.0.1", "127.0.0.2", "::1")]
        return hosts[rng_number % len(hosts)], self.ports[config["server.port"]]

    def invite(self, kind, data=None, n_bytes=0, binary=False):
        self.n_guests += 1
        data = data or payload(self.n_guests, n_bytes, binary)
        guest = Guest(self.n_guests, kind, self.address(self.config, self.n_guests), data,
                      self.violence)
        guest.lossy = any(self.is_lossy(config) for config in self.candidates())
        guest.format = self.config["log.format"]
        guest.may_end = any(c["server.idle_timeout"] == "500ms" or c["log.when_stalled"] != "block"
                            or c["log.echo_after"] == "synced" for c in self.candidates())
        self.guests.append(guest)
        return guest

    # --- faults that last

    def hold(self, name, lift):
        """Returns whether fault NAME is new."""
        if name in self.held:
            return False
        self.held[name] = lift
        return True

    def lift(self, name):
        lift = self.held.pop(name, None)
        if lift:
            lift()

    def lift_all(self):
        for name in sorted(self.held, key=lambda name: name not in ("freeze", "readonly")):
            self.lift(name)

    # --- the end

    def files(self):
        """{name: content} of all that was ever logged and is not destroyed."""
        found, seen = {}, set()
        roots = [self.disk, self.spare, self.state]
        for root in roots:
            for directory, _, names in os.walk(root):
                for name in names:
                    path = os.path.join(directory, name)
                    if os.path.islink(path) or not os.path.isfile(path):
                        continue
                    self.add_file(found, seen, path, os.stat(path))
        for fd in [fd for fd, _ in self.deleted] + self.truncated:
            self.add_file(found, seen, "/proc/%d/fd/%d" % (os.getpid(), fd), os.fstat(fd))
        return found

    def add_file(self, found, seen, path, st):
        key = (st.st_dev, st.st_ino)
        name = os.path.basename(path)
        if key in seen or name in ("filler",):
            return
        seen.add(key)
        # A raw log is continued in whatever file is there.
        found[path] = (self.pieces.get(key, []), contents(path).removeprefix(FOREIGN))

    def close(self):
        """Whatever happened."""
        for guest in self.guests:
            if not guest.is_over:
                guest.end()
        try:
            self.lift_all()
        except (OSError, subprocess.SubprocessError):
            pass
        self.end_pending_by_force()
        if self.daemon.process and self.daemon.process.poll() is None:
            for pid in children(self.daemon.pid) + [self.daemon.pid]:
                self.send(pid, signal.SIGKILL)
            self.daemon.process.wait()
        for _ in range(200):
            left = [pid for pid in children(os.getpid()) if comm(pid).startswith("echo-log")]
            for pid in left:
                self.send(pid, signal.SIGKILL)
                self.reap_one(pid)
            if not left:
                break
            time.sleep(0.02)
        if self.daemon.notifications:
            self.daemon.notifications.end()
        self.store.clear()
        for fd in [fd for fd, _ in self.deleted] + self.truncated:
            os.close(fd)
        os.close(self.foreign)
        self.taken.close()
        if self.cgroup:
            self.cgroup.rmdir()
        if self.mounts:
            self.mounts.end()
        shutil.rmtree(self.base, ignore_errors=True)


DISK_SIZE_BYTES = 160 << 20


class PendingReload:
    """A reload under way: by echo-logctl, or by SIGHUP, as its notifications tell."""

    def __init__(self, world, config, how):
        self.world, self.config, self.how = world, config, how
        self.process = None
        if how == "ctl":
            from verify import control_program
            self.process = subprocess.Popen(
                [control_program(), "reload", "--runtime", world.daemon.runtime_directory],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True)
        else:
            self.generation = world.figures()["generation"]
            self.since = len(world.daemon.notifications.received)
            world.daemon.signal(signal.SIGHUP)

    def is_over(self):
        if self.process:
            return self.process.poll() is not None
        received = self.world.daemon.notifications.received[self.since:]
        began = [i for i, f in enumerate(received) if f.get("RELOADING") == "1"]
        return bool(began) and any(f.get("READY") == "1" for f in received[began[0]:])

    def is_accepted(self):
        if self.process:
            self.said = self.process.communicate()[0]
            return self.process.returncode == 0
        self.said = self.world.daemon.status()
        return self.world.figures()["generation"] > self.generation

    def abandon(self):
        if self.process:
            if self.process.poll() is None:
                self.process.kill()
            self.process.communicate()


def settle_reload(world, pending):
    """The outcome of a reload that is over."""
    world.pending = None
    if pending.is_accepted():
        kept = {key: world.config[key] for key in RESTART_ONLY}
        if any(pending.config[key] != world.config[key]
               for key in ("server.address", "server.port")):
            # Clients in the queue of an address that is given up are reset.
            world.violence += 1
        world.file_config = pending.config
        world.config = {**pending.config, **kept}
        world.limit_floor = None
        return "accepted"
    return "refused"
