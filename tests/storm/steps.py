# SPDX-License-Identifier: MIT
"""
Every step of a walk: a function named after it, with the world and its arguments.  It returns a
word or two on what came of it, for the list that a failing walk prints.
"""
import fcntl
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from configs import configuration_file
from daemon import binary, control, is_gone
from evidence import contents
from faults import run
from guests import pump
from verify import control_program
from world import GUEST_BYTES, MOMENT, Failure, PendingReload, settle_reload

WEIGHTS = {}
NEEDS_ROOT = set()


def step(weight, root=False):
    def register(function):
        WEIGHTS[function.__name__] = weight
        if root:
            NEEDS_ROOT.add(function.__name__)
        return function
    return register


# --- configuration

@step(14)
def reload(world, keys, how):
    if world.down or world.pending:
        return "skipped"
    wanted = {**world.file_config, **keys}
    world.daemon.options = world.real(wanted)
    world.daemon.write_config()
    path = world.log_path(wanted)
    before = named(path)
    world.pending = PendingReload(world, wanted, how)
    world.note_config()
    said = await_reload(world, 0.7 if world.held else 2 * MOMENT)
    if said == "refused" and path != world.log_path() and named(path) != before:
        raise Failure("a refused reload has changed %s" % path)
    if said == "accepted":
        check_in_force(world)
    return said


