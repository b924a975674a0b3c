# SPDX-License-Identifier: MIT
"""
Random configurations for a walk.  The keys are those of --dump-config, so a new key is part of
every walk at once, with its default until it has values here.

In values, @DISK and @SPARE stand for the directories of the log, @PORT and @OTHER for free ports
and @TAKEN for one that another program listens on: a walk that is written down does not depend
on the machine.
"""
import subprocess

from daemon import binary

# What a running service can be in, and what makes a walk fast: short times, few clients.
VALUES = {
    "server.address": ["127.0.0.1", "127.0.0.1, ::1", "127.0.0.2", "0.0.0.0", "*",
                       "127.0.0.1, 127.0.0.2"],
    "server.port": ["@PORT", "@OTHER"],
    "server.max_clients": ["12", "24", "48"],
    "server.idle_timeout": ["0", "1h", "500ms"],
    "server.drain_timeout": ["0", "100ms", "300ms"],
    "server.clients_per_worker": ["0", "1", "3"],
    "server.min_spare": ["1", "2", "4"],
    "server.max_spare": ["4", "8", "32"],
    "log.path": ["@DISK/messages.log", "@DISK/b/messages.log", "@SPARE/messages.log"],
    "log.format": ["text", "json", "raw"],
    "log.framing": ["stream", "line"],
    "log.mode": ["0640", "0600", "0644"],
    "log.message_limit": ["0", "5", "50", "1000"],
    "log.at_message_limit": ["rotate", "stop"],
    "log.keep_files": ["0"],
    "log.message_size": ["64K", "1K", "200"],
    "log.echo_after": ["queued", "written", "synced"],
    "log.when_stalled": ["block", "drop", "close"],
    "log.stall_timeout": ["50ms", "200ms"],
    "log.keep_free": ["0", "4K", "1%"],
    "log.logger_timeout": ["1s", "5s", "0"],
}
# Right by themselves, and refused by the machine: the address is missing, the port is taken, ...
REFUSED_BY_MACHINE = [
    ("server.address", "127.0.0.2, 192.0.2.1"),
    ("server.address", "0.0.0.0, 192.0.2.1"),
    ("server.address", "127.0.0.1, 192.0.2.1"),
    ("server.address", "0.0.0.0, 127.0.0.1"),
    ("server.port", "@TAKEN"),
    ("log.path", "@DISK/missing/messages.log"),
    ("log.path", "@DISK/b"),
]
REFUSED_BY_CHECK = [
    ("server.address", "localhost"), ("server.port", "0"), ("server.max_clients", "-1"),
    ("server.min_spare", "33"), ("log.path", "messages.log"), ("log.format", "xml"),
    ("log.mode", "0666"), ("log.message_limit", "1e6"), ("log.stall_timeout", "5 s"),
    ("log.nothing", "1"),
]
FIRST = {
    "server.address": "127.0.0.1", "server.port": "@PORT", "server.max_clients": "24",
    "server.idle_timeout": "0", "server.drain_timeout": "100ms", "server.min_spare": "2",
    "server.max_spare": "4", "log.path": "@DISK/messages.log", "log.stall_timeout": "200ms",
    "log.logger_timeout": "1s",
}
RESTART_ONLY = ("server.max_clients", "log.format")


def defaults():
    """{"section.key": value} of a service with an empty configuration."""
    said = subprocess.run([binary(), "-c", "/dev/stdin", "--dump-config"], input="", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if said.returncode != 0:
        import tempfile
        with tempfile.NamedTemporaryFile() as empty:
            said = subprocess.run([binary(), "-c", empty.name, "--dump-config"], text=True,
                                  stdout=subprocess.PIPE, check=True)
    found, section = {}, ""
    for line in said.stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif " = " in line:
            name, _, value = line.lstrip("#").partition(" = ")
            found["%s.%s" % (section, name)] = value
    return found


def configuration_file(config):
    """The text of a configuration file that says CONFIG."""
    text = ""
    for section in ("server", "log"):
        text += "[%s]\n" % section
        text += "".join("%s = %s\n" % (key.partition(".")[2], config[key])
                        for key in sorted(config) if key.startswith(section + "."))
    return text


def first(rng, has_retention):
    """The configuration of the first start: mostly the usual one."""
    config = {**defaults(), **FIRST}
    for key in rng.sample(sorted(VALUES), rng.randrange(6)):
        config[key] = rng.choice(values_of(key, has_retention))
    if has_retention:
        config.update({"log.message_limit": "5", "log.keep_files": rng.choice(["1", "3"])})
    return mended(config)


def values_of(key, has_retention):
    if key == "log.keep_files" and has_retention:
        return ["0", "1", "3"]
    return VALUES[key]


def mended(config):
    """CONFIG without what the rules between keys forbid."""
    if config["log.format"] == "raw" and config["log.message_limit"] != "0":
        config["log.at_message_limit"] = "stop"
    return config


def random_change(rng, has_retention):
    """{key: value} for a reload: valid, invalid, or valid and impossible here."""
    keys = rng.sample(sorted(VALUES), rng.choice([1, 1, 2, 2, 3, 5]))
    change = {key: rng.choice(values_of(key, has_retention)) for key in keys}
    kind = rng.random()
    if kind < 0.12:
        change.update([rng.choice(REFUSED_BY_MACHINE)])
    elif kind < 0.18:
        change.update([rng.choice(REFUSED_BY_CHECK)])
    return change
