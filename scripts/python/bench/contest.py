"""Contestants by turns.

How it measures, and why so:
- They take turns (A B C A B C …), so that a machine that gets slower does so for all of them, and ratios are those of
  runs of the same round.
- Before each run as much memory is touched and given back as the run will use.
- Sources' files are in the page cache. What is fetched is compared outside of the measured time.
- A run during which other processes used more than 0.3 of the wall time is thrown away and repeated; one for which there
  is no quiet moment is missing in its round, unless noise is wanted: then it counts and is marked.
- CPU seconds are those of all who fetch and of all who serve; peak memory is VmHWM of who fetches (of several: the largest).
"""

import re
import time

from . import machine

BUSY_MAX = 0.3
TRIES_MAX = 4
# A shorter run than this is mostly ticks of the clock that counts the others' time.
SHORTEST_JUDGED = 0.2


class Contestant:
    """One who does the work of a scenario.

    `key` names it in recorded results, `name` in tables. `prepare` and `clean_up` stand around each run, unmeasured;
    `run` does the work and returns its figures, at least seconds, fetching_cpu and peak_mib (and known_cpu, where the run
    takes other CPU seconds than it is about); `check` raises an AssertionError when what came is not right.
    `beside_pids` neither fetch nor serve, but are no strangers either, such as a link between the two. `bytes`: what it
    moves, where that is not what all of the scenario do."""

    key = name = ""
    bytes = None
    beside_pids = ()

    def prepare(self):
        pass

    def serving_pids(self):
        return []

    def run(self):
        raise NotImplementedError

    def check(self):
        pass

    def clean_up(self):
        pass

    def close(self):
        pass


def measure(contestant, folder, touched):
    """The figures of one run, with the share of the wall time that others used."""
    contestant.prepare()
    machine.warm_up(folder, touched)
    beside = contestant.beside_pids
    beside_before = machine.cpu_of(beside)
    serving_before, busy_before = machine.cpu_of(contestant.serving_pids()), machine.busy_seconds()
    own_before, begin = time.process_time(), time.monotonic()
    figures = contestant.run()
    wall = time.monotonic() - begin
    # Asked again: a server may have a process for each who asks, and that may not have ended yet.
    figures.setdefault("serving_cpu", machine.cpu_of(contestant.serving_pids()) - serving_before)
    own = time.process_time() - own_before
    known = own + figures.pop("known_cpu", figures["fetching_cpu"] + figures["serving_cpu"])
    known += machine.cpu_of(beside) - beside_before
    others = machine.busy_seconds() - busy_before - known
    figures.setdefault("others", round(max(0.0, others) / wall, 3))
    contestant.check()
    contestant.clean_up()
    return figures


def is_noisy(figures):
    return figures["seconds"] >= SHORTEST_JUDGED and figures["others"] > BUSY_MAX


def hold(contestants, rounds, folder, touched, keep_noisy, tell):
    """All the runs that count, {key: [figures with their round]}, and {key: why it could not go on}. `touched` are the bytes
    that a run writes."""
    runs, failures = {contestant.key: [] for contestant in contestants}, {}
    for turn in range(1, rounds + 1):
        for contestant in contestants:
            for _ in range(TRIES_MAX):
                if contestant.key in failures:
                    break
                try:
                    figures = measure(contestant, folder, touched)
                except (AssertionError, OSError) as failure:
                    failures[contestant.key] = sentence_of(failure)
                    tell(f"  round {turn}  {contestant.name:<34} failed: {failures[contestant.key]}")
                    break
                noisy = is_noisy(figures)
                counts = keep_noisy or not noisy
                remark = f"   others used {100 * figures['others']:.0f} %" if noisy else ""
                tell(f"  round {turn}  {contestant.name:<34} {figures['seconds']:8.3f} s{remark}"
                     + ("" if counts else ", thrown away"))
                if counts:
                    figures["round"] = turn
                    if noisy:
                        figures["noisy"] = True
                    runs[contestant.key].append(figures)
                    break
    return runs, failures


def sentence_of(failure):
    """Its first line, without the paths of this run."""
    sentence = (str(failure).strip() or type(failure).__name__).splitlines()[0]
    return re.sub(r"[^\s'`]*/tutti-bench-\w+/", "", sentence)[:200]
