#!/usr/bin/env python3
"""Whoever sends a wrong piece is reported: he looks at his disk; he, the members and the owner are told."""

import pathlib
import shutil
import tempfile

from support.files import MIB, same_bytes
from support.program import until
from support.rotting_file import RottingFile
from support.suite import Suite
from support.visitor import DONE, FILE_FOUND, FIND_FILE, JOIN_GROUP, REPORT_PIECE, Visitor

suite = Suite()
PIECE = MIB // 2


def reported(client):
    return {row["user"]: row["reported_by"] for row in client.ok("list_peers g film")["peers"]}


def await_words(client, kind, *words):
    return client.await_event(kind, lambda event: all(word in event["message"] for word in words))


@suite.test(trackers=2)
def a_share_with_a_damaged_byte_is_given_up_and_everybody_is_told(world):
    world.await_agreement()
    owner, bob, carol, eve = world.people("owner", "bob", "carol", "eve")
    world.group("g", owner, bob, carol, eve)
    rotting = RottingFile(world, "film", 16 * MIB)
    good = shutil.copyfile(rotting.path, world.folder("good") / "film")
    bob.ok(f"upload_file {rotting.path} g")
    rotting.damage([5 * PIECE + 17])
    carol.ok(f"download_file g film {world.path}/got")
    # He is told which of his files it is and where, and serves it no more.
    event = await_words(bob, "share_changed", "damaged on the disk", "piece 5", f"bytes {5 * PIECE} to {6 * PIECE - 1}")
    assert (event["code"], event["path"]) == ("integrity", str(rotting.path))
    until(lambda: bob.do("stop_share g film")["ok"] is False, "the trackers to hear that it is not shared", between=0.1)
    # The owner is told by whom and about whom; so is whoever runs the trackers.
    await_words(owner, "notice", "carol says that bob", "film")
    for tracker in world.trackers:
        tracker.program.await_stderr("carol says that bob has sent him a wrong piece of film in g (piece 5, client")
    # With the right file everything is as it should be.
    owner.ok(f"upload_file {good} g")
    carol.await_download("film", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got", good)
    assert reported(eve) == {"owner": 0, "carol": 0}


@suite.test(trackers=1)
def a_download_with_a_damaged_byte_is_mended(world):
    memory = pathlib.Path(tempfile.mkdtemp(prefix="tutti-test-", dir="/dev/shm"))
    world.at_end(lambda: shutil.rmtree(memory))
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 8 * MIB)
    alice.ok(f"upload_file {film} g")
    bob.fetch("g", "film", memory / "film")
    alice.ok("logout")
    bob.ok("logout")
    rotting = RottingFile.of(memory / "film")
    bob.login()  # it has other times, and is hashed again
    until(lambda: [peer["percent"] for peer in carol.ok("list_peers g film")["peers"]] == [100], "bob to serve it")
    rotting.damage([3 * PIECE])
    carol.ok(f"download_file g film {world.path}/got")
    await_words(bob, "notice", "film: a piece of it is wrong on the disk")
    await_words(bob, "notice", "of 16 pieces on the disk 1 is wrong and is fetched again")
    # Until somebody has the piece he is a source of all others, and known for what he did.
    until(lambda: reported(carol).get("bob") == 1, "his report to be seen", between=0.1)
    alice.login()
    bob.await_download("film", lambda row: row["phase"] == "complete", "to be complete again")
    assert same_bytes(rotting.path, film)
    carol.await_download("film", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def who_lies_about_somebody_costs_him_nothing(world):
    """Right pieces are reported: they are read, and served on. Whom the owner hears of is the liar."""
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 4 * MIB)
    bob.ok(f"upload_file {film} g")
    liar = Visitor(world.tracker(1)).has_account("mallory", "secret-of-mallory")
    world.at_end(liar.close)
    kind, _ = liar.ask(FIND_FILE, "g", "film")
    assert kind != FILE_FOUND
    assert liar.ask(JOIN_GROUP, "g")[0] == DONE
    alice.ok("accept_request g mallory")
    kind, (gid, fid, _, sharers) = liar.ask(FIND_FILE, "g", "film")
    assert kind == FILE_FOUND and [sharer[0] for sharer in sharers] == ["bob"]
    for piece in range(8):
        assert liar.ask(REPORT_PIECE, gid, fid, sharers[0][1], piece) == (DONE, [])
    assert liar.ask(REPORT_PIECE, gid, fid, sharers[0][1], 8)[0] != DONE  # there is none such
    await_words(alice, "notice", "mallory says that bob")
    assert reported(alice) == {"bob": 1}
    carol.fetch("g", "film", world.path / "got")
    assert same_bytes(world.path / "got", film)
    assert not [event for event in bob.events
                if event["event"] == "share_changed" or "wrong" in event.get("message", "")]


if __name__ == "__main__":
    suite.run()
