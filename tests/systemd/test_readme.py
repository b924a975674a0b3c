# SPDX-License-Identifier: MIT
"""README.md and doc/INSTALL.md: their commands, on a machine where echo-logd is installed."""
import readme
from service import UNIT, configure, echo

# Who has no sudo before a command is a user that README has made a member of the group, with the
# path that Debian gives to users.
USER = ("setpriv --reuid=nobody --regid=nogroup --init-groups env USER=nobody "
        "PATH=/usr/local/bin:/usr/bin:/bin bash -c {}")


def quoted(text):
    return "'" + text.replace("'", r"'\''") + "'"


def run(box, command):
    """As it is in the document, but for sudo, which a machine may lack."""
    if "sudo " in command:
        return box.run("export USER=nobody; " + command.replace("sudo ", ""), timeout=60)
    if " -F " in command:    # it follows the log until it is stopped
        said = box.run(USER.format(quoted("timeout 1 " + command)), check=False)
        assert said.status == 124 and said.stdout, said
        return said
    return box.run(USER.format(quoted(command)), timeout=60)


def run_document(box, document):
    """Writes its configurations, runs its commands, and returns what each of these printed."""
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
    # As logrotate leaves it: verify has to read what is compressed too.
    fresh_box.run("logrotate -f /etc/logrotate.d/echo-logd && logrotate -f /etc/logrotate.d/echo-logd && "
                  "ls /var/log/echo-logd/*.gz")
    assert echo(fresh_box, "127.0.0.1", 7) == "hello\n"
    fresh_box.wait_for("grep 'close eof' /var/log/echo-logd/messages.log")
    printed = run_document(fresh_box, "README.md")
    assert printed["sudo echo-logd --check-config"] == ""
    assert printed["echo-logctl status"].startswith("echo-logd is running")
    assert "start version=1" in printed["tail -F /var/log/echo-logd/messages.log"]
    verify, = (said for command, said in printed.items() if "verify" in command)
    assert "  whole            2\n" in verify and "problems           0\n" in verify
    # The configuration that README shows is in force.
    assert "*:7" in fresh_box.run("ss -Htln").stdout


def test_install(fresh_box):
    printed = run_document(fresh_box, "doc/INSTALL.md")
    assert "echo-logd is running" in printed["sudo echo-logctl status --runtime /run/echo-logd@lab"]
    assert echo(fresh_box, "127.0.0.1", 7007) == "hello\n"
    # By the socket unit, and with the drop-in.
    fresh_box.run(f"systemctl stop {UNIT}")
    assert echo(fresh_box, "127.0.0.1", 7) == "hello\n"
    assert fresh_box.show(UNIT, "PrivateNetwork") == "yes"
