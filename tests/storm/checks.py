# SPDX-License-Identifier: MIT
"""What must be true after each step of a walk, and at its end."""
import errno
import os
import re
import time

from configs import RESTART_ONLY
from daemon import SANITIZER, children, comm, proc_stat
from evidence import Evidence, complaint, pieced_together
from guests import pump
from verify import verify
from world import MOMENT, Failure, seconds, settle_reload

OWNER = re.compile(rb"(?:guest|honest) (\d+) ")
# What the pipes can hold in front of a record, in the longest form that a record has.
TAIL = 4 << 20
DEATH = re.compile(r"was killed by signal (?!9\b)\d+.*|the logger .*exited with status.*")


def after_step(world):
    if world.down:
        return
    check_life(world)
    settle_pending(world)
    check_guests(world)
    check_honest(world)
    check_figures(world, world.figures())
    check_deleted(world)
    check_limit(world)
    check_names(world)
    world.violence_before, world.was_held = world.violence, bool(world.held)


def settle_pending(world):
    if world.pending and world.pending.is_over():
        settle_reload(world, world.pending)


def check_life(world):
    status = world.daemon.process.poll()
    said = world.daemon.stderr()
    if SANITIZER.search(said):
        raise Failure("a sanitizer complained")
    if DEATH.search(said):
        raise Failure("a process died: %s" % DEATH.search(said).group())
    if status is not None:
        raise Failure("the service ended with status %d" % status)


def check_figures(world, said):
    """The account adds up, and no figure exceeds what the configuration allows."""
    parts = sum(said[name + "_bytes"] for name in ("logged", "dropped", "in_flight", "unknown"))
    if said["received_bytes"] != parts:
        raise Failure("the account does not add up: %s" % said)
    if said["clients"] + said["workers_idle"] > said["max_clients"] or \
            said["max_clients"] != int(world.config["server.max_clients"]):
        raise Failure("more workers than max_clients: %s" % said)
    if said["state"] != "running":
        raise Failure("status says %s" % said["state"])
    if said["log"] == "limit" and not any(
            c["log.at_message_limit"] == "stop" and c["log.message_limit"] != "0"
            for c in world.candidates()):
        raise Failure("status says that the limit is reached, and there is none")


def await_while_it_moves(world, guests, until):
    """
    Waits until UNTIL(), and gives up when the log has not moved for a moment: a small message_limit
    makes it slow.
    """
    deadline, moved = time.monotonic() + 10 * MOMENT, None
    while time.monotonic() < deadline:
        if pump(guests, MOMENT, until):
            return True
        said = world.figures()
        before, moved = moved, (said["log_written_bytes"], said["received_bytes"])
        if before == moved:
            return False
    return False


# --- an honest client

def check_honest(world):
    config = world.config
    if not world.held and not world.pending and \
            not pump(world.guests, MOMENT, lambda: world.figures()["log"] != "stalled"):
        raise Failure("status says stalled (%s), and nothing is wrong" %
                      world.figures()["log_error"])
    text = b"honest %d %d\n" % (world.n_guests + 1, os.getpid())
    guest = world.invite("honest", text)
    bound = MOMENT
    if world.held or world.pending:
        bound = 0.15 + (seconds(config["log.stall_timeout"]) + 0.25
                        if config["log.when_stalled"] != "block" else 0)
    def is_decided():
        return guest.is_over or guest.is_answered()

    if not pump(world.guests, bound / 6, is_decided) and not is_full(world) and \
            not pump(world.guests, bound, is_decided) and not world.held:
        await_while_it_moves(world, world.guests, is_decided)
    if guest.wrong_echo():
        raise Failure("the echo differs: %r" % bytes(guest.echoed))
    if guest.is_answered():
        guest.half_close()
        if not world.held and not world.pending:
            check_record(world, guest, text)
        return
    why = excuse(world, guest)
    if why is None:
        raise Failure("an honest client is not answered: %s; status: %s" % (
            describe(guest), world.figures()))
    guest.kind = "unanswered"


def is_full(world):
    said = world.figures()
    return said["clients"] >= said["max_clients"]


def describe(guest):
    if guest.error:
        return "%s" % guest.error
    if guest.is_over:
        return "disconnected"
    return "connected, %d of %d bytes echoed" % (len(guest.echoed), len(guest.sent)) \
        if guest.connected else "not even connected"


def excuse(world, guest):
    """Why GUEST need not be answered, or None."""
    if world.pending:
        return "a reload is under way"
    if is_full(world):
        return "all places are in use"
    if world.held.keys() & {"halt", "take"}:
        return "processes cannot work"
    policy, receipt = world.config["log.when_stalled"], world.config["log.echo_after"]
    if guest.is_over and receipt != "queued" and world.violence != world.violence_before:
        return "nobody knows whether its record is safe"
    if guest.is_over and guest.connected and receipt != "queued" and policy != "block":
        return "a sync can take as long as stall_timeout"
    if not world.held:
        return None
    if guest.is_over and not guest.connected:
        return None
    if guest.is_over:
        return None if policy == "block" and receipt != "synced" else "the policy"
    if policy != "block" and world.figures()["workers_idle"] > 0 and "freeze" not in world.held:
        # Twice the time that the policy allows, on a busy machine.
        pump(world.guests, MOMENT, lambda: guest.is_over or guest.is_answered())
        return "the policy" if guest.is_over or guest.is_answered() else None
    if "freeze" in world.held:
        return "the disk is frozen"
    pump(world.guests, MOMENT, lambda: guest.is_over or guest.is_answered() or
         world.figures()["log"] == "stalled")
    said = world.figures()
    if guest.is_answered() or said["log"] == "stalled":
        return "stalled"
    return None


