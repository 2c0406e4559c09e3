"""Where a run takes place: a folder, the files in it, free ports, and what has to end with it."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
BENCHES = ROOT / "build" / "release" / "tests"
# Another build can be measured by saying where its programs are.
os.environ.setdefault("TUTTI_BIN", str(ROOT / "build" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support import files  # noqa: E402
from support.program import die_with_the_test, until  # noqa: E402
from support.world import Client, World  # noqa: E402

from . import machine  # noqa: E402

LISTENING = "0A"
FILE = "file.bin"


def same_trees(one, other):
    """Whether two folders hold the same names with the same bytes."""
    names = [sorted(path.relative_to(root) for path in root.rglob("*")) for root in (one, other)]
    return names[0] == names[1] and all((one / name).is_dir() or files.same_bytes(one / name, other / name)
                                        for name in names[0])


class Place:
    """Files are made once and shared by all contestants of a scenario; `scale` divides their sizes."""

    def __init__(self, parent=None, scale=1):
        self.scale = scale
        # It lends its folder and its ports; nothing of tutti is started here.
        self._world = World(trackers=0, prefix="tutti-bench-", parent=parent)
        self.folder, self.ports = self._world.path, self._world.ports
        self._sha1 = {}
        self._processes = []
        self._entered = []
        self._numbers = 0

    def size(self, full):
        return max(machine.MIB // 4, full // self.scale)

    def count(self, full):
        return max(2, full // self.scale)

    def new_folder(self, name):
        self._numbers += 1
        path = self.folder / f"{name}-{self._numbers}"
        path.mkdir()
        return path

    # --- files ---------------------------------------------------------------------------------------------------

    def file(self, size, name=FILE):
        """A file of random bytes in a folder of its own."""
        return self.files_of(size, [name])[0]

    def files_of(self, size, names):
        folder = self.new_folder("original")
        paths = [files.write_random(folder / name, size, seed=f"bench {name}") for name in names]
        for path in paths:
            self._sha1[path] = files.sha1(path)
        return paths

    def copy(self, path):
        """The same file, or tree, once more: what another source has."""
        target = self.new_folder("copy") / path.name
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
        self._sha1[target] = self._sha1.get(path)
        return target

    def longer(self, path, times):
        """A file of `times` different parts of the size of this one."""
        target = self.new_folder("original") / path.name
        with open(path, "rb") as source, open(target, "wb") as file:
            for number in range(times):
                source.seek(0)
                shutil.copyfileobj(source, file, machine.CHUNK)
                os.pwrite(file.fileno(), number.to_bytes(8, "big"), number * path.stat().st_size)
        self._sha1[target] = files.sha1(target)
        return target

    def tree(self, count, size):
        """A folder of files, a hundred in each of its folders."""
        root = self.new_folder("original") / "tree"
        content = files.random.Random("tree")
        for number in range(count):
            folder = root / f"{number // 100:03}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:05}.bin").write_bytes(content.randbytes(size))
        return root

    def read_through(self, paths):
        for path in paths:
            for each in path.rglob("*") if path.is_dir() else [path]:
                if each.is_file():
                    machine.read_through(each)

    def sha1(self, path):
        return self._sha1[path]

    def check(self, got, original):
        if original.is_dir():
            right = got.is_dir() and same_trees(got, original)
        else:
            right = files.sha1(got) == self._sha1[original]
        assert right, f"{got} is not what was shared"

    @staticmethod
    def python_folder():
        """Where this package is."""
        return ROOT / "scripts" / "python"

    # --- processes -----------------------------------------------------------------------------------------------

    def start(self, argv, **named):
        """A process that ends with this one, if not before; Ctrl-C is for this one alone."""
        named.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([str(word) for word in argv], preexec_fn=die_with_the_test, start_new_session=True,
                                   **named)
        self._processes.append(process)
        return process

    @staticmethod
    def await_port(port, net=None):
        """Until somebody listens there; `net`: a process whose network it is."""
        def listening():
            try:
                lines = pathlib.Path(f"/proc/{net or 'self'}/net/tcp").read_text().splitlines()[1:]
            except OSError:
                return False
            return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == LISTENING for line in lines)
        until(listening, f"a server on port {port}", patience=10, between=0.01)

    def forget(self, process):
        """It has ended by itself."""
        self._processes.remove(process)

    def end(self, processes):
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._processes.remove(process)

    def enter(self, thing):
        """Something that has to be closed with this place."""
        self._entered.append(thing)
        return thing

    def close(self):
        for thing in self._entered:
            thing.close()
        self.end(list(self._processes))
        self._world.close()
