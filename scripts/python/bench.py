"""scripts/bench, once everything is installed and built.

How it measures, and why so:
- The contestants take turns (A B C A B C …), so that a machine that gets slower does so for all of them.
- Before each run as much memory is touched and given back as the run will use: a host that has taken memory away
  gives it back slowly, seconds a GiB, and that would drown everything.
- The sources' files are in the page cache. What is fetched is compared by SHA-1 outside of the measured time.
- A run during which other processes used more than 0.3 of the wall time is thrown away and repeated.
- CPU seconds are those of the downloader and of all sources; peak memory is the downloader's (VmHWM).
"""

import argparse
import collections
import mmap
import os
import pathlib
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["TUTTI_BIN"] = str(ROOT / "build" / "bin")
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support import files  # noqa: E402
from support.program import until  # noqa: E402
from support.world import World  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
SOURCES = 4
BUSY_MAX = 0.3
RETRIES_MAX = 3
FILE = "file.bin"

Run = collections.namedtuple("Run", "seconds downloader_cpu sources_cpu peak_mib")


# --- the machine -----------------------------------------------------------------------------------------------------

def tree_of(pid):
    """A process and all its descendants."""
    pids, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        pids.append(each)
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                waiting += map(int, pathlib.Path(f"/proc/{each}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return pids


def cpu_of(pids):
    """CPU seconds of processes and of their ended children."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def busy_seconds():
    """CPU seconds that anything on this machine has used."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) / TICKS


def peak_of(pids):
    """The sum of the peaks of processes, MiB."""
    total = 0
    for pid in pids:
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return total / 1024


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def warm_up(folder, size):
    """Memory as the run will need it: for programs, and for the page cache of what they write."""
    with mmap.mmap(-1, 64 * files.MIB) as memory:
        for offset in range(0, len(memory), mmap.PAGESIZE):
            memory[offset] = 1
    scratch = folder / "warm-up"
    chunk = bytes(files.CHUNK)
    with open(scratch, "wb") as file:
        for _ in range(-(-size // files.CHUNK)):
            file.write(chunk)
    scratch.unlink()


def read_through(path):
    """Into the page cache; costs little if it is there already."""
    with open(path, "rb", buffering=0) as file:
        while file.read(files.CHUNK):
            pass


# --- the contestants -------------------------------------------------------------------------------------------------

class Tutti:
    """Two trackers, a client a source, one that fetches; all logged in before the clock starts."""

    def __init__(self, bench, sources):
        self.name = f"tutti, {sources} source{'s'[:sources > 1]}"
        self.bench = bench
        self.world = World(tracker_config="", prefix="tutti-bench-", parent=bench.folder)
        self.world.start_trackers()
        names = [f"source-{number}" for number in range(1, sources + 1)]
        self.sources = self.world.people(*names)
        self.fetcher = self.world.person("fetcher")
        self.world.group("g", self.sources[0], *self.sources[1:], self.fetcher)
        for source, path in zip(self.sources, bench.copies):
            source.ok(f"upload_file {path} g", patience=600)
        self.fetcher.await_sharers("g", FILE, names)

    def prepare(self, _target):
        forget_peak(self.fetcher.pid)

    def sources_pids(self):
        return [client.pid for client in self.sources] + [tracker.program.pid for tracker in self.world.trackers]

    def run(self, target):
        before = cpu_of([self.fetcher.pid])
        begin = time.monotonic()
        self.fetcher.ok(f"download_file g {FILE} {target}")
        self.fetcher.ok("wait", patience=600)
        seconds = time.monotonic() - begin
        return seconds, cpu_of([self.fetcher.pid]) - before, peak_of([self.fetcher.pid])

    def clean_up(self):
        # It is a sharer now; the next round is to begin with nothing.
        self.fetcher.ok(f"stop_share g {FILE}")

    def close(self):
        self.world.close()


class Rival:
    """A program that fetches and ends, from servers that stay."""

    def __init__(self, name, servers, command):
        self.name, self.servers, self.command = name, servers, command

    def prepare(self, _target):
        pass

    def sources_pids(self):
        return [pid for server in self.servers for pid in tree_of(server.pid)]

    def run(self, target):
        begin = time.monotonic()
        process = subprocess.Popen(self.command(target), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        peak = 0.0
        ended = os.pidfd_open(process.pid)
        # The kernel forgets the peak with the process, so it is read while it runs.
        while not select.select([ended], [], [], 0.01)[0]:
            peak = max(peak, peak_of(tree_of(process.pid)))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        os.close(ended)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise AssertionError(f"{self.name} ended with {process.returncode}: {process.stderr.read().decode()}")
        return seconds, usage.ru_utime + usage.ru_stime, peak

    def clean_up(self):
        pass

    def close(self):
        for server in self.servers:
            server.terminate()
            server.wait()


def rsync(bench):
    port = bench.ports.take()
    config = bench.folder / "rsyncd.conf"
    config.write_text(f"use chroot = no\nlog file = {bench.folder}/rsyncd.log\npid file = {bench.folder}/rsyncd.pid\n"
                      f"[files]\npath = {bench.copies[0].parent}\n")
    server = subprocess.Popen(["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}",
                               f"--config={config}"], stdin=subprocess.DEVNULL)
    bench.await_port(port)
    return Rival("rsync daemon", [server],
                 lambda target: ["rsync", "--whole-file", f"rsync://127.0.0.1:{port}/files/{FILE}", target])


def nginx(bench, copies):
    """One nginx, one port for each copy."""
    ports = [bench.ports.take() for _ in copies]
    folder = bench.folder / f"nginx-{ports[0]}"
    folder.mkdir()
    servers = "".join(f"server {{ listen 127.0.0.1:{port}; root {path.parent}; }}\n" for port, path in zip(ports, copies))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
access_log off; sendfile on;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{servers}}}
""")
    server = subprocess.Popen(["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"])
    for port in ports:
        bench.await_port(port)
    return server, [f"http://127.0.0.1:{port}/{FILE}" for port in ports]


def curl(bench):
    server, (url,) = nginx(bench, bench.copies[:1])
    return Rival("curl, unverified", [server], lambda target: ["curl", "--silent", "--fail", "-o", target, url])


def aria2(bench, sources):
    server, urls = nginx(bench, bench.copies[:sources])

    def command(target):
        return ["aria2c", "--quiet", "--no-conf", f"--split={sources}", "--max-connection-per-server=1",
                "--file-allocation=none", f"--checksum=sha-1={bench.sha1}", f"--dir={target.parent}",
                f"--out={target.name}", *urls]
    return Rival(f"aria2, {sources} source{'s'[:sources > 1]}", [server], command)


CONTESTANTS = {
    "tutti-1": lambda bench: Tutti(bench, 1),
    "rsync": rsync,
    "curl": curl,
    "aria2-1": lambda bench: aria2(bench, 1),
    "tutti-4": lambda bench: Tutti(bench, SOURCES),
    "aria2-4": lambda bench: aria2(bench, SOURCES),
}


# --- the contest -----------------------------------------------------------------------------------------------------

class Bench:
    def __init__(self, folder, size):
        self.folder, self.size = folder, size
        # World lends its ports to the rivals too; its trackers are not started.
        self._ports_of = World(trackers=0, prefix="tutti-bench-", parent=folder)
        self.ports = self._ports_of.ports
        self.contestants = []
        original = folder / "1" / FILE
        original.parent.mkdir()
        files.write_random(original, size, seed="bench")
        self.copies = [original]
        for number in range(2, SOURCES + 1):
            copy = folder / str(number) / FILE
            copy.parent.mkdir()
            shutil.copyfile(original, copy)
            self.copies.append(copy)
        self.sha1 = files.sha1(original)

    @staticmethod
    def await_port(port):
        address = f"0100007F:{port:04X}"

        def listening():
            lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
            return any(line.split()[1] == address and line.split()[3] == "0A" for line in lines)
        until(listening, f"a server on port {port}", patience=10)

    def measure(self, contestant):
        """One run: its figures, and how much of the wall time others took."""
        target = self.folder / f"got-{contestant.name.replace(' ', '-').replace(',', '')}" / FILE
        target.parent.mkdir(exist_ok=True)
        warm_up(self.folder, self.size)
        for path in self.copies:
            read_through(path)
        contestant.prepare(target)
        sources = contestant.sources_pids()
        sources_before, busy_before = cpu_of(sources), busy_seconds()
        own_before, begin = time.process_time(), time.monotonic()
        seconds, downloader_cpu, peak = contestant.run(target)
        wall = time.monotonic() - begin
        sources_cpu = cpu_of(contestant.sources_pids()) - sources_before
        own = time.process_time() - own_before
        others = busy_seconds() - busy_before - own - downloader_cpu - sources_cpu
        if files.sha1(target) != self.sha1:
            raise AssertionError(f"{contestant.name} fetched something else")
        contestant.clean_up()
        target.unlink()
        return Run(seconds, downloader_cpu, sources_cpu, peak), others / wall

    def close(self):
        for contestant in self.contestants:
            contestant.close()
        self._ports_of.close()


def spread(values, digits):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f}", f"{low:.{digits}f} … {high:.{digits}f}"


def table(results, size):
    header = ("who", "seconds", "range", "MB/s", "CPU s fetching", "CPU s serving", "peak MiB")
    rows = [header]
    for name, runs in results.items():
        if not runs:
            rows.append((name, "no quiet round", "", "", "", "", ""))
            continue
        median, wide = spread([run.seconds for run in runs], 2)
        rows.append((name, median, wide, f"{size / 1e6 / float(median):.0f}",
                     spread([run.downloader_cpu for run in runs], 2)[0],
                     spread([run.sources_cpu for run in runs], 2)[0],
                     spread([run.peak_mib for run in runs], 0)[0]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) if column in (0, 2) else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=1024, help="of the file, MiB")
    parser.add_argument("--only", help="some of: " + ",".join(CONTESTANTS))
    parser.add_argument("--dir", type=pathlib.Path, default=None, help="where the files are; it needs six times the size")
    parser.add_argument("--keep-noisy", action="store_true", help="also count runs that others disturbed")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else list(CONTESTANTS)
    unknown = [name for name in chosen if name not in CONTESTANTS]
    if unknown or options.rounds < 1 or options.size < 1:
        parser.error(f"there is no contestant {unknown[0]}" if unknown else "rounds and sizes are at least 1")
    return options, chosen


def main():
    options, chosen = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    size = options.size * files.MIB
    holder = World(trackers=0, prefix="tutti-bench-", parent=options.dir)  # the folder, and its end
    bench, status = None, 1
    try:
        print(f"{options.size} MiB, {options.rounds} rounds by turns, over loopback, page cache to page cache", flush=True)
        bench = Bench(holder.path, size)
        for name in chosen:
            bench.contestants.append(CONTESTANTS[name](bench))
        results = {contestant.name: [] for contestant in bench.contestants}
        for turn in range(1, options.rounds + 1):
            for contestant in bench.contestants:
                for _ in range(RETRIES_MAX):
                    run, others = bench.measure(contestant)
                    quiet = others <= BUSY_MAX or options.keep_noisy
                    remark = "" if quiet else f"   (thrown away: others used {100 * others:.0f} % of the time)"
                    print(f"  round {turn}  {contestant.name:<18} {run.seconds:6.2f} s{remark}", flush=True)
                    if quiet:
                        results[contestant.name].append(run)
                        break
        print("\n" + table(results, size))
        status = 0 if all(results.values()) else 1
    except AssertionError as failure:
        print(f"error: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        status = 130
    finally:
        if bench:
            bench.close()
        holder.close()
    sys.exit(status)


if __name__ == "__main__":
    main()
