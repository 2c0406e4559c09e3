"""scripts/demo, once the programs are built: drives them and tells what happens."""

import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["TUTTI_BIN"] = str(ROOT / "build" / "bin")
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support import files  # noqa: E402
from support.program import until  # noqa: E402
from support.world import PASSWORD, World  # noqa: E402

GROUP = "orchestra"
KILL_AT = 0.3  # of the file: then a tracker dies


def tell(what, sentence):
    print(f"  {what:<9} {sentence}", flush=True)


def size_in_words(size):
    for unit, name in ((files.MIB * 1024, "GiB"), (files.MIB, "MiB"), (files.KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


def bytes_read(program):
    """What a process has read from files so far: for a source, what it has sent."""
    for line in pathlib.Path(f"/proc/{program.pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    return 0


def quoted(path):
    return shlex.quote(str(path))


class Demo:
    def __init__(self, world, file):
        self.world, self.file = world, file
        self.alice = self.bob = self.carol = None

    def set_up(self):
        self.world.start_trackers()
        addresses = " and ".join(f"127.0.0.1:{tracker.port}" for tracker in self.world.trackers)
        tell("trackers", f"two, at {addresses}")
        self.alice, self.bob, self.carol = self.world.people("alice", "bob", "carol")
        tell("people", "alice, bob and carol have accounts and are logged in")
        until(lambda: {row["health"] for row in self.carol.ok("status")["trackers"]} == {"self", "in_sync"},
              "the trackers to be in sync")
        tell("", "both trackers know them: in sync")
        self.world.group(GROUP, self.alice, self.bob, self.carol)
        tell("group", f"alice made {GROUP}; bob and carol asked to join, she accepted")

    def make_file(self):
        if self.file is None:
            self.file = files.write_random(self.world.path / "demo.bin", 256 * files.MIB, seed=os.urandom(8))

    def share(self):
        begin = time.monotonic()
        self.alice.ok(f"upload_file {quoted(self.file)} {GROUP}", patience=3600)
        seconds = time.monotonic() - begin
        self.bob.ok(f"upload_file {quoted(self.file)} {GROUP}", patience=3600)
        size = size_in_words(self.file.stat().st_size)
        tell("sharing", f"alice and bob both share {self.file.name}, {size} (hashed in {seconds:.2f} s)")
        self.carol.await_sharers(GROUP, quoted(self.file.name), ["alice", "bob"])

    def fetch(self):
        """Carol's download, with a tracker killed under it. What came, and how it went, is checked."""
        size = self.file.stat().st_size
        target = self.world.path / "carol" / self.file.name
        target.parent.mkdir()
        sources = (self.alice, self.bob)
        before = [bytes_read(source) for source in sources]
        victim = self.world.tracker_of(self.carol)
        seen = len(self.carol.events)

        begin = time.monotonic()
        self.carol.ok(f"download_file {GROUP} {quoted(self.file.name)} {quoted(target)}")
        tell("fetching", "carol fetches it from both at once")
        row = self.carol.await_download(
            self.file.name, lambda row: row["phase"] == "complete" or row["verified"] >= KILL_AT * size, "to begin")
        victim.kill()
        tell("", f"{100 * row['verified'] // max(size, 1)} %: tracker {victim.number}, which carol uses, is killed")
        self.carol.ok("wait", patience=3600)
        seconds = time.monotonic() - begin
        sent = [bytes_read(source) - earlier for source, earlier in zip(sources, before)]

        shares = "".join(f"; {100 * part / sum(sent):.0f} % from {source.name}"
                         for part, source in zip(sent, sources) if size > 0)
        tell("", f"100 %: {size_in_words(size)} in {seconds:.2f} s, {size / 1e6 / seconds:.0f} MB/s{shares}")
        event = self.carol.await_event("tracker_changed", lambda event: event["tracker"] is not None, since=seen)
        tell("", f"what carol saw of the tracker's end: \"{event['message']}\"")
        self.check(target)

    def check(self, target):
        row = next(row for row in self.carol.ok(f"list_files {GROUP}")["files"] if row["file"] == self.file.name)
        got = files.sha1(target)
        assert got == row["sha1"], f"SHA-1 {got} is not the announced {row['sha1']}"
        assert files.same_bytes(target, self.file), "the bytes differ"
        tell("verified", f"SHA-1 {got}, as announced; byte for byte alice's file")
        self.carol.await_sharers(GROUP, quoted(self.file.name), ["alice", "bob", "carol"])
        tell("sharing", "carol shares it as well now, and her session goes on at the other tracker")

    def shell(self):
        """The terminal is carol's; trackers, alice and bob go on behind it."""
        self.carol.quit()
        tell("carol", "has left; her next client is yours, and nobody is logged in there yet")
        home = self.world.folder("carol")
        print(f"""
You are carol now, in her client. Her folder is {home}. Log in first, then try for instance
  login carol {PASSWORD}
  list_files {GROUP}
  download_file {GROUP} {quoted(self.file.name)} {home}/
  show_downloads
Tab completes, help lists everything, quit ends it all.
""", flush=True)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the client
        subprocess.run([str(word) for word in self.carol.arguments()], check=False, cwd=home,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def chosen_file(arguments):
    if len(arguments) > 1:
        sys.exit("usage: scripts/demo [FILE | --shell]")
    if not arguments:
        return None
    path = pathlib.Path(arguments[0]).resolve()
    if not path.is_file():
        sys.exit(f"error: {path} is not a file")
    return path


def main():
    arguments = sys.argv[1:]
    shell = arguments == ["--shell"]
    file = None if shell else chosen_file(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    world = World(tracker_config="", prefix="tutti-demo-")
    status = 1
    try:
        print("tutti: two trackers, three users, one file\n", flush=True)
        demo = Demo(world, file)
        demo.set_up()
        demo.make_file()
        demo.share()
        if shell:
            demo.shell()
        else:
            demo.fetch()
        status = 0
    except AssertionError as failure:
        print(f"\nerror: {failure}\n{world.log()}", file=sys.stderr)
    except KeyboardInterrupt:
        status = 130
    finally:
        world.close()
    if status == 0:
        tell("done", "everything went as it should; nothing is left running" if not shell else "nothing is left running")
    sys.exit(status)


if __name__ == "__main__":
    main()
