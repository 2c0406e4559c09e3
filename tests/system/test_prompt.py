#!/usr/bin/env python3
"""The prompt, in a real terminal: lines that are being typed, completion, history, Ctrl-C, hidden passwords."""

import re

from support.files import MIB
from support.suite import Suite
from support.terminal import Prompt, Terminal
from support.world import BIN, PASSWORD

suite = Suite()


def logged_in(world, name, **named):
    prompt = Prompt(world, name, **named)
    prompt.await_last("tutti@t1>")
    prompt.say(f"create_user {name} {PASSWORD}")
    prompt.await_screen(f"The account {name} is made.")
    prompt.say(f"login {name} {PASSWORD}")
    prompt.await_last(f"{name}@t1>")
    return prompt


@suite.test(trackers=1)
def a_password_is_typed_unseen(world):
    prompt = Prompt(world, "alice")
    prompt.await_last("tutti@t1>")
    prompt.say("create_user alice")
    prompt.await_last("password for alice:")
    prompt.say("hush hush")
    prompt.await_last("again:")
    prompt.say("hush huhs")
    prompt.await_screen("error: usage: the two passwords differ")
    prompt.say("hush")
    prompt.await_screen("error: unknown_command")
    prompt.say("create_user alice")
    prompt.await_last("password for alice:")
    prompt.say("hush hush")
    prompt.await_last("again:")
    prompt.say("hush hush")
    prompt.await_screen("The account alice is made.")
    prompt.say("login alice")
    prompt.await_last("password for alice:")
    prompt.type("hush hushhh")
    prompt.press("BSpace", "BSpace", "Enter")
    prompt.await_last("alice@t1>")
    prompt.say("logout")
    prompt.await_last("tutti@t1>")
    prompt.say("login alice 'hush hush'")
    prompt.await_last("alice@t1>")
    prompt.press("Up")
    prompt.await_last("alice@t1> login alice")
    prompt.press("C-c")
    prompt.await_last("alice@t1>")
    prompt.say("passwd")
    prompt.await_last("password for alice:")
    prompt.say("hush hush")
    prompt.await_last("new password for alice:")
    prompt.say("quiet hush")
    prompt.await_last("again:")
    prompt.say("quiet hush")
    prompt.await_screen("Your password is changed")
    prompt.await_last("alice@t1>")
    history = prompt.state / "history"
    assert history.stat().st_mode & 0o077 == 0
    assert "hush" not in history.read_text() and "login" in history.read_text()
    shown = [line for line in prompt.screen() if "hush" in line]
    assert len(shown) == 3, f"only the inline one and what was no command (with its answer) were to be seen: {shown}"


@suite.test(trackers=1)
def a_half_typed_line_survives_messages_and_progress(world):
    bob, carol = world.people("bob", "carol")
    alice = logged_in(world, "alice")
    alice.say("create_group lab")
    alice.await_screen("The group lab is made")
    # A message.
    alice.type("accept_request la bob")
    alice.press("Left", "Left", "Left", "Left")
    bob.ok("join_group lab")
    alice.await_screen("bob")
    alice.await_screen("bob asks to join lab")
    alice.await_last("alice@t1> accept_request la bob")
    alice.type("b")
    alice.press("Enter")
    alice.await_screen("bob is a member of lab now.")
    # Progress: the only source stands still, so the download goes on and on.
    bob.ok(f"upload_file {world.file('film', 8 * MIB)} lab")
    bob.pause()
    alice.say(f"download_file lab film {world.path}/got")
    # The tracker finds the file; who serves it, nobody can tell before it answers.
    alice.await_screen("The download of film runs.")
    alice.type("list_fil")
    alice.await_that(lambda lines: re.match(r"film  \d+% of 8 MiB", lines[-2] if len(lines) > 1 else ""),
                     "the line of progress above the prompt")
    alice.await_last("alice@t1> list_fil")
    carol.ok("join_group lab")
    alice.await_screen("carol asks to join lab")
    alice.await_last("alice@t1> list_fil")
    # Logged out, nothing moves: the line goes with the session.
    alice.press("C-u")
    alice.say("logout")
    alice.await_screen("1 download pauses until the next login.")
    alice.await_last("tutti@t1>")
    alice.await_that(lambda lines: not any(re.match(r"film  \d+% of", line) for line in lines),
                     "a screen without the progress of a session that has ended")
    alice.say(f"login alice {PASSWORD}")
    alice.await_last("alice@t1>")
    alice.type("list_fil")
    bob.resume()
    alice.await_screen("film is complete")
    alice.await_last("alice@t1> list_fil")
    alice.type("es lab")
    alice.press("Enter")
    alice.await_that(lambda lines: any(re.match(r"film +8 MiB", line) for line in lines), "the list of files")
    alice.await_that(lambda lines: not any(re.match(r"film  \d+% of", line) for line in lines),
                     "a screen without old progress")


