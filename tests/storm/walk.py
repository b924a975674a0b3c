# SPDX-License-Identifier: MIT
"""
A walk: a setting and a list of steps, all from one seed.  Written down, it is a line for each
step, a name and its arguments in JSON; so a walk can be read, changed and replayed.
"""
import json
import random
import re

import configs

# How long all is in order again for a while: a fault is seldom the last word.
LIFT = {"fill": "free", "readonly": "writable", "freeze": "thaw", "immutable": "mutable",
        "halt": "resume", "take": "give", "stop": "start", "move_directory": "return_directory"}


class Walk:
    def __init__(self, setting, steps):
        self.setting, self.steps = setting, steps

    def text(self):
        lines = ["walk %s" % json.dumps(self.setting)]
        lines += ["%s %s" % (name, json.dumps(arguments)) for name, arguments in self.steps]
        return "\n".join(lines) + "\n"

    @staticmethod
    def parse(text):
        """Reads what text() and a run have printed; what is no step is passed over."""
        rows = re.findall(r"(?m)^(\w+) (\{.*\})$", text)
        if not rows or rows[0][0] != "walk":
            raise ValueError("the first line of a walk begins with `walk'")
        return Walk(json.loads(rows[0][1]), [(name, json.loads(arguments))
                                             for name, arguments in rows[1:]])

    def without(self, steps):
        return Walk(self.setting, steps)


def arguments_of(rng, name, setting):
    """The arguments of a step; numbers of processes and clients are taken modulo what there is."""
    if name == "reload":
        return {"keys": configs.random_change(rng, setting["retention"]),
                "how": rng.choice(["ctl", "hup"])}
    if name in ("kill", "halt"):
        return {"who": rng.choice(["worker", "worker", "logger", "logger", "master"]),
                "n": rng.randrange(100)}
    if name == "kill_all":
        return {"first": rng.choice(["all", "master"])}
    if name == "guests":
        kind = rng.choice(["stream", "stream", "silent", "deaf", "half", "reset", "urgent",
                           "steady", "steady",
                           "brief"])
        return {"kind": kind, "n": rng.choice([1, 1, 2, 5] + ([40, 200] if kind == "brief" else
                                                              [15])),
                "bytes": rng.choice([200, 5000, 100_000, 600_000]),
                "binary": rng.random() < 0.3}
    if name == "clock":
        return {"seconds": rng.choice([1, -1, 30, -30, 3600, -3600, 86400 * 400, -86400 * 400])}
    if name == "immutable":
        return {"which": rng.choice(["log", "rotated"])}
    if name == "take":
        return {"what": rng.choice(["descriptors", "processes", "memory"]),
                "who": rng.choice(["worker", "logger", "master"])}
    if name == "wait":
        return {"ms": rng.choice([100, 300, 1200])}
    if name in ("stop", "restart"):
        return {"under_load": rng.random() < 0.4}
    if name in ("rename", "delete", "symlink"):
        return {"reopen": rng.random() < 0.5}
    return {}


def random_walk(seed, n_steps, weights, root):
    """WEIGHTS: {name of a step: weight}.  ROOT: whether there can be disks of its own."""
    rng = random.Random(seed)
    # The last two are file systems in user space, and refuse flags of rename or any chmod.
    disk = rng.choice(["tmpfs"] * 4 + ["ext4"] * 3 + ["bindfs", "share"]) if root else "plain"
    setting = {"seed": seed, "disk": disk, "retention": rng.random() < 0.25}
    setting["config"] = configs.first(rng, setting["retention"])
    names, steps, held = sorted(weights), [], []
    while len(steps) < n_steps:
        if held and rng.random() < 0.25:
            name = held.pop(rng.randrange(len(held)))
            steps.append((name, {}))
            continue
        name = rng.choices(names, [weights[n] for n in names])[0]
        steps.append((name, arguments_of(rng, name, setting)))
        if LIFT.get(name) in weights and LIFT[name] not in held:
            held.append(LIFT[name])
    return Walk(setting, steps)
