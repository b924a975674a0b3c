# SPDX-License-Identifier: MIT
"""Fixtures and hooks of the suites that run the daemon; each conftest.py imports them."""
import importlib.util
import os
import re
import shutil
import signal
import zlib

import pytest

from confined import Confinement
from daemon import PATIENCE, Daemon, binary

TEST_SECONDS = 120

# Which daemons run under the system call filter and the limits of the unit.  ECHO_LOGD_CONFINED:
# "mixed" (the default): each test in one form, free or confined; those whose file or function has
# one of these words in its name in both.  "never", "always": all tests in that form.
CONFINED = os.environ.get("ECHO_LOGD_CONFINED", "mixed")
IN_BOTH_FORMS = re.compile("stop|stall|reload|disk|wait|drop|worker_death")
# These run another program than the daemon, with crash points, or take too long to run in every
# form; or they start no daemon.
NEVER_CONFINED = re.compile("test_crash_points|test_soak|test_bench|test_style|test_docs|"
                            "test_completion|test_picture|test_readme|test_config_cli")
CAN_CONFINE = importlib.util.find_spec("seccomp") and shutil.which("systemd-analyze")


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): the time limit of the test")
    config.addinivalue_line("markers", "free(reason): without the system call filter of the unit")
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


def forms_of(module, function, is_always_free):
    """In which forms, "free" and "confined", a test runs."""
    name = "%s.%s" % (module, function)
    if CONFINED == "never" or is_always_free or NEVER_CONFINED.search(name):
        return ["free"]
    if CONFINED == "always":
        return ["confined"]
    if IN_BOTH_FORMS.search(name):
        return ["free", "confined"]
    return ["confined" if CAN_CONFINE and zlib.crc32(name.encode()) % 2 else "free"]


def pytest_generate_tests(metafunc):
    if "make_daemon" in metafunc.fixturenames:
        is_always_free = any(True for _ in metafunc.definition.iter_markers("free"))
        metafunc.parametrize("confinement", forms_of(
            metafunc.module.__name__, metafunc.function.__name__, is_always_free), indirect=True)


@pytest.fixture(scope="session")
def confinement_of_unit(tmp_path_factory):
    if not CAN_CONFINE:
        pytest.skip("needs python3-seccomp and systemd-analyze")
    unit = os.path.join(os.environ["ECHO_LOGD_BUILDDIR"], "systemd", "echo-logd.service")
    return Confinement(unit, str(tmp_path_factory.mktemp("confinement")))


@pytest.fixture
def confinement(request):
    """The Confinement of the test's daemons, or None."""
    if request.param == "free":
        return None
    return request.getfixturevalue("confinement_of_unit")


@pytest.fixture
def make_daemon(request, tmp_path, confinement):
    """Makes daemons that are not started yet; ends and checks them after the test."""
    request.node.daemons = daemons = []

    def make(options=None, name="", **arguments):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        daemons.append(Daemon(directory, options, **{"confinement": confinement, **arguments}))
        return daemons[-1]

    yield make
    problems = [p for daemon in daemons for p in daemon.end()]
    assert not problems, "; ".join(problems)


@pytest.fixture
def start(make_daemon):
    """start({"log.format": "json"}) returns a daemon that is ready."""
    return lambda options=None, **arguments: make_daemon(options, **arguments).start()
