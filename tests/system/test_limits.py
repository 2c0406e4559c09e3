#!/usr/bin/env python3
"""What one address, and one process, may take: connections and descriptors. Members are served all the while."""

import socket
import threading

from support.files import KIB, same_bytes
from support.program import until
from support.stranger import Stranger, greeting
from support.suite import Suite
from support.world import BIN

suite = Suite()

NEIGHBOUR = "127.0.0.2"  # another address than that of members


def limited(world, title, limit, *argv):
    """A program that may have so many descriptors: soft and hard limit."""
    return world.program(title, ["prlimit", f"--nofile={limit}", *argv])


def tracker_argv(world):
    tracker = world.tracker(1)
    return [BIN / "tracker", world.info, 1, "--data", tracker.data, "--config", world.tracker_config]


def client_argv(world):
    return [BIN / "client", "--state", world.path / "poor", f"127.0.0.1:{world.ports.take()}", world.info, "-c", "whoami"]


@suite.test(trackers=1, started=False)
def too_few_descriptors_are_said_at_the_start(world):
    for title, argv in (("poor-tracker", tracker_argv(world)), ("poor-client", client_argv(world))):
        program = limited(world, title, "64:64", *argv)
        assert program.wait() == 1
        assert "the system allows 64 open files and connections" in program.stderr(), program.stderr()
        assert "ulimit -n" in program.stderr()


@suite.test(trackers=1, started=False)
def a_soft_limit_is_raised(world):
    tracker = world.tracker(1)
    tracker.program = limited(world, "tracker", "64:4096", *tracker_argv(world))
    tracker.await_serving()
    alice = world.person("alice")
    alice.ok("create_group g")
    program = limited(world, "client", "64:4096", *client_argv(world))
    program.wait()
    assert "not_logged_in" in program.stderr() or program.lines, program.stderr()


class Crowd:
    """Connections from an address, each begun anew as soon as it is hung up on."""

    def __init__(self, port, count, source=NEIGHBOUR):
        self._port, self._source = port, source
        self._ended = False
        self.begun = 0
        self._threads = [threading.Thread(target=self._come_back, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _come_back(self):
        while not self._ended:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=0.5, source_address=(self._source, 0)) as one:
                    self.begun += 1
                    one.sendall(greeting("CURVE"))
                    one.settimeout(0.2)
                    one.recv(64)
            except OSError:
                pass

    def close(self):
        self._ended = True
        for thread in self._threads:
            thread.join()


@suite.test(trackers=1)
def whoever_connects_again_and_again_disturbs_nobody(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    song = world.file("song", 700 * KIB)
    alice.ok(f"upload_file {song} g")
    tracker = world.tracker(1)
    crowds = [Crowd(port, 4) for port in (tracker.port, tracker.port + 1, tracker.port + 2, alice.port)]
    for crowd in crowds:
        world.at_end(crowd.close)
    until(lambda: all(crowd.begun >= 100 for crowd in crowds), "them to come again and again")
    bob.ok(f"download_file g song {world.path / 'got'}")
    bob.ok("wait")
    assert same_bytes(world.path / "got", song)
    carol = world.person("carol")
    carol.ok("join_group g")
    assert tracker.program.running and alice.running


@suite.test(trackers=1)
def half_open_connections_are_hung_up_on(world):
    world.person("alice")
    tracker = world.tracker(1)
    for port in (tracker.port, tracker.port + 1, tracker.port + 2):
        strangers = [Stranger(port) for _ in range(20)]
        for stranger in strangers[::2]:
            stranger.raw(greeting("CURVE"))
        for stranger in strangers:
            stranger.hear_out()


@suite.test(trackers=1, started=False)
def at_the_limit_of_descriptors_members_are_served(world):
    tracker = world.tracker(1)
    tracker.program = limited(world, "tracker", "160:160", *tracker_argv(world))
    tracker.await_serving()
    alice = world.person("alice")
    strangers = []
    for number in range(600):
        stranger = socket.socket()
        stranger.bind((f"127.0.0.{3 + number % 200}", 0))
        stranger.setblocking(False)
        stranger.connect_ex(("127.0.0.1", tracker.port + number % 3))
        strangers.append(stranger)
    alice.ok("create_group g")
    bob = world.person("bob")
    bob.ok("join_group g")
    alice.ok("accept_request g bob")
    assert tracker.program.running
    assert tracker.program.descriptors() <= 160
    for stranger in strangers:
        stranger.close()
    alice.ok("create_group h")


if __name__ == "__main__":
    suite.run()
