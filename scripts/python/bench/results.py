"""What recorded runs show: medians and ranges, ratios of runs of the same round, and whether targets are met.

A recorded scenario is {"rows": [{"key": …, "name": …, "runs": [{"round": 1, "seconds": …, …}, …]}, …], …}."""

import collections
import statistics

Spread = collections.namedtuple("Spread", "median low high")
Verdict = collections.namedtuple("Verdict", "goal spread met missed_by")


def spread_of(values):
    """None when there are none."""
    values = [value for value in values if value is not None]
    return Spread(statistics.median(values), min(values), max(values)) if values else None


class Rows:
    def __init__(self, scenario):
        self._runs = {row["key"]: row["runs"] for row in scenario["rows"]}

    def figure(self, key, figure):
        """A figure of a contestant over its rounds; a sum where the figures are several, joined by +."""
        return spread_of([sum_of(run, figure) for run in self._runs.get(key, [])])

    def ratio(self, key, other, figure="seconds"):
        """How many times the other's figure, round by round."""
        others = {run["round"]: sum_of(run, figure) for run in self._runs.get(other, [])}
        pairs = [(sum_of(run, figure), others.get(run["round"])) for run in self._runs.get(key, [])]
        return spread_of([own / beside for own, beside in pairs if own is not None and beside])


def sum_of(run, figure):
    values = [run.get(name) for name in figure.split("+")]
    return None if None in values else sum(values)


def judge(goal, rows):
    """How a goal of a scenario stands; `missed_by` is the part of the limit, None where nothing was measured."""
    spread = goal.measure(rows)
    if spread is None:
        return Verdict(goal, None, False, None)
    over = spread.median / goal.limit - 1
    missed_by = max(0.0, -over if goal.at_least else over)
    return Verdict(goal, spread, missed_by == 0.0, missed_by)
