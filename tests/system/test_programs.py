#!/usr/bin/env python3
"""The programs as programs: options, usage errors, exit statuses, scripts."""

import json
import signal

from support.files import KIB
from support.suite import Suite
from support.world import BIN, PASSWORD

suite = Suite()

PROGRAMS = ("client", "composer", "inject", "simulate", "trace_view", "tracker")


@suite.test(trackers=1, started=False)
def every_program_says_what_it_is(world):
    for name in PROGRAMS:
        status, out, err = world.run(name, "--help")
        assert status == 0 and name in out and "--version" in out and err == "", (name, status, out, err)
        status, out, err = world.run(name, "--version")
        assert status == 0 and any(c.isdigit() for c in out) and len(out.splitlines()) == 1, (name, status, out, err)


@suite.test(trackers=1, started=False)
def bad_usage_ends_with_2(world):
    address = f"127.0.0.1:{world.ports.take()}"
    state = ["--state", world.path / "state-of-nobody"]
    cases = [["client"], ["client", address], ["client", address, world.info, "--no-such-option"],
             ["client", "nonsense", world.info, *state], ["client", "127.0.0.1:99999", world.info, *state],
             ["client", address, world.path / "missing.txt", *state],
             ["client", address, world.info, *state, "--color", "pink"],
             ["client", address, world.info, *state, "--config", world.path / "missing.toml"],
             ["client", address, world.info, *state, "-f", world.path / "missing.script"],
             ["client", address, world.path, *state], ["client", address, world.info, *state, "-f", world.path],
             ["client", address, world.info, *state, "--config", world.path],
             ["client", address, world.info, *state, "--password-file", world.path],
             ["tracker"], ["tracker", world.info], ["tracker", world.info, "0"], ["tracker", world.info, "2"],
             ["tracker", world.info, "one"], ["tracker", world.path / "missing.txt", "1"],
             ["tracker", world.info, "1", "--no-such-option"],
             ["trace_view"], ["trace_view", "--no-such-option"], ["inject", "--no-such-option"],
             ["simulate", "--no-such-option"], ["simulate", "--scenario", world.path / "missing.toml"]]
    for argv in cases:
        status, out, err = world.run(*argv)
        assert status == 2, (argv, status, out, err)
        assert err.strip() and out == "", (argv, status, out, err)


@suite.test(trackers=1)
def options_before_and_after(world):
    address, state = f"127.0.0.1:{world.ports.take()}", world.path / "state"
    for argv in (["--json", "--state", state, "-c", "help quit", address, world.info],
                 [address, world.info, "--json", "--state", state, "-c", "help quit"],
                 ["--json", address, "--state", state, world.info, "-c", "help quit"]):
        status, out, err = world.run("client", *argv)
        assert status == 0, (argv, status, out, err)
        assert [line for line in map(json.loads, out.splitlines()) if "command" in line][0]["ok"], out


@suite.test(trackers=1, started=False)
def a_closed_standard_input_is_the_end_of_input(world):
    argv = [BIN / "client", f"127.0.0.1:{world.ports.take()}", world.info, "--state", world.path / "state"]
    program = world.program("closed", ["sh", "-c", 'exec "$@" <&-', "sh", *argv])
    assert program.wait() == 0, program.stderr()


@suite.test(trackers=1)
def commands_by_option_file_and_input(world):
    client = world.client("alice")
    client.quit()
    run = client.script
    status, out, err = run(None, "-c", f"create_user alice {PASSWORD}; login alice {PASSWORD}; whoami")
    assert status == 0 and out.splitlines()[-1] == "alice", (status, out, err)
    script = world.path / "script"
    script.write_text(f"# log in\nlogin alice {PASSWORD}\n\n   \nwhoami # who\n")
    status, out, err = run(None, "-f", script)
    assert status == 0 and out.splitlines()[-1] == "alice", (status, out, err)
    status, out, err = run(f"login alice {PASSWORD}\nwhoami")
    assert status == 0 and out.splitlines()[-1] == "alice", (status, out, err)
    # The first failure gives the status; what follows is done all the same.
    status, out, err = run(None, "-c", f"login alice {PASSWORD}; frobnicate; list_files none; whoami")
    assert status == 2 and out.splitlines()[-1] == "alice", (status, out, err)
    assert [line.split(":")[1].strip() for line in err.splitlines() if line.startswith("error:")] == \
        ["unknown_command", "no_such_group"], err


