#!/usr/bin/env python3
"""Directories, with real programs: shared as one, fetched whole or in part, added to what is there."""

import os
import pathlib
import random
import re
import shutil

from support.files import KIB, MIB, write_random
from support.program import until
from support.suite import Suite

suite = Suite()


def fill(root, files=200, long=3 * MIB):
    """Small files in a few directories, a long one, and what is special about some."""
    source = random.Random(1)
    for number in range(files):
        folder = root / f"dir{number % 7}" / f"sub {number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}.txt").write_bytes(source.randbytes(source.randrange(1, 8 * KIB)))
    write_random(root / "long.bin", long, 2)
    (root / "nothing").touch()
    (root / "empty" / "below").mkdir(parents=True)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "Ünï 歌").write_text("names")
    return root


def image(root, skip=()):
    """What is in a directory: content and executable bit by path, None for an empty directory."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        name = str(path.relative_to(root))
        if name in skip:
            continue
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            if not any(path.iterdir()):
                found[name] = None
        else:
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def two(world, **named):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    return alice, bob, fill(world.path / "tree", **named)


def bytes_read(client):
    return int(re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{client.pid}/io").read_text())[1])


def leftovers(world):
    return [path for path in world.path.glob("**/.*.part")]


@suite.test()
def a_directory_arrives_whole_and_is_listed_as_one(world):
    alice, bob, tree = two(world)
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "dir0" / "up").symlink_to("..")
    os.mkfifo(tree / "pipe")
    links = ("link", "dir0/up", "pipe")
    shared = alice.ok(f"upload_file {tree} g")
    assert shared["file"] == "tree" and not shared["existed"], shared
    for name in links:
        assert name in shared["message"], shared
    row, = bob.ok("list_files g")["files"]
    assert row["file"] == "tree" and row["directory"] is True, row

    bob.fetch("g", "tree/", world.path / "got")
    (tree / "pipe").unlink()
    assert image(world.path / "got") == image(tree, skip=links)
    assert not leftovers(world)


@suite.test(trackers=1)
def who_has_fetched_a_directory_serves_it_also_after_a_restart(world):
    alice, bob, tree = two(world)
    carol = world.person("carol")
    carol.ok("join_group g")
    alice.ok("accept_request g carol")
    alice.ok(f"upload_file {tree} g")
    (world.path / "in").mkdir()
    bob.fetch("g", "tree", world.path / "in")
    # What comes to lie there beside it is not part of it.
    (world.path / "in" / "tree" / "mine").write_text("of my own")
    bob.quit()
    bob.restart()
    bob.login()
    alice.ok("logout")
    bob.await_sharers("g", "tree", ["bob"])
    carol.fetch("g", "tree", world.path / "got")
    assert image(world.path / "got") == image(tree)
    # Shared by both: one directory with one more sharer.
    carol.await_sharers("g", "tree", ["bob", "carol"])


@suite.test(trackers=1)
def only_what_is_wanted_is_fetched(world):
    alice, bob, tree = two(world, long=20 * MIB)
    alice.ok(f"upload_file {tree} g")
    before = bytes_read(alice)
    bob.ok(f"download_file g tree {world.path}/got --only dir1 --only '*.sh' --only '**/file1?.txt'")
    bob.ok("wait")
    whole = image(tree)
    wanted = {name: what for name, what in whole.items()
              if name.startswith("dir1/") or name == "run.sh" or re.search(r"/file1\d\.txt$", name)}
    assert len(wanted) > 30 and image(world.path / "got") == wanted
    assert bytes_read(alice) - before < 6 * MIB, "far less than all of it"
    assert bob.download("tree")["percent"] == 100
    bob.refused(f"download_file g tree {world.path}/other --only", "usage")
    # The rest is added to it when it is wanted.
    bob.fetch("g", "tree", world.path / "got/")
    assert image(world.path / "got") == whole or image(world.path / "got" / "tree") == whole


@suite.test(trackers=1)
def one_can_begin_with_somebody_who_has_only_a_part(world):
    alice, bob, tree = two(world)
    write_random(tree / "0.bin", 4 * MIB, 3)  # the first of all: it fills pieces of its own
    carol = world.person("carol")
    carol.ok("join_group g")
    alice.ok("accept_request g carol")
    alice.ok(f"upload_file {tree} g")
    bob.ok(f"download_file g tree {world.path}/got --only 0.bin")
    bob.ok("wait")
    alice.ok("logout")
    carol.await_sharers("g", "tree", ["bob"])
    carol.ok(f"download_file g tree {world.path}/carols --only 0.bin")
    carol.ok("wait")
    assert image(world.path / "carols") == {"0.bin": image(tree)["0.bin"]}


@suite.test(trackers=1)
def a_recheck_of_a_part_touches_nothing_else(world):
    alice, bob, tree = two(world)
    write_random(tree / "0.bin", 4 * MIB, 3)
    alice.ok(f"upload_file {tree} g")
    got = world.path / "got"
    bob.ok(f"download_file g tree {got} --only 0.bin")
    bob.ok("wait")
    (got / "long.bin").write_text("of my own under a name of theirs")
    (got / "dir1").mkdir()
    (got / "dir1" / "mine").write_text("of my own")
    with open(got / "0.bin", "r+b") as file:
        file.seek(MIB)
        file.write(b"damage")
    bob.ok("recheck g tree")
    bob.ok("wait")
    assert image(got) == {"0.bin": image(tree)["0.bin"], "dir1/mine": (b"of my own", False),
                          "long.bin": (b"of my own under a name of theirs", False)}
    with open(got / "0.bin", "ab") as file:
        file.write(b"a line more")
    before = image(got)
    bob.ok("recheck g tree")
    bob.refused("wait", "file_conflict")
    assert image(got) == before


@suite.test(trackers=1)
def what_is_refused_ends_no_share(world):
    alice, bob, tree = two(world)
    alice.ok(f"upload_file {tree} g")
    there = image(tree)
    (tree / "added").write_text("later")
    alice.refused(f"upload_file {tree} g", "file_conflict")
    bob.fetch("g", "tree", world.path / "got")
    assert image(world.path / "got") == there


@suite.test(trackers=1)
def what_is_there_is_not_fetched_again(world):
    alice, bob, tree = two(world, long=30 * MIB)
    place = world.folder("place")
    shutil.copytree(tree, place / "tree")
    (place / "tree" / "mine").write_text("of my own")
    (place / "tree" / "run.sh").unlink()
    (place / "tree" / "nothing").unlink()
    shutil.rmtree(place / "tree" / "empty")
    long = (place / "tree" / "long.bin").stat()
    alice.ok(f"upload_file {tree} g")
    before = bytes_read(alice)
    bob.fetch("g", "tree", place)
    assert image(place / "tree") == {**image(tree), "mine": (b"of my own", False)}
    after = (place / "tree" / "long.bin").stat()
    assert (long.st_ino, long.st_mtime_ns) == (after.st_ino, after.st_mtime_ns), "it was left alone"
    assert bytes_read(alice) - before < 5 * MIB, "only what shares a piece with what was not there"
    assert not leftovers(world)


@suite.test(trackers=1)
def another_file_of_the_same_name_is_never_overwritten(world):
    alice, bob, tree = two(world)
    alice.ok(f"upload_file {tree} g")
    for name, content in (("long.bin", b"short"), ("long.bin", os.urandom(3 * MIB)), ("run.sh", b"#!/bin/ex\n"),
                          ("nothing", b"something"), ("dir1", b"a file"), ("empty/below/deep/er", b"below it")):
        place = world.path / "place" / "tree"
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(content)
        there = image(place)
        bob.ok(f"download_file g tree {world.path}/place")
        if name.startswith("empty"):
            bob.ok("wait")  # a directory that was to be empty is one all the same
            assert image(place) == {**{key: value for key, value in image(tree).items() if key != "empty/below"}, **there}
        else:
            refused = bob.refused("wait", "destination_exists")
            assert "tree" in refused["message"], refused
            assert image(place) == there, f"{name} was to be left alone"
            bob.ok("cancel g tree")
        shutil.rmtree(world.path / "place")


@suite.test(trackers=1)
def a_client_that_is_killed_goes_on_where_it_was(world):
    alice, bob, tree = two(world, files=2000, long=60 * MIB)
    alice.ok(f"upload_file {tree} g")
    bob.ok("set_limit down 15M")
    bob.ok(f"download_file g tree {world.path}/got")
    row = bob.await_download("tree", lambda row: row["pieces_verified"] >= 20, "to come")
    bob.kill()
    assert leftovers(world) and not (world.path / "got").exists()
    before = bytes_read(alice)
    bob.restart()
    bob.login()
    bob.ok("set_limit down none")
    assert bob.await_download("tree", lambda row: row["phase"] != "finding", "to go on")["pieces_verified"] >= \
        row["pieces_verified"] - 1
    bob.ok("wait")
    assert image(world.path / "got") == image(tree)
    assert bytes_read(alice) - before < 60 * MIB, "what had come did not come again"
    assert not leftovers(world)


@suite.test(trackers=1)
def a_directory_that_changes_is_not_served_on_and_its_owner_is_told(world):
    alice, bob, tree = two(world)
    alice.ok(f"upload_file {tree} g")
    (tree / "dir3" / "sub 0" / "file3.txt").write_text("changed")
    event = alice.await_event("share_changed", lambda event: event["file"] == "tree")
    assert "tree" in event["message"], event
    until(lambda: not bob.ok("list_files g")["files"], "the trackers to know")


@suite.test(trackers=1)
def one_name_means_one_content_of_one_kind(world):
    alice, bob, tree = two(world)
    alice.ok(f"upload_file {tree} g")
    again = world.path / "again" / "tree"
    shutil.copytree(tree, again)
    assert bob.ok(f"upload_file g {again}")["existed"]
    (again / "more").write_text("other content")
    bob.ok("stop_share g tree")
    bob.refused(f"upload_file {again} g", "file_conflict")
    plain = world.file("tree", 10, folder="plain")
    bob.refused(f"upload_file {plain} g", "file_conflict")


@suite.test(trackers=1)
def control_is_as_of_files(world):
    alice, bob, tree = two(world, files=300, long=40 * MIB)
    alice.ok(f"upload_file {tree} g")
    bob.ok("set_limit down 10M")
    bob.ok(f"download_file g tree {world.path}/got")
    bob.await_download("tree", lambda row: row["pieces_verified"] >= 4, "to come")
    bob.ok("pause g tree")
    assert bob.download("tree")["phase"] == "paused"
    bob.ok("resume g tree")
    bob.ok("recheck g tree")
    bob.ok("set_limit down none")
    bob.ok("wait")
    assert image(world.path / "got") == image(tree)
    (world.path / "got" / "run.sh").write_text("#!/bin/no\n")
    (world.path / "got" / "dir1" / "mine").write_text("of my own")
    bob.ok("recheck g tree")
    bob.ok("wait")
    assert image(world.path / "got") == {**image(tree), "dir1/mine": (b"of my own", False)}

    bob.ok("set_limit down 5M")
    bob.ok(f"download_file g tree {world.path}/other")
    bob.await_download("tree", lambda row: row["phase"] == "fetching" or row["phase"] == "complete", "to begin")
    bob.ok(f"cancel g tree {world.path}/other")
    until(lambda: not leftovers(world), "what had come of it to go")
    assert not (world.path / "other").exists()


if __name__ == "__main__":
    suite.run()
