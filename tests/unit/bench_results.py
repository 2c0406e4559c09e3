#!/usr/bin/env python3
"""What scripts/bench makes of what it has measured: which runs count, medians and ratios, verdicts, tables, the picture."""

import json
import pathlib
import re
import sys
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "python"))

from bench import __main__ as command_line  # noqa: E402
from bench import contest, hashing, plot, report, results, scenarios, specs  # noqa: E402

RECORD = json.loads((ROOT / "tests" / "unit" / "bench" / "recorded.json").read_text())
ONE = specs.BY_NAME["one"]


class Results(unittest.TestCase):
    def setUp(self):
        self.rows = results.Rows(RECORD["scenarios"]["one"])

    def test_a_figure_is_its_median_and_range(self):
        self.assertEqual(self.rows.figure("tutti", "seconds"), (2.0, 1.0, 3.0))
        self.assertIsNone(self.rows.figure("rsync", "seconds"))
        self.assertIsNone(self.rows.figure("tutti", "copies"))

    def test_figures_of_one_run_add_up(self):
        self.assertAlmostEqual(self.rows.figure("tutti", "fetching_cpu+serving_cpu").median, 2.6)

    def test_a_ratio_compares_runs_of_one_round(self):
        self.assertEqual(self.rows.ratio("tutti", "limit"), (2.0, 2.0, 2.0))
        self.assertEqual(self.rows.ratio("libtorrent", "tutti"), (3.0, 3.0, 3.0))
        self.assertIsNone(self.rows.ratio("rsync", "tutti"))

    def test_a_goal_is_missed_by_a_part_of_its_limit(self):
        slow, fast = (results.judge(goal, self.rows) for goal in ONE.goals)
        self.assertFalse(slow.met)
        self.assertAlmostEqual(slow.missed_by, 2.0 / 1.8 - 1)
        self.assertTrue(fast.met)
        self.assertEqual(fast.missed_by, 0.0)
        few = ONE.goals[1]._replace(limit=4.0)
        self.assertAlmostEqual(results.judge(few, self.rows).missed_by, 0.25)

    def test_what_was_not_measured_is_not_met(self):
        verdict = results.judge(ONE.goals[0], results.Rows({"rows": []}))
        self.assertFalse(verdict.met)
        self.assertIsNone(verdict.missed_by)


class Report(unittest.TestCase):
    def test_a_scenario_as_a_table(self):
        self.assertEqual(report.scenario_table(ONE, RECORD["scenarios"]["one"]), [
            ["who", "s", "range", "times tutti", "MB/s", "CPU s fetching", "CPU s serving", "peak MiB"],
            ["tutti", "2.00", "1.00 … 3.00", "", "500", "2.00", "0.60", "42"],
            ["the limit", "1.25", "1.00 … 1.50", "0.50", "800", "1.00", "0.20", "24"],
            ["rsync & co", "no quiet round", "", "", "", "", "", ""],
            ["libtorrent", "6.00", "", "3.00", "167", "3.00", "3.00", "900"],
            ["aria2", "failed", "", "", "", "", "", ""]])

    def test_the_terminal_sees_targets_and_failures(self):
        text = report.as_text(ONE, RECORD["scenarios"]["one"])
        self.assertIn("missed by 11%: seconds, against the limit pipeline: 2.00 x (at most 1.80 x)", text)
        self.assertIn("met: libtorrent's seconds, against tutti's: 3.00 x (at least 2.50 x)", text)
        self.assertIn("aria2 failed: it ended with 1", text)

    def test_the_page_has_all_that_was_measured(self):
        page = report.as_markdown(RECORD)
        for part in ("2 cores (A CPU, with SHA instructions)", "curl 7.88.1, rsync 3.2.7", "TCP with cubic",
                     "| CPU seconds of both sides for 1 GiB | CPU seconds, fetching and serving | 2.60 s (2.50 s … 2.70 s) "
                     "| at most 3.00 s | met |",
                     "## 256 MiB from one source to four at once", "copies out of the sources",
                     "1 of its runs were disturbed"):
            self.assertIn(part, page)
        self.assertNotIn("1 GiB from four sources", page)

    def test_every_scenario_can_be_shown_before_it_has_a_run(self):
        nothing = {"rows": [{"key": "tutti", "name": "tutti", "runs": []}]}
        for spec in specs.SPECS:
            self.assertEqual({row[-1] for row in map(report.target_row, report.verdicts(spec, nothing))} - {"open"}, set())

    def test_scaled_figures_are_called_so(self):
        scaled = {**RECORD["scenarios"]["one"], "scale": 4}
        self.assertIn("Sizes and numbers were divided by 4.", report.as_text(ONE, scaled))
        self.assertNotIn("divided", report.as_text(ONE, RECORD["scenarios"]["one"]))

    def test_every_scenario_can_be_held(self):
        self.assertEqual(set(scenarios.BUILDERS), {spec.name for spec in specs.SPECS if spec.like is None})
        self.assertLessEqual({spec.like for spec in specs.SPECS} - {None}, set(scenarios.BUILDERS))

    def test_what_is_kept_in_docs_is_what_was_recorded(self):
        docs = ROOT / "docs"
        record = json.loads((docs / "benchmarks.json").read_text())
        self.assertEqual((docs / "benchmarks.md").read_text(), report.as_markdown(record))
        self.assertEqual((docs / "benchmarks.svg").read_text(), plot.as_svg(record))


