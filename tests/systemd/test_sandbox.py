# SPDX-License-Identifier: MIT
"""Tests what the sandbox of the units refuses, with tests/systemd/probe.c inside of it."""
import pytest

from service import LOG, UNIT, echo, reload

DROP_IN = f"/etc/systemd/system/{UNIT}.service.d"
SOCKET_ACTIVATED = "/usr/share/echo-logd/socket-activated.conf"
PROBE = ("/usr/local/bin/probe /var/log/echo-logd/probe /var/lib/echo-logd/probe "
         "/run/echo-logd/probe")

# The only difference to the daemon is a path from which the probe may be executed.
COPY_OF_UNIT = (r"sed -e 's|^Type=.*|Type=oneshot\nRemainAfterExit=yes|' "
                r"-e 's|^ExecStart=.*|ExecStart=" + PROBE + "|' "
                r"-e '/^\(Exec\(Reload\|StartPre\)\|WatchdogSec\|Restart\|"
                r"FileDescriptorStoreMax\)/d' "
                r"-e 's|^ExecPaths=-/lib|& /usr/local/bin/probe|' "
                f"/usr/lib/systemd/system/{UNIT}.service >/etc/systemd/system/probe.service")
PLAIN = ("printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nUser=echo-logd\\n"
         "LogsDirectory=echo-logd\\nStateDirectory=echo-logd\\nRuntimeDirectory=echo-logd\\n"
         f"ExecStart={PROBE}\\n' >/etc/systemd/system/probe.service")

NEEDED = {"write-log", "write-state", "write-runtime", "read-config", "socket-unix"}
# The user of the daemon may do these without a sandbox, so it is the sandbox that refuses them.
TAKEN_AWAY = {
    "write-tmp", "write-var-tmp", "write-lock", "write-shm", "write-mqueue", "read-home",
    "read-tmp", "read-pid-1", "read-sysctl", "exec-shell", "exec-true", "exec-own", "exec-tmp",
    "mmap-wx", "mprotect-x", "personality", "ptrace", "socket-netlink", "chmod-suid", "keyctl"}
# The master of the unit that binds by itself needs these.
ONLY_BY_ITSELF = {"socket-ip", "socket-ip6", "bind-80"}


def probe(box, unit):
    """The results of all attempts, by name."""
    box.run("mkdir -p /home /root; for d in /home /root /tmp; do echo secret >$d/secret; done; "
            f"chmod 644 /home/secret /root/secret /tmp/secret; {unit}; systemctl daemon-reload; "
            "systemctl restart probe.service")
    said = box.run("journalctl --sync; journalctl -o cat _SYSTEMD_INVOCATION_ID=" +
                   box.show("probe.service", "InvocationID")).stdout
    results = dict(line.split(": ") for line in said.splitlines())
    assert len(results) > 60, said
    return results


def done(results):
    return {name for name, result in results.items() if result == "done"}


@pytest.mark.parametrize("drop_in, tenths", [("", 13), (SOCKET_ACTIVATED, 2)])
def test_exposure(box, drop_in, tenths):
    """The exposure by systemd-analyze(1) is exactly the promised one, and not a tenth less."""
    analyze = ("cd /var/tmp/units && "
               "systemd-analyze security --no-pager --offline=true --root=/var/tmp/units")
    box.run("rm -rf /var/tmp/units; "
            "mkdir -p /var/tmp/units/etc/systemd/system/echo-logd.service.d; "
            f"cp /usr/lib/systemd/system/{UNIT}.s* /var/tmp/units/etc/systemd/system/; "
            f"test -z '{drop_in}' || cp '{drop_in}' "
            f"/var/tmp/units/etc/systemd/system/{UNIT}.service.d/")
    box.run(f"{analyze} --threshold={tenths} {UNIT}.service")
    assert box.run(f"{analyze} --threshold={tenths - 1} {UNIT}.service", check=False).status != 0


@pytest.mark.parametrize("drop_in", ["", SOCKET_ACTIVATED])
def test_verify(box, drop_in):
    """With --recursive-errors=no, systemd-analyze also fails for an unknown key."""
    box.run(f"mkdir -p {DROP_IN}; test -z '{drop_in}' || cp '{drop_in}' {DROP_IN}/")
    said = box.run(f"systemd-analyze verify --recursive-errors=no {UNIT}.service {UNIT}.socket")
    box.run(f"rm -r {DROP_IN}")
    assert (said.stdout, said.stderr) == ("", "")


