#!/usr/bin/env python3
"""What a user can do with downloads: pause, resume, cancel, recheck, priorities, limits, diagnosis."""

import time

from support.files import MIB, flip_bytes, same_bytes
from support.program import until
from support.suite import Suite

suite = Suite()


def cinema(world, size=64 * MIB):
    """alice shares a film in g, where bob is a member too."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", size)
    alice.ok(f"upload_file {film} g")
    return alice, bob, film


def begin_and_pause(alice, bob, target, least=4):
    """Bob has some of the film and pauses the rest."""
    alice.pause()
    bob.ok(f"download_file g film {target}")
    alice.resume()
    bob.await_download("film", lambda row: row["pieces_verified"] >= least, "to begin")
    bob.ok("pause g film")
    row = bob.download("film")
    assert row["phase"] == "paused", f"the film came before one could look: {row}"
    return row


def parts(world):
    return list(world.path.glob("**/*.part"))


@suite.test(trackers=1)
def a_paused_download_rests_over_a_restart_until_it_is_resumed(world):
    alice, bob, film = cinema(world, 256 * MIB)
    had = begin_and_pause(alice, bob, world.path / "got")
    bob.ok("set_priority g film low")
    refused = bob.refused("wait", "unfinished")
    assert "film" in refused["message"]
    bob.quit()
    bob.restart()
    bob.login()
    row = bob.download("film")
    assert row["phase"] == "paused" and row["priority"] == "low", row
    assert row["verified"] >= had["verified"]
    bob.ok("logout")
    bob.login()
    assert bob.download("film")["phase"] == "paused"
    bob.ok("resume")
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def a_paused_download_serves_what_it_has(world):
    alice, bob, film = cinema(world, 256 * MIB)
    carol = world.person("carol")
    carol.ok("join_group g")
    alice.ok("accept_request g carol")
    begin_and_pause(alice, bob, world.path / "bob-got")
    alice.kill()
    carol.ok(f"download_file g film {world.path}/carol-got")
    # What bob has grows for a moment: pieces that were on their way when he paused.
    carol.await_download("film", lambda row: row["verified"] == bob.download("film")["verified"] > 0,
                         "to have what bob has")


@suite.test(trackers=1)
def a_cancelled_download_leaves_no_trace(world):
    alice, bob, _ = cinema(world, 256 * MIB)
    begin_and_pause(alice, bob, world.path / "got")
    bob.await_sharers("g", "film", ["alice", "bob"])
    assert parts(world)
    bob.ok("cancel g film")
    assert not parts(world) and bob.downloads() == []
    bob.await_sharers("g", "film", ["alice"])
    bob.refused("cancel g film", "no_such_file")
    bob.quit()
    bob.restart()
    bob.login()
    assert bob.downloads() == []


@suite.test(trackers=1)
def the_row_of_a_complete_download_can_be_cleared(world):
    _, bob, film = cinema(world, MIB)
    bob.fetch("g", "film", world.path / "got")
    bob.refused("pause g film", "no_such_file")
    bob.ok("cancel g film")
    assert bob.downloads() == []
    assert same_bytes(world.path / "got", film)
    bob.await_sharers("g", "film", ["alice", "bob"])


@suite.test(trackers=1)
def one_of_several_places_is_meant_by_its_path(world):
    alice, bob, film = cinema(world, 32 * MIB)
    alice.pause()
    for place in ("one", "two"):
        bob.ok(f"download_file g film {world.path}/{place}")
    bob.ok(f"cancel g film {world.path}/one")
    alice.resume()
    rows = bob.downloads()
    assert [row["path"] for row in rows] == [f"{world.path}/two"], rows
    bob.ok("wait")
    assert same_bytes(world.path / "two", film) and not (world.path / "one").exists()


@suite.test(trackers=1)
def a_recheck_repairs_a_complete_file(world):
    _, bob, film = cinema(world, 32 * MIB)
    got = world.path / "got"
    bob.fetch("g", "film", got)
    bob.ok("recheck g film")
    bob.ok("wait")
    assert not [event for event in bob.events if event["event"] == "share_changed"]
    flip_bytes(got, 17 * MIB)
    seen = len(bob.events)
    bob.ok("recheck g film")
    bob.ok("wait")
    assert same_bytes(got, film)
    assert any("1 is wrong" in event["message"] for event in bob.events[seen:] if event["event"] == "notice")
    bob.await_sharers("g", "film", ["alice", "bob"])


@suite.test(trackers=1)
def a_recheck_repairs_a_download(world):
    alice, bob, film = cinema(world, 256 * MIB)
    begin_and_pause(alice, bob, world.path / "got", least=20)
    [part] = parts(world)
    for offset in range(0, 16 * MIB, MIB):
        flip_bytes(part, offset)
    bob.ok("recheck g film")
    bob.await_event("notice", lambda event: "are wrong" in event["message"])
    assert bob.download("film")["phase"] == "paused"
    bob.ok("resume g film")
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def limits_hold_on_either_side_and_over_a_restart(world):
    alice, bob, film = cinema(world, 16 * MIB)
    for client, direction in ((bob, "down"), (alice, "up")):
        limits = client.ok(f"set_limit {direction} 4M")["limits"]
        assert limits == [{"direction": direction, "group": None, "bytes_per_second": 4 * MIB, "from": None,
                           "until": None}]
        client.quit()
        client.restart()
        client.login()
        assert client.ok("set_limit")["limits"] == limits
        bob.await_sharers("g", "film", ["alice"])
        begin = time.monotonic()
        bob.fetch("g", "film", world.path / direction)
        took = time.monotonic() - begin
        assert same_bytes(world.path / direction, film)
        # Not faster by more than the limit's slack; slower only as far as a busy machine starts late.
        assert 0.95 * 4.0 - 0.1 < took < 5.5, took
        bob.ok("stop_share g film")
        bob.ok("cancel g film")
        assert client.ok(f"set_limit {direction} none")["limits"] == []


@suite.test(trackers=1)
def a_limit_of_one_group_and_another_time_of_day_does_not_hold(world):
    alice, bob, film = cinema(world, 16 * MIB)
    other = time.localtime(time.time() + 6 * 3600).tm_hour
    bob.ok(f"set_limit down 1K {other:02}:00-{other:02}:30")
    alice.ok("create_group other")
    alice.ok("set_limit up 1K other")
    bob.fetch("g", "film", world.path / "got")
    assert same_bytes(world.path / "got", film)
    bob.refused("set_limit down 1K nowhere", "no_such_group")
    bob.refused("set_limit down fast", "usage")
    bob.refused("set_limit down 1M 25:00-26:00", "usage")


@suite.test(trackers=1)
def a_limit_can_be_lifted_while_it_holds(world):
    _, bob, film = cinema(world, 16 * MIB)
    bob.ok("set_limit down 10K g")
    bob.ok(f"download_file g film {world.path}/got")
    bob.refused("wait 1", "timeout")
    diagnosis = bob.ok("diagnose g film")
    assert diagnosis["downloads"][0]["waits_for_limit"] is True, diagnosis
    assert any("limit of 10 KiB/s" in sentence for sentence in diagnosis["sentences"]), diagnosis
    bob.ok("set_limit down none g")
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


@suite.test(trackers=1)
def a_diagnosis_says_what_holds_a_download_up(world):
    alice, bob, _ = cinema(world, 256 * MIB)
    begin_and_pause(alice, bob, world.path / "got")
    assert "It is paused: resume lets it go on." in bob.ok("diagnose g film")["sentences"]
    alice.pause()
    bob.ok("resume g film")

    def silent():
        sources = bob.ok("diagnose g film")["downloads"][0]["sources"]
        return sources and sources[0]["silent_ms"] > 1500 or sources[0]["state"] == "unreachable"
    until(silent, "alice to be called silent")
    alice.resume()
    assert bob.refused("diagnose g nothing", "no_such_file")
    assert alice.ok("diagnose g film")["share"]["pieces_served"] == alice.ok("diagnose g film")["share"]["pieces"]
    bob.ok("wait")
    done = bob.ok("diagnose g film")
    assert any("complete" in sentence for sentence in done["sentences"])
    assert done["share"]["leechers"] == [] and "Nobody asks for it." in done["sentences"]


@suite.test(trackers=1)
def a_sequential_download_arrives_and_says_so(world):
    _, bob, film = cinema(world, 16 * MIB)
    bob.ok(f"download_file g film {world.path}/got --sequential")
    assert bob.download("film")["sequential"] is True
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


if __name__ == "__main__":
    suite.run()