@suite.test(trackers=1)
def tab_completes(world):
    bob = world.person("bob")
    bob.ok("create_group laboratory")
    alice = logged_in(world, "alice")
    alice.type("join_gr")
    alice.press("Tab")
    alice.await_last("alice@t1> join_group")
    # The names of groups are asked for behind the Tab and come into the same line.
    alice.type("lab")
    alice.press("Tab")
    alice.await_last("alice@t1> join_group laboratory")
    alice.press("Enter")
    alice.await_screen("The owner of laboratory has been asked")
    bob.ok("accept_request laboratory alice")
    bob.ok(f"upload_file '{world.file('a long name.txt', 10)}' laboratory")
    alice.type("download_file laboratory a")
    alice.press("Tab")
    alice.await_last("alice@t1> download_file laboratory a\\ long\\ name.txt")
    (world.path / "inbox of mine").mkdir()
    alice.type("inb")
    alice.press("Tab")
    alice.await_last("alice@t1> download_file laboratory a\\ long\\ name.txt inbox\\ of\\ mine/")
    alice.press("Enter")
    alice.await_screen("The download of a long name.txt runs.")
    alice.say("wait")
    alice.await_screen("All downloads are complete.")
    assert (world.path / "inbox of mine" / "a long name.txt").stat().st_size == 10
    # Users: who asks to join a group of ours.
    alice.say("create_group mine")
    alice.await_screen("you are its owner.")
    bob.ok("join_group mine")
    alice.await_screen("bob asks to join mine")
    alice.type("accept_request mi")
    alice.press("Tab")
    alice.await_last("alice@t1> accept_request mine")
    alice.press("Tab")
    alice.await_last("alice@t1> accept_request mine bob")
    alice.press("Enter")
    alice.await_screen("bob is a member of mine now.")
    # What is not certain is listed.
    alice.type("list_")
    alice.press("Tab")
    alice.await_that(lambda lines: any("list_files" in line and "list_groups" in line for line in lines), "the choice")
    alice.await_last("alice@t1> list_")


@suite.test(trackers=1)
def history_outlives_the_client(world):
    alice = logged_in(world, "alice")
    alice.say("list_groups")
    alice.await_screen("There is no group yet.")
    alice.say("frobnicate")
    alice.await_screen("error: unknown_command")
    alice.press("Up")
    alice.await_last("alice@t1> list_groups")
    alice.press("C-u")
    alice.type("log")
    # Ctrl-R does nothing: an incremental search would read keys by itself.
    alice.press("C-r", "M-p")
    alice.await_last("alice@t1> login alice")
    alice.press("C-u")
    alice.await_last("alice@t1>")
    alice.press("C-d")
    alice.await_last("%")
    alice.run("clear")
    alice.start()
    alice.press("Up")
    alice.await_last("tutti@t1> list_groups")


@suite.test(trackers=1)
def ctrl_c_and_ctrl_d(world):
    bob = world.person("bob")
    bob.ok("create_group lab")
    bob.ok(f"upload_file {world.file('film', 8 * MIB)} lab")
    alice = logged_in(world, "alice")
    alice.type("create_group never")
    alice.press("C-c")
    alice.await_screen("create_group never^C")
    alice.await_last("alice@t1>")
    alice.press("C-c")
    alice.await_screen("Type quit or press Ctrl-D to leave.")
    alice.say("join_group lab")
    alice.await_screen("The owner of lab has been asked")
    bob.ok("accept_request lab alice")
    bob.pause()
    alice.say(f"download_file lab film {world.path}/got")
    alice.await_screen("The download of film runs.")
    alice.say("wait")
    alice.await_that(lambda lines: re.match(r"film  \d+% of 8 MiB", lines[-1] if lines else ""), "progress while waiting")
    # What was typed before Ctrl-C goes with it, what comes after it counts.
    alice.type("never to be run")
    alice.press("C-c")
    alice.type("whoa")
    alice.await_screen("error: unfinished: stopped waiting; the downloads go on")
    alice.await_last("alice@t1> whoa")
    alice.press("C-u")
    # Typed ahead while a command runs: kept, and not shown among results.
    alice.say("wait")
    alice.type("whoami")
    alice.press("Enter")
    bob.resume()
    alice.await_screen("All downloads are complete.")
    alice.await_that(lambda lines: "alice" in lines, "what was typed ahead")
    # Ctrl-D deletes in a line and ends an empty one; the terminal is as it was.
    alice.type("xwhoami")
    alice.press("Home", "C-d")
    alice.await_last("alice@t1> whoami")
    alice.press("C-u", "C-k")
    alice.await_last("alice@t1>")
    alice.press("C-d")
    alice.await_last("%")
    alice.run("echo", "it echoes")
    alice.await_that(lambda lines: sum("it echoes" in line for line in lines) == 2, "the shell's own echo")
    assert bob.ok("list_groups")["groups"][0]["group"] == "lab" and len(bob.ok("list_groups")["groups"]) == 1


