#!/usr/bin/env python3
"""Files from many sources, from bad ones, from dying ones; downloaders that die."""

import os
import pathlib

from support.files import MIB, same_bytes
from support.program import until
from support.rotting_file import RottingFile
from support.suite import Suite

suite = Suite()

# A client does its work with a fixed cast, however many downloads and peers it has; ARCHITECTURE.md has the figures.
THREADS_MAX = 16
DESCRIPTORS_MAX = 256


def bytes_read(program):
    """What a process has read from files so far, from the page cache or not."""
    for line in pathlib.Path(f"/proc/{program.pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise AssertionError("/proc has no rchar")


def pause_in_the_middle(downloader, file, sources, least=1):
    """Lets the sources stand still once some of the file has come, and not all of it."""
    for source in sources:
        source.resume()
    row = downloader.await_download(file, lambda row: row["pieces_verified"] >= least, "to begin")
    for source in sources:
        source.pause()
    row = downloader.download(file)
    assert row["phase"] != "complete", "the file is too small for this machine: it came before one could look"
    return row


@suite.test()
def different_pieces_from_different_sources(world):
    *sources, eve = world.people("alice", "bob", "carol", "dave", "eve")
    world.group("g", *sources, eve)
    film = world.file("film", 64 * MIB)
    for source in sources:
        source.ok(f"upload_file {film} g")
    eve.await_sharers("g", "film", [source.name for source in sources])
    before = [bytes_read(source) for source in sources]
    eve.fetch("g", "film", world.path / "got")
    assert same_bytes(world.path / "got", film)
    read = [bytes_read(source) - earlier for source, earlier in zip(sources, before)]
    assert min(read) > MIB, f"not everybody has sent something: {read}"
    assert sum(read) < 1.5 * film.stat().st_size, f"the sources have sent much more than the file: {read}"


@suite.test(trackers=1)
def a_corrupted_source_costs_only_the_bad_pieces(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    good = world.file("film", 32 * MIB, folder="good")
    bad = RottingFile(world, "film", 32 * MIB)
    alice.ok(f"upload_file {good} g")
    bob.ok(f"upload_file {bad.path} g")
    bad.damage(range(0, 32 * MIB, 4 * MIB))
    carol.await_sharers("g", "film", ["alice", "bob"])
    carol.fetch("g", "film", world.path / "got")
    assert same_bytes(world.path / "got", good)


@suite.test(trackers=1)
def a_corrupted_only_source_never_yields_a_file(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = RottingFile(world, "film", 8 * MIB)
    good = world.file("film", 8 * MIB, folder="good")
    alice.ok(f"upload_file {film.path} g")
    film.damage([5 * MIB])
    carol.ok(f"download_file g film {world.path}/got")
    carol.await_download("film", lambda row: row.get("code") in ("integrity", "no_peers"), "to notice")
    assert not (world.path / "got").exists()
    # A good source appears: the missing piece comes from there.
    bob.ok(f"upload_file {good} g")
    if carol.download("film")["phase"] == "failed":
        carol.ok(f"download_file g film {world.path}/got")
    carol.await_download("film", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got", good)


@suite.test(trackers=1)
def a_source_truncated_while_it_serves(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 128 * MIB, folder="shrinking")
    alice.ok(f"upload_file {film} g")
    alice.pause()
    carol.ok(f"download_file g film {world.path}/got")
    pause_in_the_middle(carol, "film", [alice])
    os.truncate(film, MIB)
    alice.resume()
    alice.await_event("share_changed", lambda event: event["file"] == "film")
    assert alice.ok("whoami")["user"] == "alice", "a file that shrinks under it must not end the source"
    assert not (world.path / "got").exists()
    good = world.file("film", 128 * MIB, folder="good")
    bob.ok(f"upload_file {good} g")
    carol.await_download("film", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got", good)


@suite.test()
def a_vanished_source_comes_back(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", 128 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.pause()
    bob.ok(f"download_file g film {world.path}/got")
    pause_in_the_middle(bob, "film", [alice])
    alice.kill()
    row = bob.await_download("film", lambda row: row["phase"] == "waiting", "to wait")
    assert row["code"] == "no_peers" and row["message"], row
    assert bob.refused("wait 1", "timeout")
    alice.restart()
    alice.login()
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def one_of_two_sources_vanishes(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 128 * MIB)
    for source in (alice, bob):
        source.ok(f"upload_file {film} g")
        source.pause()
    carol.ok(f"download_file g film {world.path}/got")
    pause_in_the_middle(carol, "film", [alice, bob])
    alice.kill()
    bob.resume()
    carol.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def a_killed_downloader_resumes(world):
    """What was verified before kill -9 is neither fetched nor lost."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", 128 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.ok(f"upload_file {world.file('leaflet', 1000)} g")
    alice.pause()
    bob.ok(f"download_file g film {world.path}/got")
    had = pause_in_the_middle(bob, "film", [alice], least=20)["verified"]
    # A piece counts a moment before it is journalled; a download begins with a word to the same journal, behind it.
    bob.ok(f"download_file g leaflet {world.path}/leaflet")
    bob.kill()
    assert not (world.path / "got").exists(), "an unfinished download must not look finished"
    bob.restart(port=world.ports.take())
    bob.login()
    row = bob.await_download("film", lambda row: row["verified"] >= had, "to know what it has")
    assert row["phase"] != "complete"
    alice.resume()
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def what_has_come_is_served_at_once(world):
    """Bob has a part, the only whole source is gone: carol gets that part from bob."""
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 128 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.pause()
    bob.ok(f"download_file g film {world.path}/bob-got")
    pause_in_the_middle(bob, "film", [alice])
    alice.kill()
    bob.await_download("film", lambda row: row["phase"] == "waiting", "to wait")
    carol.ok(f"download_file g film {world.path}/carol-got")
    # What had come when alice was killed may still be hashed there.
    carol.await_download("film", lambda row: 0 < row["verified"] == bob.download("film")["verified"], "to have what bob has")
    alice.restart()
    alice.login()
    for client in (bob, carol):
        client.ok("wait")
        assert same_bytes(world.path / f"{client.name}-got", film)


@suite.test()
def twenty_downloads_at_once_from_four_sources(world):
    *sources, eve = world.people("alice", "bob", "carol", "dave", "eve")
    world.group("g", *sources, eve)
    names = [f"file-{number:02}" for number in range(20)]
    for number, name in enumerate(names):
        path = world.file(name, 3 * MIB + number * 100_001)
        for source in sources:
            source.ok(f"upload_file {path} g")
    idle = eve.threads(), eve.descriptors()
    for source in sources:
        source.pause()
    target = world.folder("got")
    for name in names:
        eve.ok(f"download_file g {name} {target}")
    assert sum(row["phase"] != "complete" for row in eve.downloads()) == 20, "all twenty run at once"
    for source in sources:
        source.resume()
    most = [0, 0]

    def all_complete():
        most[:] = max(most[0], eve.threads()), max(most[1], eve.descriptors())
        return all(row["phase"] == "complete" for row in eve.downloads())
    until(all_complete, "twenty downloads", patience=120)
    eve.ok("wait")
    for name in names:
        assert same_bytes(target / name, world.path / "files" / name), name
    print(f"    threads: {idle[0]} idle, {most[0]} at most; descriptors: {idle[1]} idle, {most[1]} at most; "
          f"peak memory {eve.peak_memory_mib():.0f} MiB")
    assert most[0] <= min(THREADS_MAX, idle[0]), "threads do not grow with downloads"
    assert most[1] <= DESCRIPTORS_MAX


if __name__ == "__main__":
    suite.run()
