#!/usr/bin/env python3
"""Trackers come and go; the users type nothing because of it."""

from support.files import KIB, MIB, same_bytes
from support.suite import Suite
from support.world import PASSWORD

suite = Suite()


@suite.test()
def the_tracker_in_use_is_killed(world):
    """Session, shares and a running download go on without a word typed."""
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 48 * MIB)
    alice.ok(f"upload_file {film} g")
    bob.await_sharers("g", "film", ["alice"])

    alice.pause()  # so that the download is running for certain when the tracker dies
    bob.ok(f"download_file g film {world.path}/got")
    dead = world.tracker_of(bob)
    dead.kill()
    alice.resume()

    bob.ok("wait")
    assert same_bytes(world.path / "got", film)
    alive = world.tracker_of(bob)
    assert alive is not dead
    assert bob.ok("whoami")["user"] == "bob"
    bob.ok("create_group made-after-the-fall")
    assert {row["group"] for row in alice.ok("list_groups")["groups"]} == {"g", "made-after-the-fall"}
    carol.await_sharers("g", "film", ["alice", "bob"])
    carol.fetch("g", "film", world.path / "got-2")
    assert same_bytes(world.path / "got-2", film)


@suite.test()
def a_success_with_a_tracker_down_says_so(world):
    alice = world.person("alice")
    world.tracker_of(alice).kill()
    outcome = alice.ok("create_group g")
    assert outcome.get("provisional") is True and outcome["message"], outcome


@suite.test()
def made_on_one_tracker_used_on_the_other(world):
    """What was acknowledged without a reservation is there, however soon its tracker dies."""
    for turn in range(3):
        world.await_agreement()
        client = world.client(f"user-{turn}")
        assert "provisional" not in client.ok(f"create_user user-{turn} {PASSWORD}")
        dead = world.tracker_of(client)
        dead.kill()
        client.login()
        client.ok(f"create_group group-{turn}")
        dead.start()
        world.await_agreement()
        world.tracker_of(client).kill()
        client.ok(f"list_members group-{turn}")
        for tracker in world.trackers:
            if not tracker.program.running:
                tracker.start()
        world.await_agreement()
        client.quit()


@suite.test(started=False)
def a_client_started_before_any_tracker(world):
    client = world.client("alice")
    said = client.await_event("tracker_changed", lambda event: event["tracker"] is None)
    assert said["message"], said
    world.start_trackers()
    client.await_event("tracker_changed", lambda event: event["tracker"] is not None)
    client.ok(f"create_user alice {PASSWORD}")
    client.login()


@suite.test(trackers=4, started=False)
def a_client_finds_the_one_tracker_that_runs(world):
    for tracker in world.trackers:
        tracker.start()
        client = world.person(f"user-of-{tracker.number}")
        assert client.ok("status")["tracker"]["number"] == tracker.number
        client.quit()
        tracker.kill()


@suite.test(started=False)
def a_tracker_started_late_has_everything(world):
    first, second = world.trackers
    first.start()
    alice, bob, carol = world.people("alice", "bob", "carol")
    alice.ok("create_group g")
    for member in (bob, carol):
        member.ok("join_group g")
    alice.ok("accept_request g bob")
    song = world.file("song", 600 * KIB)
    alice.ok(f"upload_file {song} g")
    for number in range(40):
        alice.ok(f"create_group filler-{number}")

    second.start()
    first.kill()
    # Nobody logs in again, nothing is uploaded again.
    assert len(bob.ok("list_groups")["groups"]) == 41
    assert alice.ok("list_requests g")["requests"] == ["carol"]
    bob.await_sharers("g", "song", ["alice"])
    bob.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)
    dave = world.person("dave")
    dave.ok("join_group g")


@suite.test(trackers=1)
def a_tracker_killed_and_started_again_remembers(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 600 * KIB)
    alice.ok(f"upload_file {song} g")
    only = world.tracker(1)
    only.kill()
    bob.await_event("tracker_changed", lambda event: event["tracker"] is None)
    seen = len(bob.events)
    only.start()
    bob.await_event("tracker_changed", lambda event: event["tracker"] == 1, since=seen)
    bob.await_sharers("g", "song", ["alice"])
    bob.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)


@suite.test()
def a_tracker_that_hangs_is_passed_over(world):
    """SIGSTOP: the sockets stay open, nobody answers."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    hung = world.tracker_of(bob)
    hung.program.pause()
    assert bob.ok("create_group b")["ok"]
    assert bob.ok("list_groups")["ok"]
    hung.program.resume()
    world.await_agreement()
    assert {row["group"] for row in alice.ok("list_groups")["groups"]} == {"g", "b"}


@suite.test(trackers=3)
def three_trackers_fall_one_after_the_other(world):
    alice = world.person("alice")
    for turn in range(2):
        world.tracker_of(alice).kill()
        alice.ok(f"create_group g{turn}")
    assert {row["group"] for row in alice.ok("list_groups")["groups"]} == {"g0", "g1"}
    for tracker in world.trackers:
        if not tracker.program.running:
            tracker.start()
    world.await_agreement()


@suite.test()
def a_tracker_quits_cleanly(world):
    first, second = world.trackers
    first.program.end_input()  # the end of input does not stop it
    client = world.person("alice")
    assert second.quit() == 0
    client.ok("create_group g")
    assert first.program.running
    first.program.signal(15)
    assert first.program.wait() == 0


if __name__ == "__main__":
    suite.run()
