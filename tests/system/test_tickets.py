#!/usr/bin/env python3
"""Who is served in a group: members, by tickets that are theirs and of now; removed ones are not, and members notice
nothing of that."""

import threading
import time

from support.curve import Socket, keys_of, make_keys
from support.files import KIB, MIB, same_bytes
from support.liar import (BLOCK, CLOSED, HELLO, OPEN, OPENED, PING, PONG, REQUEST, SEALED_DOOR, SHOW, WELCOME, kind_of_message,
                          pack, unpack)
from support.program import until
from support.sealed import SealedLink
from support.suite import Suite
from support.ticket import signing_keys, signing_keys_of, ticket

suite = Suite()

OPEN_PATIENCE = 1.0


class Door:
    """Listens on 127.0.0.2 in a client's place, and keeps what it is shown."""

    def __init__(self, port, keys):
        self._key = keys[0]
        self.shown, self.opened = None, None
        self._ended = False
        self._door = Socket("ROUTER", keys).bind("127.0.0.2", port)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._ended:
            frames = self._door.hear(0.2)
            if not frames:
                continue
            kind, *fields = unpack(frames[1])
            if kind == PING:
                self._door.say(frames[0], pack(PONG))
            elif kind == HELLO:
                self._door.say(frames[0], pack(WELCOME, 3, self._key))
            elif kind == SHOW:
                self.shown = fields[0]
            elif kind == OPEN:
                self.opened = fields[0], fields[1]

    def close(self):
        self._ended = True
        self._thread.join()
        self._door.close()


def lets_in(client, keys, shown, gid, fid):
    """Whether a hand-made peer with these keys, which shows this ticket (if any), gets the file opened."""
    peer = Socket("DEALER", keys).connect(client.port, keys_of(client.state)[0])
    try:
        peer.say(pack(HELLO, 1, 2, keys[0]))
        if shown:
            peer.say(b"\x92\xcd\x03\x18" + shown)
        peer.say(pack(OPEN, gid, fid))
        end = time.monotonic() + OPEN_PATIENCE
        while time.monotonic() < end:
            frames = peer.hear(0.1)
            kind = unpack(frames[0])[0] if frames else None
            if kind == PING:
                peer.say(pack(PONG))
            elif kind == OPENED:
                return True
        return False
    finally:
        peer.close()


class Scene:
    """alice owns a group with bob and eve; in eve's place a door has been shown bob's ticket for alice's song."""

    def __init__(self, world):
        config = world.path / "door.toml"
        config.write_text('[network]\npublic_host = "127.0.0.2"\n')
        self.alice, self.bob = world.people("alice", "bob")
        self.eve = world.person("eve", options=("--config", config))
        world.group("g", self.alice, self.bob, self.eve)
        self.song = world.file("song", 700 * KIB)
        for sharer in (self.alice, self.eve):
            sharer.ok(f"upload_file {self.song} g")
        self.door = Door(self.eve.port, keys_of(self.eve.state))
        world.at_end(self.door.close)
        self.alice.ok("set_limit up 1K")  # so that the door is asked
        self.bob.ok(f"download_file g song {world.path / 'got'}")
        until(lambda: self.door.shown and self.door.opened, "bob shows a ticket")
        self.gid, self.fid = self.door.opened
        self.bobs = keys_of(self.bob.state)
        self.tracker = signing_keys_of(world.tracker(1).keys()[1])

    def bobs_ticket(self):
        return ticket_of(self.door.shown)

    def made(self, keys=None, gid=None, client=None, epoch=None, lasts=60_000):
        _, uid, _, now_epoch = self.door.shown[:4]
        return ticket(keys or self.tracker, gid or self.gid, uid, client or self.bobs[0],
                      now_epoch if epoch is None else epoch, int(time.time() * 1000) + lasts)

    def lets_in(self, keys, shown):
        return lets_in(self.alice, keys, shown, self.gid, self.fid)


def ticket_of(fields):
    """The same bytes again."""
    gid, uid, client, epoch, expires, signer, signature = fields
    packed = b"\x97"
    for each in (gid, uid, client):
        packed += bytes([0xc4, len(each)]) + each
    packed += pack(epoch, expires)[1:]
    return packed + bytes([0xc4, 32]) + signer + bytes([0xc4, 64]) + signature


@suite.test()
def only_the_own_ticket_of_now_opens_a_file(world):
    scene = Scene(world)
    assert scene.lets_in(scene.bobs, scene.bobs_ticket()), "bob's own ticket over bob's own link"
    assert scene.lets_in(scene.bobs, scene.made()), "one that the tracker would have made"
    stranger = make_keys()
    assert not scene.lets_in(stranger, None), "no ticket"
    assert not scene.lets_in(stranger, scene.bobs_ticket()), "stolen"

    def somebody(spoil=lambda made: made, **how):
        """A peer that nobody has met (who is in stays in as long as its links are not known to be gone)."""
        keys = make_keys()
        return scene.lets_in(keys, spoil(scene.made(client=keys[0], **how)))
    assert somebody(), "this one is good"
    assert not somebody(lasts=-1000), "expired"
    assert not somebody(gid=bytes(16)), "of another group"
    assert not somebody(keys=signing_keys(bytes(32))), "signed by nobody"
    assert not somebody(lambda made: made[:-1] + bytes([made[-1] ^ 1])), "a wrong signature"
    epoch = scene.door.shown[3]
    scene.eve.ok("leave_group g")
    assert not somebody(epoch=epoch), "of before somebody left"
    assert somebody(epoch=epoch + 1), "and of after"
    assert scene.alice.running


