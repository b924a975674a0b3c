# SPDX-License-Identifier: MIT
"""
The peers: other programs that serve echo on port 7, or write lines to a file, as Debian ships them.

Several of these packages conflict with each other, or start a daemon when they are installed.  So
script/bench only unpacks them, below bench/peers in the build directory.  Each peer gets the
options that make it fastest here: no limits on rates and clients, no name lookups, and TCP_NODELAY
if it has such an option.
"""

import os
import signal
import time

from daemon import is_gone, read_text, wait_until
from servers import PORT, Command, Missing, beside, end_children, family, wait_for_port

INETD_CONF = "echo stream tcp nowait root internal\n"

XINETD_CONF = """service echo
{
	type = INTERNAL UNLISTED
	id = echo-stream
	socket_type = stream
	protocol = tcp
	port = %d
	bind = 127.0.0.1
	user = root
	wait = no
	flags = NODELAY
	instances = UNLIMITED
	per_source = UNLIMITED
	cps = 1000000 1
	log_type = FILE /dev/null
}
""" % PORT

RSYSLOG_CONF = """module(load="imtcp" MaxSessions="2000")
input(type="imtcp" port="%d" address="127.0.0.1")
action(type="omfile" file="%%s")
""" % PORT

# The sizes of its windows suit few, busy connections.
SYSLOG_NG_CONF = """@version: 3.35
options { stats-freq(0); keep-hostname(yes); use-dns(no); flush-lines(1000); };
source s {
	network(ip("127.0.0.1") port(%d) transport("tcp")
		max-connections(16) log-iw-size(160000) log-fetch-limit(10000));
};
destination d { file("%%s" log-fifo-size(1000000)); };
log { source(s); destination(d); flags(flow-control); };
""" % PORT


def peer_directory(package):
    return os.path.join(beside("peers"), package)


def unpacked(package, path):
    """PATH in the unpacked package, or, if it is not there, in the installed one."""
    mine = peer_directory(package) + path
    return mine if os.path.exists(mine) else path


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write(text)
    return path


class Inetd(Command):
    """One of the two that know the echo service only by its name, and so only on port 7."""

    def start(self, directory):
        if os.geteuid() != 0:
            raise Missing("needs port 7, and so root")
        self.port = 7
        super().start(directory)


class InetutilsInetd(Inetd):
    """It goes into the background (except for debugging), so its pid comes from a file."""

    def start(self, directory):
        self.pid = 0
        path = os.path.join(directory, "pid")
        try:
            super().start(directory)
        except Missing:
            if self.process is None:
                raise
        # The process that was started forks the daemon and ends.
        wait_until(lambda: read_text(path).strip(), "the pid of %s" % self.name)
        self.pid = int(read_text(path))
        wait_for_port(self.port, None)
        # When a child ends while it is idle, it sleeps for a second.
        time.sleep(1)

    def pids(self):
        return family(self.pid)

    def stop(self):
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            wait_until(lambda: is_gone(self.pid), "the end of %s" % self.name)
        end_children()
        self.process.poll()


class SyslogNg(Command):
    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=unpacked("syslog-ng-core", "/usr/lib/syslog-ng"))


def tcpserver(*program):
    return [unpacked("ucspi-tcp", "/usr/bin/tcpserver"), "-H", "-R", "-D", "-l0", "-c", "20000",
            "-b", "4096", "127.0.0.1", str(PORT), *program]


def socat(what):
    return ["socat", "TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,nodelay,backlog=4096" % PORT,
            what]


def xinetd(directory):
    return [unpacked("xinetd", "/usr/sbin/xinetd"), "-dontfork", "-stayalive",
            "-f", write(directory, "conf", XINETD_CONF), "-pidfile", directory + "/pid"]


def inetutils_inetd(directory):
    return [unpacked("inetutils-inetd", "/usr/sbin/inetutils-inetd"), "-R", "1000000",
            "--pidfile=%s/pid" % directory, write(directory, "conf", INETD_CONF)]


def openbsd_inetd(directory):
    return [unpacked("openbsd-inetd", "/usr/sbin/inetd"), "-i", "-R", "1000000",
            write(directory, "conf", INETD_CONF)]


def rsyslog(directory):
    conf = write(directory, "conf", RSYSLOG_CONF % (directory + "/messages.log"))
    return [unpacked("rsyslog", "/usr/sbin/rsyslogd"), "-n", "-f", conf, "-i", directory + "/pid",
            "-M", unpacked("rsyslog", "/usr/lib/x86_64-linux-gnu/rsyslog")]


def syslog_ng(directory):
    conf = write(directory, "conf", SYSLOG_NG_CONF % (directory + "/messages.log"))
    return [unpacked("syslog-ng-core", "/usr/sbin/syslog-ng"), "-F", "-f", conf,
            "-R", directory + "/persist", "-c", directory + "/control",
            "--pidfile=%s/pid" % directory,
            "--module-path=" + unpacked("syslog-ng-core", "/usr/lib/syslog-ng/3.38")]


def peers():
    return [
        Command("socat EXEC:cat", lambda d: socat("EXEC:cat")),
        Command("socat PIPE", lambda d: socat("PIPE")),
        Command("ncat -k cat", lambda d: ["ncat", "-l", "-k", "-m", "20000", "-e", "/bin/cat",
                                          "127.0.0.1", str(PORT)]),
        Command("xinetd", xinetd),
        InetutilsInetd("inetutils-inetd", inetutils_inetd),
        Inetd("openbsd-inetd", openbsd_inetd),
        Command("tcpserver cat", lambda d: tcpserver("cat")),
        Command("tcpserver tee", lambda d: tcpserver("tee", "-a", d + "/messages.log")),
        Command("rsyslog", rsyslog, echoes=False),
        SyslogNg("syslog-ng", syslog_ng, echoes=False),
    ]


# The Debian package of each, to find its version.
PACKAGES = {
    "socat EXEC:cat": "socat", "socat PIPE": "socat", "ncat -k cat": "ncat", "xinetd": "xinetd",
    "inetutils-inetd": "inetutils-inetd", "openbsd-inetd": "openbsd-inetd",
    "tcpserver cat": "ucspi-tcp", "tcpserver tee": "ucspi-tcp", "rsyslog": "rsyslog",
    "syslog-ng": "syslog-ng-core",
}
