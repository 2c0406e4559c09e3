"""Trackers and clients of one test, on loopback, in one directory that is gone afterwards."""

import os
import pathlib
import random
import shutil
import socket
import tempfile

from . import files
from .curve import keys_of
from .program import PATIENCE, JsonClient, Program, until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("TUTTI_BIN") or ROOT / "build" / "dev" / "bin").resolve()

# Below what the system hands out to outgoing connections. A tracker takes three TCP ports in a row, and the first as a
# UDP port.
FIRST_PORT, LAST_PORT, STRIDE = 20000, 32000, 4

PASSWORD = "correct-horse"

# Hashing a password is meant to be expensive; here it would only be slow.
CHEAP_PASSWORDS = """\
[password]
passes = 1
memory_kib = 1024
"""


class Ports:
    """Ports that no other test takes at the same time: as a sign of that the UDP port behind those that a tracker uses is
    held."""

    def __init__(self):
        self._held = []

    def take(self):
        """The first of STRIDE free ports in a row."""
        for _ in range(1000):
            port = random.randrange(FIRST_PORT, LAST_PORT, STRIDE)
            if self._hold(port):
                return port
        raise AssertionError("there are no free ports")

    def _hold(self, port):
        sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sign.bind(("127.0.0.1", port + STRIDE - 1))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked_for_keys:
                asked_for_keys.bind(("127.0.0.1", port))
            for each in range(port, port + STRIDE):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", each))
        except OSError:
            sign.close()
            return False
        self._held.append(sign)
        return True

    def release(self):
        for sign in self._held:
            sign.close()


class Tracker:
    """One line of tracker_info.txt: its process comes and goes, its data stays."""

    def __init__(self, world, number, port):
        self.world, self.number, self.port = world, number, port
        self.data = world.path / f"tracker-{number}"
        self.program = None
        self.starts = 0

    def launch(self, *options):
        self.starts += 1
        self.program = self.world.program(
            f"tracker-{self.number}-{self.starts}",
            [BIN / "tracker", self.world.info, self.number, "--data", self.data,
             "--config", self.world.tracker_config, *options])
        return self

    def start(self, *options):
        self.launch(*options)
        return self.await_serving()

    def await_serving(self):
        self.program.await_line(f"tracker {self.number} serves")
        return self

    def keys(self):
        """Its public and its secret key; made if it has not run yet."""
        self.line_with_key()
        return keys_of(self.data)

    def line_with_key(self):
        """The line of the tracker file that names its key."""
        status, out, err = self.world.run("tracker", self.world.info, self.number, "--data", self.data, "--print-key")
        assert status == 0, err
        return out

    def peers(self):
        """What it says of each tracker of the file, by number."""
        seen = len(self.program.lines)
        self.program.say("peers")

        def answer():
            rows = [line for line in self.program.lines[seen:] if line[:1].isdigit()]
            return rows if len(rows) == len(self.world.trackers) else None
        return {int(row.split()[0]): row for row in self.program.await_that(answer, "its peers")}

    def kill(self):
        self.program.kill()

    def quit(self):
        self.program.say("quit")
        return self.program.wait()


