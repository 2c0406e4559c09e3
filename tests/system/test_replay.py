#!/usr/bin/env python3
"""What real programs have recorded is replayed: the same code does the same, and whatever differs is named."""

import re

from support.files import MIB, same_bytes
from support.suite import Suite
from support.world import PASSWORD

suite = Suite()

DELIVERED = b"\xcd\x09\x03"  # the number of EnvelopeDelivered
REPLAYED = re.compile(r"^replayed (\d+) deliveries of (\d+) actors: the same$", re.MULTILINE)


def replayed(world, trace):
    """(deliveries, actors) of a recording that replays."""
    status, out, err = world.run("inject", "--replay", trace)
    found = REPLAYED.search(out)
    assert status == 0 and found and err == "", (trace, status, out[-3000:], err)
    return int(found[1]), int(found[2])


def records(trace):
    """Where each record of a trace begins and ends, behind its length."""
    data, at, found = trace.read_bytes(), len(b"tutti-trace\n"), []
    while at + 4 <= len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        found.append((at + 4, at + 4 + length))
        at += 4 + length
    return data, found


@suite.test(started=False)
def a_download_from_two_sources_and_the_death_of_a_tracker(world):
    traces = {}

    def recording(name):
        traces[name] = world.path / f"{name}.trace"
        return ["--trace", traces[name], "--replayable"]
    for tracker in world.trackers:
        tracker.launch(*recording(f"tracker-{tracker.number}"))
    for tracker in world.trackers:
        tracker.await_serving()
    alice, bob, carol = (world.person(name, options=recording(name)) for name in ("alice", "bob", "carol"))
    world.group("g", alice, bob, carol)
    film = world.file("film", 24 * MIB)
    alice.ok(f"upload_file {film} g")
    bob.await_sharers("g", "film", ["alice"])
    bob.fetch("g", "film", world.path / "got-by-bob")
    carol.await_sharers("g", "film", ["alice", "bob"])
    dead = world.tracker_of(carol)
    carol.ok(f"download_file g film {world.path}/got-by-carol")
    dead.kill()
    carol.ok("wait")
    assert same_bytes(world.path / "got-by-carol", film)
    carol.ok("leave_group g")
    for client in (alice, bob, carol):
        client.quit()
    for tracker in world.trackers:
        if tracker is not dead:
            assert tracker.quit() == 0

    for name, trace in traces.items():
        assert PASSWORD.encode() not in trace.read_bytes(), "a recording holds no password"
        assert trace.stat().st_mode & 0o077 == 0
        deliveries, actors = replayed(world, trace)
        # A tracker's directory, replicator, front desk; a client's four and a fetcher for each whom it fetched from.
        assert deliveries > 100, (name, deliveries)
        expected = 3 if name.startswith("tracker") else {"alice": 4, "bob": 5, "carol": 6}[name]
        assert actors == expected, (name, actors)

    # What bob's scheduler was given is changed: it does something else then, and that is said in words.
    data, found = records(traces["bob"])
    changed = bytearray(data)
    for begin, end in found:
        at = data.find(b"got-by-bob", begin, end)
        if at >= 0 and data[begin + 1:begin + 4] == DELIVERED:
            changed[at:at + 3] = b"not"
            break
    other = world.path / "changed.trace"
    other.write_bytes(changed)
    status, out, err = world.run("inject", "--replay", other)
    assert status == 1 and err == "", (status, out, err)
    said = out.splitlines()
    assert re.fullmatch(r"replayed \d+ deliveries of \d actors: not the same", said[0]), out
    assert re.match(r"the first difference: scheduler, delivery \d+: Told\{.* from tracker_link$", said[1]), out
    assert said[2] == "  field     download.path", out
    assert said[3].startswith("  recorded  ") and "got-by-bob" in said[3], out
    assert said[4].startswith("  now       ") and "not-by-bob" in said[4], out


@suite.test(trackers=1)
def an_ordinary_trace_is_no_recording_for_a_replay(world):
    trace = world.path / "trace"
    alice = world.client("alice", options=["--trace", trace])
    alice.ok(f"create_user alice {PASSWORD}")
    alice.login()
    alice.quit()
    status, out, err = world.run("inject", "--replay", trace)
    assert status == 2 and "--replayable" in err, (status, out, err)
    status, out, err = world.run("trace_view", "--bytes", 64, trace)
    assert status == 0 and "LoggedIn{" in out, (status, err)
    assert set(re.findall(r"token: x'([0-9a-f]*)'", out)) == {"0" * 64}, "no session token is in it"
    status, out, err = world.run("inject", "--replay", world.info)
    assert status == 2 and "this is no trace" in err, (status, out, err)
    status, out, err = world.run("client", "127.0.0.1:1", world.info, "--replayable")
    assert status == 2 and "--trace" in err, (status, out, err)


@suite.test(trackers=1)
def a_story_of_a_simulation_is_replayed(world):
    trace = world.path / "story"
    status, out, err = world.run("simulate", "--seed", 3, "--trace", trace)
    assert status == 0, (status, out, err)
    deliveries, actors = replayed(world, trace)
    assert deliveries > 1000 and actors > 10, (deliveries, actors)


if __name__ == "__main__":
    suite.run()