@suite.test(trackers=1)
def one_json_object_a_command(world):
    client = world.client("alice")
    client.quit()
    commands = [f"create_user alice {PASSWORD}", f"login alice {PASSWORD}", "create_group g", "crate_group g",
                "Show_downloads", "list_groups", "logout", "quit"]
    status, out, err = client.script("\n".join(commands), "--json")
    outcomes = [line for line in map(json.loads, out.splitlines()) if "event" not in line]
    assert [each["command"] for each in outcomes] == [command.split()[0] for command in commands], out
    assert [each["ok"] for each in outcomes] == [True, True, True, False, True, True, True, True]
    assert status == 2, (status, out, err)


@suite.test(trackers=1)
def words_with_blanks_and_quotes(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    for name in ("two words", "it's", 'a "quoted" name', "back\\slash", "hash # inside", "semi;colon", "ünïcode ✓"):
        path = world.file(name, 10 * KIB)
        quoted = "'" + str(path).replace("'", "'\\''") + "'"
        assert alice.ok(f"upload_file {quoted} g")["file"] == name
        typed = name.replace("\\", "\\\\").replace('"', '\\"')
        bob.ok(f'download_file g "{typed}" {world.folder("got")}')
    bob.ok("wait")
    assert {path.name for path in (world.path / "got").iterdir()} == {path.name for path in
                                                                     (world.path / "files").iterdir()}
    home = world.path / "home"
    (home / "at home").write_text("mine")
    assert alice.ok("upload_file ~/'at home' g")["file"] == "at home"
    bob.fetch("g", "'at home'", "~/copy")
    assert (home / "copy").read_text() == "mine" and len(list(home.iterdir())) == 2


@suite.test(trackers=1)
def passwords_of_scripts(world):
    client = world.client("alice")
    client.quit()
    secret = world.path / "password"
    secret.write_text("from a file\n")
    login = "create_user alice\nlogin alice\nwhoami"
    status, out, err = client.script(login, "--password-file", secret)
    assert status == 0 and out.splitlines()[-1] == "alice", (status, out, err)
    argv = client.arguments("-c", "login alice; whoami")[1:]
    status, out, err = world.run("client", *argv, environment={"TUTTI_PASSWORD": "from a file"})
    assert status == 0 and out.splitlines()[-1] == "alice", (status, out, err)
    status, out, err = world.run("client", *argv, environment={"TUTTI_PASSWORD": "wrong"})
    assert status == 4, (status, out, err)
    status, out, err = world.run("client", *argv)
    assert status != 0 and "error: " in err, (status, out, err)


@suite.test(trackers=1)
def no_colour_where_none_is_wanted(world):
    client = world.client("alice")
    client.quit()
    argv = client.arguments("-c", "frobnicate; help")[1:]
    for options, environment, coloured in (([], {}, False), (["--color", "always"], {}, True),
                                           (["--color", "never"], {}, False),
                                           (["--color", "auto"], {"NO_COLOR": "1"}, False),
                                           (["--color", "auto"], {"TERM": "dumb"}, False)):
        status, out, err = world.run("client", *argv, *options, environment=environment)
        assert status == 2 and ("\x1b[" in out + err) == coloured, (options, environment, out, err)


@suite.test(trackers=1)
def interrupted_is_130(world):
    alice = world.client("alice")
    script = world.program("interrupted", [*alice.arguments()[:1], f"127.0.0.1:{world.ports.take()}", world.info,
                                           "--state", world.path / "other-state", "--json"])
    script.say("help")
    script.await_line("help")
    script.signal(signal.SIGINT)
    assert script.wait() == 130


@suite.test(trackers=1)
def every_form_of_the_tracker_file(world):
    port = world.tracker(1).port
    forms = (f"127.0.0.1 {port}", f"127.0.0.1\n{port}\n", f"localhost:{port}", f"localhost {port}  # the first",
             f"127.0.0.1:{port}\r\n", f"# a comment\n\n  127.0.0.1:{port}  \n\n")
    for number, form in enumerate(forms):
        world.info.write_text(form)
        client = world.client(f"user-{number}")
        client.ok(f"create_user user-{number} {PASSWORD}")
        client.quit()


@suite.test(trackers=1)
def state_and_logs_are_where_they_belong(world):
    address, log = f"127.0.0.1:{world.ports.take()}", world.path / "client.log"
    status, out, err = world.run("client", address, world.info, "--log-file", log, "--log-level", "debug",
                                 "-c", f"create_user alice {PASSWORD}; login alice {PASSWORD}")
    assert status == 0, (status, out, err)
    state = world.path / "state" / "tutti"
    assert any(path.is_file() for path in state.rglob("*")), "the state belongs under $XDG_STATE_HOME/tutti"
    assert log.stat().st_size > 0
    for path in (log, *state.rglob("*")):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), f"a password in {path}"
    secrets = [path for path in state.rglob("*") if path.is_file() and path.stat().st_mode & 0o077 == 0]
    assert secrets, "the identity is for its owner's eyes"


