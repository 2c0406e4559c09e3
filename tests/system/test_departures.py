#!/usr/bin/env python3
"""Whoever has gone keeps his key, everybody's address and his last ticket, and gets nothing for them."""

import threading
import time

from support.curve import make_keys
from support.files import MIB, same_bytes
from support.former import NOT_A_MEMBER, Hands
from support.suite import Suite
from support.ticket import signing_keys, signing_keys_of, ticket

suite = Suite()

# A member is let in within this, and who is not by then is not.
LET_IN, NOT_LET_IN = 10.0, 1.0
# So soon is somebody cut off who has gone, everywhere: half a second's grace, and the way of the word.
CUT_OFF = 1.0


class Scene:
    """alice and carol share a film in a group; bob has fetched it once."""

    def __init__(self, world):
        self.alice, self.bob, self.carol, dora = world.people("alice", "bob", "carol", "dora")
        world.group("g", self.alice, self.bob, self.carol, dora)
        dora.ok("leave_group g")  # so that there was another epoch
        self.film = world.file("film", 24 * MIB)
        for sharer in (self.alice, self.carol):
            sharer.ok(f"upload_file {self.film} g")
        self.bobs = Hands(world, self.bob, "g", "film")

    def visit(self, world, server, shown=None, keys=None):
        """Somebody who holds this ticket (bob's, if none) at this door, and asks for the film."""
        visit = self.bobs.at(server, keys)
        world.at_end(visit.close)
        return visit.show(shown or self.bobs.ticket()).open()


def is_fetching(visit):
    """Asks for a block and gets it."""
    before = visit.blocks
    visit.ask(0)
    return visit.until(lambda: visit.blocks > before, LET_IN)


def goes(world, how):
    scene = Scene(world)
    servers = scene.alice, scene.carol
    inside = [scene.visit(world, server) for server in servers]
    for visit in inside:
        assert visit.is_let_in(LET_IN) and is_fetching(visit), "a member is served"
    how(scene)
    gone = time.monotonic()
    for visit in inside:
        assert visit.until(lambda: visit.closed is not None, max(0.1, gone + CUT_OFF - time.monotonic())), "he is cut off"
        assert visit.closed == NOT_A_MEMBER
    for visit in inside:
        served = visit.blocks
        for piece in range(8):
            visit.ask(piece)
        assert not visit.until(lambda: visit.blocks > served, NOT_LET_IN), "nothing new comes"
        # Over the same link, and anew.
        assert not visit.show(scene.bobs.ticket()).open().is_let_in(NOT_LET_IN)
        assert visit.wanted > 0, "another ticket is asked for"
    for server in servers:
        assert not scene.visit(world, server).is_let_in(NOT_LET_IN), "nor anew"
    assert scene.alice.running and scene.carol.running
    return scene


@suite.test()
def whoever_leaves_is_served_nothing_more(world):
    goes(world, lambda scene: scene.bob.ok("leave_group g"))


@suite.test()
def whoever_is_removed_is_served_nothing_more_until_he_is_a_member_again(world):
    scene = goes(world, lambda scene: scene.alice.ok("remove_member g bob"))
    scene.bob.ok("join_group g")
    assert not scene.visit(world, scene.alice).is_let_in(NOT_LET_IN), "asking is not being in"
    scene.alice.ok("accept_request g bob")
    assert not scene.visit(world, scene.alice).is_let_in(NOT_LET_IN), "the old ticket stays worthless"
    again = Hands(world, scene.bob, "g", "film")
    assert again.shown["epoch"] > scene.bobs.shown["epoch"]
    assert scene.visit(world, scene.alice, again.ticket()).is_let_in(LET_IN)


