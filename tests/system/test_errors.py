#!/usr/bin/env python3
"""Every error code, with its exit status, in plain and in JSON form; and which of two faults is the one that is said."""

import json
import os
import re
import subprocess

from support.files import KIB, MIB, flip_bytes, same_bytes
from support.suite import Skipped, Suite
from support.world import PASSWORD, ROOT

suite = Suite()


def manual():
    """The table of README: which code ends a program with which status."""
    table = (ROOT / "README.md").read_text().split("| codes | exit |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (.*?) \| (\d+) \|$", re.sub(r" \([^)]*\)", "", table), re.MULTILINE)
    return {code: int(status) for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}


EXIT = manual()
FORMS = {"plain": [], "json": ["--json"]}
PROVOKED = {form: set() for form in FORMS}


def failed_with(code, form, status, out, err):
    """A program has ended, and this was the code of its first failure; returns the sentence that was said."""
    told = (form, status, out, err)
    assert status == EXIT[code], f"the status of {code} is {EXIT[code]}: {told}"
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    if form == "json":
        failures = [line for line in map(json.loads, out.splitlines()) if line.get("ok") is False]
        assert failures and failures[0]["code"] == code and not errors, f"{code} was to be the first failure: {told}"
        sentence = failures[0]["message"]
    else:
        assert errors and errors[0].startswith(f"error: {code}: "), f"{code} was to be the first failure: {told}"
        sentence = errors[0].removeprefix(f"error: {code}: ")
    assert len(sentence) > 10, f"no sentence for people: {told}"
    PROVOKED[form].add(code)
    return sentence


class Person:
    """Somebody whose commands are given in one-shot programs, so that each has an exit status."""

    def __init__(self, world, name):
        self.client = world.client(name)
        self.client.ok(f"create_user {name} {PASSWORD}")
        self.name = name

    def refused(self, command, code, login=True):
        """The command fails with this code: as JSON, as a line for people, and as the exit status of both."""
        lines = ([f"login {self.name} {PASSWORD}"] if login else []) + [command]
        text = "\n".join(lines)
        status, out, err = self.client.script(text, "--json")
        sentence = failed_with(code, "json", status, out, err)
        outcomes = [line for line in map(json.loads, out.splitlines()) if "command" in line]
        assert len(outcomes) == len(lines), (command, out, err)
        assert outcomes[-1] == {"command": command.split()[0], "ok": False, "code": code, "message": sentence}, outcomes

        status, out, err = self.client.script(text)
        again = failed_with(code, "plain", status, out, err)
        without_numbers = [re.sub(r"\.\d+\.part", ".part", said) for said in (again, sentence)]
        assert without_numbers[0] == without_numbers[1], (command, without_numbers)
        assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1, err
        return sentence


def cast(world, *names):
    people = [Person(world, name) for name in names]
    for person in people:
        person.client.quit()
    return people


@suite.test(trackers=1)
def words_and_names(world):
    bob, = cast(world, "bob")
    bob.refused("create_group", "usage")
    bob.refused("create_group one two", "usage")
    bob.refused("login", "usage", login=False)
    bob.refused("download_file g f", "usage")
    bob.refused("wait soon", "usage")
    bob.refused("create_group 'never closed", "usage")
    assert "create_group" in bob.refused("crate_group g", "unknown_command")
    bob.refused("frobnicate", "unknown_command", login=False)
    for name in (".hidden", "-dash", "a/b", "'two words'", "x" * 65, "naïve", "''"):
        bob.refused(f"create_group {name}", "invalid_name")
    bob.refused(f"create_user .bob {PASSWORD}", "invalid_name", login=False)
    bob.refused("join_group a:b", "invalid_name")
    bob.refused("download_file g a/b here", "invalid_name")
    bob.refused("download_file g '~root' here", "invalid_name")


