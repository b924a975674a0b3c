# SPDX-License-Identifier: MIT
"""Tests the completion in bash, with its readline on a terminal."""

import os
import pathlib
import re
import select
import subprocess
import time

import pytest

SOURCE = pathlib.Path(os.environ.get("ECHO_LOGD_SRCDIR", "."))
DAEMON = os.environ.get("ECHO_LOGD", "echo-logd")
CONTROL = os.path.join(os.path.dirname(DAEMON), "echo-logctl")

SECONDS = 20
TAB, ALL, ENTER = "\t", "\x1b*", "\n"    # M-* inserts every possible completion

# The commands print their arguments, so the output shows what readline completed.
SETUP = r"""
PS1= PS2=
said() { printf 'said '; printf '<%s>' "$@"; printf '\n'; }
echo-logd() { said "$@"; }
echo-logctl() { said "$@"; }
bind 'set bell-style none'
"""


class Bash:
    def __init__(self, directory):
        ours, theirs = os.openpty()
        self.terminal = ours
        self.heard = b""
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
            cwd=directory, start_new_session=True,
            env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(directory),
                 "COLUMNS": "4000", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"})
        os.close(theirs)

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def wait_for(self, pattern):
        """Reads until PATTERN matches.  Returns the match and forgets what was read."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.heard)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], self.heard
            self.heard += os.read(self.terminal, 65536)
        self.heard = b""
        return found

    def given(self, keys):
        """Presses KEYS and enter; returns the arguments of the command."""
        self.press(keys + ENTER)
        said = self.wait_for(rb"said <([^\n]*)>\r*\n")[1].decode()
        return said.split("><")

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    directory = tmp_path_factory.mktemp("completion")
    (directory / "messages.log").touch()
    (directory / "a space.log").touch()
    (directory / "run").mkdir()
    (directory / "setup").write_text(SETUP + "".join(
        f". '{SOURCE}/completion/{name}'\n" for name in ("echo-logd", "echo-logctl")) +
        "stty -echo\nprintf 'set%s\\n' up\n")
    bash = Bash(directory)
    bash.press(". ./setup\n")
    bash.wait_for(rb"setup\r*\n$")
    yield bash
    bash.end()


def help_of(program):
    return subprocess.run([program, "--help"], check=True, capture_output=True, text=True,
                          timeout=SECONDS).stdout


def test_options_of_the_daemon(bash):
    options = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", help_of(DAEMON))
    assert "--dump-config" in options and "-c" in options
    assert sorted(bash.given(f"echo-logd {ALL}")) == sorted(options)


def test_commands_and_their_options(bash):
    text = help_of(CONTROL)
    commands = re.findall(r"^  ([a-z]+) ", text, re.M)
    assert "verify" in commands
    offered = bash.given(f"echo-logctl {ALL}")
    options = set(re.findall(r"--[a-z]+", text))
    assert {"--json", "--runtime", "--version", "--help"} == options
    assert sorted(offered) == sorted(commands + list(options))
    for command in commands:
        help = subprocess.run([CONTROL, command, "--help"], check=True, capture_output=True,
                              text=True, timeout=SECONDS).stdout
        options = sorted(set(re.findall(r"--[a-z]+", help)))
        assert options[0] == "--help" and (command == "verify") == (len(options) == 1)
        # Without the dash there are file names too.
        dash = "-" if command == "verify" else ""
        assert sorted(bash.given(f"echo-logctl {command} {dash}{ALL}")) == options + [command]


def test_keys_of_the_configuration(bash, tmp_path):
    empty = tmp_path / "empty.conf"
    empty.touch()
    dumped = subprocess.run([DAEMON, "-c", empty, "--dump-config"], check=True,
                            capture_output=True, text=True, timeout=SECONDS).stdout
    keys, section = [], None
    for line in dumped.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif " = " in line:
            keys.append(f"{section}.{line.split(' = ')[0].lstrip('#')}=")
    assert len(keys) > 20
    option, *offered = bash.given(f"echo-logd -o {ALL}")
    assert option == "-o" and sorted(offered) == sorted(keys)
    first, *offered = bash.given(f"echo-logd --option={ALL}")
    assert sorted([first.replace("--option=", "")] + offered) == sorted(keys)


@pytest.mark.parametrize("keys, arguments", [
    # The value must follow a key directly.
    (f"echo-logd -o log.fo{TAB}json", ["-o", "log.format=json"]),
    (f"echo-logd --option log.fo{TAB}json", ["--option", "log.format=json"]),
    (f"echo-logd --option=log.fo{TAB}json", ["--option=log.format=json"]),
    (f"echo-logd -o log.path={TAB}/x", ["-o", "log.path=/x"]),
    # After a value comes an option, whatever the value looks like.
    (f"echo-logd -o log.path=/a.log --ch{TAB}", ["-o", "log.path=/a.log", "--check-config"]),
    (f"echo-logd -c /etc/echo-logd.conf --du{TAB}", ["-c", "/etc/echo-logd.conf", "--dump-config"]),
    (f"echo-logd -c mess{TAB}", ["-c", "messages.log"]),
    (f"echo-logd --config=mess{TAB}", ["--config=messages.log"]),
    (f"echo-logctl st{TAB}", ["status"]),
    (f"echo-logctl status --j{TAB}", ["status", "--json"]),
    (f"echo-logctl reload --r{TAB}", ["reload", "--runtime"]),
    (f"echo-logctl reopen --runtime r{TAB}", ["reopen", "--runtime", "run/"]),
    (f"echo-logctl status --runtime=r{TAB}", ["status", "--runtime=run/"]),
    (f"echo-logctl status --runtime run --js{TAB}", ["status", "--runtime", "run", "--json"]),
    (f"echo-logctl verify a{TAB}mess{TAB}", ["verify", "a space.log", "messages.log"]),
    # Options may come before the command.
    (f"echo-logctl --r{TAB}run st{TAB}--j{TAB}", ["--runtime", "run", "status", "--json"]),
    (f"echo-logctl --runtime=r{TAB} rel{TAB}", ["--runtime=run/", "reload"]),
    (f"echo-logctl --json st{TAB}", ["--json", "status"]),
    (f"echo-logctl verify --h{TAB}", ["verify", "--help"]),
    # There are no file names where none are allowed.
    (f"echo-logctl status mess{TAB}", ["status", "mess"]),
    (f"echo-logctl reopen --runtime mess{TAB}", ["reopen", "--runtime", "mess"]),
])
def test_a_line(bash, keys, arguments):
    assert bash.given(keys) == arguments
