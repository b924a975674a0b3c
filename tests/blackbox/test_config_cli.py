# SPDX-License-Identifier: MIT
"""Tests configurations by command line.  Each malformed file is a valid one with one mistake."""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

DAEMON = os.environ.get("ECHO_LOGD", "echo-logd")

VALID = """\
# A comment, and every key once.

[server]
address = 127.0.0.1, ::1
port = 7777
max_clients = 50
idle_timeout = 90s
drain_timeout = 1500ms
clients_per_worker = 10
min_spare = 2
max_spare = 8

[log]
path = /var/log/echo-logd/other.log
format = json
framing = line
mode = 0600
message_limit = 10
at_message_limit = stop
keep_files = 3
message_size = 4K
echo_after = synced
when_stalled = drop
stall_timeout = 2s
keep_free = 5%
logger_timeout = 10s
"""
LINES = VALID.splitlines()
KEYS = [(number, line.split(" = ")[0], line.split(" = ")[1])
        for number, line in enumerate(LINES, 1) if " = " in line]
SECTION = {key: "server" if number < LINES.index("[log]") else "log" for number, key, _ in KEYS}
LINE = {key: number for number, key, _ in KEYS}

NUMBER = ["-1", "+1", "0x1", "1.5", "1e3", "1 0", "one", "01", "1,0", "1k", "1%", "'1'",
          "18446744073709551616", "184467440737095516161844674407370955161"]
TIME = ["-1s", "+1s", "1.5h", "1 s", "1h30m", "1y", "1S", "1us", "s", "0x1s", "01s", "1sec",
        "18446744073709551616ms", "999999999999999d"]
BAD = {
    "address": ["0.0.0.0, 127.0.0.1", "10.0.0.1, 0.0.0.0", "::, ::1", "::1, ::", "*, *", "::, *",
                "fe80::1%lo, ::", "localhost", "127.0.0.1, 127.0.0.1", "::1, 0::1", "*, ::1",
                "1.2.3", "1.2.3.4.5", "256.0.0.1", "127.0.0.01", "0x7f.0.0.1", "[::1]", "::1%lo",
                "fe80::1", "fe80::1%", "fe80::1%interface-name-too-long", ",", "::1,", ", ::1",
                "::1 ::2", "::1; ::2", "1.2.3.4:7", "::ffff:1.2.3.4", "::g", "**", "example.com",
                "1.2.3.4/8", ",".join(f"10.0.0.{n}" for n in range(17))],
    "port": NUMBER + ["0", "65536", "70000", "7-8", "echo"],
    "max_clients": NUMBER + ["0", "100001"],
    "idle_timeout": TIME + ["99ms", "366d", "never"],
    "drain_timeout": TIME + ["25h", "2d", "86401"],
    "clients_per_worker": NUMBER + ["1000000001"],
    "min_spare": NUMBER + ["0", "100001"],
    "max_spare": NUMBER + ["0", "100001"],
    "path": ["messages.log", "./messages.log", "~/messages.log", "/", "/var/log/", "/var/.",
             "/var/..", '"/var/log/x"', "/var/log/x ; old", "/var/log/x # old", "/x\x01y",
             "/x\x1b[2Jy", "/x\x7fy", "/x\0y", "/" + "x" * 300],
    "format": ["Text", "JSON", "xml", "text json", "1", "tex", "texts"],
    "framing": ["lines", "Line", "stream,line", "0"],
    "mode": ["0", "64", "00640", "0648", "0o640", "0440", "0220", "0750", "0602", "0700", "4640",
             "rw-r-----", "-640", "0x1a0", "u=rw"],
    "message_limit": NUMBER + ["1000000000000001"],
    "at_message_limit": ["drop", "Rotate", "rotate,stop", "0"],
    "keep_files": NUMBER + ["1000001", "all"],
    "message_size": ["0", "-1", "+1", "1048577", "2M", "1G", "4KB", "4KiB", "4 K", "0.5M", "K",
                     "0x1000", "04K", "17592186044417M", "18446744073709551616"],
    "echo_after": ["sync", "Queued", "0"],
    "when_stalled": ["wait", "DROP", "block,drop"],
    "stall_timeout": ["0", "9ms", "25h", "5 s"],
    "keep_free": ["0%", "100%", "5 %", "%", "1.5%", "05%", "-1%", "1048577G", "1T"],
    "logger_timeout": ["999ms", "25h", "never"],
}


def replaced(number, line):
    return "\n".join(LINES[:number - 1] + [line] + LINES[number:]) + "\n"


def inserted(number, line):
    return "\n".join(LINES[:number - 1] + [line] + LINES[number - 1:]) + "\n"