@suite.test(trackers=1)
def sessions(world):
    bob, = cast(world, "bob")
    commands = ("create_group g", "join_group g", "leave_group g", "list_requests g", "accept_request g bob",
                "reject_request g bob", "remove_member g bob", "list_groups", "list_members g", "list_files g", "list_peers g f",
                "upload_file /etc/passwd g", "download_file g f here", "show_downloads", "Show_downloads -l",
                "stop_share g f", "logout", "whoami", "wait", "serve")
    status, out, err = bob.client.script("\n".join(commands), "--json")
    failed_with("not_logged_in", "json", status, out, err)
    outcomes = [(line["command"], line["code"]) for line in map(json.loads, out.splitlines()) if "command" in line]
    assert outcomes == [(command.split()[0], "not_logged_in") for command in commands], outcomes
    status, out, err = bob.client.script("\n".join(commands))
    failed_with("not_logged_in", "plain", status, out, err)
    assert err.count("error: not_logged_in: ") == len(commands) and out == "", (out, err)
    bob.refused(f"login bob {PASSWORD}", "already_logged_in")
    wrong = bob.refused("login bob wrong", "bad_credentials", login=False)
    unknown = bob.refused("login nobody wrong", "bad_credentials", login=False)
    assert wrong.replace("bob", "?") == unknown.replace("nobody", "?"), "the two must not be told apart"
    bob.refused(f"create_user bob {PASSWORD}", "user_exists", login=False)


@suite.test()
def groups(world):
    alice, bob, carol, dave = cast(world, "alice", "bob", "carol", "dave")
    alice.client.restart()
    alice.client.login()
    alice.client.ok("create_group g")
    for person in (bob, dave):
        person.client.script(f"login {person.name} {PASSWORD}\njoin_group g")
    alice.client.ok("accept_request g bob")

    carol.refused("create_group g", "group_exists")
    bob.refused("join_group g", "already_a_member")
    dave.refused("join_group g", "request_pending")
    for command in ("join_group none", "leave_group none", "list_requests none", "accept_request none bob",
                    "reject_request none bob", "remove_member none bob", "list_members none", "list_files none", "list_peers none f",
                    "upload_file /etc/passwd none", "download_file none f here", "stop_share none f"):
        carol.refused(command, "no_such_group")
    for command in ("leave_group g", "list_members g", "list_files g", "list_peers g f",
                    "upload_file /etc/passwd g", "download_file g f here", "stop_share g f"):
        carol.refused(command, "not_a_member")
    for person in (bob, carol):
        person.refused("list_requests g", "not_the_owner")
        person.refused("accept_request g dave", "not_the_owner")
        person.refused("reject_request g dave", "not_the_owner")
        person.refused("remove_member g alice", "not_the_owner")
    alice.client.quit()
    alice.refused("accept_request g ghost", "no_such_user")
    alice.refused("reject_request g ghost", "no_such_user")
    alice.refused("accept_request g carol", "no_such_request")
    alice.refused("reject_request g carol", "no_such_request")
    alice.refused("remove_member g ghost", "no_such_user")
    alice.refused("remove_member g carol", "not_a_member")
    alice.refused("remove_member g dave", "not_a_member")
    alice.refused("remove_member g alice", "other")


@suite.test(trackers=1)
def which_fault_comes_first(world):
    """The words, login, the names, the group, membership or ownership, then the rest."""
    alice, bob, carol = cast(world, "alice", "bob", "carol")
    alice.client.restart()
    alice.client.login()
    alice.client.ok("create_group g")
    bob.refused("create_group", "usage", login=False)
    bob.refused("create_group .bad", "not_logged_in", login=False)
    bob.refused("upload_file /does/not/exist g", "not_logged_in", login=False)
    bob.refused("accept_request none .bad", "invalid_name")
    bob.refused("upload_file /does/not/exist none", "no_such_group")
    bob.refused("accept_request none ghost", "no_such_group")
    carol.refused("upload_file /does/not/exist g", "not_a_member")
    carol.refused("download_file g none /etc/passwd", "not_a_member")
    carol.refused("accept_request g ghost", "not_the_owner")
    alice.client.quit()


@suite.test(trackers=1)
def files(world):
    alice, bob = cast(world, "alice", "bob")
    alice.client.restart()
    alice.client.login()
    alice.client.ok("create_group g")
    bob.client.script(f"login bob {PASSWORD}\njoin_group g")
    alice.client.ok("accept_request g bob")
    alice.client.ok(f"upload_file {world.file('song', 1000)} g")

    bob.refused("download_file g none here", "no_such_file")
    bob.refused("list_peers g none", "no_such_file")
    bob.refused("stop_share g none", "no_such_file")
    bob.refused(f"upload_file {world.path}/missing g", "no_such_file")
    bob.refused("stop_share g song", "not_sharing")
    pipe = world.path / "pipe"
    os.mkfifo(pipe)
    bob.refused(f"upload_file {pipe} g", "io_error")
    bob.refused("upload_file /dev/null g", "io_error")
    here = world.file("here", 5, folder="taken")
    bob.refused(f"download_file g song {here}", "destination_exists")
    bob.refused(f"download_file g song {world.path}/no/such/folder/song", "no_such_file")
    bob.refused(f"download_file g song {here}/song", "io_error")
    if os.path.ismount("/sys"):  # where not even root may make a file
        bob.refused("download_file g song /sys/", "io_error")
    bob.refused(f"upload_file {world.file('song', 1000, seed='another', folder='other')} g", "file_conflict")
    assert here.stat().st_size == 5


