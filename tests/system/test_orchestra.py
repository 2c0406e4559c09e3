#!/usr/bin/env python3
"""Composer, conductor and member, beside originals (support/original.py), beside each other, and before enemies."""

import contextlib
import hashlib
import os
import random
import shutil
import socket
import sys
import threading
import time

from support import files
from support.original import Gone, Orch, OriginalConductor, OriginalMember, dial, listen, Wire
from support.program import until
from support.suite import Skipped, Suite
from support.terminal import Terminal
from support.world import BIN

KIB, MIB = 1 << 10, 1 << 20
suite = Suite()


def a_host():
    """An address of loopback that nobody else of these tests has."""
    return "127.{}.{}.{}".format(*(random.randrange(2, 254) for _ in range(3)))


class Stage:
    """One Orchestra: its file, its conductor (ours, or an original), its members."""

    def __init__(self, world, size, part_size=16 * KIB, original_conductor=False, name="piece.bin"):
        self.world = world
        self.content = files.write_random(world.folder("origin") / name, size, name).read_bytes()
        self.host = a_host()
        if original_conductor:
            self.original_conductor = OriginalConductor(self.host)
            world.at_end(self.original_conductor.close)
            self.conductor = self.original_conductor.endpoint
        else:
            self.program = world.program("conductor", [BIN / "conductor", "--listen", f"{self.host}:9999"])
            self.program.await_line("listens on")
            self.conductor = f"{self.host}:9999"
        self.name = name
        source = world.folder("origin")
        status, _, err = world.run("composer", f"origin/{name}", self.conductor, str(part_size))
        assert status == 0, err
        # The originals' name is a path from where the composer ran; its last word is the file's.
        self.path = world.path / f"{name}.orch"
        self.path.write_text((source / f"{name}.orch").read_text().replace(f"origin/{name}", name))
        self.orch = Orch(self.path)
        self._members = 0
        self.hosts = set()  # of ours

    def expect_good_guests(self, *originals):
        """Ours have asked these originals for nothing that kills them or that they do not have, and have refused nothing."""
        for original in originals:
            for what in (original.wrong, original.killed, original.refused):
                assert not [entry for entry in what if entry[0] in self.hosts], what

    def member(self, *options, owned=None, host=None, folder=None):
        """Ours. `owned`: the parts that it begins with; others are zeros."""
        self._members += 1
        folder = folder or self.world.folder(f"member-{self._members}")
        shutil.copy(self.path, folder)
        if owned is not None:
            content = bytearray(len(self.content))
            for k in owned:
                at = (k - 1) * self.orch.part_size
                content[at:at + self.orch.part_length(k)] = self.content[at:at + self.orch.part_length(k)]
            (folder / self.name).write_bytes(content)
        host = host or a_host()
        program = self.world.program(
            f"member-{self._members}-{host}",
            [BIN / "member", folder / self.path.name, "--listen", f"{host}:10001", *options])
        program.folder, program.host = folder, host
        self.hosts.add(host)
        return program

    def seeder(self, *options):
        member = self.member(*options, owned=range(1, self.orch.count + 1))
        member.await_line("complete:")
        return member

    def original(self, owned=None, **named):
        named.setdefault("poll_every", 1.0)
        member = OriginalMember(self.orch, a_host(), self.conductor,
                                None if owned is not None and not owned else self.content, owned, **named)
        self.world.at_end(member.close)
        return member

    def await_complete(self, *members):
        for member in members:
            if isinstance(member, OriginalMember):
                until(member.complete.is_set, f"the original at {member.host} to be complete")
                assert bytes(member.content) == self.content
            else:
                member.await_line("complete:")
                assert (member.folder / self.name).read_bytes() == self.content
                assert not list(member.folder.glob("*.part"))

    def register(self, host, port):
        """Makes somebody known who is played by the test."""
        wire = dial((self.conductor.split(":")[0], int(self.conductor.split(":")[1])), host)
        wire.send("DOWN", self.orch.name, self.orch.sha1, port)
        with contextlib.suppress(Gone):
            while True:
                wire.line()


