# SPDX-License-Identifier: MIT
"""Tests README.md and doc/INSTALL.md: their form, their links, and that their commands are run."""
import os
import re
import shutil
import signal
import subprocess

import pytest

import readme
from clients import Client
from daemon import SOURCE_ROOT, binary, free_port, wait_until

MAX_LINES = 170
MAX_COLUMNS = 100
PROGRAMS = os.path.dirname(binary())


# --- form

def test_readme_is_short():
    assert len(readme.read("README.md").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("document", readme.DOCUMENTS)
def test_lines_are_wrapped(document):
    assert [line for line in readme.read(document).splitlines() if len(line) > MAX_COLUMNS] == []


# --- links

def anchors(text):
    """The anchors of the headings of a text."""
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)", text, re.M)}


@pytest.mark.parametrize("document", readme.DOCUMENTS)
def test_links_lead_somewhere(document):
    text = readme.read(document)
    links = readme.links(text)
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
        assert os.path.exists(os.path.join(SOURCE_ROOT, path)), link
        assert not anchor or anchor in anchors(readme.read(path)), link


def test_links_lead_somewhere_when_installed(tmp_path):
    """The links of the two documents, and the pictures of all installed documents."""
    subprocess.run(["make", "-s", "-C", os.environ["ECHO_LOGD_BUILDDIR"],
                    "install-nobase_dist_docDATA", "docdir=/doc", "DESTDIR=%s" % tmp_path],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
    installed = tmp_path / "doc"
    documents = [path.relative_to(installed) for path in installed.rglob("*.md")]
    assert set(map(str, documents)) >= set(readme.DOCUMENTS)
    for document in documents:
        for link in readme.links((installed / document).read_text()):
            if str(document) in readme.DOCUMENTS or link.endswith(".svg"):
                path = installed / document.parent / link.partition("#")[0]
                assert path.exists(), (document, link)


@pytest.mark.parametrize("document", readme.DOCUMENTS)
def test_named_sections_of_manual_pages_exist(document):
    """For example in "see echo-logd(8), Socket activation"."""
    text = " ".join(readme.read(document).split())
    named = re.findall(r"(echo-log[\w.-]+)\((\d)\), ([A-Z]\w+(?: [a-z]+)?)(?=[.,:]| and )", text)
    assert named
    for page, number, section in named:
        headings = re.findall(r"^\.S[hs] (.*)", readme.read("man/%s.%s.in" % (page, number)), re.M)
        assert section.lower() in map(str.lower, headings), (page, section)


# --- what runs the commands

@pytest.mark.parametrize("document", readme.DOCUMENTS)
def test_something_runs_each_command(document):
    found = readme.commands(document)
    assert len(found) > 20
    tables = (readme.ON_A_MACHINE, readme.RUN_BY, readme.NOT_RUN)
    for command in found:
        assert sum(command in table for table in tables) == 1, \
            "%s: add `%s` to a table of tests/lib/readme.py, and run it in a test" % (
                document, command)


def test_no_table_has_more():
    found = {command for document in readme.DOCUMENTS for command in readme.commands(document)}
    assert {*readme.ON_A_MACHINE, *readme.RUN_BY, *readme.NOT_RUN} == found


def test_what_runs_them_exists():
    for command, (where, words) in readme.RUN_BY.items():
        path, _, function = where.partition("::")
        text = readme.read(path)
        if function:
            body = re.search(r"(?:^@.*\n)*^def %s\(.*?(?=^\S|\Z)" % function, text, re.M | re.S)
            assert body, (command, where)
            text = body[0]
        assert words in text, (command, where, words)


# --- those that run here

@pytest.fixture
def clone(tmp_path):
    """A clone of the repository.  Its scripts install and build nothing."""
    clone = tmp_path / "clone"
    (clone / "build").mkdir(parents=True)
    (clone / "build/src").symlink_to(PROGRAMS)
    shutil.copytree(os.path.join(SOURCE_ROOT, "script"), clone / "script")
    (clone / "script/lib.sh").chmod(0o644)
    with open(clone / "script/lib.sh", "a") as file:
        file.write("need() { :; }\nbuild() { :; }\n")
    return clone


def shell(command, directory, **arguments):
    return subprocess.Popen(["bash", "-c", command], cwd=directory, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, text=True, **arguments)


def wait_for_server(port):
    def is_served():
        try:
            with Client(port) as client:
                client.finish()
            return True
        except ConnectionRefusedError:
            return False

    wait_until(is_served, "a server on port %d" % port)


@pytest.mark.parametrize("command", ["script/server", "script/server -o log.format=json"])
def test_script_server(clone, command):
    """Runs the command in a first terminal, and the commands of the picture in a second one."""
    assert command in readme.commands("README.md")
    port = free_port()
    with shell("exec %s -o server.port=%d" % (command, port), clone,
               stderr=subprocess.PIPE) as server:
        try:
            wait_for_server(port)
            for line in readme.session():
                if "json" not in command or "tail" not in line:
                    said = subprocess.run(["bash", "-c", line.replace("7777", str(port))],
                                          cwd=clone, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, timeout=60)
                    assert said.returncode == 0, (line, said)
        finally:
            server.send_signal(signal.SIGINT)
            said = server.communicate(timeout=60)[1]
    assert server.returncode == 0, said
    # The commands that it prints use existing files.
    told = set(re.findall(r"%s\S+(?=\s|$)" % re.escape(str(clone)), said))
    assert {os.path.relpath(path.rstrip(","), clone) for path in told} == {
        "build/messages.log", "build/src/echo-logctl", "build/run", "build/echo-logd.conf"}
    first = (clone / "build/messages.log").read_text()[:1]
    assert first == ("{" if "json" in command else "2")


def test_a_key_for_one_run(make_daemon):
    port = free_port()
    daemon = make_daemon(arguments=("-o server.port=%d" % port).split()).start()
    assert daemon.port != port
    with Client(port) as client:
        client.talk(b"hello\n")


def test_pipeline(tmp_path):
    lines = [line for line in readme.commands("doc/INSTALL.md") if "demo.conf" in line]
    port = free_port()
    script = "\n".join(lines).replace("/usr/sbin/echo-logd", binary()).replace("7777", str(port))
    # Otherwise grep would wait for more output before it writes.
    script = script.replace("grep", "grep --line-buffered")
    with shell(script, tmp_path, start_new_session=True) as pipeline:
        try:
            wait_for_server(port)
            with Client(port) as client:
                client.talk(b"hello\n")
            assert re.search(r' message 6 "hello\\n"$', pipeline.stdout.readline())
        finally:
            os.killpg(pipeline.pid, signal.SIGTERM)


def test_build_dependencies():
    if not shutil.which("apt-get") or not shutil.which("dh"):
        pytest.skip("apt-get or debhelper is not installed")
    said = subprocess.run(["apt-get", "--simulate", "build-dep", "./"], cwd=SOURCE_ROOT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    # All of them are installed, because there is a build.
    assert said.returncode == 0 and "0 newly installed" in said.stdout, said.stdout
