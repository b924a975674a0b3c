# SPDX-License-Identifier: MIT
"""Lists the commands in README.md and doc/INSTALL.md, and the test that runs each of them.

A command is a line of a shell block, or inline code that begins with one of our programs or
scripts, or with systemctl and the like.  tests/blackbox/test_readme.py fails for a command that is
not in one of the tables below.
"""
import os
import re

from daemon import SOURCE_ROOT

DOCUMENTS = ("README.md", "doc/INSTALL.md")

INLINE = re.compile(r"(sudo )?((echo-logd|echo-logctl|make|man|journalctl|systemctl"
                    r"|systemd-analyze) \S|script/\w)")
CODE = re.compile(r"^```(?P<language>\w+)\n(?P<block>.*?)^```$|`(?P<span>[^`]+)`", re.M | re.S)

# tests/systemd/test_readme.py runs these on a machine with a real systemd where echo-logd is
# installed, in the order of the document.
ON_A_MACHINE = {
    "sudo echo-logd --check-config",
    "sudo systemctl reload echo-logd",
    "sudo echo-logctl reload",
    'sudo adduser "$USER" echo-logd',
    "tail -F /var/log/echo-logd/messages.log",
    "echo-logctl status",
    "zcat -f /var/log/echo-logd/messages.log* | echo-logctl verify -",
    "sudo journalctl -x -u echo-logd",
    "sudo systemd-sysusers",
    "sudo journalctl --update-catalog",
    "sudo systemctl daemon-reload",
    "sudo systemctl enable --now echo-logd",
    "systemctl status echo-logd",
    "sudo systemd-tmpfiles --create",
    "sudo mkdir -p /etc/echo-logd",
    r"printf '[server]\nport = 7007\n' | sudo tee /etc/echo-logd/lab.conf",
    "sudo systemctl enable --now echo-logd@lab",
    "sudo echo-logctl status --runtime /run/echo-logd@lab",
    "sudo systemctl disable --now echo-logd.service",
    "sudo systemctl enable --now echo-logd.socket",
    "sudo mkdir -p /etc/systemd/system/echo-logd.service.d",
    "sudo ln -s /usr/share/echo-logd/socket-activated.conf "
    "/etc/systemd/system/echo-logd.service.d/",
}

# Other commands, with the file or function that runs them, and words that it must contain.
PACKAGE = "tests/systemd/test_package.py::"
LIFE = PACKAGE + "test_from_installation_to_purge"
RUN_BY = {
    "script/server": ("tests/blackbox/test_readme.py::test_script_server", "script/server"),
    "script/server -o log.format=json":
        ("tests/blackbox/test_readme.py::test_script_server", "log.format=json"),
    "script/picture": ("tests/blackbox/test_picture.py::picture", "script/picture"),
    "script/test": (".ci/run", "script/test -b"),
    "script/package": (PACKAGE + "built", "script/package"),
    "sudo apt install ./build-package/echo-logd_*.deb": (LIFE, '"install ./first.deb"'),
    "sudo apt install ../echo-logd_*.deb": (LIFE, '"install ./first.deb"'),
    "sudo apt remove echo-logd": (LIFE, '"remove echo-logd"'),
    "sudo apt purge echo-logd": (LIFE, '"purge echo-logd"'),
    "tar -xzf echo-logd-*.tar.gz": ("script/package", "-xzf"),
    "cd echo-logd-*/": ("script/package", "/source/echo-logd-*"),
    "sudo apt build-dep ./":
        ("tests/blackbox/test_readme.py::test_build_dependencies", '"build-dep", "./"'),
    "dpkg-buildpackage --unsigned-source --unsigned-changes":
        ("script/package", "dpkg-buildpackage --unsigned-source --unsigned-changes"),
    "./autogen.sh": ("script/lib.sh", "/autogen.sh"),
    "./configure": ("script/lib.sh", '/configure" --quiet'),
    "make": ("script/lib.sh", "make -C"),
    "make dist": ("script/package", " dist >&2"),
    "sudo make install": ("tests/systemd/conftest.py::stage", '"install"'),
    "make install": ("tests/systemd/conftest.py::stage", '"install"'),
    "./configure --prefix=/usr/local": (".ci/run", " distcheck "),
    "make uninstall": (".ci/run", " distcheck "),
    "man build/man/echo-logd.8": (".ci/run", "mandoc -T lint"),
    "echo-logd -o server.port=7777":
        ("tests/blackbox/test_readme.py::test_a_key_for_one_run", "-o server.port="),
    ": >demo.conf": ("tests/blackbox/test_readme.py::test_pipeline", "demo.conf"),
    "/usr/sbin/echo-logd -c demo.conf -o server.port=7777 -o log.path=- | grep ' message '":
        ("tests/blackbox/test_readme.py::test_pipeline", "demo.conf"),
    "echo-logctl verify": ("tests/blackbox/test_readme.py::test_script_server", "session()"),
    "echo-logctl reopen": ("tests/systemd/test_logctl.py", '"echo-logctl reopen"'),
    "systemd-analyze security echo-logd":
        ("tests/systemd/test_sandbox.py::test_exposure", "systemd-analyze security"),
}

NOT_RUN = {
    "script/bench -k": "measures for 20 minutes; test_bench.py tests the bench itself",
    "script/bench -q": "measures for 2 minutes; test_bench.py tests the bench itself",
    "systemctl edit echo-logd.socket": "opens an editor",
}


def read(path):
    with open(os.path.join(SOURCE_ROOT, path)) as file:
        return file.read()


def steps(document):
    """Yields ("ini", configuration) and ("sh", command) in the order of the document."""
    for code in CODE.finditer(read(document)):
        span = " ".join((code["span"] or "").split())
        if code["language"] == "sh":
            for line in code["block"].splitlines():
                command = re.sub(r"(^|\s+)#.*", "", line)
                if command:
                    yield "sh", command
        elif code["language"]:
            yield code["language"], code["block"]
        elif INLINE.match(span):
            yield "sh", span


def commands(document):
    return [text for language, text in steps(document) if language == "sh"]


def session():
    """The commands that script/picture shows."""
    script = read("script/picture")
    return re.search(r"<<'SESSION'\n(.*?)^SESSION$", script, re.M | re.S)[1].splitlines()


def links(text):
    """The relative links and pictures of a Markdown text."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