# --- with originals -------------------------------------------------------------------------------------------------

@suite.test(trackers=0, started=False)
def ours_fetches_from_an_original_under_an_original_conductor(world):
    stage = Stage(world, 3 * MIB + 7, original_conductor=True)
    seeder = stage.original()
    member = stage.member("--once")
    stage.await_complete(member)
    assert member.wait() == 0
    stage.expect_good_guests(seeder)


@suite.test(trackers=0, started=False)
def an_original_fetches_from_ours_and_all_answers_come_once(world):
    stage = Stage(world, 3 * MIB + 7)
    stage.seeder()
    leecher = stage.original(owned=())
    stage.await_complete(leecher)
    stage.expect_good_guests(leecher)


@suite.test(trackers=0, started=False)
def three_of_ours(world):
    stage = Stage(world, 6 * MIB + 1, part_size=64 * KIB)
    stage.seeder()
    stage.await_complete(stage.member(), stage.member())


@suite.test(trackers=0, started=False)
def two_of_each(world):
    stage = Stage(world, 4 * MIB + 321)
    seeders = [stage.seeder(), stage.original()]
    leechers = [stage.member(), stage.original(owned=())]
    stage.await_complete(*leechers)
    stage.expect_good_guests(seeders[1], leechers[1])


@suite.test(trackers=0, started=False)
def odd_and_even_holders_complete_each_other(world):
    stage = Stage(world, 40 * 16 * KIB - 5)
    odd, even = range(1, 41, 2), range(2, 41, 2)
    # An original with the odd parts, one of ours with the even ones, and one of each with nothing.
    members = [stage.original(owned=odd), stage.member(owned=even), stage.member(), stage.original(owned=())]
    stage.await_complete(*members)
    stage.expect_good_guests(members[0], members[3])


@suite.test(trackers=0, started=False)
def a_doubled_strt_is_read_and_dropped(world):
    stage = Stage(world, 2 * MIB)
    seeder = stage.original(doubles=True)
    member = stage.member()
    stage.await_complete(member)
    # Each part was asked for once, or a few times near the end.
    assert len(seeder.served) < stage.orch.count + 20, len(seeder.served)


@suite.test(trackers=0, started=False)
def dialling_again_at_every_poll_is_borne(world):
    stage = Stage(world, 256 * KIB)
    member = stage.seeder()
    original = stage.original(owned=(1,), poll_every=0.05)
    stage.await_complete(original)
    until(lambda: original.dials > 60, "the original to dial again and again")
    # Those that are too many are ended, and it is served on.
    assert original.connections() < 60
    assert member.running and member.descriptors() < 120
    another = stage.original(owned=())
    stage.await_complete(another)


@suite.test(trackers=0, started=False)
def floods_of_down_are_answered(world):
    stage = Stage(world, 320 * KIB)
    stage.seeder()
    original = stage.original(owned=(), floods=3000)
    stage.await_complete(original)
    until(lambda: original.floods_sent == 3000 and original.lists >= 3000, "an answer to each DOWN")


@suite.test(trackers=0, started=False)
def lists_that_include_the_asker_are_borne(world):
    stage = Stage(world, 320 * KIB, original_conductor=True)
    leecher = stage.member()
    until(lambda: stage.original_conductor.table, "the member to be known")
    # Its own address and some that are none or dead; then the one that has the file.
    listed = next(iter(stage.original_conductor.table.values()))
    listed[:0] = ["no:port", "127.0.0.1:0", "::1", f"{a_host()}:10001", listed[0]]
    stage.original()
    stage.await_complete(leecher)


