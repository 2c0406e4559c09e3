#!/usr/bin/env python3
"""Walks over every command with two trackers and four clients, and moves files of every interesting size."""

import os
import shutil

from support.files import KIB, MIB, same_bytes, sha1, write_sparse
from support.program import until
from support.suite import Skipped, Suite
from support.world import PASSWORD

suite = Suite()

PIECE = 512 * KIB
GIB = 1024 * MIB


def names(rows, field):
    return [row[field] for row in rows]


@suite.test()
def every_command_in_order(world):
    """The commands in the order in which the manual lists them, each with what it changes for the others."""
    alice, bob, carol, dave = (world.client(name) for name in ("alice", "bob", "carol", "dave"))
    everybody = (alice, bob, carol, dave)
    song = world.file("song.mp3", 3 * PIECE + 17)

    for client in everybody:
        assert client.ok(f"create_user {client.name} {PASSWORD}")["user"] == client.name
    for client in everybody:
        assert client.login()["user"] == client.name

    assert alice.ok("create_group music")["group"] == "music"
    for client in (bob, carol, dave):
        assert client.ok("join_group music")["group"] == "music"
    dave.ok("leave_group music")  # takes the request back
    assert sorted(alice.ok("list_requests music")["requests"]) == ["bob", "carol"]
    dave.ok("join_group music")
    assert sorted(alice.ok("list_requests music")["requests"]) == ["bob", "carol", "dave"]
    assert alice.ok("accept_request music bob")["user"] == "bob"
    alice.ok("accept_request music carol")
    alice.ok("reject_request music dave")
    assert alice.ok("list_requests music")["requests"] == []
    dave.ok("join_group music")
    alice.ok("accept_request music dave")
    assert alice.ok("remove_member music dave")["user"] == "dave"

    def groups_of(client):
        return {row["group"]: row for row in client.ok("list_groups")["groups"]}
    assert groups_of(alice)["music"] == {"group": "music", "owner": "alice", "members": 3, "standing": "owner"}
    assert groups_of(bob)["music"]["standing"] == "member"
    assert groups_of(dave)["music"]["standing"] == "none"

    assert bob.ok("list_files music")["files"] == []
    uploaded = alice.ok(f"upload_file {song} music")
    assert (uploaded["group"], uploaded["file"], uploaded["existed"]) == ("music", "song.mp3", False), uploaded
    # The other order of a later form of the same exercise.
    other = world.file("other.bin", 10)
    assert alice.ok(f"upload_file music {other}")["file"] == "other.bin"
    files = {row["file"]: row for row in bob.ok("list_files music")["files"]}
    assert set(files) == {"song.mp3", "other.bin"}
    assert files["song.mp3"]["size"] == os.path.getsize(song)
    assert files["song.mp3"]["sha1"] == sha1(song)
    assert files["song.mp3"]["sharers"] == 1

    target = world.folder("bob-files")
    started = bob.ok(f"download_file music song.mp3 {target}")
    assert (started["group"], started["file"]) == ("music", "song.mp3")
    bob.ok("wait")
    assert same_bytes(target / "song.mp3", song)
    row = bob.ok("show_downloads")["downloads"][0]
    assert (row["group"], row["file"], row["phase"]) == ("music", "song.mp3", "complete"), row
    assert row["verified"] == row["size"] == os.path.getsize(song)
    assert bob.do("Show_downloads")["downloads"][0]["phase"] == "complete"
    bob.ok("show_downloads -l")

    # A download that a limit keeps from ending at once. (More in test_control.py.)
    big = world.file("big.bin", 32 * PIECE)
    alice.ok(f"upload_file {big} music")
    assert dave.refused("set_limit down 1M music", "not_a_member")
    assert len(carol.ok("set_limit down 1M music")["limits"]) == 1
    carol.ok(f"download_file music big.bin {world.path}")
    carol.ok("set_priority music big.bin high")
    carol.ok("pause music big.bin")
    assert carol.download("big.bin")["phase"] == "paused"
    assert carol.ok("diagnose music big.bin")["sentences"]
    assert carol.ok("set_limit down none music")["limits"] == []
    carol.ok("resume music big.bin")
    carol.ok("wait")
    assert same_bytes(world.path / "big.bin", big)
    carol.ok("recheck music big.bin")
    carol.ok("wait")
    carol.ok("cancel music big.bin")
    assert carol.downloads() == []
    carol.ok("stop_share music big.bin")
    alice.ok("stop_share music big.bin")

    # What bob has fetched he shares.
    carol.await_sharers("music", "song.mp3", ["alice", "bob"])
    peers = carol.ok("list_peers music song.mp3")
    assert peers["size"] == os.path.getsize(song) and peers["pieces"] == 4 and peers["sha1"] == sha1(song)
    assert {(peer["user"], peer["port"]) for peer in peers["peers"]} == {("alice", alice.port), ("bob", bob.port)}

    exported = alice.ok(f"export_orch music song.mp3 10.0.0.1:9999 {world.path}/")
    assert exported["path"] == f"{world.path}/song.mp3.orch" and os.path.getsize(exported["path"]) > 4 * 41, exported

    alice.ok("stop_share music song.mp3")
    carol.await_sharers("music", "song.mp3", ["bob"])
    renamed = world.path / "carol.mp3"
    carol.fetch("music", "song.mp3", renamed)
    assert same_bytes(renamed, song)

    members = {row["user"]: row for row in carol.ok("list_members music")["members"]}
    assert set(members) == {"alice", "bob", "carol"}
    assert [user for user, row in members.items() if row["owner"]] == ["alice"]
    assert all(row["online"] for row in members.values())

    assert alice.ok("transfer_group music bob")["user"] == "bob"
    until(lambda: groups_of(bob)["music"]["standing"] == "owner", "bob to own the group")
    assert groups_of(alice)["music"]["standing"] == "member"
    bob.ok("transfer_group music alice")
    dave.ok(f"passwd {PASSWORD} another")

    me = alice.ok("whoami")
    assert me["user"] == "alice" and me["serving"].endswith(f":{alice.port}")
    status = alice.ok("status")
    assert status["user"] == "alice" and status["tracker"]["number"] in (1, 2)
    assert (status["users"], status["groups"], status["files"]) == (4, 1, 2), status
    assert sorted(row["number"] for row in status["trackers"]) == [1, 2]
    until(lambda: {row["health"] for row in alice.ok("status")["trackers"]} == {"self", "in_sync"},
          "the trackers to know that they agree", between=0.05)

    trace = world.path / "alice.trace"
    alice.ok(f"trace start {trace}")
    alice.ok("whoami")
    alice.ok("trace stop")
    assert trace.stat().st_size > 0

    commands = alice.ok("help")["commands"]
    one = alice.ok("help download_file")["commands"]
    assert names(one, "name") == ["download_file"]
    assert one[0]["usage"] == \
        "download_file <group_id> <file_name> <destination_path> [--sequential] [--only GLOB]..."

    alice.ok("logout")
    assert alice.ok("status")["user"] is None
    alice.login()
    assert alice.quit() == 0
    world_of_words = {"serve"}  # it ends with the program: shown by serve_ends_with_a_signal
    for client in everybody:
        world_of_words |= {line.split()[0] for line in client.log_of_commands} | {"quit"}
    untried = set(names(commands, "name")) - world_of_words
    assert not untried, f"no test has typed {untried}"


