#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
storm.py [--seed N] [--steps K] [--only STEP,...] [--without STEP,...] [--list]
storm.py --replay FILE [--shrink [--seconds S]]

A random walk over everything at once: reloads, kills, full disks, clients of every kind, clocks
that jump.  After each step the service must still keep its promises, or say why not.  Prints the
walk, what came of each step, and the verdict; exits with 0 if it is good, and with 1 if not.

--seed makes the walk, --replay reads it from FILE, as it was printed.  --shrink looks for the
fewest steps that still fail in the same way, and prints them.  --list prints a walk only.
"""
import argparse
import os
import signal
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "lib")]

import checks                                               # noqa: E402
import steps                                                # noqa: E402
from shrink import WALK_SECONDS, shrink                     # noqa: E402
from standin import PATIENCE                                # noqa: E402
from walk import Walk, random_walk                          # noqa: E402
from world import Failure, World                            # noqa: E402


def clock_library():
    path = os.path.join(os.environ.get("ECHO_LOGD_BUILDDIR", ""), "tests", "storm", "clock.so")
    return path if os.path.exists(path) else None


def limit_time():
    """A walk that hangs fails, and puts an end to what it has started."""
    def too_long(*_):
        raise Failure("the walk hangs")

    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, too_long)
    signal.alarm(WALK_SECONDS * PATIENCE)


def take_step(world, name, arguments):
    said = getattr(steps, name)(world, **arguments)
    return "" if said is None else said


def run_walk(walk, out=sys.stdout):
    """Returns None, or what is wrong."""
    base = tempfile.mkdtemp(prefix="storm-")
    world = World(walk.setting, base, clock_library())
    print(walk.without([]).text(), end="", file=out, flush=True)
    line = "start"
    limit_time()
    try:
        if not world.start():
            raise Failure("it does not start")
        for number, (name, arguments) in enumerate(walk.steps, 1):
            line = Walk({}, [(name, arguments)]).text().splitlines()[1]
            said = take_step(world, name, arguments)
            print("%s%s" % (line, "\n# %d: %s" % (number, said) if said else ""), file=out,
                  flush=True)
            checks.after_step(world)
        line = "the end"
        checks.at_the_end(world)
    except Failure as failure:
        print("%s\n# FAILED at %s: %s" % (line, line, failure), file=out)
        for text in world.daemon.stderr().splitlines()[-12:]:
            print("#   %s" % text, file=out)
        return "%s" % failure
    finally:
        signal.alarm(0)
        world.close()
    return None


def weights(args, root):
    chosen = {name: w for name, w in steps.WEIGHTS.items() if root or name not in steps.NEEDS_ROOT}
    if args.only:
        chosen = {name: chosen[name] for name in args.only.split(",") if name in chosen}
    for name in (args.without or "").split(","):
        chosen.pop(name, None)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--only")
    parser.add_argument("--without")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--replay")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--seconds", type=float, default=300)
    args = parser.parse_args()
    root = os.geteuid() == 0
    if args.replay:
        with open(args.replay) as file:
            walk = Walk.parse(file.read())
    else:
        walk = random_walk(args.seed, args.steps, weights(args, root), root)
        if not root:
            print("# not root: left out are %s" % ", ".join(sorted(steps.NEEDS_ROOT)))
    if args.list:
        print(walk.text(), end="")
        return 0
    if args.shrink:
        return shrink(walk, os.path.abspath(sys.argv[0]), args.seconds)
    wrong = run_walk(walk)
    print("# %s" % ("a walk of %d steps failed" % len(walk.steps) if wrong else "good"))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        # A mistake of the kit itself is no verdict.
        traceback.print_exc()
        sys.exit(3)