@suite.test(trackers=1)
def a_file_that_may_not_be_read(world):
    """Also for root, whom no permission stops: the kernel itself has files that are only written."""
    alice, = cast(world, "alice")
    alice.client.script(f"login alice {PASSWORD}\ncreate_group g")
    secret = world.file("secret", 100)
    secret.chmod(0)
    if os.geteuid() == 0:
        secret = "/proc/sys/vm/compact_memory"
        if os.access(secret, os.R_OK):
            raise Skipped("this machine has no file that root cannot read")
    alice.refused(f"upload_file {secret} g", "io_error")


@suite.test(trackers=1)
def a_full_disk(world):
    """The destination is on a file system of 1 MiB: the download fails, is told so, and leaves what was there."""
    small = world.folder("small")
    (small / "hidden by what is mounted").touch()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tutti-test", str(small)],
                             capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise Skipped(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    world.at_end(lambda: subprocess.run(["umount", "-l", str(small)], check=False))
    (small / "keep").write_text("mine")
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('film', 4 * MIB)} g")
    bob.quit()
    for form, options in FORMS.items():
        said = bob.script(f"login bob {PASSWORD}\ndownload_file g film {small}\nwait", *options)
        failed_with("disk_full", form, *said)
        assert (small / "keep").read_text() == "mine" and not (small / "film").exists()


@suite.test(trackers=1)
def a_limit_to_the_size_of_files(world):
    """What a quota is, where nothing may be mounted: the download fails and the program goes on."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    for name, size in (("film", 8 * MIB), ("song", 1000)):
        alice.ok(f"upload_file {world.file(name, size)} g")
    bob.quit()
    for form, options in FORMS.items():
        target = world.folder(f"got-{form}")
        program = world.program(f"bob-{form}", ["prlimit", f"--fsize={4 * MIB}", *bob.arguments(*options)])
        for command in (f"login bob {PASSWORD}", f"download_file g film {target}", "wait",
                        f"download_file g song {target}", "wait"):
            program.say(command)
        program.end_input()
        failed_with("disk_full", form, program.wait(), "\n".join(program.lines), program.stderr())
        assert [path.name for path in target.iterdir() if not path.name.startswith(".")] == ["song"]


@suite.test(trackers=1, started=False)
def no_tracker_up(world):
    client = world.client("bob")
    client.quit()
    for form, options in FORMS.items():
        failed_with("tracker_unreachable", form, *client.script(f"login bob {PASSWORD}", *options, patience=120))


@suite.test(trackers=1, started=False)
def a_bad_line_in_the_tracker_file(world):
    world.info.write_text("# trackers\n127.0.0.1:5000\n\nnonsense\n")
    for argv in (["client", f"127.0.0.1:{world.ports.take()}", world.info], ["tracker", world.info, "1"]):
        status, out, err = world.run(*argv)
        assert status == 2 and "4" in err and out == "", (argv, status, out, err)


@suite.test(trackers=1)
def waiting_in_vain(world):
    """The only source stands still: `wait 1` runs out, and what a script left unfinished shows in its status."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('film', 8 * MIB)} g")
    bob.quit()
    alice.pause()
    for form, options in FORMS.items():
        failed_with("timeout", form, *bob.script(
            f"login bob {PASSWORD}\ndownload_file g film {world.path}/film-{form}\nwait 1", *options))
    alice.resume()