@suite.test(trackers=1)
def serve_ends_with_a_signal(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", PIECE)
    alice.ok(f"upload_file {song} g")
    alice.begin("serve")
    bob.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)
    alice.signal(15)
    assert alice.wait() in (0, 130)


@suite.test(trackers=1)
def the_lines_of_the_seeds(world):
    """Off a terminal: `[D] [grp_id] filename`, `[C] [grp_id] filename` and nothing else."""
    alice, bob = world.people("alice", "bob")
    world.group("music", alice, bob)
    for name in ("one.mp3", "two words.mp3"):
        alice.ok(f"upload_file '{world.file(name, 1000)}' music")
    assert bob.quit() == 0
    status, out, err = bob.script(
        f"login bob {PASSWORD}\n"
        "# a comment, then a blank line\n\n"
        f"download_file music one.mp3 {world.path}/got-1\n"
        f"download_file music 'two words.mp3' \"{world.path}/got 2\"\n"
        "wait\n"
        "Show_downloads\n"
        "logout")
    assert status == 0, (status, out, err)
    assert [line for line in out.splitlines() if line.startswith("[")] == \
        ["[C] [music] one.mp3", "[C] [music] two words.mp3"], out
    assert "\x1b" not in out + err
    assert same_bytes(world.path / "got 2", world.path / "files" / "two words.mp3")


@suite.test()
def files_of_every_size(world):
    """Two share, two fetch; also empty files, last pieces of one byte and of one byte less than a piece."""
    alice, bob, carol, dave = world.people("alice", "bob", "carol", "dave")
    world.group("g", alice, bob, carol, dave)
    sizes = {"0": 0, "1": 1, "piece-1": PIECE - 1, "piece": PIECE, "piece+1": PIECE + 1, "multiple": 7 * PIECE}
    for name, size in sizes.items():
        path = world.file(name, size)
        alice.ok(f"upload_file {path} g")
        assert bob.ok(f"upload_file {path} g")["existed"] is True
    for client in (carol, dave):
        target = world.folder(f"{client.name}-files")
        for name in sizes:
            client.ok(f"download_file g {name} {target}")
    for client in (carol, dave):
        client.ok("wait")
        assert {row["file"]: row["phase"] for row in client.downloads()} == dict.fromkeys(sizes, "complete")
        for name in sizes:
            assert same_bytes(world.path / f"{client.name}-files" / name, world.path / "files" / name), name


@suite.test()
def a_large_file_from_two(world):
    alice, bob, carol, dave = world.people("alice", "bob", "carol", "dave")
    world.group("g", alice, bob, carol, dave)
    path = world.file("large", 300 * MIB)
    alice.ok(f"upload_file {path} g")
    bob.ok(f"upload_file {path} g")
    for client in (carol, dave):
        client.ok(f"download_file g large {world.path}/{client.name}-large")
    for client in (carol, dave):
        client.ok("wait", patience=300)
        assert same_bytes(world.path / f"{client.name}-large", path)


@suite.test()
def a_sparse_file_over_4_gib(world):
    """Sizes and offsets that do not fit into 32 bits."""
    if shutil.disk_usage(world.path).free < 6 * GIB:
        raise Skipped("there are no 6 GiB free for temporary files")
    if "TUTTI_RACES" in os.environ:
        raise Skipped("that many bytes take ten minutes under the thread sanitizer, and races show with fewer")
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    path = write_sparse(world.folder("files") / "sparse", 4 * GIB + 3 * MIB + 1)
    alice.ok(f"upload_file {path} g", patience=300)
    bob.fetch("g", "sparse", world.path / "got", patience=600)
    assert same_bytes(world.path / "got", path)


if __name__ == "__main__":
    suite.run()
