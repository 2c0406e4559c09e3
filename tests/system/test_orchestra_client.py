#!/usr/bin/env python3
"""A client beside Orchestras: it exports files of its groups, and serves them to members, ours and originals."""

import contextlib
import hashlib
import os

from support.files import KIB, MIB, same_bytes
from support.original import Gone, Orch, OriginalMember, dial
from support.program import PATIENCE, until
from support.suite import Suite
from support.world import BIN, PASSWORD
from test_orchestra import Answers, a_host, ask

suite = Suite()


class Ensemble:
    """alice, who serves members of Orchestras, a group g of hers, and a conductor."""

    def __init__(self, world, *others):
        self.world, self.host = world, a_host()
        self.alice = world.person("alice", options=("--orchestra", f"{self.host}:10001"))
        self.others = world.people(*others)
        world.group("g", self.alice, *self.others)
        self.conductor = f"{a_host()}:9999"
        self.program = world.program("conductor", [BIN / "conductor", "--listen", self.conductor])
        self.program.await_line("listens on")
        self.orchs = {}

    def share(self, name, size):
        path = self.world.file(name, size)
        self.alice.ok(f"upload_file {path} g")
        return path

    def export(self, name):
        done = self.alice.ok(f"export_orch g {name} {self.conductor} {self.world.path}/{name}.orch")
        self.orchs[name] = Orch(self.world.path / f"{name}.orch")
        return done

    def await_known(self, name):
        """Until the conductor names alice to those who ask."""
        orch, line = self.orchs[name], f"{self.host}:10001\r\n".encode()
        until(lambda: line in ask(self.conductor, "DOWN", orch.name, orch.sha1, 9),
              f"alice to be known to the conductor for {name}", between=0.1)

    def member(self, name):
        """One of ours that fetches the file."""
        folder = self.world.folder(f"member-of-{name}-{a_host()}")
        program = self.world.program(
            f"member-of-{name}", [BIN / "member", self.world.path / f"{name}.orch", "--once", "--listen",
                                  f"{a_host()}:10001", "--directory", folder])
        program.path = folder / name
        return program

    def greet(self, name):
        """A connection of our own to the client, about this file: what it answers to DOWN."""
        orch = self.orchs[name]
        answers = Answers(dial((self.host, 10001), a_host()), orch)
        answers.wire.sock.settimeout(PATIENCE)
        answers.wire.send("DOWN", orch.name, orch.sha1)
        answers.first = answers.next()
        return answers

    def is_served(self, name):
        try:
            return self.greet(name).first[0] == "SEND"
        except (Gone, OSError):
            return False


# --- export_orch ----------------------------------------------------------------------------------------------------

@suite.test()
def any_member_writes_the_orch_file_of_what_is_shared(world):
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob)
    path = world.file("film", 3 * MIB + 5)
    alice.ok(f"upload_file {path} g")
    content = path.read_bytes()
    piece = bob.ok("list_peers g film")["piece_length"]
    done = bob.ok("export_orch g film")  # who has nothing of it
    assert done["path"] == str(world.path / "film.orch") and done["conductor"] == "localhost:9999", done
    parts = [content[at:at + piece] for at in range(0, len(content), piece)]
    lines = ["localhost:9999", "film", hashlib.sha1(content).hexdigest(), len(content), piece, len(parts),
             *(hashlib.sha1(part).hexdigest() for part in parts)]
    expected = "".join(f"{line}\n" for line in lines)
    assert (world.path / "film.orch").read_text() == expected

    bob.refused("export_orch g film", "destination_exists")
    folder = world.folder("out")
    assert bob.ok(f"export_orch g film h.example:7 {folder}")["path"] == str(folder / "film.orch")
    assert (folder / "film.orch").read_text() == expected.replace("localhost:9999", "h.example:7")
    bob.ok(f"export_orch g film h:7 {folder}/other")
    assert sorted(os.listdir(folder)) == ["film.orch", "other"]
    # Words, login, names, group, membership, file, then the place; and nothing is left of what failed.
    for words, code in (("g film nowhere", "usage"), ("g film a:1,b:2", "usage"), ("g ~film", "invalid_name"),
                        ("no film", "no_such_group"), ("g no", "no_such_file"),
                        (f"g film h:1 {folder}/no/file", "no_such_file")):
        bob.refused(f"export_orch {words}", code)
    carol.refused("export_orch g film", "not_a_member")
    assert sorted(os.listdir(folder)) == ["film.orch", "other"]

    tree = world.folder("run7")
    (tree / "a").write_bytes(b"a")
    alice.ok(f"upload_file {tree} g")
    bob.refused("export_orch g run7/", "other")
    for name, message in (("größe", True), ("plain", False)):
        alice.ok(f"upload_file {world.file(name, 10)} g")
        assert ("message" in alice.ok(f"export_orch g {name} h:1 {folder}")) == message, name
    bob.quit()
    status, out, _ = bob.script(f"login bob {PASSWORD}\n"
                                f"export_orch g plain h:1 {folder}/plain2\n")
    assert status == 0 and f"plain can be shared in an Orchestra by {folder}/plain2." in out, (status, out)


