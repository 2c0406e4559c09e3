"""Who takes part in what: for each scenario its contestants, made when their turn comes to be made."""

import collections

from . import rivals
from .hashing import Hashes, Sealing, Sharing
from .link import Link
from .machine import MIB
from .mixed import Alone, Mixed
from .orchestra import Members
from .place import BENCHES
from .torrents import Aria2Crowd, Libtorrent
from .tutti import Tutti

KIB = 1 << 10
GIB = 1 << 30

# `makers`: by key, functions that make one contestant each. `bytes`: what one of them moves; `touched`: what a run writes, if
# that is more.
Contest = collections.namedtuple("Contest", "bytes makers touched rounds_max", defaults=(None, 100))


def one(place):
    original = place.file(place.size(GIB))
    return Contest(original.stat().st_size, {
        "tutti": lambda: Tutti(place, "tutti", "tutti", [[original]]),
        "limit": lambda: rivals.Limit(place, original),
        "rsync": lambda: rivals.rsync(place, [original]),
        "curl": lambda: rivals.curl(place, [original]),
        "libtorrent": lambda: Libtorrent(place, [[original]]),
        "aria2": lambda: rivals.aria2(place, [original]),
        "sealing": lambda: Sealing(place, original),
    })


def four(place):
    original = place.file(place.size(GIB))
    copies = [original, *(place.copy(original) for _ in range(3))]
    shares = [[copy] for copy in copies]
    return Contest(original.stat().st_size, {
        "tutti": lambda: Tutti(place, "tutti", "tutti, four sources", shares),
        "tutti-1": lambda: Tutti(place, "tutti-1", "tutti, one source", [[original]]),
        "libtorrent": lambda: Libtorrent(place, shares),
        "aria2": lambda: rivals.aria2(place, [original], copies),
    })


def memory(place):
    original = place.file(place.size(GIB))
    longer = place.longer(original, 8)

    def moving(size, contestant):
        contestant.bytes = size
        return contestant
    return Contest(longer.stat().st_size, {
        "tutti": lambda: Tutti(place, "tutti", "tutti, 8 GiB", [[longer]]),
        "tutti-1": lambda: moving(original.stat().st_size, Tutti(place, "tutti-1", "tutti, 1 GiB", [[original]])),
    }, rounds_max=1)


def small(place):
    originals = place.files_of(MIB, [f"small-{number}" for number in range(10)])
    return Contest(MIB, {
        "tutti": lambda: Tutti(place, "tutti", "tutti", [originals], one_by_one=True),
        "rsync": lambda: rivals.rsync(place, originals),
        "curl": lambda: rivals.curl(place, originals),
        "libtorrent": lambda: Libtorrent(place, [originals]),
    }, touched=len(originals) * MIB)


def tree(place):
    count, size = place.count(10_000), 4 * KIB
    original = place.tree(count, size)
    return Contest(count * size, {
        "tutti": lambda: Tutti(place, "tutti", "tutti", [[original]]),
        "rsync": lambda: rivals.rsync(place, [original]),
        "libtorrent": lambda: Libtorrent(place, [[original]]),
    })


def crowd(place):
    original, count = place.file(place.size(256 * MIB)), 4
    return Contest(original.stat().st_size * count, {
        "tutti": lambda: Tutti(place, "tutti", "tutti", [[original]], fetchers=count),
        "libtorrent": lambda: Libtorrent(place, [[original]], fetchers=count),
        "aria2": lambda: Aria2Crowd(place, original, count),
    })


def hashing(place):
    original = place.file(place.size(GIB))
    return Contest(original.stat().st_size, {
        "tutti": lambda: Sharing(place, original),
        "hashes": lambda: Hashes(place, original),
    })


def many(place):
    count = place.count(100)
    originals = place.files_of(16 * MIB, [f"file-{number:03}" for number in range(count)])
    whole = place.file(count * 16 * MIB, "whole")
    return Contest(whole.stat().st_size, {
        "tutti": lambda: Tutti(place, "tutti", "tutti, 100 files", [originals]),
        "tutti-1": lambda: Tutti(place, "tutti-1", "tutti, one file", [[whole]]),
    })


def over_a_link(place, size, loss_percent):
    original = place.file(place.size(size))
    mbit = 1000
    link = place.enter(Link(place, BENCHES / "bench_link", mbit, 50, loss_percent))
    ends = {"near": link.near, "far": link.far}

    def on_it(contestant):
        run, contestant.beside_pids = contestant.run, link.pids()

        def with_its_share():
            figures = run()
            figures["share"] = original.stat().st_size * 8 / figures["seconds"] / (mbit * 1e6)
            return figures
        contestant.run = with_its_share
        return contestant
    return Contest(original.stat().st_size, {
        "tutti": lambda: on_it(Tutti(place, "tutti", "tutti", [[original]], **ends)),
        "rsync": lambda: on_it(rivals.rsync(place, [original], **ends)),
        "curl": lambda: on_it(rivals.curl(place, [original], **ends)),
        "libtorrent": lambda: on_it(Libtorrent(place, [[original]], **ends)),
    })


def far(place):
    return over_a_link(place, GIB, 0)


def lossy(place):
    return over_a_link(place, 256 * MIB, 1)


def mixed(place):
    original = place.file(place.size(256 * MIB))
    return Contest(original.stat().st_size, {
        "tutti": lambda: Mixed(place, original),
        "tutti-1": lambda: Alone(place, "tutti-1", "tutti, the good one alone", [[original]]),
    })


def orchestra(place):
    original = place.file(place.size(GIB))
    return Contest(original.stat().st_size, {
        "tutti": lambda: Members(place, "tutti", original, 16 * KIB),
        "tutti-512": lambda: Members(place, "tutti-512", original, 512 * KIB),
    })


BUILDERS = {"one": one, "four": four, "memory": memory, "small": small, "tree": tree, "crowd": crowd, "hash": hashing,
            "many": many, "far": far, "lossy": lossy, "mixed": mixed, "orchestra": orchestra}
