"""scripts/bench trackers, once everything is built.

How it measures, and why so:
- Real trackers of the release build and real clients over loopback: `bench_tracker_load` keeps one request of each
  client under way. Clients and trackers share the machine, so CPU seconds a request say more than requests a second.
- Clients that ask for nothing are there and say so every five seconds; what that costs is said for each second of each.
- Answers count from the moment when all clients are logged in and half a second has passed.
- How many changes share a transaction is what the trackers' consoles say before and after.
- How long an fsync takes and how many there are in a transaction is what strace sees, in a run of its own, since being
  watched costs the trackers time; the share of the time is that of so many and so long ones in the unwatched run.
- Passwords are cheap and nobody is held back by limits: what is measured is not Argon2.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["TUTTI_BIN"] = str(ROOT / "build" / "bin")
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support.program import until  # noqa: E402
from support.world import BIN, World  # noqa: E402

BENCH = ROOT / "build" / "release" / "tests"
TICKS = os.sysconf("SC_CLK_TCK")
LONG = 3600.0
CONFIG = """
[password]
passes = 1
memory_kib = 8
[limits]
requests_in_all = 100000
accounts_per_minute = 1000000
groups_per_user = 1000000
groups_ever_per_user = 10000000
requests_per_second_per_client = 10000000
requests_per_second_per_address = 10000000
"""
RUNS = [(1, "reads", 64), (1, "finds", 64), (1, "rules", 64), (1, "tickets", 64), (1, "writes", 64), (1, "names", 64),
        (1, "writes", 1), (3, "reads", 64), (3, "writes", 64), (3, "writes", 1), (1, "idle", 900), (3, "idle", 900)]
WORKS = {"reads": "who shares a file", "finds": "a file, with its metainfo", "rules": "which tickets count",
         "tickets": "a ticket", "writes": "share, stop sharing",
         "names": "create a group", "idle": "nothing (each second of each)"}


# --- trackers, and what can be read off them ---------------------------------------------------------------------------

def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid):
    """(now, at most), MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) / 1024 for name in ("VmRSS", "VmHWM"))


def status_of(tracker):
    """(changes, transactions, digest) of a tracker."""
    seen = len(tracker.program.lines)
    tracker.program.say("status")

    def answer():
        text = "\n".join(tracker.program.lines[seen:])
        changes, transactions = (re.search(pattern, text) for pattern in (r"changes (\d+)", r"transactions (\d+)"))
        digest = re.search(r"digest ([0-9a-f]+)", text)
        return changes and transactions and (int(changes.group(1)), int(transactions.group(1)), digest.group(1))
    return tracker.program.await_that(answer, "its status", LONG)


def start_watched(world):
    """Trackers under strace, which writes down each fsync."""
    for tracker in world.trackers:
        tracker.log = world.path / f"fsync-{tracker.number}"
        tracker.program = world.program(
            f"tracker-{tracker.number}", ["strace", "-f", "--seccomp-bpf", "-ttt", "-T", "-e", "trace=fsync,fdatasync",
                                          "-o", tracker.log, BIN / "tracker", world.info, tracker.number,
                                          "--data", tracker.data, "--config", world.tracker_config])
    for tracker in world.trackers:
        tracker.await_serving()


def fsyncs_between(log, begin, end):
    """(how many, seconds in them)."""
    took = []
    for line in log.read_text().splitlines():
        match = re.match(r"\d+\s+(\d+\.\d+) .*<(\d+\.\d+)>$", line)
        if match and begin <= float(match.group(1)) < end:
            took.append(float(match.group(2)))
    return len(took), sum(took)


class Load:
    """Clients at work on some trackers."""

    def __init__(self, world, trackers, work, clients, seconds):
        """`seconds` 0: until end()."""
        world.loads = getattr(world, "loads", 0) + 1
        self.program = world.program(
            f"load-{world.loads}", [BENCH / "bench_tracker_load", *(f"127.0.0.1:{each.port}" for each in trackers),
                                    "--work", work, "--clients", clients, "--seconds", seconds])
        self.program.await_line("measuring", LONG)

    def end(self):
        self.program.end_input()
        return self.figures()

    def figures(self):
        figures = json.loads(self.program.await_line("{", LONG))
        if self.program.wait() != 0:
            raise AssertionError(self.program.stderr())
        return figures


