# SPDX-License-Identifier: MIT
"""Ids of connections after a log whose last id no clock can have made."""
import re

import pytest

from clients import Client
from messagelog import read_log
from verify import verify


def serve(daemon, n):
    for i in range(n):
        with Client(daemon.port) as client:
            client.talk(b"%d" % i)
            client.finish()
    daemon.stop()


@pytest.mark.parametrize("last", ["ffffffffffffe", "fffffffffffff"])
def test_new_ids_are_new(start, last):
    daemon = start()
    serve(daemon, 1)
    with open(daemon.path) as log:
        text = log.read()
    ids = set(re.findall(r" ([0-9a-f]{13})\.", text))
    assert len(ids) == 1
    with open(daemon.path, "w") as log:
        log.write(text.replace(ids.pop(), last))
    daemon.start()
    serve(daemon, 4)
    log = read_log(daemon.path)
    assert not log.problems and len(log.connections) == 5
    assert verify(daemon.path).status == 0
