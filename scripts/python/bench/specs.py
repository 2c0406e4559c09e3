"""What each scenario shows, beside what, and its targets. Nothing here runs anything."""

import collections

# `measure` maps Rows to a Spread; with `at_least` more is better, else less. `show` formats a value.
Goal = collections.namedtuple("Goal", "what limit measure show at_least", defaults=("{:.2f} x", False))
# `factor` is what a figure is multiplied by before it is shown.
Column = collections.namedtuple("Column", "figure heading show factor", defaults=("{:.2f}", 1))
# `columns` beside the usual ones. `against`: the contestant that all seconds are compared with. `like`: the scenario whose
# runs this one looks at once more.
Spec = collections.namedtuple("Spec", "name title goals columns against unit like notes",
                              defaults=((), "tutti", "s", None, ()))

COPIES = Column("copies", "copies out of the sources")
UNEVEN = Column("uneven", "farthest from an even part", "{:.0f} %", 100)
FIRST = Column("first", "the first, ms", "{:.1f}", 1000)
THREADS = Column("threads", "threads", "{:.0f}")
DESCRIPTORS = Column("descriptors", "descriptors", "{:.0f}")
TIMES_ORIGINAL = Column("times_original", "times the original's rate", "{:.0f}")
SHARE = Column("share", "share of the link", "{:.0f} %", 100)

CPU = "fetching_cpu+serving_cpu"
MORE_IS_BETTER = True
PERCENT = "{:.0%}"


def ratio(key, other, figure="seconds"):
    return lambda rows: rows.ratio(key, other, figure)


def figure(key, name):
    return lambda rows: rows.figure(key, name)


SPECS = (
    Spec("one", "1 GiB from one source", (
        Goal("seconds, against the limit pipeline", 1.8, ratio("tutti", "limit")),
        Goal("libtorrent's seconds, against tutti's", 2.5, ratio("libtorrent", "tutti"), at_least=MORE_IS_BETTER),
    ), notes=("The limit pipeline is `bench_limit_pipeline`: sendfile at one end, recv on one thread and SHA-1 and pwrite on "
              "another at the other. No protocol, no pieces, nothing encrypted, one hash where tutti does three.",)),
    Spec("cpu", "CPU seconds of both sides for 1 GiB", (
        Goal("CPU seconds, fetching and serving", 3.0, figure("tutti", CPU), "{:.2f} s"),
    ), like="one"),
    Spec("price", "what encryption costs 1 GiB from one source", (
        Goal("CPU seconds of sealing and opening blocks, against all of the transfer's", 0.2, ratio("sealing", "tutti", CPU),
             PERCENT),
    ), like="one"),
    Spec("four", "1 GiB from four sources", (
        Goal("seconds, against one source", 1.0, ratio("tutti", "tutti-1")),
        Goal("the source that is farthest from a quarter of the bytes", 0.10, figure("tutti", "uneven"), PERCENT),
    ), (UNEVEN,)),
    Spec("memory", "peak memory of who fetches 1 GiB and 8 GiB", (
        Goal("peak memory at 1 GiB", 64, figure("tutti-1", "peak_mib"), "{:.0f} MiB"),
        Goal("peak memory at 8 GiB", 64, figure("tutti", "peak_mib"), "{:.0f} MiB"),
        Goal("peak memory at 8 GiB, against 1 GiB", 1.1, lambda rows: rows.ratio("tutti", "tutti-1", "peak_mib")),
    )),
    Spec("small", "1 MiB, from the command to verified", (
        Goal("from the command to verified", 0.030, figure("tutti", "seconds"), "{:.4f} s"),
    ), (FIRST,), unit="ms",
         notes=("Each run fetches ten files one by one and counts the median; tutti's and libtorrent's clients run already, "
                "rsync and curl start anew for each. The first of tutti's also makes the connection.",)),
    Spec("tree", "10,000 files of 4 KiB as one directory", (
        Goal("seconds, against rsync", 1.0, ratio("tutti", "rsync")),
    )),
    Spec("crowd", "256 MiB from one source to four at once", (
        Goal("copies that leave the source", 1.15, figure("tutti", "copies"), "{:.2f}"),
        Goal("seconds until all are done, against libtorrent", 0.6, ratio("tutti", "libtorrent")),
    ), (COPIES,), notes=("CPU seconds and bytes are those of all four; peak memory is that of the largest.",)),
    Spec("hash", "sharing 1 GiB: hashing it", (
        Goal("seconds, against the hashes' own", 1.1, ratio("tutti", "hashes")),
    ), notes=("The hashes' own time is what `bench_digests` measures in the same rounds: SHA-1 and SHA-256 of each piece on all "
              "cores, and SHA-1 of the whole, which cannot be divided, on one of them, beside what pieces it can take along.",)),
    Spec("many", "100 downloads of 16 MiB at once, against one of 1.6 GiB", (
        Goal("seconds, against one file", 1.25, ratio("tutti", "tutti-1")),
        Goal("threads of who fetches", 32, figure("tutti", "threads"), "{:.0f}"),
        Goal("descriptors of who fetches", 512, figure("tutti", "descriptors"), "{:.0f}"),
    ), (THREADS, DESCRIPTORS)),
    Spec("far", "1 GiB over a link of 1 Gbit/s and 50 ms there and back", (
        Goal("share of the link", 0.9, figure("tutti", "share"), PERCENT, MORE_IS_BETTER),
    ), (SHARE,), notes=("The link is `bench_link` between two network namespaces. Headers take 3.5 % of it. The kernel may buffer "
                        "16 MiB for a connection there, for everybody.",)),
    Spec("lossy", "256 MiB over the same link, with 1 % of the packets lost", (), (SHARE,)),
    Spec("mixed", "256 MiB from one good source among a bad, a dead, a slow and a lying one", (
        Goal("seconds, against the good one alone", 1.2, ratio("tutti", "tutti-1")),
    ), notes=("The bad one alters a byte of each block that it sends, the dead one stands still, the slow one sends 1 MiB/s, the "
              "lying one says that it has all pieces and gives none, and one has changed its file since it shared it. Who fetches is "
              "started anew before each run, among them and alone.",)),
    Spec("orchestra", "1 GiB between two members of an Orchestra", (
        Goal("times the original's rate, parts of 16 KiB", 4, figure("tutti", "times_original"), "{:.0f} x", MORE_IS_BETTER),
        Goal("times the original's rate, parts of 512 KiB", 4, figure("tutti-512", "times_original"), "{:.0f} x",
             MORE_IS_BETTER),
    ), (TIMES_ORIGINAL,), notes=("From the start of the member that fetches to its end. The original's rates, 2.0 and 11.9 MB/s, "
                                 "were measured once with 50 and 200 MiB: it takes no file of 1 GiB.",)),
)

BY_NAME = {spec.name: spec for spec in SPECS}
