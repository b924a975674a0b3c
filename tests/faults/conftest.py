# SPDX-License-Identifier: MIT
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "lib"))

from daemon_fixtures import *  # noqa: E402,F401,F403
from faults import *  # noqa: E402,F401,F403


@pytest.fixture
def start(make_daemon):
    """Starts a daemon with a runtime directory, whose scoreboard check_account() needs."""
    def start_one(options=None, **arguments):
        return make_daemon(options, **{"runtime_directory": True, **arguments}).start()

    return start_one
