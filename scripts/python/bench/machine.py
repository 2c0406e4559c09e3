"""What processes and the machine have used, what the machine is, and memory made ready before a run."""

import mmap
import os
import pathlib
import platform
import re
import resource
import select
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
CHUNK = 8 * MIB
TOUCHED = 64 * MIB
WRITTEN_AT_ONCE = MIB // 2


def tree_of(pid):
    """A process and all its descendants."""
    pids, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        pids.append(each)
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                waiting += map(int, pathlib.Path(f"/proc/{each}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return pids


def cpu_of(pids):
    """CPU seconds of processes and of their ended children."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def busy_seconds():
    """CPU seconds that anything on this machine has used."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) / TICKS


def peak_of(pids):
    """The sum of the peaks of processes, MiB."""
    total = 0
    for pid in pids:
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return total / 1024


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def bytes_read(pid):
    """What a process has read by system calls, from files and pipes: for a source, what it has served and a little more."""
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    return 0


def warm_up(folder, size):
    """Memory as a run will need it, for programs and for the page cache of what they write, touched and given back:
    a host that has taken memory away gives it back slowly, seconds a GiB, and that would drown everything.

    The kernel hands out again what was given back last, but looks for it by size: pages of a file that is written in other
    blocks come from elsewhere. So this writes as programs do, into a file whose room is reserved, and does it twice: what the
    first time came from the host comes from what it left behind the second time."""
    with mmap.mmap(-1, TOUCHED) as memory:
        for offset in range(0, len(memory), mmap.PAGESIZE):
            memory[offset] = 1
    scratch = folder / "warm-up"
    block = bytes(WRITTEN_AT_ONCE)
    for _ in range(2):
        with open(scratch, "wb", buffering=0) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            for _ in range(-(-size // WRITTEN_AT_ONCE)):
                file.write(block)
        scratch.unlink()


def read_through(path):
    """Into the page cache; costs little if it is there already."""
    with open(path, "rb", buffering=0) as file:
        while file.read(CHUNK):
            pass


def description():
    """What the figures of this machine should be read with."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="([^"]*)"', pathlib.Path("/etc/os-release").read_text())
    flags = re.search(r"^flags\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "sha_instructions": bool(flags) and "sha_ni" in flags.group(1).split(),
        "memory_gib": round(int(memory.group(1)) / 2**20) if memory else 0,
        "system": system.group(1) if system else platform.system(),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "congestion_control": pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
    }


def versions(packages):
    """Which versions of Debian's packages are installed."""
    known = {}
    for package in packages:
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${source:Upstream-Version}", package], capture_output=True,
                               text=True, check=False)
        if asked.returncode == 0:
            known[package] = asked.stdout
    return known


def children_cpu():
    """CPU seconds of this process's children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rest(seconds):
    select.select([], [], [], seconds)
