# SPDX-License-Identifier: MIT
"""Tests the Debian package: installation, upgrade, removal, purge.

The box has the root of this machine, without echo-logd.  So the dependencies of the package are
installed, and apt needs no network.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import readme
from service import (LEDGER, LOG, UNIT, assert_nothing_lost, configure, echo, end_load, generation,
                     main_pid, start_load)

BUILD_SECONDS = 300
SOCKET = f"{UNIT}.socket"
CONFIG = "/etc/echo-logd.conf"
PACKAGES = "/var/tmp/packages"
# Each client stays for some milliseconds, so one version serves it to its end.
VISITS = "--clients 8 --size 512 --window 512 --connection-bytes 2048"


def built(directory):
    """The package that CI has built, or that is built now."""
    ready = os.environ.get("ECHO_LOGD_PACKAGE")
    if not ready:
        ready = subprocess.run(
            [Path(os.environ["ECHO_LOGD_SRCDIR"]) / "script/package", "-n", directory], check=True,
            env=dict(os.environ, DEB_BUILD_OPTIONS="nocheck noautodbgsym"), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=BUILD_SECONDS).stdout.strip()
    return Path(ready)


def make_next_version(package, workdir, target):
    """Makes a later version of the package, with another configuration file."""
    tree = workdir / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^(Version: .*)$", r"\1+next", control.read_text()))
    for name in (CONFIG, "/etc/logrotate.d/echo-logd"):
        with open(f"{tree}{name}", "a") as file:
            file.write("# as the next version ships it\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, target], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Two versions of the package and the load program, instead of the installed build."""
    directory = tmp_path_factory.mktemp("stage")
    packages, tools = directory / PACKAGES[1:], directory / "usr/local/bin"
    packages.mkdir(parents=True)
    tools.mkdir(parents=True)
    workdir = tmp_path_factory.mktemp("package")
    package = built(workdir / "build")
    shutil.copy(package, packages / "first.deb")
    make_next_version(package, workdir, packages / "next.deb")
    for tool in ("load", "oracle"):
        shutil.copy(Path(os.environ["ECHO_LOGD_BUILDDIR"]) / "tests/faults" / tool, tools)
    return directory


@pytest.fixture(scope="module")
def machine(box):
    """A box without echo-logd, where packages may start services (in a container they may not)."""
    # The second is there because man-db would read all manual pages for seconds.
    box.run("rm -f /usr/sbin/policy-rc.d /var/lib/man-db/auto-update")
    dpkg(box, "--purge echo-logd")
    box.run("userdel echo-logd", check=False)
    return box


@pytest.fixture
def installed(machine):
    install(machine, "first")
    yield machine
    dpkg(machine, "--purge echo-logd")
    machine.run(f"rm -rf {LEDGER}")


def dpkg(box, words):
    return box.run(f"DEBIAN_FRONTEND=noninteractive dpkg {words}", timeout=60)


def install(box, name, options=""):
    return dpkg(box, f"{options} --install {PACKAGES}/{name}.deb")


def apt(box, words):
    """Runs apt, as people do.  It is slow, so only one test uses it."""
    return box.run(f"cd {PACKAGES} && DEBIAN_FRONTEND=noninteractive apt-get -qy {words}",
                   timeout=60)


def version(box):
    return box.run("dpkg-query -W -f '${Version}' echo-logd").stdout


def units(box):
    """The states of the two units in systemd: enabled, active."""
    return [(box.run(f"systemctl is-enabled {unit}", check=False).stdout.strip(),
             box.show(unit, "ActiveState")) for unit in (f"{UNIT}.service", SOCKET)]


def is_installed_program(box, pid):
    """Whether the process runs the program file that is installed now."""
    return box.run(f"test /proc/{pid}/exe -ef /usr/sbin/echo-logd", check=False).status == 0


def traces(box):
    """Files where packages install, files named after the package, and files that name it."""
    return set(box.run("find /etc /usr -xdev; find /etc/systemd /var /run -name '*echo-logd*'; "
                       f"grep -rl echo-logd /etc 2>/dev/null; true").stdout.splitlines())


# --- what is in it

def test_what_readme_links_is_installed(machine):
    tar = f"dpkg-deb --fsys-tarfile {PACKAGES}/first.deb | tar -x"
    machine.run("rm -rf /var/tmp/doc && mkdir /var/tmp/doc && cd /var/tmp/doc && "
                f"{tar} ./usr/share/doc")
    for document in readme.DOCUMENTS:
        directory = f"/var/tmp/doc/usr/share/doc/echo-logd/{os.path.dirname(document)}"
        for link in readme.links(readme.read(document)):
            machine.run(f"cd {directory} && test -e '{link.partition('#')[0] or '.'}'")


