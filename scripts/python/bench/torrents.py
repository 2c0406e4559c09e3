"""BitTorrent: libtorrent as processes that stay, aria2 as one that comes and goes, opentracker between them."""

import json
import statistics
import subprocess
import time
import urllib.request

from . import machine
from .contest import Contestant
from .link import HERE
from .place import until

# Debian's Python sees Debian's libtorrent.
PYTHON = "/usr/bin/python3"
PATIENCE = 900


class Peer:
    """A libtorrent session that does what it is told, one thing after the other; see torrent_peer."""

    def __init__(self, place, end=HERE):
        self.port = place.ports.take()
        self._place = place
        self.process = place.start([*end.within, PYTHON, "-B", "-m", "bench.torrent_peer", end.host, self.port],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   cwd=place.python_folder())
        self.result()

    @property
    def pid(self):
        return self.process.pid

    def begin(self, do, **words):
        self.process.stdin.write(json.dumps({"do": do, **{key: str(value) for key, value in words.items()}}) + "\n")
        self.process.stdin.flush()

    def result(self):
        line = self.process.stdout.readline()
        assert line, "a libtorrent process has ended"
        answer = json.loads(line)
        assert "error" not in answer, f"libtorrent: {answer['error']}"
        return answer

    def do(self, what, **words):
        self.begin(what, **words)
        return self.result()


def make_torrents(place, originals, announce):
    """A .torrent for each file or tree."""
    maker, folder = Peer(place), place.new_folder("torrents")
    torrents = []
    for original in originals:
        torrents.append(folder / f"{original.name}.torrent")
        maker.do("make", path=original, torrent=torrents[-1], announce=announce)
    place.end([maker.process])
    return torrents


class Libtorrent(Contestant):
    key = "libtorrent"

    """All find each other by opentracker: whom it names at once is dialled at once, but whom one is told of by hand only
    when the session ticks, once a second."""

    def __init__(self, place, shares, fetchers=1, near=HERE, far=HERE):
        """`shares` as for tutti."""
        many = f", {len(shares)} sources" if len(shares) > 1 else ""
        self.place, self.name = place, f"libtorrent{many}"
        self._originals = shares[0]
        self._read = [path for paths in shares for path in paths]
        self._tracker = Opentracker(place, far)
        self._torrents = make_torrents(place, self._originals, self._tracker.url)
        self._tracker.start(self._torrents)
        self._sources = [Peer(place, far) for _ in shares]
        for source, paths in zip(self._sources, shares):
            for path, torrent in zip(paths, self._torrents):
                source.do("seed", torrent=torrent, folder=path.parent)
        self._fetchers = [Peer(place, near) for _ in range(fetchers)]
        self._folders = []

    def serving_pids(self):
        return [source.pid for source in self._sources] + self._tracker.pids()

    def prepare(self):
        self.place.read_through(self._read)
        self._folders = [self.place.new_folder("got-libtorrent") for _ in self._fetchers]
        for fetcher in self._fetchers:
            machine.forget_peak(fetcher.pid)

    def run(self):
        pids = [fetcher.pid for fetcher in self._fetchers]
        before, sent_before, took = machine.cpu_of(pids), self._sent(), []
        for torrent in self._torrents:
            begin = time.monotonic()
            for fetcher, folder in zip(self._fetchers, self._folders):
                fetcher.begin("fetch", torrent=torrent, folder=folder)
            for fetcher in self._fetchers:
                fetcher.result()
            took.append(time.monotonic() - begin)
        cpu = machine.cpu_of(pids) - before
        sent = [now - earlier for now, earlier in zip(self._sent(), sent_before)]
        figures = {"seconds": statistics.median(took), "first": took[0], "fetching_cpu": cpu,
                   "peak_mib": max(machine.peak_of([pid]) for pid in pids)}
        size = sum(path.stat().st_size for path in self._originals if path.is_file())
        if size and sum(sent):
            figures["copies"] = sum(sent) / size
            figures["uneven"] = max(abs(part / sum(sent) * len(sent) - 1) for part in sent)
        return figures

    def _sent(self):
        return [source.do("sent")["bytes"] for source in self._sources]

    def check(self):
        for folder in self._folders:
            for original in self._originals:
                self.place.check(folder / original.name, original)

    def clean_up(self):
        for fetcher, folder in zip(self._fetchers, self._folders):
            for original, torrent in zip(self._originals, self._torrents):
                fetcher.do("forget", torrent=torrent)
                if original.is_file():
                    (folder / original.name).unlink()

    def close(self):
        self.place.end([peer.process for peer in self._sources + self._fetchers])
        self._tracker.close()


