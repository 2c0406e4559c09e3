"""Two network namespaces and a link between them that is as slow, as far and as lossy as wanted."""

import collections
import os
import pathlib
import subprocess

# Where a program runs: the address that it is reached at, and the words before its own that put it there.
End = collections.namedtuple("End", "host within")
HERE = End("127.0.0.1", ())

PREFIX = "tutti-bench-"
ADDRESSES = {"near": "10.77.0.1", "far": "10.77.0.2"}
# As much as the kernel may buffer for a connection: by default it sends at most 4 MiB ahead, less than a far link holds.
BUFFERS = "4096 131072 16777216"


class Unavailable(Exception):
    """This machine does not allow it; the reason is a sentence."""


def command(*words):
    asked = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise Unavailable(f"Network namespaces and /dev/net/tun are needed, as root: `{' '.join(map(str, words))}` "
                          f"says {asked.stderr.strip()!r}.")
    return asked.stdout


def clear_away():
    """Namespaces of runs that were killed before they could do it themselves."""
    for path in pathlib.Path("/run/netns").glob(f"{PREFIX}*-*"):
        pid = path.name.removeprefix(PREFIX).split("-")[0]
        if not pathlib.Path(f"/proc/{pid}").exists():
            command("ip", "netns", "delete", path.name)


class Link:
    def __init__(self, place, program, mbit, rtt_ms, loss_percent=0):
        self._place, self._process = place, None
        if os.geteuid() != 0:
            raise Unavailable("Only root may make the network namespaces that this needs.")
        clear_away()
        self._names = {end: f"{PREFIX}{os.getpid()}-{end}" for end in ADDRESSES}
        self.near, self.far = (End(address, ("nsenter", f"--net=/run/netns/{self._names[end]}", "--"))
                               for end, address in ADDRESSES.items())
        try:
            self._start(program, mbit, rtt_ms, loss_percent)
        except BaseException:
            self.close()
            raise

    def _start(self, program, mbit, rtt_ms, loss_percent):
        for name in self._names.values():
            command("ip", "netns", "add", name)
        self._process = self._place.start(
            [program, *self._names.values(), "--mbit", mbit, "--rtt", rtt_ms, "--loss", loss_percent],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise Unavailable(f"A link between namespaces cannot be made here: {self._process.stderr.read().strip()}")
        for end, name in self._names.items():
            command("ip", "-n", name, "link", "set", "lo", "up")
            command("ip", "-n", name, "address", "add", f"{ADDRESSES[end]}/24", "dev", "link")
            command("ip", "-n", name, "link", "set", "dev", "link", "up")
            for which in ("rmem", "wmem"):
                command("nsenter", f"--net=/run/netns/{name}", "--", "sysctl", "-q", "-w", f"net.ipv4.tcp_{which}={BUFFERS}")

    def pids(self):
        return [self._process.pid]

    def close(self):
        if self._process:
            self._place.end([self._process])
        for name in self._names.values():
            if pathlib.Path(f"/run/netns/{name}").exists():
                command("ip", "netns", "delete", name)