# --- throughput ----------------------------------------------------------------------------------------------------------

def run(folder, count, work, clients, seconds):
    """The figures of one run; what is slowed down by being watched comes from a second one."""
    world = World(count, CONFIG, "tutti-bench-", folder)
    try:
        world.start_trackers()
        world.await_agreement()
        load = Load(world, world.trackers, work, clients, seconds)
        pids = [tracker.program.pid for tracker in world.trackers]
        before, cpu, begin = status_of(world.trackers[0]), sum(map(cpu_of, pids)), time.monotonic()
        figures = load.figures()
        after = status_of(world.trackers[0])
        figures["cpu"] = sum(map(cpu_of, pids)) - cpu
        transactions = after[1] - before[1]
        figures["transactions"] = transactions / (time.monotonic() - begin)
        figures["shared"] = (after[0] - before[0]) / transactions if work in ("writes", "names") else None
    finally:
        world.close()
    figures["fsync"] = figures["fsync_ms"] = None
    if work not in ("writes", "names"):
        return figures
    world = World(count, CONFIG, "tutti-bench-", folder)
    try:
        start_watched(world)
        world.await_agreement()
        load = Load(world, world.trackers, work, clients, seconds)
        before, begin = status_of(world.trackers[0]), time.time()
        load.figures()
        after, end = status_of(world.trackers[0]), time.time()
        for tracker in world.trackers:
            os.kill(child_of(tracker.program.pid), signal.SIGKILL)
            tracker.program.wait()  # what strace has seen is in its file once it has ended
        number, took = fsyncs_between(world.trackers[0].log, begin, end)
        figures["fsync_ms"] = 1000 * took / max(1, number)
        figures["fsync"] = took / (after[1] - before[1]) * figures["transactions"]
    finally:
        world.close()
    return figures


def throughput(options):
    header = ("trackers", "clients", "request", "a second", "p50 ms", "p99 ms", "CPU µs each", "changes a transaction",
              "time in fsync", "one fsync ms")
    rows = [header]
    for count, work, clients in RUNS:
        if options.only and work not in options.only:
            continue
        found = run(options.dir, count, work, clients, options.seconds)
        answers = found["answers"]
        rows.append((str(count), str(clients), WORKS[work], f"{answers / found['seconds']:,.0f}", f"{found['p50']:.2f}",
                     f"{found['p99']:.2f}", f"{1e6 * found['cpu'] / answers:.0f}",
                     f"{found['shared']:.1f}" if found["shared"] else "",
                     f"{100 * found['fsync']:.0f} %" if found["fsync"] else "",
                     f"{found['fsync_ms']:.2f}" if found["fsync"] else ""))
        print("  " + "  ".join(rows[-1]), flush=True)
    print("\n" + table(rows))


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if column == 2 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))) for row in rows)


# --- scale -----------------------------------------------------------------------------------------------------------------

def say(what, figure):
    print(f"{what:<66} {figure}", flush=True)


def say_latency(what, figures):
    say(what, f"p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f} ms, longest {figures['max']:.0f} ms "
              f"({figures['answers'] / figures['seconds']:,.0f} a second)")


