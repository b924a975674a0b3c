# SPDX-License-Identifier: MIT
"""Compares the message log with what clients have sent and seen echoed."""

from messagelog import log_files, read_log
from verify import verify


def first_difference(a, b):
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low < high:
        middle = (low + high) // 2
        if a[low:middle + 1] == b[low:middle + 1]:
            low = middle + 1
        else:
            high = middle
    return low


def name_difference(logged, wanted):
    """Describes in words the first difference between LOGGED and WANTED."""
    at = first_difference(logged, wanted)
    window = bytes(wanted[at:at + 64])
    if at == len(logged):
        return "%d bytes at %d are missing from the end" % (len(wanted) - at, at)
    follows = bytes(logged[at:at + 64])
    skipped = bytes(wanted).find(follows, at) if len(follows) >= 8 else -1
    if skipped > at:
        return "%d bytes at %d are missing" % (skipped - at, at)
    repeated = bytes(wanted).find(follows, 0, at) if len(follows) >= 8 else -1
    if repeated >= 0:
        return "bytes from %d are doubled at %d" % (repeated, at)
    return "at %d is %r, not %r" % (at, follows[:16], window[:16])


def judge(client, connections):
    """Returns what is wrong with the log of CLIENT, or None."""
    if not connections:
        return "not in the log, %d bytes were echoed" % len(client.echoed) \
            if client.echoed else None
    # A port can be used again, so there may be several connections; one must fit.
    complaint = None
    for connection in connections:
        logged = connection.data
        if not logged.startswith(client.echoed):
            complaint = "echoed but not logged: " + name_difference(logged, client.echoed)
        elif not client.sent.startswith(logged):
            complaint = "logged but not sent: " + name_difference(logged, client.sent)
        elif client.is_complete and not len(logged) == len(client.sent) == len(client.echoed):
            complaint = "%d bytes sent, %d echoed, %d logged" % (
                len(client.sent), len(client.echoed), len(logged))
        else:
            return None
    return complaint


def check_verify(paths, log):
    """Checks that `echo-logctl verify` finds LOG whole, except for torn records."""
    verdict = verify(*reversed(paths))
    torn = log.service_events().count("torn")
    assert verdict.status == (1 if torn else 0) and len(verdict.problems) == torn, verdict
    assert all(": torn: " in problem for problem in verdict.problems), verdict
    assert verdict.facts["messages"] == log.messages, verdict
    assert verdict.facts["connections"] == len(log.connections), verdict


def check_log(path, clients, format="text", min_bytes=1, others_allowed=False):
    """
    Checks that every byte that a client has seen echoed is in the log at PATH and its rotated
    files (or in PATH, a list of files), once and in order, that nothing is torn, that no record is
    missing, and that `echo-logctl verify` finds the same.  MIN_BYTES: how many bytes must have been
    echoed, because with fewer the test would prove nothing.  Returns the Log.
    """
    paths = path if isinstance(path, list) else log_files(path)
    log = read_log(*paths, format=format)
    problems = list(log.problems)
    for client in clients:
        complaint = judge(client, log.by_peer(client.peer))
        if complaint:
            problems.append("%s: %s" % (client.peer, complaint))
    if not others_allowed:
        known = {client.peer for client in clients}
        problems += ["%s: nobody of ours" % c.peer for c in log.connections.values()
                     if c.peer not in known]
    assert not problems, "\n".join(problems[:30])
    check_verify(paths, log)
    echoed = sum(len(c.echoed) for c in clients)
    assert echoed >= min_bytes, "only %d bytes were echoed, %d wanted" % (echoed, min_bytes)
    return log


def check_stopped(daemon, clients, **arguments):
    """Stops DAEMON, so that all is in the log, and calls check_log()."""
    daemon.stop()
    return check_log(daemon.path, clients, **arguments)
