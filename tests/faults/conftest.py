# SPDX-License-Identifier: MIT
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "lib"))

from daemon_fixtures import *  # noqa: E402,F401,F403
from faults import *  # noqa: E402,F401,F403
