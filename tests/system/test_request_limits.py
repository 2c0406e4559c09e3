#!/usr/bin/env python3
"""What one client, one address and one account may ask of a tracker, and make it remember. Others are served all the while."""

import re
import threading
import time

from support.program import until
from support.suite import Suite
from support.visitor import ADD_FILE, ASK_STATUS, CREATE_GROUP, CREATE_USER, LIST_GROUPS, REFUSED, Visitor
from support.world import CHEAP_PASSWORDS, PASSWORD

suite = Suite()

NEIGHBOUR = "127.0.0.2"  # another address than that of members
TOO_MUCH = re.compile(r"more is asked from here than this tracker answers: try again in \d+ seconds?$")
OF_A_CLIENT = CHEAP_PASSWORDS + "[limits]\nrequests_per_second_per_client = 20\n"
OF_AN_ADDRESS = CHEAP_PASSWORDS + "[limits]\nrequests_per_second_per_address = 20\n"
OF_A_SLOW_ADDRESS = CHEAP_PASSWORDS + "[limits]\nrequests_per_second_per_address = 10\n"
OF_AN_ACCOUNT = CHEAP_PASSWORDS + """\
[limits]
groups_per_user = 2
groups_ever_per_user = 3
files_per_user = 2
files_ever_per_user = 3
requests_per_group = 1
sessions_per_user = 2
"""