# --- install and remove

def test_from_installation_to_purge(machine):
    before = traces(machine)
    apt(machine, "install ./first.deb")
    # The installation starts the service, as usual in Debian.  `start` works too.
    assert units(machine) == [("enabled", "active"), ("disabled", "inactive")]
    assert echo(machine, "127.0.0.1", 7) == echo(machine, "::1", 7) == "hello\n"
    machine.run(f"systemctl stop {UNIT} && systemctl start {UNIT}")
    assert echo(machine, "127.0.0.1", 7) == "hello\n"
    assert machine.run("dpkg --verify echo-logd").stdout == ""
    # bash-completion looks for the command's name.
    machine.run("cd /usr/share/bash-completion/completions && test -r echo-logd -a -r echo-logctl")

    apt(machine, "remove echo-logd")
    assert machine.run("pgrep -c '^echo-log'", check=False).stdout == "0\n"
    assert machine.show(UNIT, "LoadState") == "not-found"
    assert "close eof" in machine.run(f"cat {LOG}").stdout and machine.run(f"test -s {CONFIG}")

    machine.run("touch /var/lib/echo-logd/messages.log.20261122T210405.123456Z.spill")
    apt(machine, "purge echo-logd")
    # The user stays, because it may own other files, which no new user must get.
    assert {name for name in traces(machine) ^ before
            if not re.fullmatch("/etc/(passwd|group|shadow|gshadow)-?", name)} == set()
    machine.run("getent passwd echo-logd && getent group echo-logd")
    assert machine.run("dpkg-query -W echo-logd", check=False).status != 0
    assert machine.run("systemctl list-units --all --plain --no-legend 'echo-logd*'").stdout == ""


def test_installed_again_continues(installed):
    echo(installed, "127.0.0.1", 7, "before")
    dpkg(installed, "--remove echo-logd")
    install(installed, "first")
    assert units(installed)[0] == ("enabled", "active")
    echo(installed, "127.0.0.1", 7, "after")
    installed.run(f"systemctl stop {UNIT}")
    said = installed.run(f"grep -o '\"[a-z]*.n\"' {LOG}").stdout
    assert said == '"before\\n"\n"after\\n"\n'
    installed.run(f"echo-logctl verify {LOG}")


def test_removed_while_clients_come_to_the_socket(installed):
    installed.run(f"systemctl disable --now {UNIT}.service && systemctl enable --now {SOCKET}")
    start_load(installed, seed=41, seconds=60, options=VISITS)
    installed.wait_for(f"test -s {LOG}")
    dpkg(installed, "--remove echo-logd")
    installed.run("kill $(cat /var/tmp/load.pid)")
    end_load(installed)
    assert installed.run("pgrep -c '^echo-log'", check=False).stdout == "0\n"
    assert installed.show(SOCKET, "ActiveState") == installed.show(UNIT, "ActiveState") == \
        "inactive"
    install(installed, "first")    # for its echo-logctl verify
    installed.run(f"systemctl stop {SOCKET} {UNIT}")
    assert_nothing_lost(installed, LOG, least_bytes=1)


def test_purge_leaves_a_mount_point(installed):
    installed.run(f"systemctl stop {UNIT} && rm {LOG} && mount -t tmpfs log /var/log/echo-logd && "
                  f"chown echo-logd: /var/log/echo-logd && systemctl start {UNIT}")
    assert echo(installed, "127.0.0.1", 7) == "hello\n"
    dpkg(installed, "--purge echo-logd")
    assert installed.run("ls -A /var/log/echo-logd && umount /var/log/echo-logd && "
                         "rmdir /var/log/echo-logd").stdout == ""
    assert not installed.run("dpkg-query -W echo-logd", check=False).stdout


# --- upgrade

def test_upgrade_under_load(installed):
    first, pid = version(installed), main_pid(installed)
    start_load(installed, seed=42, seconds=60)
    installed.wait_for(f"test -s {LOG} && test $(stat -c %s {LOG}) -gt 5000000")
    before = generation(installed)
    install(installed, "next")
    assert version(installed) == first + "+next"
    assert main_pid(installed) != pid and is_installed_program(installed, main_pid(installed))
    assert units(installed) == [("enabled", "active"), ("disabled", "inactive")]
    assert installed.show(UNIT, "NRestarts") == "0"
    # It was restarted in one step: systemd kept pipes and scoreboard, so the counters continue.
    assert generation(installed) == before + 1
    size = int(installed.run(f"stat -c %s {LOG}").stdout)
    installed.wait_for(f"test $(stat -c %s {LOG}) -gt {size + 1_000_000}")
    installed.run("kill $(cat /var/tmp/load.pid)")
    end_load(installed)
    installed.run(f"systemctl stop {UNIT}")
    assert installed.run(f"grep -c ' - - start ' {LOG}").stdout == "2\n"
    assert_nothing_lost(installed, LOG)


