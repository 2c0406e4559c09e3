"""Which functions are tests, and what is printed about them."""

import argparse
import signal
import sys
import time
import traceback

from .world import CHEAP_PASSWORDS, World


class Skipped(Exception):
    """This machine cannot show it; the reason is printed."""


class Suite:
    """The tests of one script, in order. Each gets a world of its own: `trackers` in its file, `started` or not, configured so."""

    def __init__(self):
        self._tests = []
        self.runs_all = True  # no names were given

    def test(self, trackers=2, started=True, tracker_config=CHEAP_PASSWORDS):
        def register(function):
            self._tests.append((function.__name__, function, trackers, started, tracker_config))
            return function
        return register

    def run(self):
        parser = argparse.ArgumentParser(description="Runs the tests of this script against the real programs.")
        parser.add_argument("names", nargs="*", help="only tests whose name holds one of these")
        parser.add_argument("--list", action="store_true", help="print the names of the tests")
        options = parser.parse_args()
        chosen = [each for each in self._tests
                  if not options.names or any(name in each[0] for name in options.names)]
        self.runs_all = len(chosen) == len(self._tests)
        if options.list:
            print("\n".join(each[0] for each in chosen))
            return
        # What ctest's timeout or an impatient person sends first shall clean up as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        verdicts = [self._run_one(*each) for each in chosen]
        failed = verdicts.count("FAILED")
        print(f"{verdicts.count('ok')} passed, {failed} failed", flush=True)
        sys.exit(1 if failed or not verdicts else 0)

    @staticmethod
    def _run_one(name, function, trackers, started, tracker_config):
        begin = time.monotonic()
        verdict, reason = "ok", ""
        world = World(trackers, tracker_config)
        try:
            if started:
                world.start_trackers()
            function(world)
            reports = world.sanitizer_reports()
            assert not reports, f"the sanitizers complain in {[program.title for program in reports]}"
        except Skipped as skipped:
            verdict, reason = "skipped", f" ({skipped})"
        except Exception:  # pylint: disable=broad-except
            verdict = "FAILED"
            traceback.print_exc(file=sys.stdout)
            print(world.log())
        finally:
            world.close()
        print(f"{name}: {verdict}{reason} in {time.monotonic() - begin:.1f} s", flush=True)
        return verdict