@suite.test(trackers=1)
def names_of_every_kind(world):
    alice, bob = world.people("alice", "bob")
    world.group("g", alice, bob)
    longest = "x" * 64
    alice.ok(f"create_group {longest}")
    alice.ok("create_group 0._-A")
    for name in ("n" * 255, "ü" * 127, "-rf", ".hidden", "...", "[C] [g] x", "%s%n"):
        path = world.file(name, 10)
        assert alice.ok(f"upload_file '{path}' g")["file"] == name
        bob.fetch("g", f"'{name}'", world.folder("got"))
        assert (world.path / "got" / name).read_bytes() == path.read_bytes()
    for name in ("~tilde", "tab\there", "bell\a", "del\x7f"):
        path = world.file(name, 10)
        alice.refused(f"upload_file '{path}' g", "invalid_name")


@suite.test(trackers=1)
def two_clients_do_not_share_a_state(world):
    alice = world.client("alice")
    alice.ok("help")
    status, out, err = alice.script("help", patience=30)
    assert status not in (0, 130) and str(alice.state) in err, (status, out, err)


@suite.test(trackers=1)
def a_tracker_tells_why_it_cannot_serve(world):
    other = world.path / "other-data"
    status, _, err = world.run("tracker", world.info, "1", "--data", other)
    assert status not in (0, 130) and str(world.tracker(1).port) in err, (status, err)
    status, _, err = world.run("tracker", world.info, "1", "--data", world.tracker(1).data)
    assert status not in (0, 130) and err.strip(), (status, err)


@suite.test(trackers=1)
def the_console_of_a_tracker(world):
    alice = world.person("alice")
    alice.ok("create_group g")
    program = world.tracker(1).program
    for command, expected in (("users", "alice"), ("groups", "g"), ("help", "quit"), ("status", "1"), ("peers", "")):
        seen = len(program.lines)
        program.say(command)
        program.await_that(lambda: any(expected in line for line in program.lines[seen:]), f"an answer to {command}")
    program.say("nonsense")
    assert world.tracker(1).quit() == 0


@suite.test(trackers=1, started=False)
def a_trace_can_be_read(world):
    traces = [world.path / "trace-of-the-client", world.path / "trace-of-the-tracker"]
    world.tracker(1).start("--trace", traces[1])
    alice = world.client("alice")
    alice.quit()
    status, out, err = alice.script(
        f"create_user alice {PASSWORD}\nlogin alice {PASSWORD}\ncreate_group g\nwait 5\nstatus\n", "--trace", traces[0])
    assert status == 0, (status, out, err)
    assert world.tracker(1).quit() == 0
    for trace, actor, its, not_its in ((traces[0], "shell", "Ask{", "Present{"),
                                       (traces[1], "password_hasher", "HashPassword{", "Submit{")):
        assert PASSWORD.encode() not in trace.read_bytes(), "a recording holds no password"
        assert trace.stat().st_mode & 0o077 == 0
        status, out, err = world.run("trace_view", trace)
        assert status == 0 and "Login{" in out and "LoggedIn{" in out, (status, out[-2000:], err)
        status, out, err = world.run("trace_view", "--mermaid", "--filter", actor, trace)
        assert status == 0 and out.startswith("sequenceDiagram"), (status, out[:200], err)
        assert its in out and not_its not in out, out


if __name__ == "__main__":
    suite.run()
