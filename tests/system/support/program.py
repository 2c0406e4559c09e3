"""One process under test: its lines, its end, its signals."""

import collections
import ctypes
import json
import os
import pathlib
import select
import signal
import subprocess
import threading
import time

# Sanitized programs on two busy cores: nothing that works takes this long, nothing that hangs takes longer.
PATIENCE = 60.0

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_the_test():
    """In the child: whatever ends the test, even kill -9, ends this process too."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition, what, patience=PATIENCE, between=0.02):
    """The first true value of `condition()`; fails when it does not come. Use it only where nothing announces it."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for: {what}")
        select.select([], [], [], between)


class Program:
    """A running program: standard input is ours, standard output arrives line by line, standard error is a file."""

    def __init__(self, title, argv, directory, environment, user=None):
        self.title = title
        self.argv = [str(word) for word in argv]
        self.lines = []
        self._arrived = threading.Condition()
        self._ended = False
        self.stderr_path = pathlib.Path(directory) / f"{title}.stderr"
        credentials = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=directory,
                env=environment, start_new_session=True, preexec_fn=die_with_the_test, **credentials)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._arrived:
                self.lines.append(line)
                self.heard(line)
                self._arrived.notify_all()
        with self._arrived:
            self._ended = True
            self._arrived.notify_all()

    def heard(self, line):
        """For sub-classes: a line has come. Called by the reader, which holds the lock."""

    def await_that(self, condition, what, patience=PATIENCE):
        """The first true value of `condition()`, looked at again with each line that comes."""
        deadline = time.monotonic() + patience
        with self._arrived:
            while True:
                value = condition()
                if value:
                    return value
                if self._ended:
                    raise AssertionError(f"{self.title} ended ({self.process.wait()}) before: {what}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{self.title}: waited {patience:.0f} s in vain for: {what}")
                self._arrived.wait(left)

    def await_line(self, text, patience=PATIENCE):
        return self.await_that(lambda: next((line for line in self.lines if text in line), None),
                               f"a line with {text!r}", patience)

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def await_stderr(self, text, patience=PATIENCE):
        until(lambda: text in self.stderr(), f"{self.title} to say {text!r} on standard error", patience)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """SIGSTOP, and back only when the kernel says that it stands still."""
        self.signal(signal.SIGSTOP)
        until(lambda: self._state() in "TtZX", f"{self.title} to stand still")

    def resume(self):
        self.signal(signal.SIGCONT)

    def _state(self):
        try:
            stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return "X"
        return stat.rpartition(")")[2].split()[0]

    def kill(self):
        """kill -9."""
        if self.running:
            self.process.kill()
        return self.wait()

    def wait(self, patience=PATIENCE):
        """The exit status; 128 + number if a signal ended it."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.title} did not end within {patience:.0f} s") from None
        self._reader.join(patience)
        return status if status >= 0 else 128 - status

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def peak_memory_mib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def log(self):
        # Of one question asked again and again only the last answer tells something.
        told = [line for line, following in zip(self.lines, [*self.lines[1:], ""]) if line[:40] != following[:40]]
        said = "\n".join(f"    {line}" for line in told[-60:])
        errors = "\n".join(f"  ! {line}" for line in self.stderr().splitlines()[-60:])
        status = "running" if self.running else f"ended with {self.process.returncode}"
        return f"--- {self.title} ({status}): {' '.join(self.argv)}\n{said}\n{errors}"


class JsonClient(Program):
    """A client that is spoken to in JSON: commands one by one, events beside them."""

    def __init__(self, *arguments, **named):
        self.results = collections.deque()
        self.events = []
        self.log_of_commands = []
        super().__init__(*arguments, **named)

    def heard(self, line):
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        else:
            self.results.append(message)

    def begin(self, command):
        """Says a command without waiting; `result` fetches what came of it."""
        self.log_of_commands.append(command)
        self.say(command)

    def result(self, patience=PATIENCE):
        command = self.log_of_commands[-1]
        self.await_that(lambda: self.results, f"the outcome of `{command}`", patience)
        return self.results.popleft()

    def do(self, command, patience=PATIENCE):
        self.begin(command)
        outcome = self.result(patience)
        word = command.split()[0]
        assert outcome["command"] == word, f"`{command}` was answered as {outcome}"
        return outcome

    def ok(self, command, patience=PATIENCE):
        outcome = self.do(command, patience)
        assert outcome["ok"] is True, f"{self.title}: `{command}` failed: {outcome}"
        return outcome

    def refused(self, command, code, patience=PATIENCE):
        outcome = self.do(command, patience)
        assert outcome["ok"] is False and outcome["code"] == code, \
            f"{self.title}: `{command}` should be refused with {code}: {outcome}"
        assert len(outcome["message"]) > 10, f"no sentence for people: {outcome}"
        return outcome

    def await_event(self, kind, condition=lambda event: True, patience=PATIENCE, since=0):
        """The first event of a kind that the condition holds for, of those from number `since` on."""
        return self.await_that(
            lambda: next((event for event in self.events[since:] if event["event"] == kind and condition(event)), None),
            f"an event {kind}", patience)

    def downloads(self):
        return self.ok("show_downloads")["downloads"]

    def download(self, file, group=None):
        rows = [row for row in self.downloads() if row["file"] == file and group in (None, row["group"])]
        assert rows, f"{self.title} has no download of {file}"
        return rows[-1]

    def await_download(self, file, condition, what, patience=PATIENCE):
        """Asks again and again how far a download is."""
        def row_if():
            row = self.download(file)
            return row if condition(row) else None
        return until(row_if, f"{self.title}: the download of {file} {what}", patience, between=0.005)

    def quit(self):
        self.say("quit")
        return self.wait()
