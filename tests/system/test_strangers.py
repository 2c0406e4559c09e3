#!/usr/bin/env python3
"""What strangers say to open ports: no process ends, no state changes, no memory grows, and friends are served."""

import random
import resource

from support.curve import Socket, keys_of
from support.files import KIB, MIB, same_bytes
from support.program import until
from support.stranger import Stranger, greeting
from support.suite import Suite

suite = Suite()

# Sanitizers keep freed memory for a while; this is far below what the strangers try to have allocated.
MEMORY_MAX_MIB = 700

# MessagePack that promises more than it brings, nests without end, or is something else altogether.
BODIES = (
    b"", b"\0", b"\xc1", b"\x90", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xffabc", b"\x91" * 10_000, b"\x81\xa1a" * 5_000, b"\x92\xcd\x02\x80", b"\x92\xcd\x02\x90\xc0",
    b"\x95\xcd\x02\x80\x01\x01\xc4\x20" + bytes(32) + b"\xa1x", b"GET / HTTP/1.1\r\n\r\n", "ünïcode".encode() * 1000,
    bytes(range(256)) * 40, b"\xcd\x05\x01", b"\x91\xcd\x05\x01", b"\x93\xcd\xff\xff\x01\x02",
)


def pester(port, key):
    """Everything in BODIES, alone and in several frames, shortened and mixed up, from several who have been let in."""
    chance = random.Random(port)
    for kind in ("DEALER", "DEALER", "REQ"):
        caller = Socket(kind).connect(port, key)
        for body in BODIES if kind == "DEALER" else BODIES[:1]:
            caller.say(body)
            if kind == "DEALER":
                caller.say(b"", body)
                caller.say(body, chance.choice(BODIES), body)
                caller.say(body[:chance.randrange(len(body) + 1)])
        for _ in range(200 if kind == "DEALER" else 0):
            caller.say(chance.randbytes(chance.randrange(1, 60)))
        caller.say(b"\x91" * 200_000)  # last, since some doors hang up on whoever says so much
        caller.close()


def be_rude(port):
    """No ZMTP at all, half of it, no key, and frames that would fill all memory."""
    for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(1000), b"\xff" * 1000, random.Random(1).randbytes(10_000), b""):
        stranger = Stranger(port)
        stranger.raw(words)
        stranger.close()
    for size in (64 * MIB, 8 * 1024 * MIB, 2 ** 62):
        for mechanism in ("NULL", "CURVE"):
            stranger = Stranger(port)
            stranger.shake_hands(mechanism)
            stranger.announce(size)
            for _ in range(64):
                if not stranger.raw(bytes(MIB)):
                    break
            stranger.close()


@suite.test()
def at_the_doors_of_a_tracker(world):
    alice = world.person("alice")
    tracker = world.tracker_of(alice)
    alice.ok("create_group before")
    pester(tracker.port, tracker.keys()[0])
    for port in (tracker.port, tracker.port + 1, tracker.port + 2):
        be_rude(port)
    assert tracker.program.running
    alice.ok("create_group after")
    bob = world.person("bob")
    status = bob.ok("status")
    assert (status["users"], status["groups"]) == (2, 2), status
    until(lambda: {row["health"] for row in bob.ok("status")["trackers"]} == {"self", "in_sync"},
          "the trackers are in sync")
    assert tracker.program.peak_memory_mib() < MEMORY_MAX_MIB, tracker.program.peak_memory_mib()


@suite.test(trackers=1)
def at_the_door_of_a_client(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    pester(alice.port, keys_of(alice.state)[0])
    be_rude(alice.port)
    assert alice.running and alice.ok("whoami")["user"] == "alice"
    bob.fetch("g", "song", world.path / "got")
    assert same_bytes(world.path / "got", song)
    assert alice.peak_memory_mib() < MEMORY_MAX_MIB, alice.peak_memory_mib()


@suite.test(trackers=1)
def many_who_say_nothing(world):
    """Two thousand connections that only stay, half of them amid the handshake."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    alice = world.person("alice")
    tracker = world.tracker(1)
    crowd = [Stranger(tracker.port) for _ in range(2000)]
    for stranger in crowd[::2]:
        stranger.raw(greeting("CURVE"))
    bob = world.person("bob")
    alice.ok("create_group g")
    assert tracker.program.peak_memory_mib() < MEMORY_MAX_MIB, tracker.program.peak_memory_mib()
    for stranger in crowd:
        stranger.close()
    bob.ok("join_group g")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    suite.run()
