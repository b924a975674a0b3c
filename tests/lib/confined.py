# SPDX-License-Identifier: MIT
"""
Starts the daemon as its unit does: under the unit's system call filter and its limits.

As a program: confined.py FILTER LIMITS COMMAND [ARGUMENT...] applies to itself what
Confinement has stored in the file FILTER and the text LIMITS, and executes COMMAND.
"""
import ctypes
import errno
import os
import re
import resource
import subprocess
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
BYTES_OF_AN_INSTRUCTION = 8     # struct sock_filter


class Confinement:
    """
    What the unit file UNIT restricts; the filter is stored in DIRECTORY.  REFUSED: names of
    calls that fail too, with the name of an errno.
    """

    def __init__(self, unit, directory, refused=None):
        with open(unit) as file:
            settings = re.findall(r"^(\w+)=(.*)$", file.read(), re.M)
        names = " ".join(value for key, value in settings if key == "SystemCallFilter").split()
        assert names and not [name for name in names if name[0] in "@~"], names
        error = dict(settings)["SystemCallErrorNumber"]
        self.filter = os.path.join(directory, "system-calls.bpf")
        self.limits = ",".join("%s=%s" % (key[len("Limit"):], value)
                               for key, value in settings if key.startswith("Limit"))
        self.store(names + self.always_allowed(), error, refused or {})

    @staticmethod
    def always_allowed():
        """systemd adds the group @default to each list of allowed calls."""
        text = subprocess.run(["systemd-analyze", "syscall-filter", "@default"], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              timeout=30).stdout
        return re.findall(r"^    (\w+)$", text, re.M)

    def store(self, names, error, refused):
        import seccomp

        rules = seccomp.SyscallFilter(seccomp.ERRNO(getattr(errno, error)))
        for name, its_error in refused.items():
            # The library takes no rule that does what is done to all others.
            if its_error != error:
                rules.add_rule(seccomp.ERRNO(getattr(errno, its_error)), name)
        for name in set(names) - set(refused):
            try:
                rules.add_rule(seccomp.ALLOW, name)
            except (RuntimeError, ValueError, OSError):
                # A call of another architecture, or newer than the library.
                continue
        with open(self.filter, "wb") as file:
            rules.export_bpf(file)

    def command(self):
        """Put it before the command that is to be confined."""
        return [sys.executable, "-I", "-S", os.path.abspath(__file__), self.filter, self.limits]


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def lower_limit(name, value):
    """A limit that is lower already belongs to the test."""
    number = getattr(resource, "RLIMIT_" + name)
    before = resource.getrlimit(number)[0]
    if before == resource.RLIM_INFINITY or before > value:
        resource.setrlimit(number, (value, value))


def load_filter(path):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "rb") as file:
        code = file.read()
    program = SockFprog(len(code) // BYTES_OF_AN_INSTRUCTION, code)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot load the system call filter")


def main():
    path, limits, *command = sys.argv[1:]
    for limit in filter(None, limits.split(",")):
        name, _, value = limit.partition("=")
        lower_limit(name, int(value))
    load_filter(path)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
