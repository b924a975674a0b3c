# SPDX-License-Identifier: MIT
"""Runs the commands of README.md and doc/INSTALL.md on a machine with echo-logd."""
import readme
from service import UNIT, configure, echo

# Commands without sudo run as a user who is a member of the group, as README says, with the PATH
# that Debian gives to users.
USER = ("setpriv --reuid=nobody --regid=nogroup --init-groups env USER=nobody "
        "PATH=/usr/local/bin:/usr/bin:/bin bash -c {}")


def quoted(text):
    return "'" + text.replace("'", r"'\''") + "'"


def run(box, command):
    """Runs a command of a document, without sudo, which may not be installed."""
    if "sudo " in command:
        return box.run("export USER=nobody; " + command.replace("sudo ", ""), timeout=60)
    if " -F " in command:    # tail follows the log until it is stopped
        said = box.run(USER.format(quoted("timeout 1 " + command)), check=False)
        assert said.status == 124 and said.stdout, said
        return said
    return box.run(USER.format(quoted(command)), timeout=60)


def run_document(box, document):
    """Writes the configurations of a document, runs its commands, returns what each printed."""
    printed = {}
    for language, text in readme.steps(document):
        if language == "ini":
            configure(box, text)
        elif text in readme.ON_A_MACHINE:
            printed[text] = run(box, text).stdout
    return printed


def test_readme(fresh_box):
    fresh_box.run(f"systemctl enable --now {UNIT}")
    assert echo(fresh_box, "127.0.0.1", 7) == "hello\n"
    # After logrotate there are compressed files, which verify has to read too.
    fresh_box.run("logrotate -f /etc/logrotate.d/echo-logd && "
                  "logrotate -f /etc/logrotate.d/echo-logd && ls /var/log/echo-logd/*.gz")
    assert echo(fresh_box, "127.0.0.1", 7) == "hello\n"
    fresh_box.wait_for("grep 'close eof' /var/log/echo-logd/messages.log")
    printed = run_document(fresh_box, "README.md")
    assert printed["sudo echo-logd --check-config"] == ""
    assert printed["echo-logctl status"].startswith("echo-logd is running")
    assert "start version=1" in printed["tail -F /var/log/echo-logd/messages.log"]
    verify, = (said for command, said in printed.items() if "verify" in command)
    assert "  whole            2\n" in verify and "problems           0\n" in verify
    # The configuration in README is in force.
    assert "*:7" in fresh_box.run("ss -Htln").stdout


def test_install(fresh_box):
    printed = run_document(fresh_box, "doc/INSTALL.md")
    assert "echo-logd is running" in printed["sudo echo-logctl status --runtime /run/echo-logd@lab"]
    assert echo(fresh_box, "127.0.0.1", 7007) == "hello\n"
    # The socket unit and the drop-in are in use.
    fresh_box.run(f"systemctl stop {UNIT}")
    assert echo(fresh_box, "127.0.0.1", 7) == "hello\n"
    assert fresh_box.show(UNIT, "PrivateNetwork") == "yes"