class Record(unittest.TestCase):
    """What scripts/bench leaves behind when it is run in parts."""

    def run_it(self, folder, words, held, machine):
        """`held`: for each scenario what comes of it."""
        def hold(name, _options):
            if isinstance(held[name], Exception):
                raise held[name]
            return held[name]
        with unittest.mock.patch.object(command_line, "hold", hold), \
                unittest.mock.patch.object(command_line.machine, "description", lambda: machine), \
                unittest.mock.patch.object(command_line.machine, "versions", lambda _: {}), \
                unittest.mock.patch.object(command_line.traceback, "print_exc"), \
                unittest.mock.patch.object(command_line, "tell", lambda _: None), \
                unittest.mock.patch.object(sys, "argv", ["bench", *words, "--into", str(folder)]):
            command_line.main()
        return json.loads((folder / "benchmarks.json").read_text())

    def test_what_is_not_run_stays_with_its_date_and_its_machine(self):
        here, there = RECORD["machine"], {**RECORD["machine"], "cores": 64}
        one, crowd = ({**RECORD["scenarios"][name], "date": date} for name, date in (("one", "2001-01-01"),
                                                                                     ("crowd", "2002-02-02")))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.assertEqual(command_line.earlier(folder), {})
            self.run_it(folder, ["one"], {"one": one}, there)
            record = self.run_it(folder, ["crowd"], {"crowd": crowd}, here)
            page = (folder / "benchmarks.md").read_text()
        self.assertEqual(record["scenarios"], {"one": {**one, "machine": there}, "crowd": {**crowd, "machine": here}})
        self.assertIn("Measured on 2001-01-01. That was another machine: 64 cores", page)
        self.assertEqual(page.count("another machine"), 1)
        self.assertIn("Measured on 2002-02-02.", page)

    def test_one_that_breaks_keeps_none_from_being_run(self):
        one, crowd = RECORD["scenarios"]["one"], RECORD["scenarios"]["crowd"]
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.run_it(folder, ["one"], {"one": one}, RECORD["machine"])
            with self.assertRaisesRegex(SystemExit, "one"):
                self.run_it(folder, ["one", "crowd"], {"one": KeyError("x"), "crowd": crowd}, RECORD["machine"])
            record = json.loads((folder / "benchmarks.json").read_text())
        self.assertEqual(set(record["scenarios"]), {"one", "crowd"})
        self.assertEqual(record["scenarios"]["one"]["rows"], one["rows"])


