"""rsync from its daemon, curl and aria2 from nginx, and the limit pipeline: programs that fetch and end."""

import os
import pathlib
import select
import statistics
import subprocess
import time

from . import machine
from .contest import Contestant
from .place import BENCHES
from .link import HERE

LOOK_EVERY = 0.005


class Rival(Contestant):
    """Runs one command after the other, for each file one; more than one: seconds are their median."""

    def __init__(self, place, key, name, originals, servers, command, near=HERE):
        """`command(file name, target)` fetches from the servers, which stay."""
        self.place, self.key, self.name = place, key, name
        self._originals, self._servers, self._command, self._near = originals, servers, command, near
        self._folder = self._running = None

    def prepare(self):
        self.place.read_through(self._originals)
        self._folder = self.place.new_folder(f"got-{self.key}")

    def serving_pids(self):
        return [pid for server in self._servers for pid in machine.tree_of(server.pid)]

    def _target(self, original):
        return self._folder / original.name

    def run(self):
        runs = [self._fetch(original) for original in self._originals]
        return {"seconds": statistics.median(run[0] for run in runs), "fetching_cpu": sum(run[1] for run in runs),
                "peak_mib": max(run[2] for run in runs), "first": runs[0][0]}

    def _fetch(self, original):
        words = [*self._near.within, *self._command(original.name, self._target(original))]
        begin = time.monotonic()
        # Not as Place starts processes: what has to be done in a child before it becomes another program costs time.
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, start_new_session=True)
        self._running = process
        peak = 0.0
        ended = os.pidfd_open(process.pid)
        # The kernel forgets the peak with the process, so it is read while it runs.
        while not select.select([ended], [], [], LOOK_EVERY)[0]:
            peak = max(peak, machine.peak_of(machine.tree_of(process.pid)))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        os.close(ended)
        process.returncode = os.waitstatus_to_exitcode(status)
        self._running = None
        with process.stderr:
            said = process.stderr.read().decode(errors="replace")
        assert process.returncode == 0, f"{self.name} ended with {process.returncode}: {said}"
        return seconds, usage.ru_utime + usage.ru_stime, peak

    def check(self):
        for original in self._originals:
            self.place.check(self._target(original), original)

    def clean_up(self):
        for original in self._originals:
            target = self._target(original)
            # Trees stay until the end: making many files soon after many were deleted is slow on ext4.
            if target.is_file():
                target.unlink()

    def close(self):
        if self._running:
            self._running.kill()
            self._running.wait()
        self.place.end(self._servers)


def rsync(place, originals, near=HERE, far=HERE):
    port, folder = place.ports.take(), place.new_folder("rsync")
    (folder / "rsyncd.conf").write_text(
        f"use chroot = no\nlog file = {folder}/log\npid file = {folder}/pid\n"
        f"[files]\npath = {originals[0].parent}\n" + ("uid = root\ngid = root\n" if os.geteuid() == 0 else ""))
    server = place.start([*far.within, "rsync", "--daemon", "--no-detach", f"--address={far.host}", f"--port={port}",
                          f"--config={folder}/rsyncd.conf"])
    place.await_port(port, server.pid)

    def command(name, target):
        tree = originals[0].is_dir()
        return ["rsync", "--whole-file", *(["--recursive"] if tree else []),
                f"rsync://{far.host}:{port}/files/{name}", target.parent if tree else target]
    return Rival(place, "rsync", "rsync from its daemon", originals, [server], command, near)


def nginx(place, originals, far=HERE):
    """One nginx, one port for each copy: (process, ports)."""
    ports, folder = [place.ports.take() for _ in originals], place.new_folder("nginx")
    servers = "".join(f"server {{ listen {far.host}:{port}; root {path.parent}; }}\n"
                      for port, path in zip(ports, originals))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
access_log off; sendfile on;
client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
{servers}}}
""")
    server = place.start([*far.within, "/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"])
    for port in ports:
        place.await_port(port, server.pid)
    return server, ports


def curl(place, originals, near=HERE, far=HERE):
    server, (port,) = nginx(place, originals[:1], far)
    return Rival(place, "curl", "curl from nginx, unverified", originals, [server],
                 lambda name, target: ["curl", "--silent", "--fail", "-o", target, f"http://{far.host}:{port}/{name}"],
                 near)


def aria2(place, originals, copies=(), key="aria2"):
    """From nginx: one file, from as many copies as there are."""
    server, ports = nginx(place, copies or originals)

    def command(name, target):
        return ["aria2c", "--quiet", "--no-conf", f"--split={len(ports)}", "--max-connection-per-server=1",
                "--file-allocation=none", f"--checksum=sha-1={place.sha1(originals[0])}", f"--dir={target.parent}",
                f"--out={target.name}", *(f"http://127.0.0.1:{port}/{name}" for port in ports)]
    many = f", {len(ports)} copies" if len(ports) > 1 else ""
    return Rival(place, key, f"aria2 from nginx{many}", originals[:1], [server], command)


class Limit(Contestant):
    """The least that moving a file and hashing it once costs: bench_limit_pipeline."""

    key, name = "limit", "the limit: sendfile, one SHA-1"

    def __init__(self, place, original):
        self.place, self._original = place, original
        self._target = place.new_folder("got-limit") / original.name

    def prepare(self):
        self.place.read_through([self._original])

    def run(self):
        process = self.place.start([BENCHES / "bench_limit_pipeline", self._original, self._target],
                                   stdout=subprocess.PIPE, text=True)
        words, _ = process.communicate()
        self.place.forget(process)
        assert process.returncode == 0, "bench_limit_pipeline failed"
        seconds, receiving, sending, _, peak = words.split()
        return {"seconds": float(seconds), "fetching_cpu": float(receiving), "serving_cpu": float(sending),
                "peak_mib": float(peak)}

    def check(self):
        self.place.check(self._target, self._original)

    def clean_up(self):
        pathlib.Path(self._target).unlink()
