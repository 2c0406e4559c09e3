#!/usr/bin/env python3
"""The composer writes what the original composer writes, byte for byte, and never half of it."""

import hashlib
import os
import resource
import signal
import subprocess

from support.files import KIB, MIB
from support.program import until
from support.suite import Skipped, Suite
from support.world import BIN

suite = Suite()


def original(content, name, conductor="localhost:9999", part_size=16 * KIB):
    """What the original writes of these bytes."""
    parts = [content[at:at + part_size] for at in range(0, len(content), part_size)]
    lines = [conductor, name, hashlib.sha1(content).hexdigest(), str(len(content)), str(part_size), str(len(parts)),
             *(hashlib.sha1(part).hexdigest() for part in parts)]
    return "".join(line + "\n" for line in lines).encode()


@suite.test(trackers=1, started=False)
def files_of_all_sizes_are_composed_as_by_the_original(world):
    for size in (0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 142044, 3 * MIB):
        path = world.file(f"of-{size}", size)
        name = os.path.relpath(path, world.path)
        status, out, err = world.run("composer", name)
        assert status == 0 and out.startswith(f"{name}.orch: ") and err == "", (status, out, err)
        assert (world.path / f"{name}.orch").read_bytes() == original(path.read_bytes(), name), size
    # With a conductor and a part size; the name stays as it was given, and a file that is there is replaced.
    content = path.read_bytes()
    for name, conductor, part_size in ((f"./{name}", "192.168.1.1:9999", 64 * KIB), (str(path), "h.example:1", 1000)):
        status, out, err = world.run("composer", name, conductor, str(part_size))
        assert status == 0, (status, out, err)
        assert path.with_name(path.name + ".orch").read_bytes() == original(content, name, conductor, part_size)


@suite.test(trackers=1, started=False)
def what_cannot_be_composed_is_said_and_leaves_nothing(world):
    path = world.file("file", 100)
    (world.path / "folder").mkdir()
    os.mkfifo(world.path / "pipe")
    cases = [([], 2), (["missing"], 3), (["folder"], 9), (["pipe"], 9), ([path, "nonsense"], 2), ([path, "h:0"], 2),
             ([path, "a:1,b:2"], 2), ([path, "[::1]:9999"], 2), ([path, "h:1", "0"], 2), ([path, "h:1", "many"], 2),
             ([path, "h:1", "-5"], 2), ([path, "h:1", "1", "more"], 2), (["with\nbreak"], 2)]
    for argv, expected in cases:
        status, out, err = world.run("composer", *argv)
        assert status == expected and out == "" and err.strip(), (argv, status, out, err)
    assert not list(world.path.rglob("*.orch*"))


def holds_a_nameless_file(link):
    try:
        return "(deleted)" in os.readlink(link)
    except FileNotFoundError:
        return False  # closed since it was listed


@suite.test(trackers=1, started=False)
def a_full_disk_and_a_kill_leave_what_was_there(world):
    if os.geteuid() != 0:
        raise Skipped("needs root to mount a small file system")
    small = world.folder("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False).returncode != 0:
        raise Skipped("nothing can be mounted here")
    world.at_end(lambda: subprocess.run(["umount", small], check=False))
    path = small / "file"
    path.write_bytes(bytes(512 * KIB))
    orch = small / "file.orch"
    orch.write_bytes(b"before")
    # 41 bytes a part: more than there is room for.
    status, out, err = world.run("composer", path, "h:1", "20")
    assert status == 9 and err.startswith("error: disk_full: "), (status, out, err)
    assert orch.read_bytes() == b"before" and sorted(os.listdir(small)) == ["file", "file.orch"]

    with open(path, "wb") as file:
        file.truncate(1 << 40)
    program = world.program("killed", [BIN / "composer", path, "h:1", str(1 << 30)])
    program.end_input()
    # It has begun: it holds the file that will be the .orch one.
    links = f"/proc/{program.process.pid}/fd"
    until(lambda: any(holds_a_nameless_file(f"{links}/{each}") for each in os.listdir(links)), "it to begin")
    program.process.send_signal(signal.SIGKILL)
    program.wait()
    assert orch.read_bytes() == b"before" and sorted(os.listdir(small)) == ["file", "file.orch"]


@suite.test(trackers=1, started=False)
def who_cannot_share_by_it_is_said(world):
    path = world.path / "file"
    path.write_bytes(bytes(100))
    for arguments, said in ((["h:1", "10"], "members refuse it"),                        # an absolute path
                            (["h:1", str((16 << 20) + 1)], "members refuse it")):
        status, _, err = world.run("composer", path, *arguments)
        assert status == 0 and err.startswith("note: ") and said in err, (status, err)
    for wrong in ("0", "abc", "-5", "99999999999999999999"):
        status, _, err = world.run("composer", path, "h:1", wrong)
        assert status == 2 and "a number of bytes, from 1 on" in err, (status, err)


@suite.test(trackers=1, started=False)
def memory_does_not_grow_with_the_file(world):
    path = world.path / "long"
    with open(path, "wb") as file:
        file.truncate(256 * MIB)
    status, out, err = world.run("composer", path, "h:1", str(64 * KIB))
    assert status == 0, (status, out, err)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert used < 96 * KIB, f"{used} KiB"


if __name__ == "__main__":
    suite.run()