def test_what_the_user_may_do_without_a_sandbox(box):
    """Otherwise the tests below would prove nothing."""
    results = probe(box, PLAIN)
    assert NEEDED | TAKEN_AWAY | {"socket-ip", "socket-ip6"} <= done(results), results


def assert_confined_alike(box, results):
    """Asserts that the probe was confined as the processes of the daemon are."""
    keys = ("NoNewPrivs", "Seccomp", "Seccomp_filters", "CapBnd")
    pids = box.run(f"pgrep -u {UNIT}").stdout.split()
    comms = set(box.run(f"ps -o comm= -p {','.join(pids)}").stdout.split())
    assert comms == {"echo-logd", "echo-log-worker", "echo-log-logger"}
    for pid in pids:
        lines = dict(line.split(":\t", 1) for line in
                     box.run(f"cat /proc/{pid}/status").stdout.splitlines())
        assert [lines[key] for key in keys] == [results[key] for key in keys], pid
        assert lines["Seccomp"] == "2"


def test_the_unit(box):
    results = probe(box, COPY_OF_UNIT)
    assert done(results) == NEEDED | ONLY_BY_ITSELF, results
    assert (results["exec-shell"], results["exec-own"]) == ("EACCES", "EACCES")
    assert (results["write-etc"], results["write-var"]) == ("EROFS", "EROFS")
    assert results["socket-netlink"] == "EAFNOSUPPORT"
    box.run(f"systemctl start {UNIT}")
    assert_confined_alike(box, results)
    box.run(f"systemctl stop {UNIT}")


def test_the_unit_whose_sockets_are_passed(box):
    results = probe(box, COPY_OF_UNIT + "; mkdir -p /etc/systemd/system/probe.service.d; "
                    f"ln -sf {SOCKET_ACTIVATED} /etc/systemd/system/probe.service.d/")
    assert done(results) == NEEDED, results
    assert results["socket-ip"] == "EAFNOSUPPORT"
    box.run(f"mkdir -p {DROP_IN}; ln -s {SOCKET_ACTIVATED} {DROP_IN}; systemctl daemon-reload; "
            f"systemctl start {UNIT}")
    assert_confined_alike(box, results)
    box.run(f"systemctl stop {UNIT}.socket; rm -r /etc/systemd/system/probe.service.d {DROP_IN}; "
            "systemctl daemon-reload")


@pytest.fixture
def outside(box):
    """A network namespace beyond a virtual cable; the service is open to it."""
    box.run("ip netns add outside && ip link add cable type veth peer name cable netns outside && "
            "ip address add 192.0.2.1/24 dev cable && ip link set cable up && "
            "ip -n outside address add 192.0.2.2/24 dev cable && "
            "ip -n outside link set cable up && ip -n outside link set lo up")
    yield box
    box.run(f"systemctl stop {UNIT}.socket {UNIT}; ip netns del outside; rm -rf {DROP_IN} "
            f"/etc/systemd/system/{UNIT}.socket.d; systemctl daemon-reload")


def test_serves_port_7_to_a_client_outside(outside):
    outside.run("cp /etc/echo-logd.conf /var/tmp/c; "
                "echo 'address = *' | sed -i '/^.server/r /dev/stdin' "
                f"/etc/echo-logd.conf; systemctl start {UNIT}")
    assert echo(outside, "192.0.2.1", 7, "by itself", "ip netns exec outside ") == "by itself\n"
    outside.wait_for(f"grep ' 192.0.2.2:[0-9]* message .*\"by itself' {LOG}")
    reload(outside)
    assert echo(outside, "192.0.2.1", 7, "still", "ip netns exec outside ") == "still\n"
    outside.run("mv /var/tmp/c /etc/echo-logd.conf")


