# SPDX-License-Identifier: MIT
"""Which failures systemd restarts the service after, and how often; what the socket unit needs."""
import pytest

from service import UNIT, echo, main_pid, wait_active

DROP_IN = f"/etc/systemd/system/{UNIT}.service.d"
KILLS = 60


@pytest.fixture
def service(fresh_box):
    yield fresh_box
    fresh_box.run(f"systemctl stop {UNIT}.socket {UNIT}", check=False)


def drop_in(box, lines):
    box.run(f"mkdir -p {DROP_IN} && printf '[Service]\\n{lines}\\n' >{DROP_IN}/test.conf && "
            "systemctl daemon-reload")


@pytest.mark.parametrize("lines, status", [
    ("User=nobody-has-this-name", "217"), ("Group=nobody-has-this-name", "216"),
    ("ExecStart=\\nExecStart=/usr/sbin/not-installed", "203"),
])
def test_what_systemd_cannot_start_is_not_tried_again(service, lines, status):
    drop_in(service, lines)
    assert service.run(f"systemctl start {UNIT}", check=False).status != 0
    assert service.show(UNIT, "ExecMainStatus") == status
    assert service.show(UNIT, "ActiveState") == "failed"
    assert service.show(UNIT, "NRestarts") == "0"


def test_crashes_do_not_hit_the_limit(service):
    """As fast as they can follow each other, each with the service in use."""
    service.run(f"systemctl start {UNIT}")
    for n in range(KILLS):
        pid = main_pid(service)
        assert echo(service, "127.0.0.1", 7) == "hello\n"
        service.run(f"kill -KILL {pid}")
        service.wait_for(f"systemctl show --value -p MainPID {UNIT} | grep -vxE '{pid}|0'")
        wait_active(service)
    assert int(service.show(UNIT, "NRestarts")) == KILLS


def test_endless_failures_end(service):
    """Each start fails before the daemon runs: the limit, here a tenth of it, ends that."""
    burst = int(service.show(UNIT, "StartLimitBurst"))
    interval = service.show(UNIT, "StartLimitIntervalUSec")
    assert (burst, interval) == (1000, "10min")
    service.run(f"mkdir -p {DROP_IN} && printf '[Unit]\\nStartLimitBurst={burst // 10}\\n' "
                f">{DROP_IN}/limit.conf")
    drop_in(service, "ReadWritePaths=/not/there")
    service.run(f"systemctl start {UNIT}", check=False)
    service.wait_for(f"test $(systemctl show --value -p ActiveState {UNIT}) = failed && "
                     f"journalctl --sync && journalctl -o cat -u {UNIT} | "
                     "grep -q 'Start request repeated too quickly'", timeout=120)
    assert service.show(UNIT, "ExecMainStatus") == "226"


def test_the_socket_unit_without_ipv6(service):
    """Switched off by sysctl, [::1] is an address that this host does not have."""
    service.run("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1")
    service.run(f"systemctl start {UNIT}.socket")
    assert echo(service, "127.0.0.1", 7) == "hello\n"