class ByHand:
    """bob's links to alice, spoken by hand: the first one, which shows his ticket, and a sealed one by the pass that she tells there."""

    def __init__(self, scene):
        self.fid = scene.fid
        self.first = Socket("DEALER", scene.bobs).connect(scene.alice.port, keys_of(scene.alice.state)[0])
        self.first.say(pack(HELLO, 1, 3, scene.bobs[0]))
        self.first.say(b"\x92\xcd\x03\x18" + scene.bobs_ticket())
        _, port, self.pass_id, self.secret = self.heard(self.first, SEALED_DOOR)
        self.port = port
        self.sealed = SealedLink(port, self.pass_id, self.secret)
        assert self.sealed.stands
        self.sealed.say(pack(HELLO, 1, 3, scene.bobs[0]))
        self.sealed.say(pack(OPEN, scene.gid, scene.fid))
        self.heard(self.sealed, OPENED)

    @staticmethod
    def heard(link, kind, seconds=10.0):
        """The next message of this kind; None if none comes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            frames = link.hear(0.1)
            if frames and kind_of_message(frames[0]) == kind:
                return unpack(frames[0])
        return None

    def ask(self):
        self.sealed.say(pack(REQUEST, self.fid, 0, 0, 1000))

    def close(self):
        self.first.close()
        self.sealed.close()


@suite.test()
def a_sealed_link_is_cut_with_the_membership_and_with_the_link_that_its_pass_was_told_over(world):
    scene = Scene(world)
    scene.alice.ok("set_limit up none")
    bob = ByHand(scene)
    bob.ask()
    assert bob.heard(bob.sealed, BLOCK) is not None
    wrong = SealedLink(bob.port, bob.pass_id, bytes(32))
    assert not wrong.stands
    scene.alice.ok("remove_member g bob")
    assert bob.heard(bob.sealed, CLOSED, 1.0) is not None
    bob.ask()
    assert bob.heard(bob.sealed, BLOCK, 1.0) is None
    # What he has kept opens nothing once his first link has gone, which alice notices when it is silent.
    bob.close()
    until(lambda: not comes_in(bob), "the pass to be good for nothing", between=0.2)


def comes_in(bob):
    link = SealedLink(bob.port, bob.pass_id, bob.secret)
    link.close()
    return link.stands


@suite.test()
def whoever_is_removed_gets_nothing_more_and_the_others_notice_nothing(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    film = world.file("film", 24 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.ok("set_limit up 6M")
    notes = world.file("notes", 10 * KIB)
    bob.ok(f"upload_file {notes} g")
    for client in (bob, carol):
        client.ok(f"download_file g film {world.path / client.name}")
    for client in (bob, carol):
        client.await_download("film", lambda row: row["pieces_verified"] >= 2, "to begin")
    before = len(carol.events)
    alice.ok("remove_member g bob")
    row = bob.await_download("film", lambda row: row["phase"] == "failed", "to end", patience=1.5)
    assert row["code"] == "not_a_member" and "alice has removed you from g" in row["message"], row
    bob.refused("list_files g", "not_a_member")
    assert [each["user"] for each in carol.ok("list_members g")["members"]] == ["alice", "carol"]
    assert "notes" not in {each["file"] for each in carol.ok("list_files g")["files"]}
    carol.ok("wait")
    assert same_bytes(world.path / "carol", film)
    noticed = [event for event in carol.events[before:] if event["event"].startswith("download")]
    assert not any(event.get("code") for event in noticed), noticed
    # He may ask again, as after leaving.
    bob.ok("join_group g")
    alice.ok("accept_request g bob")
    bob.ok(f"download_file g film {world.path / 'bob'}")
    bob.await_download("film", lambda row: row["phase"] == "complete", "to go on")
    assert same_bytes(world.path / "bob", film)


@suite.test()
def what_is_under_way_outlives_the_trackers(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", 24 * MIB)
    alice.ok(f"upload_file {film} g")
    alice.ok("set_limit up 2M")
    bob.ok(f"download_file g film {world.path / 'got'}")
    bob.await_download("film", lambda row: row["pieces_verified"] >= 2, "to begin")
    world.tracker(1).kill()
    bob.await_download("film", lambda row: row["pieces_verified"] >= 6, "to go on")
    world.tracker(2).kill()
    bob.ok("wait")
    assert same_bytes(world.path / "got", film)


if __name__ == "__main__":
    suite.run()
