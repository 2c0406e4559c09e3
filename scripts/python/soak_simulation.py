"""scripts/soak simulation, once everything is built: fresh seeds on all cores, and the account of what was told."""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "python"))
from soaking import ledger  # noqa: E402

PAGE = ROOT / "docs" / "simulation.md"
TURN_MINUTES = 10


class Tellers:
    def __init__(self, program):
        self._program = program
        self._lock = threading.Lock()
        self.told = ledger.Account()
        self.failed = False

    def work(self, worker, minutes):
        """Turn after turn, each of fresh seeds, far from those of other workers and of earlier runs. The account is kept
        after each: whenever this is ended, what was done is told."""
        while minutes > 0:
            turn = min(minutes, TURN_MINUTES)
            minutes -= turn
            first = int(time.time()) * 1000 + (worker + 1) * 100_000_000_000
            process = subprocess.Popen([self._program, "--seed", str(first), "--minutes", str(turn)], cwd=ROOT,
                                       stdout=subprocess.PIPE, text=True)
            printed = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self._add(printed, ledger.told(printed, usage.ru_utime + usage.ru_stime), process.returncode)

    def _add(self, printed, told, status):
        with self._lock:
            print(printed, end="", flush=True)
            self.failed = self.failed or status != 0
            if told is None:
                return
            self.told += told
            page = PAGE.read_text()
            anew = PAGE.with_suffix(".new")
            anew.write_text(ledger.written_into(page, ledger.parse(page) + told))
            anew.replace(PAGE)


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak simulation")
    parser.add_argument("minutes", nargs="?", type=int, default=10)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    given = parser.parse_args()
    if given.minutes < 1 or given.workers < 1:
        parser.error("there is at least one minute and one worker")
    with tempfile.TemporaryDirectory() as folder:
        # What is built meanwhile is not looked at half-way.
        tellers = Tellers(shutil.copy(ROOT / "build" / "bin" / "simulate", folder))
        with concurrent.futures.ThreadPoolExecutor(given.workers) as pool:
            list(pool.map(lambda worker: tellers.work(worker, given.minutes), range(given.workers)))
    print(f"{tellers.told.stories:,} stories with {tellers.told.faults:,} faults, {tellers.told.violated} went wrong; "
          f"{tellers.told.speed()}")
    return 1 if tellers.failed else 0


if __name__ == "__main__":
    sys.exit(main())