def check_record(world, guest, text):
    """What is echoed can be read in the log, under the names that the log has."""
    busy = any(g.pending and not g.is_over for g in world.guests)
    if guest.lossy or busy and world.config["log.keep_files"] != "0" or \
            int_size(world.config["log.message_size"]) < 100:
        return
    # The others are silent meanwhile, so that what is new is near the end of a file.
    if not await_while_it_moves(world, [], lambda: is_in_log(world, text[:-1])):
        raise Failure("%s was echoed, and is in no file of the log" % text)


def is_in_log(world, text):
    path = world.log_path()
    real = os.path.realpath(path)
    places = {path.parent, type(path)(real).parent, world.disk, world.spare}
    for place in places:
        # The newest first: there can be thousands.
        for full in sorted(place.iterdir(), key=age):
            if full.name != "filler" and text in end_of(full):
                return True
    return False


def age(path):
    """A key that sorts what was written last before all others, and what is gone last."""
    try:
        return -path.stat().st_mtime_ns
    except OSError:
        return 0


def end_of(path):
    """The last bytes of a file; none of a directory, and of a file that has just been renamed."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            return file.read()
    except OSError:
        return b""


def int_size(value):
    return int(value.rstrip("KM")) * (1024 if value.endswith("K") else 1)


# --- other clients

def check_guests(world):
    for guest in world.guests:
        if guest.kind in ("honest", "unanswered"):
            guest.was_judged = True
        if guest.wrong_echo():
            raise Failure("guest %d: the echo differs from what was sent" % guest.number)
        if guest.was_judged or guest.lossy or guest.may_end or world.held or \
                guest.born != world.violence or guest.kind == "reset":
            pass
        elif guest.error:
            raise Failure("guest %d (%s) was disconnected, and nothing happened: %s" % (
                guest.number, guest.kind, guest.error))
        elif guest.is_short:
            raise Failure("guest %d (%s) sent %d bytes and got %d, and nothing happened" % (
                guest.number, guest.kind, len(guest.sent), len(guest.echoed)))
        guest.was_judged = guest.is_over


# --- files

def check_deleted(world):
    """Nothing is written to a file that is no longer the log, once its deletion can be known."""
    for entry in world.deleted:
        size = os.fstat(entry[0]).st_size
        if entry[1] is None:
            if not world.held.keys() & {"halt", "freeze"}:
                time.sleep(0.02)
                entry[1] = os.fstat(entry[0]).st_size
        elif size > entry[1]:
            raise Failure("%d bytes were written to a file that was deleted before" %
                          (size - entry[1]))


def check_limit(world):
    """With `stop` no file gets more messages than message_limit."""
    config, path = world.config, world.log_path()
    if config["log.at_message_limit"] != "stop" or config["log.message_limit"] == "0" or \
            config["log.format"] == "raw" or world.held or world.pending or not path.is_file() \
            or world.truncations:
        world.limit_floor = None
        return
    st = os.stat(path)
    evidence = Evidence()
    with open(path, "rb") as file:
        evidence.read(path.name, file.read())
    n = sum(r.event == "message" for c in evidence.connections.values()
            for r in c.records.values())
    limit, key = int(config["log.message_limit"]), (st.st_dev, st.st_ino)
    if world.limit_floor and world.limit_floor[0] == key and n > max(limit, world.limit_floor[1]):
        raise Failure("%d messages were saved, %d are allowed" % (n, limit))
    if not world.limit_floor or world.limit_floor[0] != key:
        world.limit_floor = (key, n)


def check_names(world):
    """Others' files and links stay what they are, and the log has its mode."""
    path, config = world.log_path(), world.config
    if os.fstat(world.foreign).st_nlink == 0 and world.setting["disk"] not in ("bindfs", "share"):
        raise Failure("a file that is not the service's was deleted")
    if world.held or world.pending:
        return
    for link in world.links:
        if not link.is_symlink():
            raise Failure("%s was a symbolic link, and is none any more" % link)
    is_new = path.is_file() and os.stat(path).st_ino not in world.inodes
    world.inodes.update(os.stat(p).st_ino for p in world.log_names() if p.is_file())
    if is_new and world.setting["disk"] != "share" and \
            os.stat(path).st_mode & 0o777 != int(config["log.mode"], 8):
        raise Failure("%s has mode %o, not %s" % (path, os.stat(path).st_mode & 0o777,
                                                 config["log.mode"]))
    keep = int(config["log.keep_files"])
    rotated = {os.path.basename(name) for name in world.rotated()}
    # One that could not be deleted for a while is deleted at the next rotation.
    if keep and rotated - world.rotated_before and world.at == path and not world.was_held and \
            config["log.message_limit"] != "0" and len(rotated) > keep + 1:
        raise Failure("keep_files is %d, and there are %s" % (keep, sorted(rotated)))
    world.rotated_before, world.at = rotated, path