def test_serves_port_7_to_a_client_outside_by_a_passed_socket(outside):
    outside.run(f"mkdir -p {DROP_IN} /etc/systemd/system/{UNIT}.socket.d && "
                f"ln -s {SOCKET_ACTIVATED} {DROP_IN}/ && "
                "printf '[Socket]\\nListenStream=\\nListenStream=7\\n' "
                f">/etc/systemd/system/{UNIT}.socket.d/all.conf && systemctl daemon-reload && "
                # systemd starts its socket too.
                f"systemctl start {UNIT}")
    assert echo(outside, "192.0.2.1", 7, "passed", "ip netns exec outside ") == "passed\n"
    outside.wait_for(f"grep ' 192.0.2.2:[0-9]* message .*\"passed' {LOG}")
    pid = outside.show(UNIT, "MainPID")
    assert outside.run(f"stat -L -c %i /proc/{pid}/ns/net /proc/1/ns/net | "
                       f"sort -u | wc -l").stdout == "2\n"
    assert outside.run(f"grep CapBnd /proc/{pid}/status").stdout.split()[1] == "0" * 16
    reload(outside)
    outside.run(f"systemctl kill -s KILL --kill-whom=all {UNIT}")
    assert echo(outside, "192.0.2.1", 7, "after a kill",
                "ip netns exec outside ") == "after a kill\n"
    # The service stops with its socket.
    outside.run(f"systemctl stop {UNIT}.socket")
    assert outside.show(UNIT, "ActiveState") == "inactive"


def test_a_log_elsewhere_needs_a_line(box):
    """The error message names the line, and the line is enough."""
    box.run(f"mkdir -p /srv/log {DROP_IN}; chown echo-logd /srv/log; "
            "cp /etc/echo-logd.conf /var/tmp/c; "
            "printf '[log]\\npath = /srv/log/messages.log\\n' >/etc/echo-logd.conf")
    assert box.run(f"systemctl start {UNIT}", check=False).status != 0
    assert "cannot write to /srv/log/messages.log: Read-only file system; if /srv/log was made " \
        "again while the service ran, restart the service; else, under systemd, add " \
        "ReadWritePaths=/srv/log to a drop-in (systemctl edit echo-logd)" in box.journal(UNIT)
    box.run(f"printf '[Service]\\nReadWritePaths=/srv/log\\n' >{DROP_IN}/log.conf; "
            f"systemctl daemon-reload; systemctl start {UNIT}")
    assert echo(box, "127.0.0.1", 7) == "hello\n"
    box.wait_for("grep hello /srv/log/messages.log")
    box.run(f"systemctl stop {UNIT}; rm -r {DROP_IN}; mv /var/tmp/c /etc/echo-logd.conf; "
            "systemctl daemon-reload")


def test_a_log_below_home_needs_two_lines(box):
    """ProtectHome= hides it; a change of its owner would not help."""
    box.run(f"mkdir -p /home/log {DROP_IN}; chown echo-logd /home/log; "
            "cp /etc/echo-logd.conf /var/tmp/c; "
            "printf '[log]\\npath = /home/log/messages.log\\n' >/etc/echo-logd.conf")
    assert box.run(f"systemctl start {UNIT}", check=False).status != 0
    assert "cannot write to /home/log/messages.log: the unit hides /home; add ProtectHome=no and " \
        "ReadWritePaths=/home/log to a drop-in (systemctl edit echo-logd)" in box.journal(UNIT)
    box.run("printf '[Service]\\nProtectHome=no\\nReadWritePaths=/home/log\\n' "
            f">{DROP_IN}/log.conf; systemctl daemon-reload; systemctl start {UNIT}")
    assert echo(box, "127.0.0.1", 7) == "hello\n"
    box.wait_for("grep hello /home/log/messages.log")
    box.run(f"systemctl stop {UNIT}; rm -r {DROP_IN}; mv /var/tmp/c /etc/echo-logd.conf; "
            "systemctl daemon-reload")


def test_the_boot_is_known_although_proc_sys_is_hidden(box):
    box.run(f"systemctl start {UNIT}")
    boot = box.run("tr -d - </proc/sys/kernel/random/boot_id").stdout.strip()
    assert f" boot={boot} " in box.run(f"grep ' - - start ' {LOG} | tail -n 1").stdout
    box.run(f"systemctl stop {UNIT}")