class Plot(unittest.TestCase):
    def test_each_contestant_has_its_dot_in_the_picture(self):
        picture = xml.etree.ElementTree.fromstring(plot.as_svg(RECORD))
        name = "{http://www.w3.org/2000/svg}"
        words = [text.text for text in picture.iter(name + "text")]
        for each in ("tutti", "the limit", "libtorrent", "3.00", "0.50", "4.00", ONE.title):
            self.assertIn(each, words)
        self.assertNotIn("rsync & co", words)
        dots = [float(dot.get("cx")) for dot in picture.iter(name + "circle")]
        self.assertEqual(len(dots), 5)
        self.assertTrue(all(plot.LEFT <= dot <= plot.WIDTH - plot.RIGHT for dot in dots), dots)
        self.assertEqual(dots[0], dots[3])
        self.assertLess(dots[1], dots[0])

    def test_it_can_be_read_in_the_dark(self):
        self.assertTrue(re.search(r"prefers-color-scheme: dark", plot.as_svg(RECORD)))


class Contest(unittest.TestCase):
    """Contestants by turns, on made-up figures."""

    def hold(self, figures, keep_noisy=False, rounds=2):
        """`figures`: for each contestant what comes of its runs, one after the other."""
        asked = []

        def measure(contestant, _folder, _touched):
            asked.append(contestant.key)
            found = figures[contestant.key].pop(0)
            if isinstance(found, Exception):
                raise found
            seconds, others = found
            return {"seconds": seconds, "others": others}
        contestants = [contest.Contestant() for _ in figures]
        for contestant, key in zip(contestants, figures):
            contestant.key = contestant.name = key
        with unittest.mock.patch.object(contest, "measure", measure):
            runs, failures = contest.hold(contestants, rounds, None, 0, keep_noisy, lambda _: None)
        return asked, runs, failures

    def test_they_take_turns(self):
        asked, runs, _ = self.hold({"a": [(1, 0), (2, 0)], "b": [(3, 0), (4, 0)]})
        self.assertEqual(asked, ["a", "b", "a", "b"])
        self.assertEqual([(run["round"], run["seconds"]) for run in runs["b"]], [(1, 3), (2, 4)])

    def test_a_noisy_run_is_thrown_away_and_repeated(self):
        asked, runs, _ = self.hold({"a": [(1, 0.31), (2, 0.3), (3, 0)], "b": [(4, 0), (5, 0)]})
        self.assertEqual(asked, ["a", "a", "b", "a", "b"])
        self.assertEqual([run["seconds"] for run in runs["a"]], [2, 3])

    def test_without_a_quiet_moment_a_round_goes_without(self):
        noisy = [(1, 2.0)] * contest.TRIES_MAX
        _, runs, _ = self.hold({"a": [*noisy, (7, 0)]})
        self.assertEqual([(run["round"], run["seconds"]) for run in runs["a"]], [(2, 7)])

    def test_noise_counts_and_is_marked_when_it_is_wanted(self):
        _, runs, _ = self.hold({"a": [(1, 0.9), (2, 0)]}, keep_noisy=True)
        self.assertEqual([run.get("noisy", False) for run in runs["a"]], [True, False])

    def test_a_run_too_short_to_be_judged_counts(self):
        _, runs, _ = self.hold({"a": [(0.01, 2.0), (0.01, 0)]})
        self.assertEqual(len(runs["a"]), 2)

    def test_who_fails_takes_no_more_part(self):
        asked, runs, failures = self.hold({"a": [AssertionError("`upload /tmp/tutti-bench-x1_/a/file g` failed\nand more")], "b": [(1, 0), (2, 0)]})
        self.assertEqual(asked, ["a", "b", "b"])
        self.assertEqual((runs["a"], failures), ([], {"a": "`upload a/file g` failed"}))


class LeastSecondsOfHashes(unittest.TestCase):
    def test_one_core_does_all_at_once(self):
        self.assertAlmostEqual(hashing.least_seconds(100, whole=20, pieces=10, together=8, cores=1), 12.5)

    def test_many_cores_wait_for_the_whole(self):
        self.assertAlmostEqual(hashing.least_seconds(100, whole=20, pieces=10, together=8, cores=9), 5.0)

    def test_both_cores_end_at_the_same_time(self):
        seconds = hashing.least_seconds(100, whole=20, pieces=10, together=8, cores=2)
        # The other core does 10 a second all the time; this one does the rest along with the whole, and the whole alone.
        by_the_other = 10 * seconds
        self.assertAlmostEqual((100 - by_the_other) / 8 + by_the_other / 20, seconds)


if __name__ == "__main__":
    unittest.main()
