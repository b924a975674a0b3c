# SPDX-License-Identifier: MIT
"""Tests restarts that use what systemd kept, also after a change of configuration or program."""
import os

import pytest

from clients import Client
from daemon import wait_until

LIMIT = {"log.message_limit": 10, "log.at_message_limit": "stop"}


def talk(daemon, n):
    with Client(daemon.port) as client:
        for i in range(n):
            client.talk(b"%d" % i)
        client.finish()


def saved(daemon):
    with open(daemon.path) as log:
        return log.read().count(" message ")


def forget_scoreboard(store):
    """Makes the scoreboard look as if it came from another version."""
    fd = next(fd for name, fd in store.kept if name == "echo-logd/scoreboard")
    os.pwrite(fd, b"\xff" * 4, 8)


@pytest.mark.parametrize("limit, expected", [(10, 10), (20, 20), (13, 13), (5, 7)])
@pytest.mark.parametrize("other_version", [False, True])
def test_a_limit_holds_over_a_restart(start, store, limit, expected, other_version):
    daemon = start(LIMIT, store=store)
    talk(daemon, 7)
    daemon.stop()
    if other_version:
        forget_scoreboard(store)
    daemon.configure(log_message_limit=limit)
    daemon.start()
    talk(daemon, 30)
    daemon.stop()
    assert saved(daemon) == expected


def test_a_raised_limit_saves_again_after_a_restart(start, store):
    daemon = start(LIMIT, store=store)
    talk(daemon, 15)
    daemon.stop()
    daemon.configure(log_message_limit=20)
    daemon.start()
    talk(daemon, 15)
    daemon.stop()
    assert saved(daemon) == 20


def test_the_newest_log_file_is_kept_whatever_the_scoreboard_knows(start, store):
    """If an older file were used, the descriptor in the store would still lock the newest one."""
    daemon = start(store=store)

    def rotate(n):
        os.rename(daemon.path, daemon.path + ".%d" % n)
        daemon.reopen()
        talk(daemon, 1)

    for n in range(3):
        rotate(n)
    daemon.stop()
    forget_scoreboard(store)
    daemon.start()
    rotate(3)
    wait_until(lambda: len(store.names()) == 6, "one log file in the store")
    daemon.stop()
    daemon.start()
    talk(daemon, 1)
    daemon.stop()
    assert saved(daemon) == 2
