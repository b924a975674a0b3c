# SPDX-License-Identifier: MIT
"""What is said of values that look right, by --check-config."""

import subprocess

import pytest

from daemon import binary


def check(path, *options):
    return subprocess.run([binary(), "--check-config", "-c", str(path), *options], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=20)


@pytest.mark.parametrize("addresses, why", [
    ("0.0.0.0, 127.0.0.1", "0.0.0.0 already stands for every IPv4 address"),
    ("::1, 127.0.0.1, 0.0.0.0", "0.0.0.0 already stands for every IPv4 address"),
    ("0.0.0.0, ::, ::1", ":: already stands for every IPv6 address"),
    ("fe80::1%lo, ::", ":: already stands for every IPv6 address"),
    ("0.0.0.0, *", "* already stands for every address"),
    ("::, *", "* already stands for every address"),
    ("::, ::", "an address is given twice"),
])
def test_an_address_that_another_includes(tmp_path, addresses, why):
    path = tmp_path / "echo-logd.conf"
    path.write_text("[server]\naddress = %s\n" % addresses)
    said = check(path)
    assert said.returncode == 6
    assert why in said.stderr


def test_one_of_each_family(tmp_path):
    path = tmp_path / "echo-logd.conf"
    for addresses in ("0.0.0.0, ::", "::, 127.0.0.1, 127.0.0.2", "::1, 0.0.0.0"):
        path.write_text("[server]\naddress = %s\n" % addresses)
        assert check(path).returncode == 0


@pytest.mark.parametrize("character", [
    "\u00a0", "\u2060", "\u200b", "\ufeff", "\u00ad", "\u3000", "\u202f"])
@pytest.mark.parametrize("section, line", [
    ("server", "port = 7%s"), ("server", "port =%s7"), ("server", "address = 127.0.0.1,%s::1"),
    ("log", "path = /var/log/x%s"), ("log", "path = /var/%slog/x"), ("log", "format = te%sxt"),
    ("log", "pa%sth = /var/log/x"), ("log", "%smode = 0640"), ("log", "mode%s= 0640"),
    ("log%s", "mode = 0640"), ("log", "%s"),
])
def test_a_character_that_nobody_sees(tmp_path, section, line, character):
    """The mistake shows its bytes; it is no part of a value, not even of a path."""
    path = tmp_path / "echo-logd.conf"
    text = "[%s]\n%s\n" % (section, line)
    path.write_text(text.replace("%s", character))
    said = check(path)
    shown = "".join("\\x%02x" % byte for byte in character.encode())
    assert said.returncode == 6
    assert shown in said.stderr and character not in said.stderr
    if " = " in line and "%s" in line.split("=")[1]:
        assert "it has an invisible character, written here as \\xNN; allowed: " in said.stderr


def test_on_the_command_line(tmp_path):
    path = tmp_path / "echo-logd.conf"
    path.write_text("")
    said = check(path, "-o", "log.path=/var/log/x\u00a0")
    assert said.returncode == 6 and "/x\\xc2\\xa0" in said.stderr


def test_visible_characters_and_comments(tmp_path):
    path = tmp_path / "echo-logd.conf"
    path.write_text("\ufeff# no\u00a0break\n[log]\npath = /var/log/\u00e4\u65e5\U0001f600\n")
    assert check(path).returncode == 0


def test_dev_null_is_an_empty_configuration(tmp_path):
    assert check("/dev/null").returncode == 0
    said = subprocess.run([binary(), "--dump-config", "-c", "/dev/null"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, timeout=20)
    path = tmp_path / "empty.conf"
    path.write_text("")
    assert said.stdout and said.stdout == subprocess.run(
        [binary(), "--dump-config", "-c", str(path)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, timeout=20).stdout
    assert check("/dev/zero").returncode == 6
