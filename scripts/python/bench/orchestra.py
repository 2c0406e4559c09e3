"""Members of an Orchestra: one that has the file and one that fetches it and ends.

What the originals do is known, not measured here: Python programs that write each part that they give away into a log. They
refuse files of 1 GiB; what they do a second with shorter ones is what counts (2 cores, loopback)."""

import os
import shutil
import subprocess

from .place import until
from .rivals import Rival

# Bytes per second by the bytes of a part.
ORIGINAL_RATES = {16 << 10: 2.0e6, 512 << 10: 11.9e6}
CONDUCTOR, SEEDER, FETCHER = "127.0.0.2", "127.0.0.3", "127.0.0.4"


class Members(Rival):
    def __init__(self, place, key, original, part_size):
        programs = os.environ["TUTTI_BIN"]
        conductor_port, port = place.ports.take(), place.ports.take()
        self._part_size, self._size = part_size, original.stat().st_size
        self._orch = original.with_name(original.name + ".orch")
        subprocess.run([f"{programs}/composer", original.name, f"{CONDUCTOR}:{conductor_port}", str(part_size)],
                       cwd=original.parent, check=True, stdout=subprocess.DEVNULL)
        kept = place.new_folder("orch") / self._orch.name
        shutil.move(self._orch, kept)
        self._orch = kept
        servers = [place.start([f"{programs}/conductor", "--listen", f"{CONDUCTOR}:{conductor_port}"],
                               stdout=subprocess.DEVNULL)]
        place.await_port(conductor_port)
        log = place.new_folder("seeder") / "out"
        with open(log, "wb") as out:
            servers.append(place.start([f"{programs}/member", self._orch, "--listen", f"{SEEDER}:{port}", "--directory",
                                        original.parent], stdout=out))
        until(lambda: b"complete:" in log.read_bytes(), "the seeder to have looked at its file", patience=300)

        def command(_name, target):
            return [f"{programs}/member", self._orch, "--listen", f"{FETCHER}:{port}", "--directory", target.parent,
                    "--once"]
        super().__init__(place, key, f"tutti, parts of {part_size >> 10} KiB", [original], servers, command)

    def run(self):
        figures = super().run()
        figures["times_original"] = self._size / figures["seconds"] / ORIGINAL_RATES[self._part_size]
        return figures
