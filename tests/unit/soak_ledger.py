#!/usr/bin/env python3
"""The account of simulated stories: it adds up over runs, survives being written and read, and leaves alone what people wrote."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "python"))
from soaking import ledger  # noqa: E402

PAGE = f"# Simulation\n\n| a | table |\n|---|---|\n\n{ledger.BEGIN}\n{ledger.END}\n\n## Bugs\n\n| 1 | 2 | 3 | 4 | 5 |\n"


class Ledger(unittest.TestCase):
    def test_runs_add_up(self):
        both = ledger.Account(1000, 7000, 2.5, 0.1, 0) + ledger.Account(1, 2, 0.5, 0.2, 1)
        self.assertEqual((both.stories, both.faults, both.virtual_hours, both.violated), (1001, 7002, 3.0, 1))
        self.assertAlmostEqual(both.cpu_hours, 0.3)

    def test_what_is_written_is_read(self):
        account = ledger.Account(1234567, 8901234, 56789.5, 12.25, 3)
        self.assertEqual(ledger.parse(ledger.written_into(PAGE, account)), account)
        self.assertEqual(ledger.parse(PAGE), ledger.Account())

    def test_what_is_made_of_it_is_made_of_what_is_printed(self):
        page = ledger.written_into(PAGE, ledger.Account(18_632, 148_922, 142.78, 0.3096, 6))
        self.assertEqual(ledger.written_into(page, ledger.parse(page)), page)

    def test_what_people_wrote_stays(self):
        page = PAGE
        for stories in (1, 2):
            page = ledger.written_into(page, ledger.Account(stories))
        before, after = PAGE.split(f"{ledger.BEGIN}\n{ledger.END}")
        self.assertTrue(page.startswith(before) and page.endswith(after))
        self.assertEqual(page.count(ledger.HEAD[0]), 1)

    def test_the_page_that_is_kept_can_be_read(self):
        page = (ROOT / "docs" / "simulation.md").read_text()
        self.assertEqual(page.count(ledger.BEGIN), 1)
        self.assertEqual(ledger.written_into(page, ledger.parse(page)), page)

    def test_what_simulate_says_is_understood(self):
        said = ("seed 8 VIOLATED bounded at 1 s: too much\n"
                "120 stories from seed 7 on, 812 faults, 1.25 virtual hours, 1 violated; 12.0 stories a second, 450 virtual "
                "hours an hour\n")
        self.assertEqual(ledger.told(said, 36.0), ledger.Account(120, 812, 1.25, 0.01, 1))
        self.assertIsNone(ledger.told("seed 8 VIOLATED", 36.0))


if __name__ == "__main__":
    unittest.main()