def test_upgrade_with_the_socket_refuses_nobody(installed):
    installed.run(f"systemctl disable --now {UNIT}.service && systemctl enable --now {SOCKET}")
    start_load(installed, seed=43, seconds=60, options=VISITS)
    installed.wait_for(f"test -s {LOG} && test $(stat -c %s {LOG}) -gt 100000")
    pid, inodes = main_pid(installed), "ss -Hltne sport = :7 | grep -o 'ino:[0-9]*' | sort"
    listening = installed.run(inodes).stdout
    install(installed, "next")
    # The choice of the operator stays, and so do the sockets.
    assert units(installed) == [("disabled", "active"), ("enabled", "active")]
    assert installed.run(inodes).stdout == listening != ""
    assert main_pid(installed) != pid and is_installed_program(installed, main_pid(installed))
    size = int(installed.run(f"stat -c %s {LOG}").stdout)
    installed.wait_for(f"test $(stat -c %s {LOG}) -gt {size + 100_000}")
    installed.run("kill $(cat /var/tmp/load.pid)")
    end_load(installed)
    said = installed.run("cat /var/tmp/load.out").stdout
    assert re.search(r"lost 0 .* refused 0\n", said), said
    installed.run(f"systemctl stop {SOCKET} {UNIT}")
    assert_nothing_lost(installed, LOG, least_bytes=100_000)


def test_an_edited_configuration_survives_an_upgrade_and_not_a_purge(installed):
    configure(installed, "[server]\nport = 7007\n")
    installed.run(f"systemctl reload {UNIT}")
    # dpkg would ask, because both have changed it.  Without an answer the operator's file stays.
    install(installed, "next", "--force-confdef --force-confold")
    assert installed.run(f"cat {CONFIG}").stdout == "[server]\nport = 7007\n"
    assert "next version" in installed.run(f"cat {CONFIG}.dpkg-dist").stdout
    # A file that was not edited comes from the new version.
    assert "next version" in installed.run("cat /etc/logrotate.d/echo-logd").stdout
    assert echo(installed, "127.0.0.1", 7007) == "hello\n"
    dpkg(installed, "--purge echo-logd")
    assert installed.run(f"ls -d {CONFIG}* /etc/logrotate.d/echo-logd*", check=False).stdout == ""


def test_a_stopped_and_disabled_service_is_not_started(installed):
    installed.run(f"systemctl disable --now {UNIT}.service")
    install(installed, "next")
    assert units(installed) == [("disabled", "inactive"), ("disabled", "inactive")]


def test_instances_are_restarted_stopped_and_purged_too(installed):
    installed.run("mkdir -p /etc/echo-logd")
    for name, port in (("runs", 7001), ("stopped", 7002)):
        installed.write(f"/etc/echo-logd/{name}.conf", f"[server]\nport = {port}\n")
        installed.run(f"systemctl start {UNIT}@{name}")
        assert echo(installed, "127.0.0.1", port) == "hello\n"
    installed.run(f"systemctl stop {UNIT}@stopped")
    before = int(installed.show(f"{UNIT}@runs", "MainPID"))
    install(installed, "next")
    after = int(installed.show(f"{UNIT}@runs", "MainPID"))
    assert after != before and is_installed_program(installed, after)
    assert installed.show(f"{UNIT}@stopped", "ActiveState") == "inactive"
    assert echo(installed, "127.0.0.1", 7001) == "hello\n"
    dpkg(installed, "--remove echo-logd")
    assert installed.run("pgrep -c '^echo-log'", check=False).stdout == "0\n"
    log = "/var/log/echo-logd@runs/messages.log"
    assert installed.run(f"grep -c '\"hello' {log}").stdout == "2\n"
    dpkg(installed, "--purge echo-logd")
    # What the operator has made stays there.
    assert installed.run("ls -d /etc/echo-logd/* /var/*/echo-logd*", check=False).stdout == \
        "/etc/echo-logd/runs.conf\n/etc/echo-logd/stopped.conf\n"
    installed.run("rm -r /etc/echo-logd")