def check_in_force(world):
    """With the keys that need a restart at their old values, it must be a right configuration."""
    path = world.base / "in-force.conf"
    path.write_text(configuration_file(world.real(world.config)))
    done = subprocess.run([binary(), "-c", str(path), "--check-config"], text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failure("a configuration is in force that is forbidden: %s" % done.stderr.strip())


def await_reload(world, bound):
    pending = world.pending
    if not pump(world.guests, bound, lambda: pending.is_over() or
                world.daemon.process.poll() is not None):
        if world.held:
            return "not over yet"
        raise Failure("a reload is not over within %.0f s" % bound)
    if world.daemon.process.poll() is not None:
        return "the service ended"
    return settle_reload(world, pending)


def named(path):
    """What is at PATH: an inode and its size, or None."""
    try:
        st = os.stat(path)
        return st.st_dev, st.st_ino, st.st_size
    except OSError:
        return None


@step(3)
def reopen(world):
    if world.down:
        return "skipped"
    process = subprocess.Popen([control_program(), "reopen", "--runtime",
                                world.daemon.runtime_directory], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    bound = 0.7 if world.held or world.pending else 2 * MOMENT
    done = pump(world.guests, bound, lambda: process.poll() is not None)
    if not done:
        process.kill()
    said = process.communicate()[1]
    if not world.held and not world.pending and process.returncode != 0:
        raise Failure("reopen: %s" % (said.strip() or "not over within %.0f s" % bound))
    return "status %d" % process.returncode


@step(2)
def status(world):
    if world.down:
        return "skipped"
    said = control("status", "--runtime", world.daemon.runtime_directory, timeout=MOMENT)
    if "echo-logd is running" not in said.stdout:
        raise Failure("status: %s%s" % (said.stdout, said.stderr))
    return "status %d" % said.returncode


@step(2)
def verify(world):
    """The last line may be half there while the log is written, but it must come to an end."""
    path = world.log_path()
    if not path.is_file():
        return "skipped"
    done = control("verify", str(path), timeout=2 * MOMENT)
    if done.returncode not in (0, 1, 2):
        raise Failure("verify: status %d: %s" % (done.returncode, done.stderr))
    return "status %d" % done.returncode


# --- life and death

def load(world, is_wanted):
    """Clients that are about to send more than a stop gives them time for."""
    if is_wanted and not world.held and world.guest_bytes < GUEST_BYTES:
        fresh = [world.invite("torrent", n_bytes=2_000_000) for _ in range(2)]
        world.guest_bytes += 4_000_000
        pump(fresh, 0.02, lambda: all(guest.echoed for guest in fresh))


@step(3)
def restart(world, under_load=False):
    if not world.down:
        load(world, under_load)
        world.stop()
    return "started" if world.start() else "down"


@step(2)
def stop(world, under_load=False):
    if world.down:
        return "skipped"
    load(world, under_load)
    world.stop()
    world.forget_store()
    return "in %.1f s" % world.last_stop


@step(3)
def start(world):
    if not world.down:
        return "skipped"
    return "started" if world.start() else "down"


@step(10)
def kill(world, who, n):
    if world.down:
        return "skipped"
    if who == "master":
        world.kill_service("master")
        return "started" if world.start() else "down"
    pids = world.processes(who)
    if not pids:
        return "none"
    world.violence += 1
    world.send(pids[n % len(pids)], signal.SIGKILL)
    return "1 of %d" % len(pids)


@step(3)
def kill_all(world, first):
    if world.down:
        return "skipped"
    world.kill_service(first)
    return "started" if world.start() else "down"


@step(4)
def halt(world, who, n):
    if world.down:
        return "skipped"
    pids = world.processes(who)
    if not pids:
        return "none"
    pid = pids[n % len(pids)]

    def lift():
        if not is_gone(pid):
            world.send(pid, signal.SIGCONT)

    if not world.hold("halt", lift):
        return "skipped"
    world.halted = pid
    world.send(pid, signal.SIGSTOP)
    return "1 of %d" % len(pids)


@step(1)
def resume(world):
    world.lift("halt")


# --- the log file

def moved_name(world, path):
    world.n_moved += 1
    return path.with_name("%s.moved-%d" % (path.name, world.n_moved))


def change_log(world, change, reopen_after):
    path = world.log_path()
    if "freeze" in world.held or not path.is_file():
        return "skipped"
    try:
        was_link = path.is_symlink()
        change(path)
        if was_link and not path.is_symlink():
            world.links.discard(path)
    except OSError as error:
        return "%s" % error.strerror
    if reopen_after:
        return reopen(world)
    return "done"


@step(4)
def rename(world, reopen):
    return change_log(world, lambda path: os.rename(path, moved_name(world, path)), reopen)


@step(2)
def delete(world, reopen):
    """The records are not gone: the walk keeps the file open, and reads it at the end."""
    def change(path):
        fd = os.open(path, os.O_RDONLY)
        if os.fstat(fd).st_ino == os.fstat(world.foreign).st_ino:
            os.close(fd)
            raise OSError(0, "is not the service's")
        os.unlink(path)
        world.deleted.append([fd, None])
    return change_log(world, change, reopen)


@step(1.5)
def truncate(world):
    """What is destroyed is copied before, while nobody writes."""
    loggers = [] if world.down else world.processes("logger")

    def change(path):
        for pid in loggers:
            world.send(pid, signal.SIGSTOP)
        time.sleep(0.01)
        st, before = os.stat(path), contents(path)
        os.truncate(path, 0)
        world.truncated.append(os.open(path, os.O_RDONLY))
        world.pieces.setdefault((st.st_dev, st.st_ino), []).append(before)
        world.truncations += 1
        world.violence += 1

    try:
        return change_log(world, change, False)
    finally:
        for pid in loggers:
            if "halt" not in world.held or pid != world.halted:
                world.send(pid, signal.SIGCONT)


@step(1.5)
def symlink(world, reopen):
    """The log becomes a symbolic link to where it is now."""
    def change(path):
        target = world.spare if world.disk in path.parents else world.disk
        if path.is_symlink():
            raise OSError(0, "is a link")
        os.rename(path, moved_name(world, path))
        os.symlink(target / ("linked-%d.log" % world.n_moved), path)
        world.links.add(path)
    return change_log(world, change, reopen)


# --- the disk

def fill_up(directory):
    with open(directory / "filler", "ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


@step(4, root=True)
def fill(world):
    filler = world.disk / "filler"
    if world.held.keys() & {"readonly", "freeze"}:
        return "skipped"
    if not world.hold("fill", lambda: filler.unlink(missing_ok=True)):
        return "skipped"
    fill_up(world.disk)


@step(1, root=True)
def free(world):
    if not world.held.keys() & {"readonly", "freeze"}:
        world.lift("fill")


@step(1.5, root=True)
def readonly(world):
    """Files that are opened from now on are on a read-only file system."""
    def lift():
        run("umount", "-l", str(world.disk))

    if world.held.keys() & {"freeze", "move_directory"} or not world.hold("readonly", lift):
        return "skipped"
    run("mount", "--bind", str(world.disk), str(world.disk))
    done = subprocess.run(["mount", "-o", "remount,bind,ro", str(world.disk)],
                          stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        world.lift("readonly")
        return "somebody was faster"


@step(1, root=True)
def writable(world):
    world.lift("readonly")


@step(1.5, root=True)
def freeze(world):
    if world.setting["disk"] != "ext4" or "readonly" in world.held:
        return "skipped"
    if not world.hold("freeze", lambda: run("fsfreeze", "-u", str(world.disk))):
        return "skipped"
    run("fsfreeze", "-f", str(world.disk))


@step(1, root=True)
def thaw(world):
    world.lift("freeze")


@step(1.5, root=True)
def immutable(world, which):
    path = world.log_path()
    if which == "rotated":
        path = max(world.rotated(), default=path)
    if not path.is_file() or path.is_symlink() or \
            world.held.keys() & {"immutable", "readonly", "freeze"}:
        return "skipped"
    if subprocess.run(["chattr", "+i", str(path)], stderr=subprocess.DEVNULL).returncode != 0:
        return "not on this file system"
    fd = os.open(path, os.O_RDONLY)

    def lift():
        # FS_IOC_SETFLAGS, linux/fs.h: it may have another name by now.
        flags = bytearray(8)
        fcntl.ioctl(fd, 0x80086601, flags)
        flags[0] &= ~0x10
        fcntl.ioctl(fd, 0x40086602, bytes(flags))
        os.close(fd)

    world.hold("immutable", lift)


@step(1, root=True)
def mutable(world):
    if "readonly" not in world.held:
        world.lift("immutable")


@step(1.5)
def move_directory(world):
    """The directory of the log is away for a while."""
    path = world.log_path().parent
    if path != world.disk / "b" or world.held.keys() & {"readonly", "freeze"}:
        return "skipped"
    away = path.with_name("away")

    def lift():
        if path.exists():
            path.rename(path.with_name("made-%d" % world.violence))
        away.rename(path)

    if not world.hold("move_directory", lift):
        return "skipped"
    path.rename(away)


@step(1)
def return_directory(world):
    if "readonly" not in world.held:
        world.lift("move_directory")


# --- clock and resources

@step(3)
def clock(world, seconds):
    world.step_clock(max(-86400 * 365 * 20, world.clock_offset + seconds))
    world.clock_went_back = world.clock_went_back or seconds < 0
    return "%+d s" % world.clock_offset


LIMITS = {"descriptors": (resource.RLIMIT_NOFILE, 4), "memory": (resource.RLIMIT_DATA, 4096)}


@step(3, root=True)
def take(world, what, who):
    if world.down:
        return "skipped"
    if what == "processes":
        return take_processes(world)
    limit, n = LIMITS[what]
    pids = world.processes(who)
    taken = [(pid, resource.prlimit(pid, limit)) for pid in pids]

    def lift():
        for pid in world.processes("master") + world.processes("worker") + \
                world.processes("logger"):
            old = dict(taken).get(pid, taken[0][1])
            try:
                resource.prlimit(pid, limit, old)
            except (ProcessLookupError, PermissionError):
                pass

    if not taken or not world.hold("take", lift):
        return "skipped"
    world.violence += 1
    for pid, (_, hard) in taken:
        try:
            resource.prlimit(pid, limit, (n, hard))
        except ProcessLookupError:
            pass
    return "from %d" % len(taken)


def take_processes(world):
    directory = Path("/sys/fs/cgroup/pids/storm-%d" % os.getpid())
    if not directory.parent.is_dir():
        return "no cgroup for it"

    def lift():
        (directory / "pids.max").write_text("max")

    if not world.hold("take", lift):
        return "skipped"
    directory.mkdir(exist_ok=True)
    world.cgroup = directory
    for pid in world.processes("master"):
        (directory / "cgroup.procs").write_text(str(pid))
    (directory / "pids.max").write_text("1")
    world.violence += 1
    return "of the master"


@step(1, root=True)
def give(world):
    world.lift("take")


# --- clients and time

@step(14)
def guests(world, kind, n, bytes, binary):
    if world.down:
        return "skipped"
    for _ in range(n):
        bytes = {"silent": 60, "brief": 60, "steady": 1_000_000}.get(kind, bytes)
        if world.guest_bytes + bytes > GUEST_BYTES:
            return "enough of them"
        world.guest_bytes += bytes
        world.invite(kind, n_bytes=bytes, binary=binary)
    pump(world.guests, 0.05)


@step(3)
def wait(world, ms):
    pump(world.guests, ms / 1000)
