#!/usr/bin/env python3
"""Accounts over time: another password, another owner, sessions."""

from support.suite import Suite
from support.world import PASSWORD

suite = Suite()
NEW = "battery-staple"


def info_of(world, tracker):
    """A tracker file that names this one alone."""
    path = world.path / f"only-{tracker.number}.txt"
    path.write_text(f"127.0.0.1:{tracker.port}\n")
    return path


def login_at(world, tracker, name, password, state):
    """The exit status of a login through this tracker and no other."""
    status, _, _ = world.run("client", f"127.0.0.1:{world.ports.take()}", info_of(world, tracker), "--state",
                             world.path / f"{state}-{tracker.number}", "-c", f"login {name} {password}; logout")
    return status


@suite.test()
def a_new_password(world):
    """Holds at every tracker once it is answered, and ends the sessions elsewhere, not the own one."""
    world.await_agreement()
    alice = world.person("alice")
    other = world.client("other")
    other.ok(f"login alice {PASSWORD}")
    assert sorted(row["this"] for row in alice.ok("status")["sessions"]) == [False, True]
    alice.refused(f"passwd wrong {NEW}", "bad_credentials")
    alice.refused("passwd", "usage")
    assert "provisional" not in alice.ok(f"passwd {PASSWORD} {NEW}")
    for tracker in world.trackers:
        assert login_at(world, tracker, "alice", PASSWORD, "old") == 4
        assert login_at(world, tracker, "alice", NEW, "new") == 0
    other.await_event("session_changed", lambda event: event["user"] is None)
    other.refused("list_groups", "not_logged_in")
    assert [row["this"] for row in alice.ok("status")["sessions"]] == [True]
    alice.ok("create_group still-here")
    # Trackers that start again say the same.
    for tracker in world.trackers:
        tracker.kill()
        tracker.start()
    world.await_agreement()
    assert alice.ok("whoami")["user"] == "alice"
    other.ok(f"login alice {NEW}")


@suite.test(trackers=1)
def passwords_of_scripts(world):
    """Both come from where a login's comes from."""
    alice = world.person("alice")
    alice.quit()
    status, _, err = alice.script("login alice\npasswd\n", "--password-file", world.path / "nothing")
    assert status == 2 and "cannot be read" in err
    words = world.path / "words"
    words.write_text(f"{PASSWORD}\n{NEW}\n")
    assert alice.script("login alice\npasswd\nlogout\n", "--password-file", words)[0] == 0
    assert alice.script(f"login alice {NEW}\nlogout\n")[0] == 0
    status, _, err = world.run("client", *alice.arguments("-c", "login alice; passwd; logout")[1:],
                               environment={"TUTTI_PASSWORD": NEW, "TUTTI_NEW_PASSWORD": PASSWORD})
    assert status == 0, err
    assert alice.script(f"login alice {PASSWORD}\n")[0] == 0


@suite.test()
def another_owner(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    alice.refused("transfer_group nothing bob", "no_such_group")
    bob.refused("transfer_group g nobody", "not_the_owner")
    alice.refused("transfer_group g nobody", "no_such_user")
    dave = world.person("dave")
    alice.refused("transfer_group g dave", "not_a_member")
    dave.ok("join_group g")

    alice.ok("transfer_group g carol")
    carol.await_event("notice", lambda event: "You are the owner of g" in event["message"])
    assert {row["user"]: row["owner"] for row in bob.ok("list_members g")["members"]} == {
        "alice": False, "bob": False, "carol": True}
    assert bob.ok("list_groups")["groups"][0]["owner"] == "carol"
    alice.refused("accept_request g dave", "not_the_owner")
    carol.ok("accept_request g dave")
    # Alice has been there the longest.
    carol.ok("leave_group g")
    assert bob.ok("list_groups")["groups"][0]["owner"] == "alice"
    alice.ok("transfer_group g bob")
    alice.ok("leave_group g")
    assert dave.ok("list_groups")["groups"][0]["owner"] == "bob"
    assert dave.ok("list_groups")["groups"][0]["members"] == 2


if __name__ == "__main__":
    suite.run()
