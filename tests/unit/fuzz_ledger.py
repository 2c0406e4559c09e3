#!/usr/bin/env python3
"""The account of fuzzing: it adds up over runs, survives being written and read, and leaves alone what people wrote."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "python"))
from fuzzing import ledger, runs  # noqa: E402

PAGE = f"# Fuzzing\n\nwhat it is\n\n{ledger.BEGIN}\n{ledger.END}\n\n## What was found\n\nmuch\n"


class Ledger(unittest.TestCase):
    def test_runs_add_up(self):
        account = ledger.Account("a law")
        account.add(runs.Run(90.0, 1000, 50, 0, ""))
        account.add(runs.Run(30.0, 234, 60, 1, "log"))
        self.assertEqual(account, ledger.Account("a law", 2.0, 1234, 60, 1))

    def test_a_run_that_reached_nothing_keeps_what_was_reached(self):
        account = ledger.Account("a law", edges=60)
        account.add(runs.Run(1.0, 0, 0, 0, "it did not start"))
        self.assertEqual(account.edges, 60)

    def test_what_is_written_is_read(self):
        accounts = {"rows": ledger.Account("rows. in | order.".replace("|", "\\|"), 61.5, 1234567, 890, 2),
                    "glob": ledger.Account("patterns", 0.1, 0, 0, 0)}
        self.assertEqual(ledger.parse(ledger.written_into(PAGE, accounts)), accounts)

    def test_what_people_wrote_stays(self):
        page = PAGE
        for minutes in (1.0, 2.0):
            page = ledger.written_into(page, {"glob": ledger.Account("patterns", minutes)})
        before, after = PAGE.split(f"{ledger.BEGIN}\n{ledger.END}")
        self.assertTrue(page.startswith(before) and page.endswith(after))
        self.assertEqual(page.count("`glob`"), 1)

    def test_the_page_that_is_kept_can_be_read(self):
        page = (ROOT / "docs" / "fuzzing.md").read_text()
        known = ledger.parse(page)
        targets = {path.stem for path in (ROOT / "tests" / "fuzz").glob("*.cpp")}
        self.assertEqual(set(known), targets)
        self.assertEqual(ledger.parse(ledger.written_into(page, known)), known)

    def test_a_law_is_the_first_comment(self):
        self.assertEqual(ledger.law_of("#include <x>\n\n// One\n// law.\n\n// Not this\n"), "One law.")
        for path in (ROOT / "tests" / "fuzz").glob("*.cpp"):
            self.assertIn(". ", ledger.law_of(path.read_text()), path)

    def test_what_libfuzzer_says_is_understood(self):
        said = ("#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n#4096\tpulse  cov: 345 ft: 500 corp: 9/1Kb\n"
                "stat::number_of_executed_units: 5000\n")
        self.assertEqual(runs.read_log(said), (5000, 345))
        self.assertEqual(runs.read_log(said.replace("stat::", "no ").replace("_executed_units: 5000", "")), (4096, 345))
        self.assertEqual(runs.read_log("nothing"), (0, 0))


if __name__ == "__main__":
    unittest.main()
