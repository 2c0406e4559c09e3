#!/usr/bin/env python3
"""Nobody gets a wrong byte: not where SHA-1 is deceived, not from one liar among honest ones, not over a sudden end."""

import shutil
import time

from support.files import MIB, same_bytes, sha1
from support.program import until
from support.rotting_file import RottingFile
from support.suite import Suite

suite = Suite()

# The first bytes of the two files of https://shattered.io (Stevens, Bursztein, Karpman, Albertini, Markov, 2017): with
# whatever follows in both, they have the same SHA-1.
_COMMON = ("255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f547970"
           "652034203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e67"
           "74682038203020522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d312069732064656164"
           "2121212121852fec092339759c39b1a1c63c4c97e1fffe01")
COLLIDING = tuple(bytes.fromhex(_COMMON + rest) for rest in (
    "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972722fe7ad728f"
    "0e4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd0c78305a21566461309789"
    "606bd0bf3f98cda8044629a1",
    "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd728f"
    "0e45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864790c782c76215660dd309791"
    "d06bd0af3f98cda4bc4629b1"))


@suite.test(trackers=1)
def what_collides_in_sha1_is_told_apart(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = RottingFile(world, "film", 4 * MIB)
    film.write(0, COLLIDING[0])
    good = shutil.copyfile(film.path, world.folder("good") / "film")
    bob.ok(f"upload_file {film.path} g")
    film.write(0, COLLIDING[1])
    assert sha1(film.path) == sha1(good) and not same_bytes(film.path, good)
    carol.ok(f"download_file g film {world.path}/got")
    bob.await_event("share_changed", lambda event: event["code"] == "integrity")  # she has noticed, and he has looked
    assert not (world.path / "got").exists()
    alice.ok(f"upload_file {good} g")
    if carol.download("film")["phase"] == "failed":
        carol.ok(f"download_file g film {world.path}/got")
    carol.await_download("film", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got", good)


@suite.test(trackers=1)
def a_liar_among_four_is_found_and_nobody_else_blamed(world):
    *honest, liar, eve = world.people("alice", "bob", "carol", "mallory", "eve")
    world.group("g", *honest, liar, eve)
    film = world.file("film", 64 * MIB)
    rotting = RottingFile(world, "film", 64 * MIB, like=film)
    for source in honest:
        source.ok(f"upload_file {film} g")
    liar.ok(f"upload_file {rotting.path} g")
    rotting.damage(range(4321, 64 * MIB, 512 * 1024))  # one byte of each piece
    eve.await_sharers("g", "film", ["alice", "bob", "carol", "mallory"])
    eve.fetch("g", "film", world.path / "got")
    assert same_bytes(world.path / "got", film)
    # She asks the liar for nothing any more, and the others for everything.
    for source in (liar, *honest):
        source.ok(f"upload_file {world.file(f'of-{source.name}', 2 * MIB)} g")
    eve.ok(f"download_file g of-mallory {world.path}/of-mallory")
    eve.await_download("of-mallory", lambda row: "nothing is fetched any more from" in row.get("message", ""),
                       "to say why it does not come")
    for source in honest:
        eve.ok(f"download_file g of-{source.name} {world.path}/of-{source.name}")
        eve.await_download(f"of-{source.name}", lambda row: row["phase"] == "complete", "to come")
    assert eve.download("of-mallory")["verified"] == 0


@suite.test(trackers=1)
def ended_amid_a_transfer_it_is_gone_and_goes_on_later(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", 24 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.ok("set_limit up 8M")
    bob.ok(f"download_file g film {world.path}/got")
    row = bob.await_download("film", lambda row: row["pieces_verified"] >= 4, "to begin")
    begin = time.monotonic()
    bob.signal(15)
    assert bob.wait() == 130
    took = time.monotonic() - begin
    assert took < 5, f"it took {took:.1f} s"  # one at most; the rest is for sanitizers on a busy machine
    assert not (world.path / "got").exists()
    bob.restart()
    bob.login()
    assert bob.download("film")["pieces_verified"] >= row["pieces_verified"]
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)
    until(lambda: len(alice.ok("list_peers g film")["peers"]) == 2, "bob to be a source of it")


if __name__ == "__main__":
    suite.run()
