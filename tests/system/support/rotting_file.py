"""Files that change without anybody noticing."""

import mmap
import pathlib
import shutil
import tempfile

from .files import write_random


class RottingFile:
    """A file whose bytes can change while its size and all its times stay: nothing but the hashes can tell.

    It lies in memory, where writing through a mapping is not noticed any more once the page has been written to.
    """

    def __init__(self, world, name, size, seed=None, like=None):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tutti-test-", dir="/dev/shm"))
        world.at_end(lambda: shutil.rmtree(folder))
        path = shutil.copyfile(like, folder / name) if like else write_random(folder / name, size, seed or name)
        self._take(path)

    @classmethod
    def of(cls, path):
        """A file in /dev/shm that is there already. Its times change now, and not later."""
        rotting = cls.__new__(cls)
        rotting._take(path)
        return rotting

    def _take(self, path):
        self.path, size = path, path.stat().st_size
        with open(self.path, "r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), 0)
        for offset in range(0, size, mmap.PAGESIZE):
            self._bytes[offset] = self._bytes[offset]

    def damage(self, offsets):
        """The byte at each of these offsets becomes another one."""
        self._change((offset, bytes([self._bytes[offset] ^ 0xFF])) for offset in offsets)

    def write(self, offset, data):
        self._change([(offset, data)])

    def _change(self, changes):
        before = self.path.stat()
        for offset, data in changes:
            self._bytes[offset:offset + len(data)] = data
        after = self.path.stat()
        assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
