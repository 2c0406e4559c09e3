"""A program in a terminal (tmux): what is typed, what the screen shows."""

import os
import pathlib
import shlex
import shutil
import subprocess

from .program import PATIENCE, until
from .suite import Skipped
from .world import BIN


class Terminal:
    """A window of its own tmux server, gone with the world. Runs a shell, so that what a program leaves is seen too."""

    _count = 0

    def __init__(self, world, columns=80, rows=24, environment=None):
        if shutil.which("tmux") is None:
            raise Skipped("tmux is not installed")
        Terminal._count += 1
        self._socket = world.path / f"tmux-{Terminal._count}"
        self._environment = {**world.environment, **(environment or {})}
        shell = ["env", "-i", *[f"{name}={value}" for name, value in self._environment.items()], "PS1=% ",
                 "bash", "--norc", "--noprofile"]
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(world.path), shlex.join(shell))
        world.at_end(self.close)
        self.await_last("%")

    def _tmux(self, *words):
        return subprocess.run(["tmux", "-f", "/dev/null", "-S", str(self._socket), *words], check=True,
                              capture_output=True, text=True, env={**os.environ, "LANG": "C.UTF-8"}).stdout

    def close(self):
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], check=False, capture_output=True)

    def run(self, *argv):
        self.type(shlex.join(str(word) for word in argv))
        self.press("Enter")

    def type(self, text):
        """Keys as they are."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys):
        """Keys by tmux's names: Enter, Tab, C-c, Up."""
        self._tmux("send-keys", *keys)

    def say(self, line):
        self.type(line)
        self.press("Enter")

    def resize(self, columns, rows=24):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self):
        """The lines that are there, with all that has scrolled out of sight; those that go over an edge are whole."""
        shown = self._tmux("capture-pane", "-p", "-J", "-S", "-")
        return [line.rstrip() for line in shown.rstrip("\n").splitlines()]

    def last_line(self):
        lines = [line for line in self.screen() if line]
        return lines[-1] if lines else ""

    def await_that(self, condition, what, patience=PATIENCE):
        try:
            return until(lambda: condition(self.screen()), what, patience, between=0.05)
        except AssertionError as failed:
            raise AssertionError("\n".join([str(failed), "the screen:", *self.screen()])) from None

    def await_screen(self, text, patience=PATIENCE):
        """A line that holds this text."""
        return self.await_that(lambda lines: any(text in line for line in lines), f"{text!r} on the screen", patience)

    def await_last(self, text, patience=PATIENCE):
        """The lowest line is exactly this, blanks at its end aside."""
        return self.await_that(lambda lines: [line for line in lines if line][-1:] == [text.rstrip()],
                               f"{text!r} as the lowest line", patience)


class Prompt(Terminal):
    """A client in a terminal."""

    def __init__(self, world, name, options=(), **named):
        super().__init__(world, **named)
        self.state = pathlib.Path(world.path) / f"client-{name}"
        self.port = world.ports.take()
        self.argv = [BIN / "client", f"127.0.0.1:{self.port}", world.info, "--state", self.state, *options]
        self.start()

    def start(self):
        self.run(*self.argv)
        self.await_that(lambda lines: any(line.startswith("tutti@") for line in lines), "the prompt")

    def prompt(self):
        """The prompt that is there now, such as `alice@t1>`."""
        return self.last_line().split(">")[0] + ">"
