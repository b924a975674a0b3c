# SPDX-License-Identifier: MIT
"""Tests that the documentation names exist."""
import os
import re

import pytest

from daemon import SOURCE_ROOT

DOCUMENTS = ("doc/DAEMON.md", "doc/ARCHITECTURE.md")


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