@suite.test(trackers=0, started=False)
def parts_that_were_not_offered_are_given_when_they_are_there(world):
    stage = Stage(world, 20 * 16 * KIB)
    member = stage.member(owned=(1,))
    member.await_line("nobody")
    wire = dial((member.host, 10001), a_host())
    wire.send("DOWN", stage.orch.name, stage.orch.sha1)
    for k in (2, 1):
        wire.send("PART", stage.orch.name, stage.orch.sha1, k)
    answers = Answers(wire, stage.orch)
    assert answers.next()[0] == "DOWN"
    assert sorted([answers.next(), answers.next()]) == [
        ("SEND", (1 << 20) + 1), ("STRT", 1, stage.content[:16 * KIB])]
    stage.original()
    assert answers.next() == ("STRT", 2, stage.content[16 * KIB:32 * KIB])


class Answers:
    """What comes over a connection of one's own."""

    def __init__(self, wire, orch):
        self.wire, self.orch = wire, orch

    def next(self):
        word, name, sha1 = (self.wire.line() for _ in range(3))
        assert (name, sha1) == (self.orch.name, self.orch.sha1)
        if word == "DOWN":
            return (word,)
        number = int(self.wire.line())
        if word == "STRT":
            return word, number, self.wire.exactly(self.orch.part_length(number))
        return word, number


@suite.test(trackers=0, started=False)
def every_word_is_answered_as_the_wire_sample_says(world):
    stage = Stage(world, 40000)
    member = stage.seeder()
    wire = dial((member.host, 10001), a_host())
    answers = Answers(wire, stage.orch)
    assert answers.next() == ("DOWN",)  # at once, without being asked
    orch = stage.orch
    wire.send("DOWN", orch.name, orch.sha1)
    assert answers.next() == ("SEND", 15)
    wire.send("PART", orch.name, orch.sha1, 3)
    assert answers.next() == ("STRT", 3, stage.content[32768:])
    wire.send("DOWN", "another", orch.sha1)
    assert answers.next() == ("NONE", 0)
    for k in (4, 0):
        wire.send("PART", orch.name, orch.sha1, k)
        assert answers.next() == ("NONE", k)
    # Asked for in one run they come in order.
    wire.raw(b"".join(f"PART\r\n{orch.name}\r\n{orch.sha1}\r\n{k}\r\n".encode() for k in (2, 1, 3, 1)))
    assert [answers.next()[1] for _ in range(4)] == [2, 1, 3, 1]


@suite.test(trackers=0, started=False)
def one_who_can_only_dial_is_fetched_from_over_its_connection(world):
    stage = Stage(world, 1 * MIB + 3)
    host, orch = a_host(), stage.orch
    member = stage.member()
    member.await_line("listens on")
    stage.register(host, 10001)  # where nobody listens
    wire = dial((member.host, 10001), host)
    wire.send("SEND", orch.name, orch.sha1, (1 << (orch.count + 1)) - 1)

    def serve():
        with contextlib.suppress(Gone):
            while True:
                word, _, _ = (wire.line() for _ in range(3))
                k = 0 if word == "DOWN" else int(wire.line())
                if word == "PART":
                    at = (k - 1) * orch.part_size
                    for _ in range(2):
                        wire.send("STRT", orch.name, orch.sha1, k, data=stage.content[at:at + orch.part_length(k)])
    threading.Thread(target=serve, daemon=True).start()
    stage.await_complete(member)


# --- enemies --------------------------------------------------------------------------------------------------------

