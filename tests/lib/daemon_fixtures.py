# SPDX-License-Identifier: MIT
"""Fixtures and hooks of the suites that run the daemon; each conftest.py imports them."""
import os
import signal

import pytest

from daemon import PATIENCE, Daemon, binary

TEST_SECONDS = 120


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): the time limit of the test")
    if not os.access(binary(), os.X_OK):
        raise pytest.UsageError("no binary at %s: build it, or set ECHO_LOGD" % binary())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Makes a test that takes too long fail where it is."""
    marker = item.get_closest_marker("seconds")
    seconds = PATIENCE * (marker.args[0] if marker else TEST_SECONDS)

    def too_long(*_):
        raise AssertionError("the test takes more than %d s" % seconds)

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in getattr(item, "daemons", []):
            report.sections.append(("stderr of echo-logd", daemon.stderr()))
            report.sections.append(("STATUS=", daemon.status() if daemon.notifications else ""))


@pytest.fixture
def make_daemon(request, tmp_path):
    """Makes daemons that are not started yet; ends and checks them after the test."""
    request.node.daemons = daemons = []

    def make(options=None, name="", **arguments):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        daemons.append(Daemon(directory, options, **arguments))
        return daemons[-1]

    yield make
    problems = [p for daemon in daemons for p in daemon.end()]
    assert not problems, "; ".join(problems)


@pytest.fixture
def start(make_daemon):
    """start({"log.format": "json"}) returns a daemon that is ready."""
    return lambda options=None, **arguments: make_daemon(options, **arguments).start()