def meanwhile(action):
    """Runs beside the test; `join` waits for its end."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(action()), daemon=True)
    thread.start()

    def join():
        thread.join()
        assert outcome, "it failed"
        return outcome[0]
    return join


@suite.test(trackers=1, tracker_config=OF_A_CLIENT)
def one_client_floods_and_others_are_served(world):
    alice = world.person("alice")
    flooder = Visitor(world.tracker(1)).has_account("mallory", PASSWORD)
    world.at_end(flooder.close)
    flood = meanwhile(lambda: flooder.floods(1500, LIST_GROUPS, ""))
    # Of the same address, and one after the other as people do: nothing is refused.
    for number in range(20):
        alice.ok(f"create_group g{number}")
    answers, sentences = flood()
    # Ten seconds' worth at once, and what has come in since; everything else is refused, and said why.
    assert 200 <= sum(kind != REFUSED for kind in answers) < 1500
    assert sentences and all(TOO_MUCH.search(sentence) for sentence in sentences), sentences[:3]
    assert len(alice.ok("list_groups")["groups"]) == 20


@suite.test(trackers=1, tracker_config=OF_AN_ADDRESS)
def one_address_floods_with_many_keys_and_others_are_served(world):
    alice = world.person("alice")
    # Each floods as soon as it is there: who is made and not heard for seconds is given up.
    floods = []
    for number in range(10):
        each = Visitor(world.tracker(1), source=NEIGHBOUR)
        world.at_end(each.close)
        if number == 0:
            each.has_account("mallory", PASSWORD)
        floods.append(meanwhile(lambda each=each: each.floods(300, ASK_STATUS)))
    for number in range(10):
        alice.ok(f"create_group g{number}")
    outcomes = [flood() for flood in floods]
    refused = [sentence for _, sentences in outcomes for sentence in sentences]
    assert len(refused) > 1000 and all(TOO_MUCH.search(sentence) for sentence in refused), (len(refused), refused[:3])
    assert len(alice.ok("list_groups")["groups"]) == 10


@suite.test(trackers=1, tracker_config=OF_A_SLOW_ADDRESS)
def who_is_refused_for_it_is_told_when_to_come_again(world):
    alice = world.person("alice")
    neighbour = Visitor(world.tracker(1))  # of her own address
    world.at_end(neighbour.close)
    pieces = 16_000  # their digests cost twice what gathers while nothing is asked: nobody is served for ten seconds after
    heavy = ["f", pieces << 19, 1 << 19, bytes(20), bytes(20 * pieces), bytes(32 * pieces)]

    def weigh():
        """Only an address that has asked next to nothing for ten seconds gets it judged; refused, it costs nothing."""
        kind, fields = neighbour.ask(ADD_FILE, "a", heavy)
        assert kind == REFUSED
        return not TOO_MUCH.search(fields[1])

    def at_the_prompt():
        outcome = alice.do(f"create_group late{time.monotonic_ns()}")
        assert outcome["ok"] or outcome["code"] == "other" and TOO_MUCH.search(outcome["message"]), outcome
        return not outcome["ok"]

    def at_the_shell():
        """One sentence, and the exit status of its class."""
        status, out, err = world.run("client", "--state", world.path / "poor", f"127.0.0.1:{world.ports.take()}", world.info,
                                     "-c", f"create_user bob{time.monotonic_ns()} {PASSWORD}")
        last = (err.strip().splitlines() or [""])[-1]
        assert status == 0 or (status, out) == (1, "") and last.startswith("error: other: ") and TOO_MUCH.search(last), (
            status, out, err)
        return status != 0

    def refused():
        until(weigh, "enough to have come in", between=0.2)
        return at_the_prompt() and at_the_shell()
    until(refused, "her to be refused, and a stranger")
    until(lambda: alice.do("create_group later")["ok"], "her to be served again", between=0.2)


@suite.test(trackers=1, tracker_config=CHEAP_PASSWORDS + "[limits]\naccounts_per_minute = 3\n")
def one_address_makes_so_many_accounts(world):
    world.people("alice", "bob")
    flooder = Visitor(world.tracker(1))
    world.at_end(flooder.close)
    flooder.has_account("mallory", PASSWORD)
    kind, fields = flooder.ask(CREATE_USER, "mallory2", PASSWORD)
    assert kind == REFUSED and "too many accounts were made from your address" in fields[1], fields
    neighbour = Visitor(world.tracker(1), source=NEIGHBOUR)
    world.at_end(neighbour.close)
    neighbour.has_account("neighbour", PASSWORD)


@suite.test(trackers=2, tracker_config=OF_AN_ACCOUNT)
def one_account_has_so_much(world):
    world.await_agreement()
    alice, bob, carol = world.people("alice", "bob", "carol")
    for group in ("a", "b"):
        alice.ok(f"create_group {group}")
    assert "you are in 2 groups" in alice.refused("create_group c", "other")["message"]
    # What she leaves makes room; what a tracker has to remember for ever does not come again.
    alice.ok("leave_group b")
    alice.ok("create_group c")
    alice.ok("leave_group c")
    assert "you were in 3 groups" in alice.refused("create_group d", "other")["message"]
    bob.ok("join_group a")
    assert "1 ask to join a" in carol.refused("join_group a", "other")["message"]
    alice.ok("accept_request a bob")
    files = [world.file(f"f{number}", 1000) for number in range(4)]
    bob.ok(f"upload_file {files[0]} a")
    bob.ok(f"upload_file {files[1]} a")
    assert "you share 2 files" in bob.refused(f"upload_file {files[2]} a", "other")["message"]
    bob.ok("stop_share a f0")
    bob.ok(f"upload_file {files[2]} a")
    bob.ok("stop_share a f1")
    assert "you have shared 3 files" in bob.refused(f"upload_file {files[3]} a", "other")["message"]
    # Others have their own; and one more login ends the session that would expire first.
    alice.ok(f"upload_file {files[3]} a")
    for number in (2, 3):
        again = world.client(f"alice-{number}")
        again.ok(f"login alice {PASSWORD}")
    until(lambda: alice.do("list_groups").get("code") == "not_logged_in", "her first session to end", between=0.05)


@suite.test(trackers=1, tracker_config=CHEAP_PASSWORDS + "[limits]\ngroups_per_user = 20\ngroups_ever_per_user = 40\n"
                                       "pieces_ever_per_user = 40000\n")
def what_one_client_makes_a_tracker_remember_has_an_end(world):
    tracker = world.tracker(1)
    flooder = Visitor(tracker).has_account("mallory", PASSWORD)
    world.at_end(flooder.close)
    for number in range(60):
        flooder.ask(CREATE_GROUP, f"g{number}")
    groups = flooder.ask(LIST_GROUPS, "")[1][0]
    assert len(groups) == 20
    taken = 0
    for number in range(40):  # 2,000 pieces each: 104 KB of digests
        pieces = 2000
        metainfo = [f"f{number}", pieces << 19, 1 << 19, bytes([number]) * 20, bytes(20 * pieces), bytes(32 * pieces)]
        kind, fields = flooder.ask(ADD_FILE, groups[number % 20][0], metainfo)
        taken += kind != REFUSED
        assert kind != REFUSED or "40000 pieces" in fields[1], fields
    assert taken == 20
    tracker.quit()
    stored = sum(path.stat().st_size for path in tracker.data.rglob("*") if path.is_file())
    # Rows, and once more the log that others might still need.
    assert stored < 3 * 40000 * 52, f"{stored} bytes"


if __name__ == "__main__":
    suite.run()