def malformed():
    """Yields name, text, line of the mistake, and a word of the message."""
    for key, values in BAD.items():
        for value in values:
            yield (f"{key}={value!a:.30}", replaced(LINE[key], f"{key} = {value}"), LINE[key],
                   f"{SECTION[key]}.{key}: ")
    for number, key, value in KEYS:
        name = f"{SECTION[key]}.{key}: "
        yield f"{key} empty", replaced(number, f"{key} ="), number, name
        yield f"{key} without =", replaced(number, f"{key} {value}"), number, ""
        yield f"{key} twice", inserted(number + 1, f"{key} = {value}"), number + 1, name
        yield f"{key} indented", replaced(number, f" {key} = {value}"), number, name
        yield f"{key} by tab", replaced(number, f"\t{key} = {value}"), number, name
        yield f"{key} comment ;", replaced(number, f"{key} = {value} ; x"), number, name
        yield f"{key} comment #", replaced(number, f"{key} = {value} # x"), number, name
        yield f"{key} unknown", replaced(number, f"{key}x = {value}"), number, f"mean {name[:-2]}"
        yield f"{key} swapped", replaced(number, f"{key[1]}{key[0]}{key[2:]} = {value}"), number, \
            f"mean {name[:-2]}"
        yield f"{key} upper case", replaced(number, f"{key.upper()} = {value}"), number, \
            f".{key.upper()}: unknown key"
        yield f"{key} with :", replaced(number, f"{key}: {value}"), number, "no ="
        yield f"{key} too long", replaced(number, f"{key} = {'1' * 200}"), number, name
        yield f"{key} NUL", replaced(number, f"{key} = {value}\0"), number, name
        other = "log" if SECTION[key] == "server" else "server"
        yield f"{key} elsewhere", VALID.replace(f"{key} = {value}\n", "", 1) + \
            f"[{other}]\n{key} = {value}\n", len(LINES) + 1, f"mean {SECTION[key]}.{key}"
    for section, number in (("server", 3), ("log", LINES.index("[log]") + 1)):
        for line in (f"[{section}", f"[{section}] x", f"[{section}] # x", f"[{section}]]",
                     f"[{section}s]", f"[ {section} ]", f"[{section.upper()}]", f" [{section}]",
                     "[]", "[" + "x" * 60 + "]", f"[{section}\0]"):
            yield f"section {line!a:.30}", replaced(number, line), number, ""
    for number in range(1, len(LINES) + 2):
        yield f"stray word in {number}", inserted(number, "evil"), number, "evil"
    yield "key before a section", inserted(2, "port = 7"), 2, "port: "
    yield "long comment", inserted(4, "# " + "x" * 190 + " port = 7"), 4, "too long"
    yield "long blank line", inserted(4, " " * 199), 4, "too long"
    yield "tail that is a key", inserted(4, "#" * 199 + "port = 7"), 4, "too long"
    yield "NUL in a comment", inserted(4, "# \0"), 4, "control"
    yield "lone CR", inserted(4, "# x\rport = 7"), 4, "control"
    yield "BOM inside", inserted(4, "\ufeffport = 7"), 4, "unknown key"
    yield "raw cannot rotate", replaced(LINE["at_message_limit"], "at_message_limit = rotate") \
        .replace("format = json", "format = raw"), LINE["at_message_limit"], \
        "log.at_message_limit: "
    yield "max_spare below min_spare", replaced(LINE["max_spare"], "max_spare = 1"), \
        LINE["max_spare"], "server.max_spare: "


MALFORMED = list(malformed())


