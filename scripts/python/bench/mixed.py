"""One good source among others of all bad kinds."""

import shutil

from support.curve import keys_of
from support.liar import Liar
from support.rotting_file import RottingFile

from . import machine
from .place import files
from .tutti import GROUP, PATIENCE, Tutti

# Where the liar listens in the place of the client that it is to the trackers, on the same port.
LIARS_HOST = "127.0.0.2"
SLOW = "1M"
BLOCK = PIECE = 512 << 10  # of a file of less than a gigabyte


class Alone(Tutti):
    """The good one by itself. Who fetches begins anew before each run, as among others."""

    def prepare(self):
        super().prepare()
        self.begin_anew()

    def begin_anew(self):
        """So that it has forgotten what it knew of sources."""
        (fetcher,), names = self.fetchers, [source.name for source in self.sources]
        fetcher.quit()
        fetcher.restart()
        fetcher.login()
        fetcher.await_sharers(GROUP, self._read[0].name, names + [other.name for other in self.others()])
        machine.forget_peak(fetcher.pid)

    def others(self):
        return []


class Mixed(Alone):
    def __init__(self, place, original):
        super().__init__(place, "tutti", "tutti, among five others", [[original]])
        self._original = original
        self._rotting = RottingFile(self.world, original.name, original.stat().st_size, like=original)
        self._rotten = range(0, original.stat().st_size, BLOCK)
        self._bad = self._sharer("bad", self._rotting.path)
        self._dead, slow, self._changed = (self._sharer(name, place.copy(original))
                                           for name in ("dead", "slow", "changed"))
        self._rotting.damage(self._rotten)
        slow.ok(f"set_limit up {SLOW}")
        config = self.world.path / "lying.toml"
        config.write_text(f'[network]\npublic_host = "{LIARS_HOST}"\n')
        lying = self._sharer("lying", place.copy(original), options=("--config", config))
        self._liar = Liar(lying.port, keys_of(lying.state), -(-original.stat().st_size // PIECE))
        self._others = [self._bad, self._dead, slow, self._changed, lying]

    def _sharer(self, name, copy, options=()):
        member = self.world.person(name, options=options)
        member.ok(f"join_group {GROUP}")
        self.sources[0].ok(f"accept_request {GROUP} {name}")
        member.copy = copy
        member.ok(f"upload_file {copy} {GROUP}", patience=PATIENCE)
        return member

    def serving_pids(self):
        return super().serving_pids() + [client.pid for client in self._others]

    def others(self):
        return self._others

    def prepare(self):
        Tutti.prepare(self)
        self._dead.resume()
        # They share the right file until it is changed, and the fetcher has forgotten what it knew of them all. The bad one has
        # been reported meanwhile, has found that its file is damaged and shares it no more.
        shutil.copyfile(self._original, self._changed.copy)
        self._rotting.damage(self._rotten)  # once more is not at all
        for member in (self._bad, self._changed):
            member.ok(f"upload_file {member.copy} {GROUP}", patience=PATIENCE)
        self._rotting.damage(self._rotten)
        self.begin_anew()
        files.flip_bytes(self._changed.copy, self._original.stat().st_size // 2)
        self._dead.pause()

    def close(self):
        self._dead.resume()
        self._liar.close()
        super().close()
