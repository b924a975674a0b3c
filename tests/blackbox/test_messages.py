# SPDX-License-Identifier: MIT
"""Every message that a manual page or the catalogue quotes is one that the sources can write.

A message is put together from string literals of src/.  A directive of printf(3) may stand for a
word in capitals, a number, a reason of errno(3), another literal, or nothing.
"""
import errno
import os
import re
from functools import lru_cache
from pathlib import Path

import pytest

import readme
from daemon import SOURCE_ROOT

# What quotations have in place of a name, number, time or file.
PLACEHOLDER = re.compile(r"[A-Z]+| *\d+|[0-9a-f]{8,13}|[\d-]+T[\d:]+Z")
REASONS = {os.strerror(number) for number in errno.errorcode}
DIRECTIVE = re.compile(r"%[-0]*(?:\d+|\*)?(?:\.\d+|\.\*)?(?:hh|h|ll|l|z)?[a-zA-Z]")
# Not the daemon's words, but quoted in its pages: systemd's, and a record of the log.
QUOTED_FROM_OTHERS = {"status=203/EXEC", "status=216/GROUP", "status=217/USER", "close killed"}


def literals():
    """The string literals of the sources; those that the compiler joins are one."""
    for path in sorted(Path(SOURCE_ROOT, "src").rglob("*.[ch]")):
        text = re.sub(r"/\*(?s:.*?)\*/|^#include.*", "", path.read_text(), flags=re.M)
        # Macros between the parts of a literal: the end of a directive, or text.
        text = re.sub(r"\bPRI[duxX]\w+", '"u"', text)
        text = re.sub(r"\b(PACKAGE_VERSION|ECHO_LOGD_[A-Z_]+)\b(?=\s*[\"),])", '"%s"', text)
        for parts in re.findall(r'(?:"(?:\\.|[^"\\\n])*"\s*)+', text):
            joined = "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', parts))
            yield joined.removesuffix(r"\n").replace(r"\"", '"')


LITERALS = {text for text in literals() if text}
PLAIN = {text for text in LITERALS if not DIRECTIVE.search(text)}
# Those that say something of their own, or make columns; split at their directives.
FORMATS = [DIRECTIVE.split(text) for text in sorted(LITERALS)
           if re.search(r"[a-z]{3}", DIRECTIVE.sub("", text)) or text.startswith("%-")]


def fits(text, pieces, depth):
    """Is the text these pieces, with a filler between each two?"""
    if not text.startswith(pieces[0]) or len(pieces) == 1:
        return text == pieces[0]
    rest = text[len(pieces[0]):]
    return any(fits(rest[end:], pieces[1:], depth) and is_filler(rest[:end], depth)
               for end in range(len(rest) + 1))


@lru_cache(maxsize=None)
def is_filler(text, depth):
    """May a directive stand for the text?  Depth is how often a format may be in another."""
    return not text or text.rstrip() in PLAIN or text in REASONS or \
        bool(PLACEHOLDER.fullmatch(text)) or (depth > 0 and is_message(text, depth - 1))


@lru_cache(maxsize=None)
def is_message(text, depth=1):
    return any(fits(text, pieces, depth) for pieces in FORMATS)


@lru_cache(maxsize=None)
def is_line(text):
    """A line of our programs is one message, or several without anything between them."""
    return is_message(text) or any(is_message(text[:end]) and is_line(text[end:])
                                   for end in range(len(text) - 1, 0, -1))


def without_place(line):
    """Without the file, line and key in front."""
    return re.sub(r"^\S+:\d+: ([a-z]+\.\w+: )?", "", line)


def page(name):
    """The text of a manual page, without what is only there for roff."""
    text = readme.read("man/%s.in" % name).replace("\\\n", "")
    return re.sub(r"\\e", lambda _: "\\", text.replace(r"\&", "").replace(r"\(dq", '"'))


def diagnostics():
    """The heads of the list in the section; one of several lines is between Xo and Xc."""
    section = re.search(r"^\.Sh DIAGNOSTICS$(.*?)^\.Sh", page("echo-logd.8"), re.M | re.S)[1]
    heads = re.findall(r"^\.It (?:Xo\n((?s:.*?))\n\.Xc|(.*))$", section, re.M)
    return [" ".join((lines or line).split()) for lines, line in heads]


def examples():
    """What our programs write in the examples of the pages: all lines but those that one types."""
    lines = []
    for name in ("echo-logctl.1", "echo-logd.conf.5"):
        for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page(name), re.M | re.S):
            if re.search(r"^[$#] (sudo )?echo-logctl|^@CONFIG_FILE@:", block, re.M):
                lines += [line for line in block.splitlines() if not re.match("[$#] ", line)]
    return lines


def quotations():
    quoted = re.findall(r"^\.Dq (.*?)[ .,]*$", page("echo-logd.8"), re.M)
    catalogue = readme.read("systemd/echo-logd.catalog")
    quoted += [" ".join(text.split()) for text in re.findall(r'"([^"]+)"', catalogue)]
    return sorted(set(quoted) - QUOTED_FROM_OTHERS)


def test_enough_is_found():
    assert len(PLAIN) > 100 and len(FORMATS) > 150
    assert len(diagnostics()) > 20 and len(examples()) > 20 and len(quotations()) > 5


def test_diagnostics():
    wrong = [message for message in diagnostics() if not is_message(message)]
    assert not wrong, "\n".join(wrong)


def test_examples():
    wrong = [line for line in examples() if not is_line(without_place(line))]
    assert not wrong, "\n".join(wrong)


def test_quotations():
    wrong = [text for text in quotations()
             if text not in REASONS and not any(text in literal for literal in LITERALS)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("message", [
    "cannot listen on ADDRESS: Permission denied; started",
    "cannot listen to ADDRESS: Permission denied; not started",
    "worker PID was killed by a signal 9; it had no client",
    "worker PID was killed by signal 9; it had no client, retrying",
    "clients        0 now, 1000 at most, 5 in all",
    "problem            2",
])
def test_finds_what_is_never_written(message):
    assert not is_line(message)
