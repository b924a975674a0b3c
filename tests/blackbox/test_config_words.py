# SPDX-License-Identifier: MIT
"""What is said of values that look right, by --check-config."""

import subprocess

import pytest

from daemon import binary


def check(path):
    return subprocess.run([binary(), "--check-config", "-c", str(path)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)


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