@suite.test(trackers=1)
def nobody_to_fetch_from(world):
    """The command says so, and what it started goes on when somebody comes."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    film = world.file("film", 1000)
    alice.ok(f"upload_file {film} g")
    alice.ok("logout")
    bob.await_sharers("g", "film", [])
    bob.refused(f"download_file g film {world.path}/got", "no_peers")
    bob.await_download("film", lambda row: row["phase"] == "waiting" and row["code"] == "no_peers", "to wait")
    bob.quit()
    for form, options in FORMS.items():
        failed_with("no_peers", form, *bob.script(
            f"login bob {PASSWORD}\ndownload_file g film {world.path}/got-{form}", *options))
    alice.login()
    status, out, err = bob.script(f"login bob {PASSWORD}\nwait")
    assert status == 0, (status, out, err)
    for name in ("got", "got-plain", "got-json"):
        assert same_bytes(world.path / name, film), name


@suite.test(trackers=1)
def a_disk_that_forgets(world):
    """All pieces were right when they came, but the whole is not: what was on the disk by then changed before the
    client that was killed came back."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('film', 128 * MIB)} g")
    bob.quit()
    for form, options in FORMS.items():
        target = world.folder(f"got-{form}")
        bob.restart()
        bob.login()
        alice.pause()
        bob.ok(f"download_file g film {target}")
        alice.resume()
        bob.await_download("film", lambda row: row["pieces_verified"] >= 20, "to begin")
        alice.pause()
        assert bob.download("film")["phase"] != "complete", "the file is too small for this machine"
        bob.kill()
        part, = target.iterdir()
        damage_pieces(part)
        alice.resume()
        failed_with("integrity", form, *bob.script(f"login bob {PASSWORD}\nwait", *options))
        assert not (target / "film").exists()


def pieces_in(path):
    """Where in a file of random bytes, not all of which have come, pieces end that are there."""
    ends = []
    with open(path, "rb") as file:
        for end in range(512 * KIB - 1, path.stat().st_size, 512 * KIB):
            file.seek(end)
            if file.read(1) not in (b"", b"\0"):
                ends.append(end)
    return ends


def damage_pieces(path):
    for end in pieces_in(path):
        flip_bytes(path, end, 1)


@suite.test(trackers=1)
def a_session_that_ends_under_a_wait(world):
    """The trackers have lost everything: nobody interrupted anything, and what was waited for is unfinished."""
    alice, bob, carol = world.people("alice", "bob", "carol")
    world.group("g", alice, bob, carol)
    alice.ok(f"upload_file {world.file('film', MIB)} g")
    alice.pause()
    programs = {}
    for client, (form, options) in zip((bob, carol), FORMS.items()):
        client.quit()
        programs[form] = world.program(f"{client.name}-waits", client.arguments(*options))
        for command in (f"login {client.name} {PASSWORD}", f"download_file g film {world.path}/{form}", "wait"):
            programs[form].say(command)
        programs[form].end_input()
        programs[form].await_line("download_file" if options else "The download of film runs.")
    tracker = world.tracker(1)
    tracker.kill()
    for path in tracker.data.glob("store.sqlite*"):
        path.unlink()
    tracker.start()
    for form, program in programs.items():
        failed_with("unfinished", form, program.wait(), "\n".join(program.lines), program.stderr())
    alice.resume()


@suite.test(trackers=1)
def interrupted_while_waiting(world):
    """What is not finished is called unfinished; the status is that of an interruption."""
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    alice.ok(f"upload_file {world.file('film', MIB)} g")
    alice.pause()
    bob.ok(f"download_file g film {world.path}/got")
    bob.begin("wait")
    bob.signal(2)
    outcome = bob.result()
    assert (outcome["ok"], outcome["code"]) == (False, "unfinished"), outcome
    assert bob.wait() == 130
    script = world.program("bob-waits", bob.arguments())
    script.say(f"login bob {PASSWORD}")
    script.say("wait")
    script.await_line("You are logged in as bob.")
    script.signal(2)
    assert script.wait() == 130 and "error: unfinished: " in script.stderr(), script.log()


@suite.test(trackers=1)
def recordings(world):
    bob, = cast(world, "bob")
    bob.refused("trace stop", "other")
    mine = world.file("mine", 100)
    for path in (f"{world.path}/no/such/folder/trace", world.path, mine):
        bob.refused(f"trace start {path}", "io_error")
    assert same_bytes(mine, world.file("mine", 100, folder="copy"))


@suite.test(trackers=1, started=False)
def every_code_of_the_manual_was_provoked(_world):
    if not suite.runs_all:
        raise Skipped("only some of the tests have run")
    assert len(EXIT) == 27, EXIT
    for form, seen in PROVOKED.items():
        assert seen == set(EXIT), (form, set(EXIT) - seen)


if __name__ == "__main__":
    suite.run()
