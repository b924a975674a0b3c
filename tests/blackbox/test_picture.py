# SPDX-License-Identifier: MIT
"""Tests that the picture in README.md is what script/picture draws."""
import os
import re
import socket
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import readme
from daemon import SOURCE_ROOT, binary

# Times, connections, ports of clients, and processes differ from run to run.
VOLATILE = [
    (re.compile(r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{13}\b"), "CONNECTION"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "CLIENT"),
    (re.compile(r"(?<=>)processes .*"), lambda line: re.sub(r"\d+", "N", line[0])),
]


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "session.svg"
    subprocess.run([os.path.join(SOURCE_ROOT, "script/picture"), "-p", os.path.dirname(binary()),
                    "-o", path], check=True, stdin=subprocess.DEVNULL, timeout=100)
    return path.read_text()


def masked(text):
    for pattern, word in VOLATILE:
        text = pattern.sub(word, text)
    return text


def shown(text):
    """The lines of text in the picture."""
    lines = ["".join(element.itertext()) for element in
             ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    return lines[1:]    # without the title


def test_the_committed_picture_is_what_the_script_draws(picture):
    committed = readme.read("doc/session.svg")
    assert masked(committed) == masked(picture), \
        "run script/picture, look at doc/session.svg, commit it"


def test_it_shows_each_command_and_its_output(picture):
    lines = shown(picture)
    assert [line[2:] for line in lines if line.startswith("$ ")] == readme.session()
    assert lines[1] == "hello"
    assert any(line.endswith(r' message 19 "a \"quote\"\ta tab\x1b[2J"') for line in lines)
    assert "problems           0" in lines


def test_it_needs_nothing_else_and_names_no_machine(picture):
    """It can be shown anywhere, and contains no name of the machine that made it."""
    assert re.findall(r"\w+://[^\"]*", picture) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import|<script|<image", picture)
    words = " ".join(shown(picture))
    assert not re.search(r"(^| )/(?!dev/null)|>/(?!dev/null)", words), words
    assert not re.search(r"\b%s\b" % re.escape(socket.gethostname()), words)
