"""scripts/bench: how fast tutti is, beside others and beside the least that the machine allows.

    machine      CPU seconds, memory, what this machine is, warming up
    contest      contestants by turns, and which rounds count
    place        the folder, files and ports of a run
    tutti        tutti as a contestant
    rivals       rsync, curl, aria2 and the limit pipeline
    orchestra    conductor and members
    torrents     BitTorrent: libtorrent (torrent_peer is its process), aria2, opentracker
    link         two network namespaces and a slow link between them
    scenarios    who takes part in what
    specs        what each scenario shows, and its targets
    results      medians, ranges and ratios of what was measured
    report, plot from recorded results to docs/benchmarks.md and docs/benchmarks.svg
"""
