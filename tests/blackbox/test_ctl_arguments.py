# SPDX-License-Identifier: MIT
"""Tests the command line of echo-logctl: options anywhere, --help of each command, and `--`."""
import os
import re

import pytest

from clients import Client
from daemon import control

COMMANDS = ["status", "reload", "reopen", "verify"]


@pytest.fixture
def daemon(make_daemon):
    return make_daemon(runtime_directory=True).start()


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command, option):
    said = control(command, option)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("Usage: echo-logctl %s" % command)
    assert "  -h, --help " in said.stdout
    statuses = re.findall("^  ([0-9])  ", said.stdout, re.M)
    assert statuses == (["0", "1", "2", "3"] if command == "status" else ["0", "1", "2"])
    # Before the command too, and whatever else is given.
    assert control(option, command).stdout == said.stdout
    assert control(command, "more", option).stdout == said.stdout


def test_help_of_all():
    for option in ("--help", "-h"):
        said = control(option)
        assert (said.returncode, said.stderr) == (0, "")
        assert re.findall("^  ([a-z]+) ", said.stdout, re.M) == COMMANDS


def test_version():
    said = control("--version")
    assert re.fullmatch(r"echo-logctl \S+\n", said.stdout) and said.returncode == 0
    assert control("status", "--version").stdout == said.stdout


def test_options_before_the_command(daemon):
    directory = daemon.runtime_directory
    assert control("--runtime", directory, "status").stdout.startswith("echo-logd is running")
    assert control("--runtime=" + directory, "--json", "status").stdout.startswith("{")
    assert control("--json", "status", "--runtime", directory).stdout.startswith("{")
    assert control("--json", "--", "status", "--runtime", directory).stdout.startswith("{")
    for command in ("reload", "reopen"):
        said = control("--runtime", directory, command)
        assert (said.returncode, said.stdout, said.stderr) == (0, "", ""), said


def test_the_last_directory_counts(daemon, tmp_path):
    said = control("--runtime", str(tmp_path), "status", "--runtime", daemon.runtime_directory)
    assert said.returncode == 0, said


@pytest.mark.parametrize("arguments, words", [
    (["--json", "reload"], "--json: not an option of reload"),
    (["--runtime", "x", "verify", "y"], "--runtime: not an option of verify"),
    (["--yaml", "status"], "unrecognized option '--yaml'"),
    (["--runtime"], "option '--runtime' requires an argument"),
    (["--json", "stop"], "unknown command: stop"),
    (["--", "--help"], "unknown command: --help"),
    (["status", "--", "--json"], "--json: not an argument of status"),
    (["verify", "--"], "verify needs a file, or - for stdin"),
])
def test_refused(arguments, words):
    said = control(*arguments)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "echo-logctl: %s\nTry 'echo-logctl --help'.\n" % words


def test_no_command():
    for arguments in ([], ["--json"]):
        said = control(*arguments)
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr == "Try 'echo-logctl --help'.\n"


def test_a_file_that_looks_like_an_option(daemon, tmp_path, monkeypatch):
    with Client(daemon.port) as client:
        client.talk(b"hello\n")
        client.finish()
    daemon.stop()
    os.rename(daemon.path, tmp_path / "--help")
    monkeypatch.chdir(tmp_path)
    said = control("verify", "--", "--help")
    assert said.returncode == 0 and "whole            1" in said.stdout, said


def test_help_that_cannot_be_written():
    assert os.system("%s --help >/dev/full" % control_path()) >> 8 == 1


def control_path():
    return control("--help").args[0]