# --- client --orchestra ---------------------------------------------------------------------------------------------

@suite.test()
def members_of_both_kinds_fetch_from_a_client_what_it_has_exported(world):
    ensemble = Ensemble(world)
    ensemble.alice.await_event("notice", lambda event: "members of Orchestras are served" in event["message"])
    films = [ensemble.share(name, size) for name, size in (("film", 3 * MIB + 5), ("song", 700 * KIB), ("secret", 10))]
    for name in ("film", "song"):
        ensemble.export(name)
        ensemble.alice.await_event("notice", lambda event, name=name: f"{name} is served on" in event["message"])
        ensemble.await_known(name)
    # Two files at one door at the same time.
    members = [ensemble.member(name) for name in ("film", "song")]
    original = OriginalMember(ensemble.orchs["film"], a_host(), ensemble.conductor, owned=(), poll_every=1.0)
    world.at_end(original.close)
    for member, path in zip(members, films):
        member.await_line("complete:")
        assert member.wait() == 0 and same_bytes(member.path, path)
    until(original.complete.is_set, "the original to be complete")
    assert not original.refused and not original.wrong and not original.killed
    # What was not exported is nobody's.
    content = (world.path / "files" / "secret").read_bytes()
    wire = dial((ensemble.host, 10001), a_host())
    sha1 = hashlib.sha1(content).hexdigest()
    wire.send("DOWN", "secret", sha1)
    assert [wire.line() for _ in range(4)] == ["NONE", "secret", sha1, "0"]


@suite.test()
def a_logout_ends_serving_members_and_a_login_or_a_restart_resumes_it(world):
    ensemble = Ensemble(world)
    ensemble.share("film", 1 * MIB)
    ensemble.export("film")
    until(lambda: ensemble.is_served("film"), "it to be served")
    guest = ensemble.greet("film")
    ensemble.alice.ok("logout")
    with contextlib.suppress(Gone):
        while True:
            guest.next()
    until(lambda: not ensemble.is_served("film"), "it to be served no more")
    ensemble.alice.login()
    until(lambda: ensemble.is_served("film"), "it to be served again")
    for end in ("kill", "quit"):
        getattr(ensemble.alice, end)()
        ensemble.alice.restart()
        ensemble.alice.login()
        until(lambda: ensemble.is_served("film"), "it to be served after a restart")
    member = ensemble.member("film")
    member.await_line("complete:")


@suite.test()
def stop_share_and_a_lost_membership_end_serving_members(world):
    ensemble = Ensemble(world, "bob")
    for name in ("film", "song"):
        ensemble.share(name, 700 * KIB)
        ensemble.export(name)
        until(lambda name=name: ensemble.is_served(name), f"{name} to be served")
    ensemble.alice.ok("stop_share g film")
    until(lambda: not ensemble.is_served("film"), "it to be served no more")
    assert ensemble.is_served("song")
    ensemble.alice.ok("leave_group g")
    until(lambda: not ensemble.is_served("song"), "nothing of the group to be served")


@suite.test()
def a_file_that_changes_is_not_served_to_members(world):
    ensemble = Ensemble(world)
    path = ensemble.share("film", 700 * KIB)
    ensemble.export("film")
    until(lambda: ensemble.is_served("film"), "it to be served")
    with open(path, "r+b") as file:
        file.write(b"something else")
    guest = ensemble.greet("film")
    if guest.first[0] == "SEND":
        guest.wire.send("PART", guest.orch.name, guest.orch.sha1, 1)
        with contextlib.suppress(Gone):
            while True:
                assert guest.next()[0] not in ("STRT",)
    until(lambda: not ensemble.is_served("film"), "it to be served no more")


@suite.test(trackers=1)
def an_address_that_cannot_be_had_is_said_at_the_start(world):
    host = a_host()
    world.person("alice", options=("--orchestra", f"{host}:10001"))
    for address, status in ((f"{host}:10001", 9), ("[::1]:10001", 2), ("nowhere", 2)):
        code, out, err = world.run("client", f"127.0.0.1:{world.ports.take()}", world.info, "--state",
                                   world.path / "another", "--orchestra", address, given="status")
        assert code == status and out == "" and address in err, (code, out, err)


@suite.test()
def members_are_sent_what_the_limits_let_through(world):
    ensemble = Ensemble(world)
    path = ensemble.share("film", 300 * KIB)
    ensemble.export("film")
    until(lambda: ensemble.is_served("film"), "the film to be served")
    ensemble.alice.ok("set_limit up 1 g")
    answers, orch = ensemble.greet("film"), ensemble.orchs["film"]
    answers.wire.send("PART", orch.name, orch.sha1, 1)
    answers.wire.sock.settimeout(1.0)
    with contextlib.suppress(TimeoutError, Gone):
        raise AssertionError(f"it says {answers.next()} in spite of the limit")
    answers.wire.sock.settimeout(PATIENCE)
    ensemble.alice.ok("set_limit up none g")
    assert answers.next() == ("STRT", 1, path.read_bytes()[:orch.part_size])


if __name__ == "__main__":
    suite.run()