@suite.test(trackers=1)
def who_brings_no_new_ticket_is_cut_off_when_his_ends(world):
    """Nobody has gone, so nothing is pushed: it is the ticket's own end, a minute after it was given."""
    scene = Scene(world)
    visit = scene.visit(world, scene.alice)
    assert visit.is_let_in(LET_IN) and is_fetching(visit)
    left = scene.bobs.shown["expires"] / 1000 - time.time()
    assert 0 < left <= 60
    assert visit.until(lambda: visit.closed is not None, left + 5), "his ticket ends"
    assert visit.closed == NOT_A_MEMBER
    assert time.time() > scene.bobs.shown["expires"] / 1000 - 1, "it was good until then"
    assert not scene.visit(world, scene.alice).is_let_in(NOT_LET_IN), "nor does it open anything anew"
    # Whoever asks for another one is served again.
    assert scene.visit(world, scene.alice, Hands(world, scene.bob, "g", "film").ticket()).is_let_in(LET_IN)


@suite.test()
def a_request_that_is_taken_back_concerns_nobody_who_fetches(world):
    scene = Scene(world)
    visit = scene.visit(world, scene.alice)
    assert visit.is_let_in(LET_IN)
    erin = world.person("erin")
    erin.ok("join_group g")
    erin.ok("leave_group g")
    erin.ok("join_group g")
    scene.alice.ok("reject_request g erin")
    assert is_fetching(visit) and visit.wanted == 0 and visit.closed is None
    assert scene.visit(world, scene.carol).is_let_in(LET_IN), "the ticket of before is one of now"


@suite.test()
def tickets_of_others_of_other_times_and_groups_are_refused_wherever_they_are_shown(world):
    scene = Scene(world)
    tracker = signing_keys_of(world.tracker(1).keys()[1])
    shown = scene.bobs.shown
    mallory = make_keys()

    def made(signer=tracker, gid=None, client=None, epoch=None, expires=None):
        return ticket(signer, gid or shown["gid"], shown["uid"], client or scene.bobs.keys[0],
                      shown["epoch"] if epoch is None else epoch, expires or shown["expires"])
    for server in (scene.alice, scene.carol):
        assert scene.visit(world, server, made()).is_let_in(LET_IN), "this one is good"
        for what, bad, keys in (
                ("stolen", scene.bobs.ticket(), mallory),
                ("for another key, over the own link", made(client=mallory[0]), None),
                ("signed by whoever holds it", made(signer=signing_keys(bytes(31) + b"\1"), client=mallory[0]), mallory),
                ("expired", made(client=mallory[0], expires=shown["expires"] - 120_000), mallory),
                ("of another group", made(gid=bytes(15) + b"\1", client=mallory[0]), mallory),
                ("of before somebody left", made(epoch=shown["epoch"] - 1, client=mallory[0]), mallory)):
            assert not scene.visit(world, server, bad, keys).is_let_in(NOT_LET_IN), what
    assert scene.alice.running and scene.carol.running


@suite.test()
def tickets_are_renewed_at_another_tracker_when_theirs_is_killed(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 24 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.ok("set_limit up 4M")
    trace = world.path / "bob.trace"
    bob.ok(f"trace start {trace}")
    bob.ok(f"download_file g film {world.path / 'got'}")
    bob.await_download("film", lambda row: row["pieces_verified"] >= 2, "to begin")
    world.tracker_of(bob).kill()
    # The departure makes every ticket that the dead one gave worthless: another one is wanted within half a second.
    leaving = threading.Thread(target=carol.ok, args=("leave_group g",))
    leaving.start()
    bob.ok("wait")
    leaving.join()
    assert same_bytes(world.path / "got", film)
    bob.ok("trace stop")
    status, seen, err = world.run("trace_view", trace)
    assert status == 0, err
    signers = {line.partition("signer: ")[2].partition(",")[0] for line in seen.splitlines() if "ShowTicket{" in line}
    assert len(signers) == 2, f"both trackers have signed: {signers}"
    assert "not_a_member" not in seen, "nobody was turned away meanwhile"


if __name__ == "__main__":
    suite.run()
