# SPDX-License-Identifier: MIT
"""Describes the machine of a measurement, and the versions of kernel, compiler and servers."""

import csv
import os
import re
import subprocess

from daemon import binary
from peers import PACKAGES, peer_directory

FILE = "machine.csv"


def said_by(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except OSError:
        return ""


def first_match(pattern, path):
    try:
        with open(path) as file:
            found = re.search(pattern, file.read(), re.M)
        return found[1].strip() if found else ""
    except OSError:
        return ""


def package_version(package):
    """The version that script/bench noted when it unpacked PACKAGE, or the installed version."""
    return (first_match(r"(.+)", peer_directory(package) + "/version") or
            said_by("dpkg-query", "-W", "-f=${Version}", package))


def describe(work):
    gib = int(first_match(r"^MemTotal:\s*(\d+)", "/proc/meminfo") or 0) / 1048576
    rows = [
        ("processor", first_match(r"^model name\s*:(.*)", "/proc/cpuinfo")),
        ("cores", str(os.cpu_count())),
        ("hypervisor", "yes" if first_match(r"^flags\s*:.*\b(hypervisor)\b", "/proc/cpuinfo")
         else "no"),
        ("memory", "%.0f GiB" % gib),
        ("kernel", os.uname().release),
        ("system", first_match(r'^PRETTY_NAME="(.*)"', "/etc/os-release")),
        ("file system of the logs", said_by("findmnt", "-no", "FSTYPE", "-T", work)),
        ("compiler", (said_by("cc", "--version").splitlines() or [""])[0]),
        ("echo-logd", (said_by(binary(), "--version").splitlines() or [""])[0]),
    ]
    rows += [(package, package_version(package)) for package in sorted(set(PACKAGES.values()))]
    return [(name, value) for name, value in rows if value]


def save(directory, work):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, FILE), "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(describe(work))


def load(directory):
    try:
        with open(os.path.join(directory, FILE), newline="") as file:
            return list(csv.reader(file))
    except FileNotFoundError:
        return []