class Enemy:
    """A listed member that says to whoever dials what a test wants."""

    def __init__(self, stage, speak):
        self.host = a_host()
        self._socket = listen(self.host)
        self.dialled = 0
        self._speak = speak
        stage.world.at_end(self._socket.close)
        threading.Thread(target=self._run, daemon=True).start()
        stage.register(self.host, self._socket.getsockname()[1])

    def _run(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.dialled += 1
            wire = Wire(sock)
            try:
                self._speak(wire)
            except (Gone, ValueError):
                pass
            wire.close()


def enemies_of(orch):
    full = (1 << (orch.count + 1)) - 1

    def head(wire, *lines):
        wire.send("SEND", orch.name, orch.sha1, *lines)

    def wait(wire):
        while True:
            wire.line()

    def wrong_parts(wire):
        head(wire, full)
        while True:
            word, _, _ = (wire.line() for _ in range(3))
            if word == "DOWN":
                continue
            k = int(wire.line())
            if word == "PART":
                wire.send("STRT", orch.name, orch.sha1, k, data=os.urandom(orch.part_length(k)))

    def ends_inside(wire):
        head(wire, full)
        while wire.line() != "PART":
            pass
        wire.line(), wire.line()
        wire.send("STRT", orch.name, orch.sha1, int(wire.line()), data=b"half")

    def says(*lines):
        def speak(wire):
            wire.send(*lines)
            wait(wire)
        return speak

    def raw(data):
        def speak(wire):
            wire.raw(data)
            wait(wire)
        return speak

    return {
        "another count": lambda wire: (head(wire, full * 2), wait(wire)),
        "too small a number": lambda wire: (head(wire, 7), wait(wire)),
        "wrong hashes": wrong_parts,
        "a huge number": raw(b"SEND\r\n%b\r\n%b\r\n" % (orch.name.encode(), orch.sha1.encode()) + b"9" * 5_000_000),
        "no number": says("SEND", orch.name, orch.sha1, "many"),
        "garbage": raw(os.urandom(100_000)),
        "silence": wait,
        "an end inside a part": ends_inside,
        "a part beyond the last": lambda wire: (head(wire, full), says("STRT", orch.name, orch.sha1, orch.count + 1)(wire)),
        "part 0": lambda wire: (head(wire, full), says("STRT", orch.name, orch.sha1, 0)(wire)),
        "another file": says("SEND", "another", orch.sha1, full),
        "parts that nobody asked for": raw((f"STRT\r\n{orch.name}\r\n{orch.sha1}\r\n1\r\n".encode()
                                            + bytes(orch.part_length(1))) * 100),
        "lines without an end": raw(b"DOWN\n" * 100_000),
    }


@suite.test(trackers=0, started=False)
def enemies_are_survived_and_the_rest_is_fetched_from_friends(world):
    stage = Stage(world, 1 * MIB + 9)
    enemies = {name: Enemy(stage, speak) for name, speak in enemies_of(stage.orch).items()}
    member = stage.member()
    for name, enemy in enemies.items():
        until(lambda each=enemy: each.dialled, f"{name} to be met")
    seeder = stage.original()
    stage.await_complete(member)
    stage.expect_good_guests(seeder)
    assert member.peak_memory_mib() < 600, member.peak_memory_mib()


@suite.test(trackers=0, started=False)
def enemies_that_come_in_are_survived(world):
    stage = Stage(world, 1 * MIB + 9)
    member = stage.seeder()
    for name, speak in enemies_of(stage.orch).items():
        wire = dial((member.host, 10001), a_host())
        wire.sock.settimeout(2.0)
        try:
            speak(wire)
        except (Gone, TimeoutError, ValueError):
            pass
        assert member.running, name
    # One that asks and does not listen: no more is read for it than it can have.
    deaf = dial((member.host, 10001), a_host())
    with contextlib.suppress(Gone):
        for _ in range(100):
            deaf.raw(f"PART\r\n{stage.orch.name}\r\n{stage.orch.sha1}\r\n1\r\n".encode() * 60)
    leecher = stage.original(owned=())
    stage.await_complete(leecher)


# --- a member by itself ---------------------------------------------------------------------------------------------

@suite.test(trackers=0, started=False)
def a_killed_member_goes_on_where_it_was(world):
    stage = Stage(world, 8 * MIB, part_size=64 * KIB)
    seeder = stage.original(owned=range(1, 65))
    member = stage.member()
    member.await_line("nobody online has the 64 parts")
    member.kill()
    del seeder.served[:]
    stage.original(owned=range(65, 129))
    again = stage.member(folder=member.folder, host=member.host)
    stage.await_complete(again)
    assert not [k for host, k in seeder.served if host == member.host and k <= 64], seeder.served


@suite.test(trackers=0, started=False)
def what_an_original_has_begun_is_gone_on_with(world):
    stage = Stage(world, 2 * MIB)
    half = range(1, 65)
    seeder = stage.original()
    member = stage.member("--once", owned=half)
    stage.await_complete(member)
    assert member.wait() == 0 and "128 parts on the disk 64 are wrong and are fetched again" in "\n".join(member.lines)
    assert not [k for _, k in seeder.served if k in half], seeder.served


@suite.test(trackers=0, started=False)
def a_file_that_is_touched_is_shared_on_and_one_that_is_changed_is_mended(world):
    stage = Stage(world, 1 * MIB)
    member = stage.seeder()
    path = member.folder / stage.name
    os.utime(path)
    until(lambda: sum("complete:" in line for line in member.lines) == 2, "it to be looked at again")
    seeder = stage.original()
    with open(path, "r+b") as file:
        file.seek(500_000)
        file.write(b"something else")
    until(lambda: sum("complete:" in line for line in member.lines) == 3, "it to be mended")
    assert path.read_bytes() == stage.content
    assert [k for host, k in seeder.served if host == member.host] == [31], seeder.served


@suite.test(trackers=0, started=False)
def a_lone_source_with_a_damaged_part_gives_the_rest_and_what_is_damaged_is_said(world):
    stage = Stage(world, 20 * 16 * KIB)
    source = stage.original()
    damaged = bytes(16 * KIB)
    source.content[6 * 16 * KIB:7 * 16 * KIB] = damaged  # it goes on offering part 7
    log = world.path / "member.log"
    member = stage.member("--log-file", log)
    member.await_line(f"part 7 of {stage.name} is damaged at everybody online who has it ({source.endpoint})")
    part = next(member.folder.glob("*.part")).read_bytes()
    right = bytearray(stage.content)
    assert part[:6 * 16 * KIB] == right[:6 * 16 * KIB] and part[7 * 16 * KIB:] == right[7 * 16 * KIB:]
    assert [k for host, k in source.served if host == member.host].count(7) == 1
    text = log.read_text()
    assert f"part 7 of {stage.name} came wrong from {source.endpoint}" in text, text
    assert "nothing more is fetched" not in text, text
    # Somebody who has it right ends that.
    stage.original(owned=(7,))
    stage.await_complete(member)


@suite.test(trackers=0, started=False)
def a_sha1_of_the_whole_that_does_not_belong_to_the_parts_is_said_whoever_finds_it(world):
    stage = Stage(world, 320 * KIB + 7)
    lines = stage.path.read_text().splitlines()
    lines[2] = "0" * 40
    stage.path.write_text("".join(f"{line}\n" for line in lines))
    stage.orch = Orch(stage.path)
    stage.original()
    said = "every part is right, but the whole is not: line 3 of the .orch file"
    # One that has fetched all of it, the same one again, and one that has the file.
    fetched = stage.member()
    assert fetched.wait() == 8 and said in fetched.stderr()
    again = stage.member(folder=fetched.folder)
    assert again.wait() == 8 and said in again.stderr()
    there = stage.member(owned=range(1, stage.orch.count + 1))
    assert there.wait() == 8 and said in there.stderr()
    assert (there.folder / stage.name).read_bytes() == stage.content


@suite.test(trackers=0, started=False)
def small_and_odd_files(world):
    for size, part_size, name in ((0, 16 * KIB, "empty"), (1, 16 * KIB, "one"), (16 * KIB, 16 * KIB, "exact"),
                                  (100_001, 1000, "odd"), (3 * MIB + 5, 3 * MIB, "long parts")):
        stage = Stage(world, size, part_size=part_size, name=name)
        stage.seeder()
        member = stage.member("--once")
        stage.await_complete(member)
        assert member.wait() == 0, name
        stage.program.say("quit")
        assert stage.program.wait() == 0


@suite.test(trackers=0, started=False)
def bad_orch_files_are_refused_by_line_and_leave_nothing(world):
    digest = "a" * 40
    good = ["h:9999", "name", digest, "20000", "16384", "2", digest, digest]
    cases = [(1, "nonsense"), (1, "a:1,b:2"), (2, ""), (2, "/etc/passwd"), (2, "../up"), (2, "a/../b"), (2, "folder/"),
             (2, "~home"), (3, "none"), (3, "g" * 40), (4, "many"), (4, "-1"), (5, "0"), (5, str(1 << 30)), (6, "3"),
             (7, "short"), (8, digest + "0")]
    for number, line in cases:
        lines = list(good)
        lines[number - 1] = line
        if number == 5 and line != "0":
            lines[5:] = ["1", digest]
        folder = world.folder(f"case-{number}-{len(line)}")
        (folder / "f.orch").write_text("".join(f"{each}\n" for each in lines))
        status, out, err = world.run("member", folder / "f.orch", "--listen", f"{a_host()}:10001")
        assert status == 2 and f"line {number}: " in err and out == "", (number, line, status, out, err)
        assert os.listdir(folder) == ["f.orch"]
    (folder / "f.orch").write_text("".join(f"{each}\n" for each in good[:-1]))
    status, _, err = world.run("member", folder / "f.orch")
    assert status == 2 and "line 8: " in err, err
    assert world.run("member", folder / "missing.orch")[0] == 3
    assert world.run("member")[0] == 2
    (folder / "f.orch").write_text("".join(f"{each}\n" for each in good))
    assert world.run("member", folder / "f.orch", "--directory", folder / "nowhere")[0] == 3
    (folder / "name").write_bytes(b"something else")
    assert world.run("member", folder / "f.orch")[0] == 10
    assert (folder / "name").read_bytes() == b"something else"


@suite.test(trackers=0, started=False)
def q_ends_it_within_a_second_and_the_bar_shows_parts_and_percent(world):
    stage = Stage(world, 20 * 16 * KIB)
    stage.original(owned=range(1, 11))
    folder = world.folder("watched")
    shutil.copy(stage.path, folder)
    terminal = Terminal(world, columns=100)
    terminal.run(BIN / "member", folder / stage.path.name, "--listen", f"{a_host()}:10001")
    until(lambda: any("50% (10 of 20 parts, 10 left) |####" in line for line in terminal.screen()), "the bar at half")
    begin = time.monotonic()
    terminal.type("quit")  # of which the shell is to read nothing
    terminal.await_last("%")
    assert time.monotonic() - begin < 2.0
    terminal.say("echo status $?")
    until(lambda: "status 0" in terminal.screen(), "its end without a fault")
    # Without a terminal a line says it, and the end of input does not.
    member = stage.member()
    member.await_line("nobody")
    member.say("q")
    begin = time.monotonic()
    assert member.wait() == 0 and time.monotonic() - begin < 2.0
    member = stage.member()
    member.end_input()
    member.await_line("nobody")
    member.signal(2)
    assert member.wait() == 130


@suite.test(trackers=0, started=False)
def an_end_inside_a_part_makes_an_original_spin_so_q_lets_go_out_what_was_begun(world):
    # A part is more than what the system's buffers hold.
    stage = Stage(world, 24 * MIB, part_size=12 * MIB)
    member = stage.seeder()
    wire = dial((member.host, 10001), a_host())
    wire.send("DOWN", stage.orch.name, stage.orch.sha1)
    wire.send("PART", stage.orch.name, stage.orch.sha1, 2)
    answers = Answers(wire, stage.orch)
    while answers.next()[0] != "SEND":
        pass
    assert [wire.line() for _ in range(4)] == ["STRT", stage.orch.name, stage.orch.sha1, "2"]
    begun = wire.exactly(100_000)
    begin = time.monotonic()
    member.say("q")
    rest = wire.exactly(12 * MIB - len(begun))
    assert begun + rest == stage.content[12 * MIB:]
    with contextlib.suppress(Gone):
        raise AssertionError(f"it says {wire.line()!r} after the part")
    assert member.wait() == 0 and time.monotonic() - begin < 2.0


@suite.test(trackers=0, started=False)
def more_parts_than_the_originals_can_count(world):
    sys.set_int_max_str_digits(0)  # as an original has to be started with PYTHONINTMAXSTRDIGITS=0
    count = 20_000
    stage = Stage(world, count * KIB - 3, part_size=KIB)
    ours = stage.seeder()
    leecher = stage.member("--once")
    stage.await_complete(leecher)
    assert leecher.wait() == 0
    ours.say("q")
    assert ours.wait() == 0
    # An original gives us all of it, and gets from us what it lacks.
    original = stage.original()
    leecher = stage.member()
    stage.await_complete(leecher)
    original.close()
    lacking = stage.original(owned=range(1, count - 9))
    stage.await_complete(lacking)
    stage.expect_good_guests(original, lacking)


@suite.test(trackers=0, started=False)
def files_longer_than_the_originals_can_have(world):
    if not os.environ.get("TUTTI_BIG"):
        raise Skipped("takes minutes: TUTTI_BIG=1 runs it")
    for size, part_size in ((2 << 30, 16 * MIB), (1 << 30, 512 * KIB)):
        host = a_host()
        conductor = world.program(f"conductor-{size}", [BIN / "conductor", "--listen", f"{host}:9999"])
        conductor.await_line("listens on")
        folder = world.folder(f"of-{size}")
        path = folder / "long"
        with open(path, "wb") as file:
            file.truncate(size + 1)
            for at in (0, size // 2, size - 5):
                file.seek(at)
                file.write(os.urandom(10)[:6])
        composer = world.program(
            f"composer-{size}", ["sh", "-c", f"cd {folder} && exec {BIN}/composer long {host}:9999 {part_size}"])
        assert composer.wait(600) == 0
        seeder = world.program(f"seeder-{size}",
                               [BIN / "member", folder / "long.orch", "--listen", f"{a_host()}:10001"])
        until(lambda each=seeder: any("complete:" in line for line in each.lines), "the seeder to have looked at it",
              patience=600)
        elsewhere = world.folder(f"copy-of-{size}")
        leecher = world.program(f"leecher-{size}", [BIN / "member", folder / "long.orch", "--once", "--directory",
                                                    elsewhere, "--listen", f"{a_host()}:10001"])
        assert leecher.wait(900) == 0
        assert files.same_bytes(elsewhere / "long", path)
        (elsewhere / "long").unlink()


@suite.test(trackers=0, started=False)
def where_to_listen_is_an_address_and_nothing_else(world):
    stage = Stage(world, 1)
    for listen in ("nonsense", "localhost:9999", "[::1]:9999", "127.0.0.1", "127.0.0.1:99999"):
        for words in (("conductor",), ("member", stage.path)):
            status, out, err = world.run(*words, "--listen", listen)
            assert status == 2 and out == "" and f"error: usage: --listen {listen}: " in err, (words, status, err)
    # An address that is none of this machine is one all the same.
    status, _, err = world.run("conductor", "--listen", "192.0.2.1:9999")
    assert status == 9 and "--listen" in err, (status, err)


# --- the conductor --------------------------------------------------------------------------------------------------

def ask(conductor, *lines, raw=None):
    """All that a conductor answers."""
    host, port = conductor.split(":")
    wire = dial((host, int(port)), host)
    wire.raw(raw if raw is not None else "".join(f"{line}\r\n" for line in lines).encode())
    answer = b""
    with contextlib.suppress(OSError):
        while more := wire.sock.recv(1 << 16):
            answer += more
    wire.close()
    return answer


def a_conductor(world, *options):
    endpoint = f"{a_host()}:9999"
    program = world.program("conductor", [BIN / "conductor", "--listen", endpoint, *options])
    program.await_line("listens on")
    return program, endpoint


@suite.test(trackers=0, started=False)
def a_conductor_answers_as_the_original_does(world):
    program, endpoint = a_conductor(world)
    host, sha1 = endpoint.split(":")[0], "0" * 40
    none = f"NONE\r\nname.bin\r\n{sha1}\r\n".encode()
    assert ask(endpoint, "DOWN", "name.bin", sha1, 10001) == none
    one = f"SEND\r\nname.bin\r\n{sha1}\r\n1\r\n{host}:10001\r\n".encode()
    assert ask(endpoint, "DOWN", "name.bin", sha1, 10001) == one
    assert ask(endpoint, "DOWN", "name.bin", sha1, 7777) == one
    assert ask(endpoint, "DOWN", "name.bin", sha1, 7777).endswith(
        f"\r\n2\r\n{host}:10001\r\n{host}:7777\r\n".encode())
    # Nothing for what it does not know, nor for no port.
    for lines in (("UPLD", "name.bin", sha1, 1), ("DOWN", "name.bin", sha1, "port"), ("DOWN", "name.bin", sha1, 0)):
        assert ask(endpoint, *lines) == b""
    assert ask(endpoint, "DOWN", "näme", sha1, 1) == f"NONE\r\nnäme\r\n{sha1}\r\n".encode()
    program.say("table")
    program.await_line(f"name.bin ({sha1}): {host}:10001, {host}:7777")
    program.say("help")
    program.await_line("table: list who shares what")
    program.say("quit")
    assert program.wait() == 0


@suite.test(trackers=0, started=False)
def a_conductor_survives_what_the_original_waits_for_ever_on(world):
    program, endpoint = a_conductor(world)
    host, port = endpoint.split(":")
    silent = [dial((host, int(port)), host) for _ in range(50)]
    for raw in (b"DOWN\nname\nsha\n1\n", b"\xff" * 100_000, b"DOWN\r\n", b"\r\n\r\n\r\n\r\n"):
        wire = dial((host, int(port)), host)
        wire.raw(raw)
        silent.append(wire)
    assert ask(endpoint, "DOWN", "name", "0" * 40, 1).startswith(b"NONE\r\n")
    # Whoever does not ask is hung up on.
    for wire in silent:
        wire.sock.settimeout(30)
        with contextlib.suppress(ConnectionError):
            assert wire.sock.recv(100) == b""
    assert program.running


@suite.test(trackers=0, started=False)
def a_conductor_forgets_who_is_gone(world):
    program, endpoint = a_conductor(world, "--forget-after", "15")
    ask(endpoint, "DOWN", "name", "0" * 40, 1)
    program.await_line(":1 shares name")
    program.await_line(":1 is gone")
    assert ask(endpoint, "DOWN", "name", "0" * 40, 2).startswith(b"NONE\r\n")


@suite.test(trackers=0, started=False)
def a_conductor_with_ten_thousand_members(world):
    program, endpoint = a_conductor(world)
    count, sha1 = 10_000, hashlib.sha1(b"").hexdigest()
    host, port = endpoint.split(":")
    question = "DOWN\r\nname\r\n{}\r\n{}\r\n"
    for begin in range(1, count + 1, 500):
        socks = [socket.create_connection((host, int(port)), source_address=(host, 0)) for _ in range(500)]
        for number, sock in enumerate(socks, begin):
            sock.sendall(question.format(sha1, number).encode())
        for sock in socks:
            assert sock.recv(4) in (b"SEND", b"NONE")
            sock.close()  # most of them without having listened
    begin = time.monotonic()
    answer = ask(endpoint, "DOWN", "name", sha1, 1).decode().split("\r\n")
    took = time.monotonic() - begin
    assert answer[3] == str(count) and len(answer) == count + 5 and took < 5, (answer[:4], len(answer), took)
    assert program.peak_memory_mib() < 900, program.peak_memory_mib()
    program.say("quit")
    assert program.wait() == 0


if __name__ == "__main__":
    suite.run()
