# SPDX-License-Identifier: MIT
"""
The figures of all rounds, and their medians and ratios.  They are stored in one CSV file for each
case.  Tables and plots are made from these files, so one case can be measured again alone.
"""

import csv
import os
from statistics import median

HEADER = ["case", "server", "round", "field", "value"]


class Results:
    def __init__(self, directory):
        self.directory = directory
        self.values = {}        # (case, server, field) -> {round: value}
        self.failures = {}      # (case, server) -> words; the first one is the verdict

    # --- the store

    def path(self, case):
        return os.path.join(self.directory, case + ".csv")

    def load(self, case):
        try:
            with open(self.path(case), newline="") as file:
                rows = list(csv.reader(file))[1:]
        except FileNotFoundError:
            return False
        for _, server, number, field, value in rows:
            if field == "failure":
                self.failures[case, server] = value
            else:
                self.add(case, server, int(number), {field: float(value)})
        return True

    def save(self, case):
        os.makedirs(self.directory, exist_ok=True)
        with open(self.path(case), "w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(HEADER)
            for (of, server, field), rounds in self.values.items():
                if of == case:
                    out.writerows([case, server, number, field, "%.6g" % value]
                                  for number, value in sorted(rounds.items()))
            for (of, server), words in self.failures.items():
                if of == case:
                    out.writerow([case, server, 0, "failure", words])

    def forget(self, case, server):
        self.failures.pop((case, server), None)
        for key in [k for k in self.values if k[:2] == (case, server)]:
            del self.values[key]

    def add(self, case, server, number, fields):
        for field, value in fields.items():
            self.values.setdefault((case, server, field), {})[number] = value

    # --- computed from the figures; None if there are none

    def failure(self, case, server):
        """Why SERVER has no figures, in one word: hangs, fails or missing."""
        words = self.failures.get((case, server))
        return words and words.partition(":")[0]

    def rounds(self, case, server, field):
        return self.values.get((case, server, field), {})

    def median(self, case, server, field):
        rounds = self.rounds(case, server, field)
        return median(rounds.values()) if rounds else None

    def spread(self, case, server, field):
        rounds = self.rounds(case, server, field)
        return (min(rounds.values()), max(rounds.values())) if rounds else None

    def combine(self, function, *figures):
        """
        Calls FUNCTION with the values of all FIGURES, each (case, server, field), of one round, for
        every round that all of them have.  Returns the median of the results.  So figures are
        compared only with figures of the same round.
        """
        rounds = [self.rounds(*figure) for figure in figures]
        common = set(rounds[0]).intersection(*rounds[1:])
        values = [function(*(r[n] for r in rounds)) for n in common]
        values = [value for value in values if value is not None]
        return median(values) if values else None

    def ratio(self, figure, base):
        return self.combine(lambda a, b: a / b if b else None, figure, base)
