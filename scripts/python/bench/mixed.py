"""One good source among others of all bad kinds."""

import shutil

from . import machine
from .place import files
from .torrents import PYTHON
from .tutti import GROUP, PATIENCE, Tutti

# Not the address that they serve at, so that a relay can stand in between on the same port.
RELAYED = "127.0.0.2"
SLOW = "1M"
LIAR_FETCHES_AT, LIAR_HAS = "32M", 0.2


class Mixed(Tutti):
    def __init__(self, place, original):
        super().__init__(place, "tutti", "tutti, among five others", [[original]])
        self._original = original
        self._relays = []
        bad, self._dead, slow, self._changed = (self._sharer(name) for name in ("bad", "dead", "slow", "changed"))
        slow.ok(f"set_limit up {SLOW}")
        liar = self._liar()
        self._others = [bad, self._dead, slow, self._changed, liar]

    def _member(self, name):
        options = ()
        if name in ("bad", "lying"):
            config = self.world.path / f"{name}.toml"
            config.write_text(f'[network]\npublic_host = "{RELAYED}"\n')
            options = ("--config", config)
        member = self.world.person(name, options=options)
        member.ok(f"join_group {GROUP}")
        self.sources[0].ok(f"accept_request {GROUP} {name}")
        if options:
            self._relays.append(self.place.start([PYTHON, "-B", "-m", "bench.relay", name, RELAYED, member.port],
                                                 cwd=self.place.python_folder()))
            self.place.await_port(member.port)
        return member

    def _sharer(self, name):
        member = self._member(name)
        member.copy = self.place.copy(self._original)
        member.ok(f"upload_file {member.copy} {GROUP}", patience=PATIENCE)
        return member

    def _liar(self):
        """Has a fifth of the file, and says that it has all."""
        liar, file = self._member("lying"), self._original.name
        liar.ok(f"set_limit down {LIAR_FETCHES_AT}")
        liar.ok(f"download_file {GROUP} {file} {self.place.new_folder('lying') / file}")
        liar.await_download(file, lambda row: row["verified"] >= LIAR_HAS * row["size"], "to have something")
        liar.ok(f"pause {GROUP} {file}")
        return liar

    def serving_pids(self):
        return (super().serving_pids() + [client.pid for client in self._others] + [relay.pid for relay in self._relays])

    def prepare(self):
        super().prepare()
        self._dead.resume()
        # It shares the right file until it is changed, and the fetcher has forgotten what it knew of them all.
        shutil.copyfile(self._original, self._changed.copy)
        self._changed.ok(f"upload_file {self._changed.copy} {GROUP}", patience=PATIENCE)
        (fetcher,) = self.fetchers
        fetcher.quit()
        fetcher.restart()
        fetcher.login()
        fetcher.await_sharers(GROUP, self._original.name,
                              [client.name for client in [*self.sources, *self._others]])
        files.flip_bytes(self._changed.copy, self._original.stat().st_size // 2)
        self._dead.pause()
        machine.forget_peak(fetcher.pid)

    def close(self):
        self._dead.resume()
        self.place.end(self._relays)
        super().close()
