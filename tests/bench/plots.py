# SPDX-License-Identifier: MIT
"""Draws the plots of BENCHMARKS.md as SVG files, with gnuplot."""

import os
import shutil
import subprocess

from cases import ALL

STYLE = """set terminal svg size 900,420 dynamic font 'sans-serif,12' background '#ffffff'
set style data histograms
set style fill solid 0.9 noborder
set boxwidth 0.9
set xtics rotate by -35 scale 0
set ytics nomirror
set grid ytics linecolor '#dddddd'
set border 3 linecolor '#888888'
set key top left
set rmargin 10
set linetype 1 linecolor '#2f6f9f'
set linetype 2 linecolor '#d98c3f'
set linetype 3 linecolor '#6fa86f'
set linetype 4 linecolor '#9a6fb0'
"""

INGEST = ["rsyslog", "syslog-ng", "echo-logd", "echo-logd line"]

# name, title, servers, [(case, field, legend)], ratio to the floor, more of gnuplot
PLOTS = [
    ("latency.svg", "p50, 1 client: ratio to the floor (lower is better)", ALL,
     [("p50-64", "p50", "64 bytes"), ("p50-16k", "p50", "16 KiB")], True,
     "set logscale y\nset yrange [0.5:*]\n"),
    ("throughput.svg", "MB/s: ratio to the floor (higher is better)", ALL,
     [("mbps-64k", "mbps", "64 KiB, 1 client"), ("mbps-16k-16c", "mbps", "16 KiB, 16 clients")],
     True, "set yrange [0:*]\n"),
    ("connections.svg", "connections/s: ratio to the floor (higher is better)", ALL,
     [("connections", "rate", "16 at once")], True, "set logscale y\n"),
    ("memory.svg", "KiB for an idle client (lower is better)", ALL,
     [("idle-memory", "pss", "PSS"), ("idle-memory", "tables", "page tables"),
      ("idle-memory", "stack", "kernel stack"), ("idle-memory", "slab", "slab")], False,
     "set style histogram rowstacked\nset yrange [0:*]\n"),
    ("ingest.svg", "64-byte messages/s to a file (higher is better)", INGEST,
     [("ingest", "line_rate", "4 clients")], False, "set yrange [0:*]\n"),
]


def value_of(results, case, server, field, is_ratio):
    if is_ratio:
        return results.ratio((case, server, field), (case, "floor", field))
    return results.median(case, server, field)


def data_of(results, servers, series, is_ratio):
    """A row for each server that has figures; empty when there is none."""
    rows = []
    for server in servers:
        values = [value_of(results, case, server, field, is_ratio) for case, field, _ in series]
        if any(value is not None for value in values):
            rows.append('"%s" ' % server + " ".join(
                "NaN" if value is None else "%g" % value for value in values))
    return "\n".join(rows)


def script_of(title, series, more, data, path):
    columns = ["$data using %d%s title '%s'" % (i + 2, ":xticlabels(1)" if i == 0 else "", legend)
               for i, (_, _, legend) in enumerate(series)]
    return "%s%sset title '%s'\nset output '%s'\n$data << EOD\n%s\nEOD\nplot %s\n" % (
        STYLE, more, title, path, data, ", ".join(columns))


def draw(results):
    """Makes the plots there is data for; returns (name, title) of each."""
    if not shutil.which("gnuplot"):
        print("no plots: gnuplot is not here (apt-get install gnuplot-nox)")
        return []
    drawn = []
    for name, title, servers, series, is_ratio, more in PLOTS:
        series = [(case, field, legend) for case, field, legend in series
                  if any(results.rounds(case, server, field) for server in servers)]
        data = data_of(results, servers, series, is_ratio)
        if not data:
            continue
        path = os.path.join(results.directory, name)
        subprocess.run(["gnuplot"], input=script_of(title, series, more, data, path), text=True,
                       check=True)
        drawn.append((name, title))
    return drawn
