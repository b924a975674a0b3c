# SPDX-License-Identifier: MIT
"""--check-config says what this host lacks: permissions, directories, addresses."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from daemon import binary, wait_until

IS_ROOT = os.geteuid() == 0


@pytest.fixture(name="base")
def public_directory():
    """A directory that every user can enter, with the program."""
    with tempfile.TemporaryDirectory(prefix="echo-logd-test.", dir="/tmp") as name:
        os.chmod(name, 0o755)
        shutil.copy(binary(), os.path.join(name, "echo-logd"))
        yield pathlib.Path(name)


class Check:
    """Runs --check-config as a user without privileges."""

    def __init__(self, base):
        self.base, self.conf = base, base / "echo-logd.conf"
        self.logs = base / "logs"
        self.logs.mkdir()
        self.user = "nobody" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
        if IS_ROOT:
            os.chown(self.logs, pwd.getpwnam("nobody").pw_uid, -1)
        self.path = self.logs / "messages.log"
        self.set({})

    def set(self, keys):
        lines = ["[log]", f"path = {keys.pop('path', self.path)}", "[server]"]
        self.conf.write_text("\n".join(lines + [f"{k} = {v}" for k, v in keys.items()]) + "\n")
        os.chmod(self.conf, 0o644)

    def run(self, *arguments, prefix=(), demote=True):
        ids = {}
        if demote and IS_ROOT:
            user = pwd.getpwnam("nobody")
            ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        # LeakSanitizer cannot look at a process that has changed its user.
        environment = dict(os.environ, LSAN_OPTIONS="detect_leaks=0")
        done = subprocess.run([*prefix, self.base / "echo-logd", "-c", self.conf,
                               "--check-config", *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False,
                              env=environment, **ids)
        assert done.stdout == ""
        return done.returncode, done.stderr

    def warns(self, *needles, **options):
        """There is a warning for each of NEEDLES; with --strict an error."""
        status, warnings = self.run(**options)
        assert status == 0, warnings
        strict, errors = self.run("--strict", **options)
        assert strict == (6 if needles else 0), errors
        lines = warnings.splitlines()
        assert len(lines) == len(needles), warnings
        for line, needle in zip(lines, needles):
            assert line.startswith(f"{self.conf}: warning: ") and needle in line, line
        assert errors == warnings.replace(": warning: ", ": ")


@pytest.fixture(name="check")
def check_with(base):
    return Check(base)


def test_nothing_is_wrong(check):
    check.warns()
    check.path.write_text("")
    if IS_ROOT:
        os.chown(check.path, pwd.getpwnam("nobody").pw_uid, -1)
    check.warns()
    assert sorted(os.listdir(check.logs)) == ["messages.log"]
    check.set({"path": "-"})
    check.warns()


def test_nothing_is_made(check):
    check.warns()
    assert os.listdir(check.logs) == []


def test_missing_directory(check):
    check.set({"path": check.base / "none" / "x.log"})
    check.warns(f"log.path: the directory {check.base}/none cannot be used: No such file")


def test_directory_that_the_unit_makes(check):
    """The default directory may be missing before the first start."""
    if os.path.exists("/var/log/echo-logd"):
        pytest.skip("the package is installed")
    check.conf.write_text("")
    status, said = check.run("--strict")
    if "/var/log/echo-logd" in said:
        pytest.skip("another default directory")
    assert (status, said) == (0, "")


def test_not_a_directory(check):
    check.set({"path": check.conf / "x.log"})
    check.warns(f"log.path: {check.conf} is not a directory")


def test_directory_that_may_not_be_written(check):
    os.chmod(check.logs, 0o555)
    check.warns(f"log.path: user {check.user} cannot create files in the directory {check.logs}: "
                "Permission denied; try: chown")


def test_directory_that_may_not_be_entered(check):
    os.chmod(check.logs, 0)
    check.set({"path": check.logs / "deep" / "x.log"})
    check.warns(f"log.path: user {check.user} cannot enter the directory above {check.logs}/deep")


def test_log_that_may_not_be_written(check):
    check.path.write_text("")
    os.chmod(check.path, 0o444)
    check.warns(f"log.path: user {check.user} cannot write {check.path}: Permission denied")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_log_that_is_no_file(check, make):
    make(check.path)
    check.warns(f"log.path: {check.path} is not a regular file")


def test_addresses(check):
    check.set({"address": "127.0.0.1, 192.0.2.1, 2001:db8::1, fe80::1%none0"})
    check.warns("server.address: this host does not have the address 192.0.2.1: ",
                "server.address: this host does not have the address 2001:db8::1: ",
                "server.address: this host does not have the address fe80::1%none0: ")
    check.set({"address": "*"})
    check.warns()


def test_port_in_use_and_privileged(check):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        check.set({"address": "127.0.0.1", "port": holder.getsockname()[1]})
        check.warns()
    check.set({"address": "127.0.0.1", "port": 7})
    check.warns()


def test_path_is_shown_harmless(check):
    check.set({"path": str(check.base / "a\x9bb" / "x.log")})
    check.warns("\\xc2\\x9b")


def test_mistakes_come_without_warnings(check):
    check.set({"path": check.base / "none" / "x.log", "port": "no"})
    status, said = check.run("--strict")
    assert status == 6 and said.count("\n") == 1 and "server.port" in said


def test_strict_alone(check):
    done = subprocess.run([binary(), "-c", check.conf, "--strict"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2
    assert "--strict" in done.stderr


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_root_checks_for_the_service_user(check, tmp_path):
    """Root may do anything; what counts is the user of the unit."""
    users = tmp_path / "passwd"
    users.write_text("root:x:0:0::/:/bin/sh\necho-logd:x:64999:64999::/:/bin/false\n")
    prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {users} /etc/passwd && exec "$0" "$@"']
    if subprocess.run(prefix[:4] + [prefix[4].replace('exec "$0" "$@"', "true")],
                      check=False).returncode != 0:
        pytest.skip("cannot mount here")
    os.chmod(check.conf, 0o600)
    check.warns("user echo-logd cannot read this file: Permission denied",
                f"log.path: user echo-logd cannot create files in the directory {check.logs}",
                prefix=prefix, demote=False)
    os.chown(check.conf, -1, 64999)
    os.chmod(check.conf, 0o640)
    os.chown(check.logs, 64999, -1)
    check.warns(prefix=prefix, demote=False)


@pytest.mark.free("its user cannot read the filter")
def test_reload_of_a_file_that_may_not_be_read(make_daemon, check):
    prefix = []
    if IS_ROOT:
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed")
        ids = pwd.getpwnam("nobody")
        prefix = ["setpriv", "--reuid=%d" % ids.pw_uid, "--regid=%d" % ids.pw_gid,
                  "--clear-groups", "--inh-caps=-all", "--"]
    daemon = make_daemon({"log.path": check.path}, prefix=prefix,
                         program=str(check.base / "echo-logd"))
    shutil.copy(daemon.config_path, check.conf)
    daemon.config_path = str(check.conf)
    # That user cannot reach the socket for notifications.
    daemon.launch()
    wait_until(lambda: "listening on" in daemon.stderr(), "the start")
    os.chmod(check.conf, 0)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "reload failed" in daemon.stderr(), "the end of the reload")
    assert (f"{check.conf}: user {check.user} cannot read this file: Permission denied; "
            "let that user read the file") in daemon.stderr()
    daemon.stop()
