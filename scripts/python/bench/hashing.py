"""Sharing a file, which is hashing it, and what hashes and ciphers alone would take on the cores that there are."""

import json
import os
import subprocess
import time

from . import machine
from .contest import Contestant
from .place import BENCHES, World

GROUP = "g"
PATIENCE = 900
SECONDS_EACH = 0.3


def least_seconds(size, whole, pieces, together, cores):
    """The time that the hashes of a file take at least.

    `whole`, `pieces`, `together`: bytes a second of one core that does the whole's SHA-1, SHA-1 and SHA-256 of pieces, or all
    three at once. The whole's SHA-1 follows the file from its start to its end, so one core does it all; of a part of the
    file it does the pieces along, and the other cores do the pieces of the rest meanwhile."""
    alone, both, others = 1 / whole, 1 / together, 1 / (pieces * (cores - 1)) if cores > 1 else float("inf")
    if cores == 1:
        return size * both
    if alone >= others:
        return size * alone
    part = (others - alone) / (both - alone + others)
    return size * (both * part + alone * (1 - part))


def rates_of(place, program, *names):
    """Bytes a second of CPU time, so that nobody disturbs them, by the name of a benchmark of that program."""
    process = place.start(
        [BENCHES / program, "--benchmark_format=json", f"--benchmark_min_time={SECONDS_EACH}",
         f"--benchmark_filter=^({'|'.join(names)})$"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    words, _ = process.communicate()
    place.forget(process)
    assert process.returncode == 0, f"{program} failed"
    return {row["name"]: row["bytes_per_second"] for row in json.loads(words)["benchmarks"]}


class Rates(Contestant):
    """What follows for a file from rates that a benchmark measures on one core: nothing is moved."""

    def __init__(self, place, original):
        self.place, self._size = place, original.stat().st_size

    def run(self):
        before = machine.children_cpu()
        return {"peak_mib": 0.0, "others": 0.0, **self.figures(), "known_cpu": machine.children_cpu() - before}

    def figures(self):
        raise NotImplementedError


class Sealing(Rates):
    """bench_sealing: the rates of the cipher that blocks go under."""

    key, name = "sealing", "the cipher alone, both ends"

    def figures(self):
        rate = rates_of(self.place, "bench_sealing", "seal", "seal_and_open")
        sealing, both = self._size / rate["seal"], self._size / rate["seal_and_open"]
        return {"seconds": both if os.cpu_count() == 1 else max(sealing, both - sealing), "serving_cpu": sealing,
                "fetching_cpu": both - sealing}


class Hashes(Rates):
    """bench_digests: the rates of the hashes that tutti uses."""

    key, name = "hashes", "the hashes alone"

    def figures(self):
        rate = rates_of(self.place, "bench_digests", "sha1_alone", "interleaved", "with_the_whole")
        return {"seconds": least_seconds(self._size, rate["sha1_alone"], rate["interleaved"], rate["with_the_whole"],
                                         os.cpu_count()),
                "fetching_cpu": self._size / rate["with_the_whole"], "serving_cpu": 0.0}


class Sharing(Contestant):
    key, name = "tutti", "tutti, upload_file"

    def __init__(self, place, original):
        self.place, self._original = place, original
        self._world = World(tracker_config="", prefix="tutti-bench-", parent=place.folder)
        self._world.start_trackers()
        self._client = self._world.person("alice")
        self._client.ok(f"create_group {GROUP}")
        self._copy = None

    def serving_pids(self):
        return [tracker.program.pid for tracker in self._world.trackers]

    def prepare(self):
        # Always a file that it has not seen before; on the disk, or the system would write it there meanwhile.
        self._copy = self.place.copy(self._original)
        with open(self._copy, "rb") as copy:
            os.fsync(copy.fileno())
        machine.forget_peak(self._client.pid)

    def run(self):
        before, begin = machine.cpu_of([self._client.pid]), time.monotonic()
        self._client.ok(f"upload_file {self._copy} {GROUP}", patience=PATIENCE)
        seconds = time.monotonic() - begin
        return {"seconds": seconds, "fetching_cpu": machine.cpu_of([self._client.pid]) - before,
                "peak_mib": machine.peak_of([self._client.pid])}

    def check(self):
        (row,) = self._client.ok(f"list_files {GROUP}")["files"]
        assert row["sha1"] == self.place.sha1(self._original), "it has another SHA-1"

    def clean_up(self):
        self._client.ok(f"stop_share {GROUP} {self._copy.name}")
        self._copy.unlink()

    def close(self):
        self._world.close()
