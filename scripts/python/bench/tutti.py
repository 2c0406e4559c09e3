"""tutti: trackers, clients that share, clients that fetch; all of them run and are logged in before the clock starts."""

import statistics
import threading
import time

from . import machine
from .contest import Contestant
from .link import HERE
from .place import Client, World

GROUP = "g"
PATIENCE = 900
LOOK_EVERY = 0.05


class SplitWorld(World):
    """Trackers and sources at one end of a link, those who fetch at the other."""

    def __init__(self, near, far, parent):
        self._near, self._far = near, far
        super().__init__(tracker_config="", prefix="tutti-bench-", parent=parent)
        self.info.write_text("".join(f"{far.host}:{tracker.port}\n" for tracker in self.trackers))

    def end_of(self, title):
        return self._near if title.startswith("fetcher") else self._far

    def program(self, title, argv, **named):
        return super().program(title, [*self.end_of(title).within, *argv], **named)

    def client(self, name, port=None, options=(), user=None):
        return SplitClient(self, name, port, options, user)


class SplitClient(Client):
    def arguments(self, *options):
        program, _, *words = super().arguments(*options)
        return [program, f"{self.world.end_of(self.name).host}:{self.port}", *words]


class Watch:
    """Looks at clients while they work: how many threads and descriptors the busiest has."""

    def __init__(self, clients):
        self._clients, self._over = clients, threading.Event()
        self.threads = self.descriptors = 0
        self._watcher = threading.Thread(target=self._look, daemon=True)
        self._watcher.start()

    def _look(self):
        while not self._over.wait(LOOK_EVERY):
            try:
                self.threads = max(self.threads, *(client.threads() for client in self._clients), 0)
                self.descriptors = max(self.descriptors, *(client.descriptors() for client in self._clients), 0)
            except OSError:  # one has ended; whoever waits for it will say so
                return

    def end(self):
        self._over.set()
        self._watcher.join()


class Tutti(Contestant):
    def __init__(self, place, key, name, shares, fetchers=1, one_by_one=False, near=HERE, far=HERE):
        """`shares`: for each source the files that it shares, the first source's are what is fetched. `one_by_one`: each
        file once the one before is there, and seconds are the median of them."""
        self.place, self.key, self.name, self._one_by_one = place, key, name, one_by_one
        self.world = SplitWorld(near, far, place.folder)
        self._originals = shares[0]
        self._read = [path for paths in shares for path in paths]
        self.world.start_trackers()
        names = [f"source-{number}" for number in range(1, len(shares) + 1)]
        self.sources = self.world.people(*names)
        self.fetchers = self.world.people(*(f"fetcher-{number}" for number in range(1, fetchers + 1)))
        self.world.group(GROUP, self.sources[0], *self.sources[1:], *self.fetchers)
        for source, paths in zip(self.sources, shares):
            for path in paths:
                source.ok(f"upload_file {path} {GROUP}", patience=PATIENCE)
        for fetcher in self.fetchers:
            for original in self._originals:
                fetcher.await_sharers(GROUP, original.name, names)
        self._folders = []

    def serving_pids(self):
        return [client.pid for client in self.sources] + [tracker.program.pid for tracker in self.world.trackers]

    def _fetching_pids(self):
        return [client.pid for client in self.fetchers]

    def prepare(self):
        self.place.read_through(self._read)
        self._folders = [self.place.new_folder(f"got-{self.key}") for _ in self.fetchers]
        for pid in self._fetching_pids():
            machine.forget_peak(pid)

    def run(self):
        pids, watch = self._fetching_pids(), Watch(self.fetchers)
        sent_before, before = [machine.bytes_read(source.pid) for source in self.sources], machine.cpu_of(pids)
        took = self._fetch_one_by_one() if self._one_by_one else [self._fetch_at_once()]
        cpu = machine.cpu_of(pids) - before
        sent = [machine.bytes_read(source.pid) - earlier for source, earlier in zip(self.sources, sent_before)]
        watch.end()
        size = sum(path.stat().st_size for path in self._originals if path.is_file())
        figures = {"seconds": statistics.median(took), "first": took[0], "fetching_cpu": cpu,
                   "peak_mib": max(machine.peak_of([pid]) for pid in pids),
                   "threads": watch.threads, "descriptors": watch.descriptors}
        if size and sum(sent):
            figures["copies"] = sum(sent) / size
            # How far the source that is farthest from it is from its even part.
            figures["uneven"] = max(abs(part / sum(sent) * len(sent) - 1) for part in sent)
        return figures

    def _fetch_at_once(self):
        begin = time.monotonic()
        for fetcher, folder in zip(self.fetchers, self._folders):
            for original in self._originals:
                fetcher.begin(f"download_file {GROUP} {original.name} {folder / original.name}")
            fetcher.begin("wait")
        for fetcher in self.fetchers:
            for _ in range(len(self._originals) + 1):
                outcome = fetcher.result(PATIENCE)
                assert outcome["ok"] is True, f"{fetcher.title}: {outcome}"
        return time.monotonic() - begin

    def _fetch_one_by_one(self):
        (fetcher,), (folder,), took = self.fetchers, self._folders, []
        for original in self._originals:
            begin = time.monotonic()
            fetcher.begin(f"download_file {GROUP} {original.name} {folder / original.name}")
            fetcher.begin("wait")
            for _ in range(2):
                outcome = fetcher.result(PATIENCE)
                assert outcome["ok"] is True, f"{fetcher.title}: {outcome}"
            took.append(time.monotonic() - begin)
        return took

    def check(self):
        for folder in self._folders:
            for original in self._originals:
                self.place.check(folder / original.name, original)

    def clean_up(self):
        # They are sharers now; the next round is to begin with nothing.
        for fetcher, folder in zip(self.fetchers, self._folders):
            for original in self._originals:
                fetcher.ok(f"stop_share {GROUP} {original.name}")
                fetcher.ok(f"cancel {GROUP} {original.name}")
                if original.is_file():
                    (folder / original.name).unlink()

    def close(self):
        self.world.close()