def scale(options):
    world = World(2, CONFIG, "tutti-bench-", options.dir)
    try:
        first, second = world.trackers
        begin = time.monotonic()
        filler = world.program("fill", [BENCH / "bench_tracker_store", first.data, "--users", options.users, "--groups",
                                        options.groups, "--files", options.files, "--log", options.log])
        filled = json.loads(filler.await_line("{", LONG))
        if filler.wait(LONG) != 0:
            raise AssertionError(filler.stderr())
        size = (first.data / "store.sqlite").stat().st_size / 2**20
        say("store", f"{filled['rows']:,} rows of {filled['deltas']:,} changes, {size:,.0f} MiB, "
                     f"made in {time.monotonic() - begin:.0f} s")
        say("what it takes to compare all 256 buckets", f"{filled['buckets_us']:.1f} µs")
        begin = time.monotonic()
        first.launch().program.await_line("serves", LONG)
        seconds, pid = time.monotonic() - begin, first.program.pid
        now, most = memory_of(pid)
        say("start until it serves", f"{seconds:.1f} s, {cpu_of(pid):.1f} CPU s, {now:,.0f} MiB then, {most:,.0f} at most")
        if status_of(first)[2] != filled["digest"]:
            raise AssertionError("the state that was loaded is not the one that was stored")
        say_latency(f"write, one client, while {options.log:,} changes leave the log",
                    Load(world, [first], "writes", 1, options.seconds).figures())
        until(lambda: log_is_short(first), "the log to be truncated", LONG, 1.0)
        for work, clients in (("writes", 1), ("writes", 64), ("reads", 64)):
            say_latency(f"{WORKS[work]}, {clients} client{'s'[:clients > 1]}",
                        Load(world, [first], work, clients, options.seconds).figures())
        snapshot(world, first, second)
        comparison(first, second)
    finally:
        world.close()


def log_is_short(tracker):
    """True once the tracker has nothing to do: its disk worker rests."""
    before = cpu_of(tracker.program.pid)
    until(lambda end=time.monotonic() + 1: time.monotonic() >= end, "a second")
    return cpu_of(tracker.program.pid) - before < 0.1


def snapshot(world, first, second):
    reads, writes = Load(world, [first], "reads", 1, 0), Load(world, [first], "writes", 1, 0)
    cpu, begin = cpu_of(first.program.pid), time.monotonic()
    second.launch().program.await_line("serves", LONG)
    seconds = time.monotonic() - begin
    say("snapshot for an empty tracker, until it serves",
        f"{seconds:.1f} s; CPU s: {cpu_of(first.program.pid) - cpu:.1f} giving, {cpu_of(second.program.pid):.1f} taking")
    say_latency("read, one client, meanwhile", reads.end())
    say_latency("write, one client, meanwhile", writes.end())
    until(lambda: status_of(first)[2] == status_of(second)[2], "both to be one state", LONG)
    say("memory of both then", " and ".join(f"{memory_of(each.program.pid)[0]:,.0f} MiB" for each in (first, second)))


def comparison(first, second):
    """One row goes from the disk of the second tracker: what it takes until comparing buckets has brought it back."""
    second.program.say("quit")
    second.program.wait(LONG)
    with contextlib.closing(sqlite3.connect(second.data / "store.sqlite")) as store, store:
        # All that is found is fetched: a cursor in the middle of its rows keeps the store locked.
        (membership,) = store.execute(
            "SELECT bucket, key FROM facts WHERE bucket = 77 AND key >= x'04' AND key < x'05' LIMIT 1").fetchall()
        store.execute("DELETE FROM facts WHERE bucket = ? AND key = ?", membership)
    second.launch().program.await_line("serves", LONG)
    cpu, begin = [cpu_of(each.program.pid) for each in (first, second)], time.monotonic()
    until(lambda: status_of(first)[2] == status_of(second)[2], "the lost row to come back", LONG, 0.01)
    seconds = time.monotonic() - begin
    each = " and ".join(f"{cpu_of(tracker.program.pid) - before:.2f}" for tracker, before in zip((first, second), cpu))
    say("a row lost on one disk, found by comparing buckets and joined again", f"{seconds:.2f} s; CPU s: {each}")


# --- the command line ------------------------------------------------------------------------------------------------------

def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench trackers")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--only", type=lambda text: text.split(","), help="some of: " + ",".join(WORKS))
    parser.add_argument("--dir", type=pathlib.Path, default=None, help="where the stores are")
    parser.add_argument("--scale", action="store_true", help="one large store instead")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--log", type=int, default=100_000, help="changes in the log of the large store")
    options = parser.parse_args()
    unknown = [work for work in options.only or [] if work not in WORKS]
    if unknown or options.seconds <= 0:
        parser.error(f"there is no work {unknown[0]}" if unknown else "seconds are more than 0")
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        (scale if options.scale else throughput)(options)
    except AssertionError as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
