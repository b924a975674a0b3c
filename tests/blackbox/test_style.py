# SPDX-License-Identifier: MIT
"""Tests that tests/style finds no problem in the source tree, and finds every kind of problem."""
import os
import subprocess
import sys

import pytest

from daemon import SOURCE_ROOT

STYLE = os.path.join(SOURCE_ROOT, "tests", "style")
TOO_LONG = "line of 101 columns; at most 100 are allowed"
WIDE = "x " * 50 + "x"      # 101 columns that could be wrapped


def style(*arguments):
    return subprocess.run([sys.executable, STYLE, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def found(tmp_path, name, text):
    """The problems in a tree of one file NAME, without the name."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    done = style(str(tmp_path))
    *problems, count = done.stdout.splitlines()
    assert count == "%d problem%s in 1 file" % (len(problems), "" if len(problems) == 1 else "s")
    assert (done.returncode, done.stderr) == (1 if problems else 0, "")
    assert all(problem.startswith(name + ":") for problem in problems)
    return [problem[len(name) + 1:] for problem in problems]


def function(lines, name="int f(void)"):
    return name + "\n{\n" + "\tf();\n" * (lines - 3) + "}\n"


def test_the_tree():
    done = style(SOURCE_ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", [
    "README.md", "doc/a.md", "man/a.8.in", "src/a.c", "src/base/a.h", "tests/a.c",
    "tests/unit/a.h", "tests/a.py", "tests/unit/a.py", "script/a.sh", "completion/a", "Makefile.am",
    "src/Makefile.am", "tests/Makefile.am", "configure.ac", "m4/a.m4", "systemd/a.service.in"])
def test_a_long_line(tmp_path, name):
    text = "\n%s\n%s\n"
    assert found(tmp_path, name, text % ("x " * 50, WIDE)) == ["3: " + TOO_LONG]


@pytest.mark.parametrize("name", ["script/a", ".ci/a", "tests/a", "tests/unit/a", "debian/a"])
@pytest.mark.parametrize("program", ["/bin/sh", "/usr/bin/python3"])
def test_a_long_line_of_a_program(tmp_path, name, program):
    assert found(tmp_path, name, "#!%s\n%s\n" % (program, WIDE)) == ["2: " + TOO_LONG]


@pytest.mark.parametrize("name", ["LICENSE", "tests/fuzz/corpus/a.py", "tests/bench/peers/a.py",
                                  "tests/fuzz/a.dict", "debian/control", "Makefile.in",
                                  "src/Makefile.in", "aclocal.m4", "build/Makefile.am"])
def test_what_is_not_checked(tmp_path, name):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/b.c").write_text("\n")
    assert found(tmp_path, name, WIDE + "\n") == []


def test_a_tab_has_eight_columns(tmp_path):
    assert found(tmp_path, "src/a.c", "\t%s\n\t%s\n" % ("x" * 92, "x" * 93)) == ["2: " + TOO_LONG]


def test_a_character_has_one_column(tmp_path):
    assert found(tmp_path, "README.md", "µ " * 50 + "\n" + "µ " * 50 + "µ\n") == ["2: " + TOO_LONG]


@pytest.mark.parametrize("lines", [
    "```\n%s\n```" % WIDE, "~~~\n%s\n~~~" % WIDE, "text\n\n    %s\n\n    %s" % (WIDE, WIDE),
    "text\n\n\t" + WIDE, "| " + WIDE + " |", "  | " + WIDE + " |", "https://x/" + "x" * 100,
    "- [two words](https://x/%s)." % ("x" * 100), "![two words](x%s.svg)" % ("x" * 100),
    "[name]: https://x/" + "x" * 100])
def test_what_may_be_wide_in_markdown(tmp_path, lines):
    assert found(tmp_path, "README.md", "\n%s\n" % lines) == []


@pytest.mark.parametrize("lines,number", [
    ("text\n    %s" % WIDE[4:], 2), ("```\n```\n" + WIDE, 3), ("\n    code\n" + WIDE, 3),
    ("- " + WIDE[2:], 1), ("# " + WIDE[2:], 1), ("see [a](https://x/%s)" % ("x" * 82), 1)])
def test_what_must_be_wrapped_in_markdown(tmp_path, lines, number):
    assert found(tmp_path, "README.md", lines + "\n") == ["%d: %s" % (number, TOO_LONG)]


def test_literal_text_of_a_manual_page_may_be_wide(tmp_path):
    text = ".Bd -literal -offset indent\n%s\n.Ed\n%s\n.Bd -filled\n%s\n.Ed\n" % (WIDE, WIDE, WIDE)
    assert found(tmp_path, "man/a.8.in", text) == ["4: " + TOO_LONG, "6: " + TOO_LONG]


@pytest.mark.parametrize("name", ["int f(void)", "static struct a *f(int b,\n\t\t int c)",
                                  "__attribute__((noreturn))\nstatic void f(void)"])
def test_a_long_function(tmp_path, name):
    before = "#include <a.h>\n\nstatic const int a[] = {\n\tF(1),\n};\n\n"
    extra = name.count("static struct")     # the second line of its parameters
    text = before + function(60 - extra, name) + "\n" + function(61 - extra, name)
    line = 8 + 60 + name.count("__attribute__") * 2
    assert found(tmp_path, "src/a.c", text) == [
        "%d: function of 61 lines; at most 60 are allowed" % line]


def test_a_brace_that_hides_a_function(tmp_path):
    assert found(tmp_path, "src/a.c", "int f(void) {\n\tf();\n}\n") == [
        "1: opening brace of a function; only column 1 is allowed"]


@pytest.mark.parametrize("folder,most", [("src/base", 450), ("tests/unit", 900)])
def test_a_long_file(tmp_path, folder, most):
    assert found(tmp_path, folder + "/a.c", "\n" * most) == []
    assert found(tmp_path, folder + "/a.c", "\n" * (most + 1)) == [
        "%d: file of %d lines; at most %d are allowed" % (most + 1, most + 1, most)]


def test_a_directory_without_sources(tmp_path):
    for arguments in ([str(tmp_path)], [], ["a", "b"]):
        done = style(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "style" in done.stderr
