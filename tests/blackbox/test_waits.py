# SPDX-License-Identifier: MIT
"""doc/WAITS.md names every function of the daemon that may wait."""

import os
import pathlib
import re

SOURCE = pathlib.Path(os.environ["ECHO_LOGD_SRCDIR"])
# Calls that can wait, or that end a wait of another process; the rest of src/ reads and writes
# regular files, which wait for a disk alone.
WAIT = re.compile(
    r"\b(poll|ppoll|epoll_p?wait\d?|nanosleep|usleep|sleep|recv|send|sendmsg|splice|tee"
    r"|fdatasync|fsync|sd_event_loop|systemd_wait|journal_flush|accept4|waitpid|futex_wait"
    r"|SYS_futex)\(|\bsyscall\(SYS_futex|\bwrite\((?!spill|fd)")
FUNCTION = re.compile(r"^[a-z].*?\b(\w+)\(")


def waits():
    """Yields (file, function) for each call."""
    for role in ("base", "config", "ipc", "worker", "logger", "master"):
        for path in sorted((SOURCE / "src" / role).glob("*.c")):
            function = None
            text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), path.read_text(),
                          flags=re.S)
            for line in text.splitlines():
                begin = FUNCTION.match(line)
                if begin:
                    function = begin[1]
                elif WAIT.search(re.sub(r'"[^"]*"', "", line)):
                    yield f"{role}/{path.name}", function


def test_every_wait_is_in_the_table():
    table = (SOURCE / "doc" / "WAITS.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("### ")]
    found = sorted(set(waits()))
    assert len(found) > 20
    missing = [f"{path}: {function}()" for path, function in found
               if not any(path in row and f"{function}()" in row for row in rows)]
    assert not missing, "waits that doc/WAITS.md does not name"
