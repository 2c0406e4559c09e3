#!/usr/bin/env python3
"""Accounts over time: another password, another owner, sessions, and guessing at passwords."""

from support.guesser import Guesser
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


TOO_MANY = b"too many wrong passwords were tried"
WRONG = b"the user name or the password is wrong"


@suite.test(trackers=1)
def guessing_at_a_name(world):
    """It is slowed, for a name that exists as for one that does not, and the owner logs in meanwhile."""
    alice = world.person("alice")
    alice.ok("logout")

    key = world.tracker(1).keys()[0]

    def guess(user):
        guesser = Guesser(world.tracker(1), key)
        guesser.guess(user, "guess")
        answer = guesser.hear()
        guesser.close()
        return answer
    for user in ("alice", "nobody"):
        # While that is asked a token or two may have come back.
        answers = [guess(user) for _ in range(14)]
        assert all(WRONG in answer for answer in answers[:10]), user
        assert TOO_MANY in answers[-1], user
    alice.login()
    alice.ok("logout")
    alice.refused("login alice wrong", "bad_credentials")
    alice.login()
    assert TOO_MANY in guess("alice")


@suite.test(trackers=1)
def a_flood_of_logins(world):
    """From two hundred connections; others work and log in meanwhile."""
    alice, bob = world.people("alice", "bob")
    bob.ok("logout")
    key = world.tracker(1).keys()[0]
    crowd = [Guesser(world.tracker(1), key) for _ in range(200)]
    # All at once: a link on which nothing is said for some seconds is given up.
    for number, each in enumerate(crowd):
        for turn in range(5):
            each.guess(f"user-{number % 40}", f"guess-{turn}")
    for turn in range(5):
        alice.ok(f"create_group group-{turn}")
        bob.login()
        bob.ok("logout")
    answers = [each.hear() for each in crowd for _ in range(5)]
    checked = [answer for answer in answers if WRONG in answer]
    assert 0 < len(checked) < 100, len(checked)
    assert all(b"too many" in answer for answer in answers if answer not in checked)
    assert len(alice.ok("list_groups")["groups"]) == 5
    for each in crowd:
        each.close()


if __name__ == "__main__":
    suite.run()