def run(*arguments, timeout=20):
    return subprocess.run([DAEMON, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, check=False)


def check(path, *arguments):
    return run("-c", str(path), "--check-config", *arguments)


@pytest.fixture(name="conf")
def conf_file():
    """In a directory that every user can enter, as the check asks for the service's user."""
    with tempfile.TemporaryDirectory(prefix="echo-logd-test.", dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory) / "echo-logd.conf"


def test_there_are_enough():
    assert len(MALFORMED) >= 200
    assert len({text for _, text, _, _ in MALFORMED}) == len(MALFORMED)
    assert {key for _, key, _ in KEYS} == set(BAD)


def test_the_valid_file_is_valid(conf):
    # In a directory that exists on every machine, since a missing one is worth a warning.
    conf.write_text(VALID.replace("/var/log/echo-logd", str(conf.parent)))
    done = check(conf)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("text, line, needle", [m[1:] for m in MALFORMED],
                         ids=[m[0] for m in MALFORMED])
def test_malformed(conf, text, line, needle):
    conf.write_bytes(text.encode())
    done = check(conf)
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (6, b""), message
    assert message.startswith(f"{conf}:{line}: "), message
    assert needle in message
    assert message.count("\n") == 1, message
    assert not re.search(r"[^\n -\ufffe]|[\x7f-\x9f]", message), message
    if (value := re.search(r'bad value "((?:[^"\\]|\\.)*)"', message)) and "\\" not in value[1]:
        assert value[1].removesuffix("...") in text
        assert "allowed: " in message


@pytest.mark.parametrize("change", [
    lambda t: t.replace("\n", "\r\n"),
    lambda t: "\ufeff" + t,
    lambda t: t.rstrip("\n"),
    lambda t: t.replace(" = ", "="),
    lambda t: t.replace(" = ", "\t=  ").replace("\n", " \t\n"),
    lambda t: t.replace("\n", "\n\n  # indented comment ; x\n"),
    lambda t: t.replace("[log]", "[server]\n[log]\n; x"),
    lambda t: t + "#" * 198 + "\n",
    lambda t: t.replace("\n[log]", "\n[log]\n[server]\n[log]"),
    lambda t: t + "\n# Gr\u00fc\u00dfe\n",
], ids=["crlf", "bom", "no newline", "tight", "wide", "comments", "empty section", "longest line",
        "sections again", "utf-8"])
def test_valid_variants(conf, change):
    conf.write_text(VALID)
    expected = run("-c", str(conf), "--dump-config").stdout
    conf.write_bytes(change(VALID).encode())
    done = run("-c", str(conf), "--dump-config")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected != b""


def test_dump_is_a_file_with_the_same_meaning(conf):
    conf.write_text(VALID)
    first = run("-c", str(conf), "--dump-config")
    conf.write_bytes(first.stdout)
    again = run("-c", str(conf), "--dump-config")
    assert first.stdout == again.stdout
    assert [line for line in VALID.splitlines() if " = " in line] == \
        [line for line in first.stdout.decode().splitlines() if " = " in line]


def test_all_mistakes_in_order(conf):
    text = VALID
    for key in BAD:
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = ?", text)
    conf.write_text(text)
    done = check(conf, "-o", "log.mode=?", "-o", "server.prot=1")
    lines = done.stderr.decode().splitlines()
    assert [int(line.split(":")[1]) for line in lines[:-2]] == [number for number, _, _ in KEYS]
    assert lines[-2].startswith("-o log.mode=?: bad value")
    assert "did you mean server.port" in lines[-1]
    assert done.returncode == 6


def test_override_wins_over_the_file(conf):
    conf.write_text(VALID)
    done = run("-c", str(conf), "-o", "server.port=70", "--option", "log.format=text",
               "--option=server.port=71", "--dump-config")
    assert b"\nport = 71\n" in done.stdout
    assert b"\nformat = text\n" in done.stdout
    assert b"\nmax_clients = 50\n" in done.stdout


def test_a_flood_of_mistakes_is_bounded(conf):
    conf.write_text("x\n" * 30000)
    done = check(conf)
    assert done.returncode == 6
    assert 1000 < len(done.stderr) < 20000


def unreadable(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    big = tmp_path / "big"
    big.write_text("#\n" * 40000)
    return [tmp_path, "/dev/full", "/dev/random", "/dev/zero", fifo, tmp_path / "missing",
            "/proc/self/mem", big]


@pytest.mark.parametrize("index", range(8))
def test_not_a_readable_file(tmp_path, index):
    path = unreadable(tmp_path)[index]
    done = check(path)
    assert (done.returncode, done.stdout) == (6, b"")
    assert done.stderr.decode().startswith(f"{path}: ")
    assert done.stderr.count(b"\n") == 1


def test_name_of_the_file_is_shown_harmless(tmp_path):
    path = tmp_path / "a\x1b[2J\nb"
    path.write_text("evil\n")
    done = check(path)
    assert done.returncode == 6
    assert b"\x1b" not in done.stderr and done.stderr.count(b"\n") == 1
    assert b"a\\x1b[2J\\nb:1: " in done.stderr


def test_shipped_file(conf):
    top = pathlib.Path(os.environ.get("ECHO_LOGD_SRCDIR", "."))
    conf.write_bytes((top / "conf" / "echo-logd.conf.in").read_bytes())
    done = check(conf)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [
    ["operand"], ["-x"], ["--unknown"], ["-c"], ["-c", ""], ["-o"], ["-o", "port=7"],
    ["-o", "server.port"], ["-o", "=x"], ["--check-config", "--dump-config"], ["--check-config=1"],
])
def test_bad_command_line(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.endswith(b"\nTry 'echo-logd --help'.\n")


@pytest.mark.parametrize("option", ["--version", "--help", "-h"])
def test_answers(option):
    done = run(option)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"echo-logd" in done.stdout