class Opentracker:
    """Serves the torrents on its list, which has to be there when it starts."""

    def __init__(self, place, end=HERE):
        self._place, self._end, self._port, self._process = place, end, place.ports.take(), None
        self.url = f"http://{end.host}:{self._port}/announce"

    def start(self, torrents):
        folder = self._place.new_folder("opentracker")
        # It becomes nobody.
        folder.chmod(0o755)
        (folder / "list").write_text("".join(f"{info_hash(self._place, torrent)}\n" for torrent in torrents))
        self._process = self._place.start([*self._end.within, "opentracker", "-i", self._end.host, "-p", self._port,
                                           "-d", folder, "-w", "list"],
                                          cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._place.await_port(self._port, self._process.pid)

    def pids(self):
        return [self._process.pid]

    def close(self):
        self._place.end([self._process])


def info_hash(place, torrent):
    asked = Peer(place)
    answer = asked.do("hash", torrent=torrent)["hash"]
    place.end([asked.process])
    return answer


class Aria2Crowd(Contestant):
    """aria2 as a BitTorrent client: a source that stays, and several that come, fetch and end once they have all."""

    key, name = "aria2", "aria2 (BitTorrent)"

    def __init__(self, place, original, fetchers):
        self.place, self._original, self._count = place, original, fetchers
        self._tracker = Opentracker(place)
        (self._torrent,) = make_torrents(place, [original], self._tracker.url)
        self._tracker.start([self._torrent])
        self._rpc = place.ports.take()
        self._source = place.start(
            [*self._words(original.parent), "--seed-ratio=0", "--check-integrity=true", "--enable-rpc=true",
             f"--rpc-listen-port={self._rpc}", self._torrent], stdout=subprocess.DEVNULL)
        place.await_port(self._rpc)
        until(lambda: self._row().get("seeder") == "true", "aria2 to seed", 120)
        self._folders = []

    def _words(self, folder):
        return ["aria2c", "--quiet", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                "--file-allocation=none", "--bt-max-peers=0",
                f"--listen-port={self.place.ports.take()}", f"--dir={folder}"]

    def _row(self):
        """What the source says of its torrent."""
        question = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "aria2.tellActive"}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self._rpc}/jsonrpc", question, timeout=30) as answer:
            rows = json.load(answer)["result"]
        return rows[0] if rows else {}

    def serving_pids(self):
        return [self._source.pid, *self._tracker.pids()]

    def prepare(self):
        self.place.read_through([self._original])
        self._folders = [self.place.new_folder("got-aria2") for _ in range(self._count)]

    def run(self):
        sent = int(self._row()["uploadLength"])
        begin = time.monotonic()
        before = machine.children_cpu()
        fetchers = [self.place.start([*self._words(folder), "--seed-time=0", self._torrent], stdout=subprocess.DEVNULL)
                    for folder in self._folders]
        peak = 0.0
        while any(fetcher.poll() is None for fetcher in fetchers):
            peak = max([peak, *(machine.peak_of([fetcher.pid]) for fetcher in fetchers)])
            machine.rest(0.02)
        seconds = time.monotonic() - begin
        for fetcher in fetchers:
            self.place.forget(fetcher)
            assert fetcher.returncode == 0, f"aria2 ended with {fetcher.returncode}"
        return {"seconds": seconds, "fetching_cpu": machine.children_cpu() - before, "peak_mib": peak,
                "copies": (int(self._row()["uploadLength"]) - sent) / self._original.stat().st_size}

    def check(self):
        for folder in self._folders:
            self.place.check(folder / self._original.name, self._original)

    def clean_up(self):
        for folder in self._folders:
            (folder / self._original.name).unlink()

    def close(self):
        self.place.end([self._source])
        self._tracker.close()