# --- the end

def at_the_end(world):
    world.lift_all()
    if world.pending:
        if not pump(world.guests, 2 * MOMENT, world.pending.is_over):
            raise Failure("a reload is not over, and all faults are lifted")
        settle_pending(world)
    if world.down and not world.start():
        raise Failure("it does not start, and all faults are lifted")
    check_life(world)
    dismiss_guests(world)
    check_honest(world)
    check_guests(world)
    check_figures(world, world.figures())
    check_zombies(world)
    world.stop()
    world.forget_store()
    check_left_overs(world)
    judge(world)


def dismiss_guests(world):
    def are_over():
        for guest in world.guests:
            guest.dismiss()
        return all(guest.is_over for guest in world.guests)

    if not await_while_it_moves(world, world.guests, are_over):
        left = [g for g in world.guests if not g.is_over]
        raise Failure("%d clients wait for ever: %s; status: %s" % (
            len(left), ", ".join("%d (%s): %s" % (g.number, g.kind, describe(g))
                                 for g in left[:5]), world.figures()))


def check_zombies(world):
    def are_none():
        stats = [proc_stat(pid) for pid in children(world.daemon.pid)]
        return not any(stat and stat[0] == "Z" for stat in stats)

    if not pump([], MOMENT, are_none):
        raise Failure("zombies are left")


def check_left_overs(world):
    run_directory = os.listdir(world.daemon.runtime_directory)
    if not set(run_directory) <= {"lock", "scoreboard"}:
        raise Failure("left in the runtime directory: %s" % run_directory)
    odd = [name for name in os.listdir(world.state) if not name.endswith(".spill")]
    if odd:
        raise Failure("left in the state directory: %s" % odd)


def judge(world):
    evidence, verifiable = Evidence(world.ids_may_repeat), []
    for path, (pieces, data) in world.files().items():
        if data or pieces:
            evidence.read(os.path.basename(path), pieced_together([*pieces, data]) if pieces
                          else data)
        if data:
            verifiable.append(path)
    evidence.finish()
    problems = forgiven(world, evidence.problems)
    if not evidence.problems and not evidence.raw and verifiable and \
            not world.truncations and not world.ids_may_repeat:
        verdict = verify(*verifiable)
        if verdict.status != 0:
            problems.append("%s" % verdict)
    by_peer = evidence.by_peer()
    for guest in world.guests:
        if not guest.sent or guest.format == "raw":
            continue
        said = complaint(guest, those_of(guest, by_peer), is_destroyed(world))
        if said is None and guest.met_stop and guest.logged_bytes > len(guest.echoed) and \
                not is_destroyed(world):
            said = "cut: at a stop, %d bytes were logged, %d arrived" % (guest.logged_bytes,
                                                                        len(guest.echoed))
        if said:
            problems.append("guest %d (%s, %s): %s" % (guest.number, guest.kind, guest.peer, said))
    problems += check_raw(world, evidence)
    problems += check_payload(world, evidence)
    if problems:
        raise Failure("%d problems in the log:\n    %s" % (len(problems),
                                                          "\n    ".join(problems[:12])))


def those_of(guest, by_peer):
    """The connections that may be GUEST's: a port is used again."""
    heads = ((c, OWNER.match(c.data)) for c in by_peer.get(guest.peer, []))
    return [c for c, head in heads if head is None or int(head[1]) == guest.number]


def is_destroyed(world):
    return world.truncations > 0 or world.setting["retention"]


def forgiven(world, problems):
    """PROBLEMS without what the walk itself has destroyed."""
    if world.setting["retention"]:
        problems = [p for p in problems if not p.startswith(("missing", "order"))]
    torn = [p for p in problems if p.startswith(("torn", "missing", "order"))]
    if len(torn) <= 3 * world.truncations:
        problems = [p for p in problems if p not in torn]
    return problems


def check_raw(world, evidence):
    """A line that only one client sent is there once."""
    raw, problems = b"\n".join(evidence.raw), []
    for guest in world.guests:
        if guest.format != "raw" or guest.lossy or is_destroyed(world):
            continue
        head = bytes(guest.echoed.partition(b"\n")[0])
        n = raw.count(head + b"\n") if len(head) > 8 else 1
        if n != 1 and guest.kind != "urgent":
            problems.append("raw: guest %d (%s): %r is there %d times" % (
                guest.number, guest.kind, head, n))
    return problems


def check_payload(world, evidence):
    """P6 against the files: logged <= payload <= logged + unknown."""
    if is_destroyed(world):
        return []
    logged = sum(said["logged_bytes"] for said in world.epochs)
    unknown = sum(said["unknown_bytes"] for said in world.epochs)
    if logged <= evidence.payload <= logged + unknown:
        return []
    return ["account: the log has %d bytes of payload, status says %d logged, %d unknown" % (
        evidence.payload, logged, unknown)]
