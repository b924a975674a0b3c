# SPDX-License-Identifier: MIT
"""What the documentation names exists: tests, source files, sections of manual pages."""
import os
import re
from pathlib import Path

import pytest

from daemon import SOURCE_ROOT

DOCUMENTS = ("doc/DAEMON.md", "doc/ARCHITECTURE.md")
WITH_SOURCE_FILES = ("CONTRIBUTING.md", "README.md", "SECURITY.md", "doc/DAEMON.md",
                     "doc/INSTALL.md", "doc/PERFORMANCE.md")


def read(path):
    with open(os.path.join(SOURCE_ROOT, path)) as file:
        return file.read()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_tests_exist(document):
    named = re.findall(r"`(tests/\w+/\w+\.py)(?:::(\w+))?`", read(document))
    assert document != "doc/DAEMON.md" or len(named) > 15
    for path, function in named:
        assert not function or re.search(r"^def %s\(" % function, read(path), re.M), \
            (path, function)
        assert os.path.exists(os.path.join(SOURCE_ROOT, path)), path


def test_tests_named_alone_exist():
    for name in re.findall(r"`(test_\w+)`", read("doc/ARCHITECTURE.md")):
        assert any("def %s(" % name in read(os.path.join(directory, file))
                   for directory in ("tests/blackbox", "tests/systemd", "tests/faults")
                   for file in os.listdir(os.path.join(SOURCE_ROOT, directory))
                   if file.endswith(".py")), name


@pytest.mark.parametrize("document", WITH_SOURCE_FILES)
def test_named_source_files_exist(document):
    """With its folder, or the name alone."""
    for name in re.findall(r"`([\w./-]+\.[ch])`", read(document).replace("TARGET", "parse")):
        assert os.path.exists(os.path.join(SOURCE_ROOT, name)) or \
            list(Path(SOURCE_ROOT, "src").rglob(name)), name


def headings(page):
    return [heading.lower() for heading in re.findall(r"^\.S[hs] (.*)", read(page), re.M)]


def test_named_sections_of_manual_pages_exist():
    for page in ("echo-logctl.1", "echo-logd-log.5", "echo-logd.8", "echo-logd.conf.5"):
        text = read("man/%s.in" % page)
        for heading in re.findall(r"^\.Sx (.*?)(?: [.,;)]+)?$", text, re.M):
            assert heading.lower() in headings("man/%s.in" % page), (page, heading)
        for heading, name, number in re.findall(r"^\.Dq (.*)\nin\n\.Xr (echo\S+) (\d)", text, re.M):
            assert heading.lower() in headings("man/%s.%s.in" % (name, number)), (page, heading)
    for path in Path(SOURCE_ROOT, "systemd").iterdir():
        for name, number, heading in re.findall(r"see (echo\S+)\((\d)\), ([A-Z][\w-]+)",
                                                path.read_text(), re.I):
            assert heading.lower() in headings("man/%s.%s.in" % (name, number)), (path, heading)
