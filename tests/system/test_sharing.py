#!/usr/bin/env python3
"""Who shares what with whom, and when no longer."""

import os

from support.files import KIB, MIB, same_bytes
from support.program import until
from support.suite import Suite

suite = Suite()


def told_of_change(client, file):
    event = client.await_event("share_changed", lambda event: event["file"] == file)
    assert len(event["message"]) > 10, event
    return event


@suite.test()
def logout_stops_serving_and_login_resumes_it(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    bob.await_sharers("g", "song", ["alice"])

    alice.ok("logout")
    bob.await_sharers("g", "song", [])
    row, = bob.ok("list_files g")["files"]
    assert (row["sharers"], row["sharers_online"]) == (1, 0), "the wish to share outlives the session"
    bob.do(f"download_file g song {world.path}/got")
    bob.await_download("song", lambda row: row["phase"] == "waiting", "to wait")

    alice.login()
    bob.ok("wait")
    assert same_bytes(world.path / "got", song)


@suite.test()
def login_resumes_sharing_after_a_restart_on_another_port(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    bob.fetch("g", "song", world.path / "first")
    bob.ok("stop_share g song")

    assert alice.quit() == 0
    alice.restart(port=world.ports.take())
    alice.login()
    until(lambda: [peer["port"] for peer in carol.ok("list_peers g song")["peers"]] == [alice.port],
          "the new port to be known")
    carol.fetch("g", "song", world.path / "second")
    assert same_bytes(world.path / "second", song)


@suite.test()
def who_quits_is_gone_at_once_for_everybody(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    for other in (bob, carol):
        other.await_sharers("g", "song", ["alice"])
    assert alice.quit() == 0
    # Far less than the 15 s after which one of whom nothing is heard is given up.
    for other in (bob, carol):
        until(lambda other=other: not other.ok("list_peers g song")["peers"], "alice to be gone", patience=5)
    members = {row["user"]: row["online"] for row in bob.ok("list_members g")["members"]}
    assert members == {"alice": False, "bob": True, "carol": True}, members
    # The session is another matter: it is there, and a login makes the next one.
    alice.restart()
    alice.login()
    bob.await_sharers("g", "song", ["alice"])


@suite.test(trackers=1)
def sharing_ends_with_kill_9_and_login_resumes_it(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    alice.kill()
    bob.await_sharers("g", "song", [])
    alice.restart(port=world.ports.take())
    alice.login()
    bob.await_sharers("g", "song", ["alice"])
    bob.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)


@suite.test(trackers=1)
def a_file_changed_while_logged_out_is_not_served(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    changed, gone, kept = (world.file(name, 600 * KIB) for name in ("changed", "gone", "kept"))
    for path in (changed, gone, kept):
        alice.ok(f"upload_file {path} g")
    alice.quit()
    changed.write_bytes(os.urandom(600 * KIB))
    gone.unlink()

    alice.restart()
    alice.login()
    told_of_change(alice, "changed")
    told_of_change(alice, "gone")
    bob.await_sharers("g", "kept", ["alice"])
    bob.fetch("g", "kept", world.path / "got")
    assert same_bytes(world.path / "got", kept)
    rows = {row["file"]: row["sharers_online"] for row in bob.ok("list_files g")["files"]}
    assert rows.get("changed", 0) == 0 and rows.get("gone", 0) == 0, rows


@suite.test(trackers=1)
def a_file_changed_while_served_is_not_served_on(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 3 * MIB)
    alice.ok(f"upload_file {song} g")
    song.write_bytes(os.urandom(3 * MIB))
    bob.do(f"download_file g song {world.path}/got")
    told_of_change(alice, "song")
    bob.await_download("song", lambda row: row["phase"] in ("waiting", "failed"), "to get nothing")
    assert not (world.path / "got").exists()
    # What the file is now may be shared anew, under another name.
    other = song.rename(song.with_name("song-2"))
    alice.ok(f"upload_file {other} g")
    bob.ok(f"download_file g song-2 {world.path}/got-2")
    bob.await_download("song-2", lambda row: row["phase"] == "complete", "to be complete")
    assert same_bytes(world.path / "got-2", other)


@suite.test()
def one_of_two_sharers_stops(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    song = world.file("song", 2 * MIB)
    alice.ok(f"upload_file {song} g")
    bob.ok(f"upload_file {song} g")
    carol.await_sharers("g", "song", ["alice", "bob"])
    alice.ok("stop_share g song")
    carol.await_sharers("g", "song", ["bob"])
    carol.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)
    # The last one to share takes the file out of the list; then its name is free.
    bob.ok("stop_share g song")
    carol.ok("stop_share g song")
    assert alice.ok("list_files g")["files"] == []
    alice.ok(f"upload_file {world.file('song', 100, seed='new', folder='new')} g")


@suite.test(trackers=1)
def a_stopped_share_stays_stopped(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('song', 1000)} g")
    alice.ok(f"upload_file {world.file('other', 1000)} g")
    alice.ok("stop_share g song")
    alice.refused("stop_share g song", "no_such_file")
    alice.quit()
    alice.restart()
    alice.login()
    bob.await_sharers("g", "other", ["alice"])
    assert [row["file"] for row in bob.ok("list_files g")["files"]] == ["other"]


@suite.test()
def one_name_in_two_groups(world):
    alice, bob = world.people("alice", "bob")
    world.group("red", alice, bob)
    world.group("blue", alice, bob)
    for group in ("red", "blue"):
        alice.ok(f"upload_file {world.file('song', 800 * KIB, seed=group, folder=group)} {group}")
    for group in ("red", "blue"):
        bob.ok(f"download_file {group} song {world.path}/{group}-song")
    bob.ok("wait")
    for group in ("red", "blue"):
        assert same_bytes(world.path / f"{group}-song", world.path / group / "song")
    # One file in two groups: what is stopped in one goes on in the other.
    shared = world.file("both", 1000)
    alice.ok(f"upload_file {shared} red")
    alice.ok(f"upload_file {shared} blue")
    alice.ok("stop_share red both")
    bob.fetch("blue", "both", world.path / "got")
    assert same_bytes(world.path / "got", shared)


@suite.test()
def one_name_with_other_content_is_refused(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('song', 1000)} g")
    bob.refused(f"upload_file {world.file('song', 1000, seed='bob', folder='bob')} g", "file_conflict")
    bob.refused(f"upload_file {world.file('song', 1001, seed='bob', folder='bob2')} g", "file_conflict")
    assert bob.ok(f"upload_file {world.path}/files/song g")["existed"] is True


@suite.test()
def an_owner_leaves(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    alice.ok("create_group g")
    for member in (carol, bob):  # carol stands longer
        member.ok("join_group g")
    alice.ok("accept_request g carol")
    alice.ok("accept_request g bob")
    song = world.file("song", 1000)
    alice.ok(f"upload_file {song} g")
    alice.ok("leave_group g")
    assert bob.ok("list_groups")["groups"][0]["owner"] == "carol"
    bob.refused("list_requests g", "not_the_owner")
    alice.refused("list_files g", "not_a_member")
    # Whoever has left no longer serves there.
    assert [row for row in bob.ok("list_files g")["files"] if row["sharers_online"]] == []
    alice.ok("join_group g")
    carol.ok("accept_request g alice")
    assert {row["user"]: row["owner"] for row in bob.ok("list_members g")["members"]} == \
        {"alice": False, "bob": False, "carol": True}


@suite.test()
def the_last_member_leaves(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('song', 1000)} g")
    alice.ok("leave_group g")
    bob.ok("leave_group g")
    assert alice.ok("list_groups")["groups"] == []
    alice.refused("join_group g", "no_such_group")
    # The name is free; nothing of the old group comes back with it.
    bob.ok("create_group g")
    assert bob.ok("list_files g")["files"] == []
    assert [row["user"] for row in bob.ok("list_members g")["members"]] == ["bob"]


@suite.test(trackers=1)
def who_has_left_is_not_served(world):
    """A download stops with the membership: at the source and at whoever fetches."""
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    alice.ok(f"upload_file {world.file('film', 32 * MIB)} g")
    bob.await_sharers("g", "film", ["alice"])
    alice.pause()
    bob.ok(f"download_file g film {world.path}/got")
    bob.ok("leave_group g")
    alice.resume()
    bob.refused(f"download_file g film {world.path}/again", "not_a_member")
    bob.await_download("film", lambda row: row["phase"] in ("failed", "waiting"), "to end")
    assert not (world.path / "got").exists()


if __name__ == "__main__":
    suite.run()
