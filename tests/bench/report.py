# SPDX-License-Identifier: MIT
"""Makes BENCHMARKS.md: a table of the targets, one of all servers, and one for each case."""

import fnmatch
import os

import machine
from cases import ALL, CASES
from targets import TARGETS

HEAD = """# Benchmarks

`make bench` writes this page; do not edit it. The programs are in [`tests/bench`](../tests/bench).

How the figures are made:

- Each figure is the median of %s. In every round each server is started anew and
  measured, one server after the other.
- A ratio compares two figures of the same round. The tables show the median of these ratios.
- Every echoed byte is compared with what was sent. A server *fails* if one byte or one connection
  is wrong. It *hangs* if nothing comes from it for 5 s.

The servers:

- `floor` forks a process for each client and logs nothing.
- `epoll` serves all clients with one process and logs nothing.
- `textbook` forks a process for each client, and stores messages as textbooks teach it.
- The others have the names of their programs. Each has the options that make it as fast as possible
  here (`tests/bench/peers.py`).
- `echo-logd` logs as text, and echoes when the record is queued. If a setting differs, it is part
  of the name.
- `fdatasync` is not a server. It measures the disk alone: append a record, call fdatasync(2).

Ratios say more than absolute figures, which depend on the machine. The end of this page describes
it.
"""

# (case, field, column) of the table of all servers.  Each is a ratio to the floor; the last column
# of the table, memory, is not.
OVERVIEW = [
    ("p50-64", "p50", "p50 64 B, 1 client"),
    ("p50-16k", "p50", "p50 16 KiB, 1 client"),
    ("mbps-64k", "mbps", "MB/s 64 KiB, 1 client"),
    ("mbps-16k-16c", "mbps", "MB/s 16 KiB, 16 clients"),
    ("connections", "rate", "connections/s, 16 at once"),
]


NOTHING = "–"


def number(value):
    if value is None:
        return NOTHING
    if abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.3g" % value if abs(value) < 100 else "%.0f" % value


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def verdict(results, target):
    """The figure that was measured, and whether it meets the target."""
    value, failure = target.value(results), results.failure(*target.figure[:2])
    if failure:
        return [failure, "**not met**"]
    if value is None:
        return [NOTHING, "not measured"]
    return [number(value), "met" if target.is_met(value) else "**not met**"]


def targets_text(results):
    return table(["figure", "target", "measured", "result"],
                 [[target.words, target.bound(), *verdict(results, target)] for target in TARGETS])


def overview_cells(results, server):
    for case, field, _ in OVERVIEW:
        yield results.failure(case, server) or \
            number(results.ratio((case, server, field), (case, "floor", field)))
    yield results.failure("idle-memory", server) or \
        number(results.median("idle-memory", server, "total"))


def overview_text(results):
    cells = {server: list(overview_cells(results, server)) for server in ALL}
    return table(["ratio to the floor, except memory"] +
                 [title for _, _, title in OVERVIEW] + ["KiB for an idle client"],
                 [[server, *row] for server, row in cells.items() if set(row) != {NOTHING}])


def columns_of(case):
    head = ["server"]
    for figure in case.figures:
        head.append("%s, %s" % (figure.title, figure.unit))
        if not figure.is_part:
            head += ["lowest to highest", "ratio to %s" % case.servers[0]]
    return head


def cells_of(results, case, server):
    cells = [server]
    for figure in case.figures:
        name = (case.key, server, figure.field)
        cells.append(number(results.median(*name)))
        if not figure.is_part:
            spread = results.spread(*name)
            cells += ["%s to %s" % tuple(map(number, spread)) if spread else NOTHING,
                      number(results.ratio(name, (case.key, case.servers[0], figure.field)))]
    return cells


def case_text(results, case):
    head, rows = columns_of(case), []
    for server in case.servers:
        if (case.key, server) in results.failures:
            words = results.failures[case.key, server].replace("|", "/")
            rows.append([server, words] + [""] * (len(head) - 2))
        elif any(results.rounds(case.key, server, f.field) for f in case.figures):
            rows.append(cells_of(results, case, server))
    return "### %s: %s\n\n%s" % (case.key, case.title, table(head, rows)) if rows else ""


def cases_text(results, only):
    return "\n".join(case_text(results, case) for case in CASES
                     if any(fnmatch.fnmatchcase(case.key, p) for p in only))


def count_of_rounds(results):
    counts = {len(rounds) for rounds in results.values.values()}
    if len(counts) > 1:
        return "%d to %d rounds" % (min(counts), max(counts))
    return "1 round" if counts == {1} else "%d rounds" % max(counts, default=0)


def write(results, drawn, path):
    """Writes the page, with DRAWN (name and title of each plot), to PATH.  Returns its text."""
    parts = [HEAD % count_of_rounds(results), "## Targets\n", targets_text(results),
             "## All servers\n", overview_text(results)]
    parts += ["![%s](bench/%s)\n" % (title, name) for name, title in drawn]
    parts += ["## Cases\n"] + [case_text(results, case) for case in CASES]
    parts += ["## Machine\n",
              table(["part", "name or version"], machine.load(results.directory))]
    text = "\n".join(part for part in parts if part)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return text