@suite.test(trackers=1)
def mistakes_get_an_answer(world):
    alice = logged_in(world, "alice")
    alice.say("lits_groups")
    alice.await_screen("did you mean list_groups?")
    alice.say("create_group")
    alice.await_screen("too few words; expected: create_group <group_id>")
    alice.say("downlod")
    alice.await_screen("did you mean download_file?")
    alice.say("quit")
    alice.await_last("%")


@suite.test(trackers=1)
def what_is_pasted_runs_line_by_line(world):
    alice = logged_in(world, "alice")
    alice.type("create_group one\rcreate_group two\rlist_groups\rcreate_gro")
    alice.await_last("alice@t1> create_gro")
    shown = alice.screen()
    answers = ["The group one is made; you are its owner.", "The group two is made; you are its owner.",
               "one    alice  1        owner", "two    alice  1        owner"]
    assert [line for line in shown if line in answers] == answers, shown
    assert shown.index("alice@t1> create_group two") > shown.index(answers[0]), shown


@suite.test(trackers=1)
def wide_characters(world):
    """Over the edge of the window, with the cursor among them, under a message: they are deleted where they stand."""
    bob = world.person("bob")
    alice = logged_in(world, "alice", columns=40)
    alice.say("create_group lab")
    alice.await_screen("you are its owner.")
    (world.path / "naïve 日本語の長い名前のファイ✓.txt").write_text("wide")
    alice.type("upload_file 'naïve 日本語の長い名前のファイル ✓.txt' lab")
    alice.press(*["Left"] * 10)
    bob.ok("join_group lab")
    alice.await_screen("bob asks to join lab")
    alice.await_that(lambda lines: "".join(lines).count("名前のファイル") == 1, "the line, once")
    alice.press("BSpace", "BSpace", "Enter")
    alice.await_screen("You share naïve 日本語の長い名前のファイ✓.txt in lab.")


@suite.test()
def the_prompt_follows_the_trackers(world):
    alice = Prompt(world, "alice")
    alice.await_that(lambda lines: re.match(r"tutti@t\d>", lines[-1]), "the prompt with a tracker")
    number = int(re.match(r"tutti@t(\d)>", alice.prompt())[1])
    alice.type("half a li")
    world.tracker(number).kill()
    alice.await_last(f"tutti@t{3 - number}> half a li")
    world.tracker(3 - number).kill()
    alice.await_last("tutti@(no tracker)> half a li")
    alice.press("C-c")
    alice.say("status")
    alice.await_screen("tracker: none answers")


@suite.test(trackers=1, started=False)
def a_client_before_any_tracker_waits_and_says_so(world):
    terminal = Terminal(world)
    terminal.run(BIN / "client", f"127.0.0.1:{world.ports.take()}", world.info, "--state", world.path / "s")
    terminal.await_last("tutti@(no tracker)>")
    terminal.await_that(lambda lines: any("tracker" in line.lower() and "answer" in line.lower() for line in lines),
                        "the message that no tracker answers")
    terminal.type("help qu")
    world.tracker(1).start()
    terminal.await_last("tutti@t1> help qu")
    terminal.type("it")
    terminal.press("Enter")
    terminal.await_screen("Leave; downloads go on at the next login.")


@suite.test(trackers=1)
def long_lines_and_small_windows(world):
    bob = world.person("bob")
    alice = logged_in(world, "alice", columns=40)
    alice.say("create_group lab")
    alice.await_screen("you are its owner.")
    line = "download_file lab a_name_that_is_longer_than_the_window_is_wide /somewhere/else"
    alice.type(line)

    alice.await_last(f"alice@t1> {line}")
    bob.ok("join_group lab")
    alice.await_screen("bob asks to join lab")
    alice.await_last(f"alice@t1> {line}")
    alice.resize(60)
    alice.await_last(f"alice@t1> {line}")
    alice.press("Home")
    alice.type("x")
    alice.await_last(f"alice@t1> x{line}")


@suite.test(trackers=1)
def a_dumb_terminal_is_enough(world):
    alice = Prompt(world, "alice", environment={"TERM": "dumb"})
    alice.say("create_user alice")
    alice.await_last("password for alice:")
    alice.say("hush hush")
    alice.await_last("again:")
    alice.say("hush hush")
    alice.await_screen("The account alice is made.")
    assert not any("hush" in line for line in alice.screen())
    alice.say("whoami")
    alice.await_screen("error: not_logged_in")
    alice.press("C-d")
    alice.await_last("%")


if __name__ == "__main__":
    suite.run()
