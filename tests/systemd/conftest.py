# SPDX-License-Identifier: MIT
"""Boxes with the built echo-logd installed.

    def test_it(box):
        box.run("systemctl start echo-logd")
        assert "Listening" in box.show("echo-logd", "StatusText")

The tests of a module share `box`, because a box boots in about a second.  `fresh_box` is for one
test.  In both the build is installed as by `make install`, and its user exists.  If a test fails,
the journal of its box is shown.
"""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from box import Box, CannotRun

INSTALL_SECONDS = 120


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root, to boot a systemd of its own"))


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """A directory with the installed build."""
    build = Path(os.environ["ECHO_LOGD_BUILDDIR"])
    directory = tmp_path_factory.mktemp("stage")
    subprocess.run(["make", "-C", build, "-s", "install", f"DESTDIR={directory}"], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   timeout=INSTALL_SECONDS)
    # The box has its own /tmp, and the build may be in ours.
    tools = directory / "usr/local/bin"
    tools.mkdir(parents=True)
    for tool in ("faults/load", "faults/oracle", "systemd/probe"):
        shutil.copy(build / "tests" / tool, tools)
    return directory


def boxes(workdir, stage):
    try:
        with Box(workdir, stage) as box:
            box.run("systemd-sysusers && systemctl daemon-reload")
            yield box
    except CannotRun as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def box(tmp_path_factory, stage):
    yield from boxes(tmp_path_factory.mktemp("box"), stage)


@pytest.fixture
def fresh_box(tmp_path, stage):
    yield from boxes(tmp_path, stage)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name in ("box", "fresh_box"):
            if name in item.funcargs:
                try:
                    report.sections.append(("journal", item.funcargs[name].journal("echo-logd")))
                except Exception as error:
                    report.sections.append(("journal", f"not to be had: {error}"))
