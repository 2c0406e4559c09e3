"""scripts/bench hostility, once everything is built.

What strangers and members cost who mean harm, at the doors of real release programs: how much more memory is resident while
they are at it and after they have gone, and whether members are served meanwhile. Under sanitizers memory says nothing, so
the tests only look whether everybody lives (tests/system/test_strangers.py); here it is measured, against targets.

How it measures:
- Resident is what is the process's own (RssAnon). Each attack has a warm-up with a tenth of itself, so that what any first
  use costs once is not counted, and a calm second before "before".
- "during" is the highest of ten looks a second, "after" the lowest until it is within the target, or for half a minute after the
  last has gone: a door gives memory back every twenty seconds at most.
- Served: a member makes a group and downloads a file, each within ten seconds.
"""

import argparse
import contextlib
import os
import pathlib
import re
import resource
import socket
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("TUTTI_BIN", str(ROOT / "build" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support.curve import Socket, keys_of  # noqa: E402
from support.files import KIB, MIB  # noqa: E402
from support.former import Hands  # noqa: E402
from support.liar import HELLO, OPEN, REQUEST, pack  # noqa: E402
from support.stranger import frame, greeting  # noqa: E402
from support.visitor import ADD_FILE, CREATE_GROUP, FIND_FILE, VERSION, Visitor  # noqa: E402
from support.visitor import HELLO as HELLO_TRACKER, pack as vpack  # noqa: E402
from support.world import World  # noqa: E402

TARGET_MIB = 2.0
BOMBS = (b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91" * 200_000, b"\x95\xcd\x02\x80\x01\x01\xc4\x20" + bytes(32))


def own_memory(program):
    status = pathlib.Path(f"/proc/{program.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


class Watch:
    """Looks at a process ten times a second."""

    def __init__(self, program):
        self._program, self._ended = program, False
        self.most = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._ended:
            self.most = max(self.most, own_memory(self._program))
            time.sleep(0.1)

    def end(self):
        self._ended = True
        self._thread.join()
        return self.most


# --- attacks: each begins, and returns what ends it ---------------------------------------------------------------------

def raw_connections(count, port, words=b""):
    """From as many addresses as it takes: of one a door takes 1,024."""
    crowd = []
    for number in range(count):
        one = socket.socket()
        one.bind((f"127.0.1.{1 + number // 500}", 0))
        one.settimeout(5)
        with contextlib.suppress(OSError):
            one.connect(("127.0.0.1", port))
            if words:
                one.sendall(words)
        crowd.append(one)
        if number % 500 == 499:
            time.sleep(0.5)
    return lambda: [one.close() for one in crowd]


def mute(place, port, share):
    return raw_connections(int(2000 * share), port)


def half_handshakes(place, port, share):
    return raw_connections(int(2000 * share), port, greeting("CURVE"))


def half_frames(place, port, share):
    """Nearly of the largest size that is taken at the door of sealed links, where no key is proven before the first frame."""
    ready = frame(b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER", command=True)
    head = b"\x02" + (60 * KIB).to_bytes(8, "big")
    return raw_connections(int(2000 * share), port, greeting("NULL") + ready + head + bytes(50 * KIB))


def too_large(place, port, share):
    words = greeting("CURVE") + b"\x02" + (1 << 40).to_bytes(8, "big") + bytes(64 * KIB)
    return raw_connections(int(500 * share), port, words)


def bombs(place, port, share):
    """From those who have proven a key."""
    callers = [Socket("DEALER").connect(port, place.key_at(port)) for _ in range(int(10 * share))]
    for caller in callers:
        for bomb in BOMBS * 4:
            caller.say(bomb)
    return lambda: [caller.close() for caller in callers]


class Stalling:
    """Passes on what is said to a port, of each connection so many bytes and then no more; what is answered, all."""

    def __init__(self, port, most):
        self._port, self._most = port, most
        self._door = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._door.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._door.accept()
                callee = socket.create_connection(("127.0.0.1", self._port))
                self._open += [caller, callee]
                threading.Thread(target=self._pass, args=(caller, callee, self._most), daemon=True).start()
                threading.Thread(target=self._pass, args=(callee, caller, 1 << 62), daemon=True).start()

    def _pass(self, source, target, left):
        with contextlib.suppress(OSError):
            while left > 0 and (data := source.recv(min(left, 65536))):
                target.sendall(data)
                left -= len(data)

    def close(self):
        self._door.close()
        for each in self._open:
            each.close()


def half_words(place, port, share):
    """Clients whose connection stalls amid a word of 7 MiB: nothing of it can be read, all of it is kept."""
    relay = Stalling(port, 6 * MIB)
    callers = []
    for _ in range(int(30 * share)):
        caller = Socket("DEALER").connect(relay.port, place.key_at(port))
        caller.say(vpack([HELLO_TRACKER, 1, VERSION, caller.public, "by hand"]))
        caller.say(bytes(7 * MIB))
        callers.append(caller)
    time.sleep(1)

    def end():
        relay.close()
        for caller in callers:
            caller.close()
    return end


def deaf_clients(place, port, share):
    """Clients of a tracker that ask for a large file's digests again and again, and take no answer."""
    visitors = []
    for _ in range(int(20 * share)):
        visitor = Visitor(place.world.tracker(1)).logs_in(*place.deaf)
        for _ in range(60):
            visitor.begin(FIND_FILE, "deaf", "film")
        visitors.append(visitor)
    return lambda: [visitor.close() for visitor in visitors]


def deaf_peers(place, port, share):
    """Members who ask for blocks, and take none."""
    links = []
    for _ in range(int(10 * share)):
        link = Socket("DEALER", place.hands.keys).connect(port, place.key_at(port))
        link.say(pack(HELLO, 1, 3, place.hands.keys[0]))
        link.say(b"\x92\xcd\x03\x18" + place.hands.ticket())
        link.say(pack(OPEN, place.hands.gid, place.hands.fid))
        for piece in range(8):
            link.say(pack(REQUEST, place.hands.fid, piece, 0, 1 << 19))
        links.append(link)
    return lambda: [link.close() for link in links]


AT_TRACKER = {"2,000 mute connections": (mute, False), "2,000 half handshakes": (half_handshakes, False),
              "500 frames of a TiB": (too_large, True), "10 keys with bombs": (bombs, True),
              "20 clients that take no answer": (deaf_clients, False), "30 clients amid a word of 7 MiB": (half_words, False)}
AT_CLIENT = {"2,000 mute connections": (mute, False), "2,000 half handshakes": (half_handshakes, False),
             "500 frames of a TiB": (too_large, True), "10 keys with bombs": (bombs, True),
             "10 members who take no block": (deaf_peers, False)}
AT_SEALED = {"2,000 mute connections": (mute, False), "2,000 half frames of 60 KiB": (half_frames, False),
             "500 frames of a TiB": (too_large, True)}


class Place:
    """A tracker and two members, of whom the first serves."""

    def __init__(self, world):
        self.world = world
        self.sealed_port = world.ports.take()
        config = world.path / "alice.toml"
        config.write_text(f"[network]\nsealed_port = {self.sealed_port}\n")
        self.alice, self.bob = world.person("alice", options=("--config", config)), world.person("bob")
        world.group("g", self.alice, self.bob)
        self.alice.ok(f"upload_file {world.file('film', 16 * MIB)} g")
        self.hands = Hands(world, self.bob, "g", "film")
        # What an account makes a tracker remember has bounds of its own, and pages of the store that it has read it keeps: so
        # there is one account and one large file, from the beginning.
        self.deaf = "deaf", "secret-of-deaf"
        owner = Visitor(world.tracker(1)).has_account(*self.deaf)
        owner.ask(CREATE_GROUP, "deaf")
        owner.ask(ADD_FILE, "deaf", ["film", 2000 << 19, 1 << 19, bytes(20), bytes(20 * 2000), bytes(32 * 2000)])
        owner.close()
        self._rounds = 0

    def key_at(self, port):
        return keys_of(self.alice.state)[0] if port == self.alice.port else self.world.tracker(1).keys()[0]

    def is_served(self):
        self._rounds += 1
        self.alice.ok(f"create_group round{self._rounds}", 10.0)
        target = self.world.path / f"round-{self._rounds}"
        self.bob.ok(f"download_file g film {target}", 10.0)
        self.bob.ok("wait 10", 15.0)
        target.unlink()
        self.bob.ok("cancel g film")
        return True


def measure(place, program, port, attack, seconds):
    attack(place, port, 0.1)()
    time.sleep(1)
    place.is_served()
    time.sleep(1)
    before = own_memory(program)
    watch = Watch(program)
    begin = time.monotonic()
    end = attack(place, port, 1)
    served = place.is_served()
    time.sleep(max(0.0, seconds - (time.monotonic() - begin)))
    served = served and place.is_served()
    during = watch.end() - before
    end()
    return during, lowest(program, before), served


def lowest(program, before):
    """How much more than before is resident at the least, until that is within the target, or for half a minute."""
    least = own_memory(program) - before
    for _ in range(300):
        if least < TARGET_MIB:
            break
        time.sleep(0.1)
        least = min(least, own_memory(program) - before)
    return least


def table(rows, seconds):
    lines = ["# Hostility", "",
             "What `scripts/bench hostility` has measured: release programs on loopback, each attack "
             f"{seconds} s long. Memory is what is resident and the process's own. The target is {TARGET_MIB:.0f} MiB more, idle "
             "connections aside, whose cost is what libzmq takes for them; members are served all the while. Its page of "
             "how it measures is `scripts/python/bench_hostility.py`.", "",
             "| at | what | MiB more during | after | target | members |", "|---|---|---|---|---|---|"]
    for door, what, during, after, bounded, served in rows:
        worst = max(during, after) if bounded else after
        verdict = "met" if worst < TARGET_MIB else "missed"
        lines.append(f"| {door} | {what} | {during:.1f} | {after:.1f} | {verdict}{'' if bounded else ' (after)'} "
                     f"| {'served' if served else 'NOT SERVED'} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Memory and service under attack.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="", help="attacks whose name holds this")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT / "docs" / "hostility.md")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    world = World(1)
    rows = []
    try:
        world.start_trackers()
        place = Place(world)
        tracker, alice = world.tracker(1), place.alice
        doors = (("tracker", tracker.program, tracker.port, AT_TRACKER), ("client", alice.program, alice.port, AT_CLIENT),
                 ("client, sealed", alice.program, place.sealed_port, AT_SEALED))
        for door, program, port, attacks in doors:
            for what, (attack, bounded) in attacks.items():
                if options.only not in what:
                    continue
                during, after, served = measure(place, program, port, attack, options.seconds)
                rows.append((door, what, during, after, bounded, served))
                print(f"{door:15} {what:32} +{during:7.1f} MiB during, {after:+7.1f} after"
                      f"{'' if served else '  NOT SERVED'}", flush=True)
        if not options.only:
            options.into.write_text(table(rows, options.seconds))
    finally:
        world.close()
    return 0 if all(served for *_, served in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