class World:
    def __init__(self, trackers=2, tracker_config=CHEAP_PASSWORDS, prefix="tutti-test-", parent=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self.path.chmod(0o755)
        self.ports = Ports()
        self.programs = []
        self._at_end = []
        self._runs = 0
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.path / "home"), "XDG_STATE_HOME": str(self.path / "state"),
            "LANG": "C.UTF-8", "TERM": "xterm",
            "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/libzmq.leaks:print_suppressions=0",
            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}
        (self.path / "home").mkdir()
        self.tracker_config = self.path / "tracker.toml"
        self.tracker_config.write_text(tracker_config)
        self.trackers = [Tracker(self, number, self.ports.take()) for number in range(1, trackers + 1)]
        self.info = self.path / "tracker_info.txt"
        self.info.write_text("".join(f"127.0.0.1:{each.port}\n" for each in self.trackers))

    def start_trackers(self):
        for tracker in self.trackers:
            tracker.launch()
        for tracker in self.trackers:
            tracker.await_serving()

    def await_agreement(self):
        """Until every tracker that runs sees every other one that runs in sync: links stand both ways."""
        running = [tracker for tracker in self.trackers if tracker.program and tracker.program.running]

        def agreed():
            return all("in sync" in row for tracker in running for number, row in tracker.peers().items()
                       if number != tracker.number and self.tracker(number) in running)
        until(agreed, "the trackers to agree", between=0.05)

    def tracker(self, number):
        return self.trackers[number - 1]

    # --- programs ----------------------------------------------------------------------------------------------

    def program(self, title, argv, kind=Program, environment=None, user=None):
        program = kind(title, argv, self.path, {**self.environment, **(environment or {})}, user=user)
        self.programs.append(program)
        return program

    def run(self, *argv, given=None, environment=None, patience=PATIENCE):
        """Runs a program of ours to its end: (exit status, standard output, standard error)."""
        self._runs += 1
        program = self.program(f"run-{self._runs}", [BIN / argv[0], *argv[1:]], environment=environment)
        if given is not None:
            program.say(given)
        program.end_input()
        status = program.wait(patience)
        return status, "".join(line + "\n" for line in program.lines), program.stderr()

    def client(self, name, port=None, options=(), user=None):
        """A client that stays: on its own port, with its own state."""
        return Client(self, name, port, options, user)

    def tracker_of(self, client):
        """The tracker that answers this client now."""
        number = client.ok("status")["tracker"]["number"]
        return self.tracker(number)

    # --- people ------------------------------------------------------------------------------------------------

    def person(self, name, **named):
        """A client whose user has an account and is logged in."""
        client = self.client(name, **named)
        client.ok(f"create_user {name} {PASSWORD}")
        client.login()
        return client

    def people(self, *names, **named):
        return [self.person(name, **named) for name in names]

    def group(self, group, owner, *members):
        owner.ok(f"create_group {group}")
        for member in members:
            member.ok(f"join_group {group}")
            owner.ok(f"accept_request {group} {member.name}")

    # --- files -------------------------------------------------------------------------------------------------

    def folder(self, name):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name, size, seed=None, folder="files"):
        return files.write_random(self.folder(folder) / name, size, seed or name)

    # --- the end -----------------------------------------------------------------------------------------------

    def at_end(self, action):
        self._at_end.append(action)

    def close(self):
        for program in self.programs:
            if program.running:
                program.process.kill()
        for program in self.programs:
            program.wait()
        for action in reversed(self._at_end):
            action()
        self.ports.release()
        shutil.rmtree(self.path, ignore_errors=True)

    def sanitizer_reports(self):
        """What the sanitizers have found in any of the programs: a test fails for it, whatever else it saw."""
        signs = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer")
        return [program for program in self.programs if any(sign in program.stderr() for sign in signs)]

    def log(self):
        return "\n".join(program.log() for program in self.programs)


class Client:
    """A user's client: its process comes and goes, its name, state and port stay. Speaks JSON."""

    def __init__(self, world, name, port, options, user):
        self.world, self.name = world, name
        self.port = port or world.ports.take()
        self.state = world.path / f"client-{name}"
        self.options, self.user = options, user
        self.starts = 0
        self.start()

    def arguments(self, *options):
        return [BIN / "client", f"127.0.0.1:{self.port}", self.world.info, "--state", self.state, *options]

    def start(self):
        self.starts += 1
        self.program = self.world.program(f"{self.name}-{self.starts}", self.arguments("--json", *self.options),
                                          kind=JsonClient, user=self.user)

    def restart(self, port=None):
        """Starts anew, after a kill or a quit; with a port: on that one."""
        self.port = port or self.port
        self.start()

    def login(self):
        return self.ok(f"login {self.name} {PASSWORD}")

    def script(self, text, *options, patience=PATIENCE):
        """Runs commands in a process of their own, plain: (exit status, standard output, standard error)."""
        argv = self.arguments(*options)
        return self.world.run("client", *argv[1:], given=text, patience=patience)

    def fetch(self, group, file, destination, patience=PATIENCE):
        """Downloads and waits until it is there."""
        self.ok(f"download_file {group} {file} {destination}")
        self.ok("wait", patience)

    def await_sharers(self, group, file, users):
        """Waits until exactly these users are known to share a file now."""
        def sharing():
            peers = self.ok(f"list_peers {group} {file}")["peers"]
            return sorted(peer["user"] for peer in peers) == sorted(users)
        until(sharing, f"{group}/{file} to be shared by {users}", between=0.05)

    def __getattr__(self, name):
        return getattr(self.program, name)
