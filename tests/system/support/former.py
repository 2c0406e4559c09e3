"""What a member has in his hands, and still has when he is none any more: his key, addresses, and the last ticket."""

import itertools
import re
import time

from .curve import Socket, keys_of
from .liar import HELLO, OPEN, OPENED, CLOSED, PING, PONG, REQUEST, pack, unpack
from .ticket import ticket_of

SHOW_HEAD = b"\x92\xcd\x03\x18"
BLOCK, TICKET_WANTED = 0x30a, 0x319
NOT_A_MEMBER = 2
_NUMBERS = itertools.count(1)
BLOCK_SIZE = 1 << 19
_FIELD = r"(\w+): (?:x'([0-9a-f]*)'|(\d+))"


def _fields(text):
    return {name: bytes.fromhex(data) if not number else int(number) for name, data, number in re.findall(_FIELD, text)}


class Hands:
    """Of a client that has fetched `file` in `group`, while it was watched."""

    def __init__(self, world, client, group, file):
        self._world, self._client = world, client
        name = f"{client.name}-{next(_NUMBERS)}"
        self.trace = world.path / f"{name}.trace"
        client.ok(f"trace start {self.trace}")
        client.ok(f"download_file {group} {file} {world.path / name}")
        client.await_download(file, lambda row: row["phase"] == "complete", "to be complete")
        client.ok("trace stop")
        self.keys = keys_of(client.state)
        seen = self.seen()
        self.shown = _fields(re.findall(r"ShowTicket\{ticket: PeerTicket\{(.*?)\}\}", seen)[-1])
        opened = _fields(re.findall(r"OpenFile\{(.*?)\}", seen)[-1])
        self.gid, self.fid = opened["gid"], opened["fid"]

    def seen(self):
        status, out, err = self._world.run("trace_view", "--bytes", 64, self.trace)
        assert status == 0, err
        return out

    def ticket(self):
        """The very bytes that the tracker gave."""
        return ticket_of([self.shown[name] for name in
                          ("gid", "uid", "client", "epoch", "expires", "signer", "signature")])

    def at(self, server, keys=None):
        return Visit(server, keys or self.keys, self.gid, self.fid)


class Visit:
    """A hand-made peer at somebody's door."""

    def __init__(self, server, keys, gid, fid):
        self._gid, self._fid = gid, fid
        self._link = Socket("DEALER", keys).connect(server.port, keys_of(server.state)[0])
        self.blocks, self.opened, self.closed, self.wanted = 0, False, None, 0
        self._link.say(pack(HELLO, 1, 3, keys[0]))
        self._pinged = time.monotonic()

    def show(self, ticket):
        self._link.say(SHOW_HEAD + ticket)
        return self

    def open(self):
        self.opened, self.closed = False, None
        self._link.say(pack(OPEN, self._gid, self._fid))
        return self

    def ask(self, piece):
        self._link.say(pack(REQUEST, self._fid, piece, 0, BLOCK_SIZE))

    def hear(self, seconds):
        """Takes in one message if any comes in this time. Whoever dials shows that he lives."""
        if time.monotonic() - self._pinged >= 1.0:
            self._link.say(pack(PING))
            self._pinged = time.monotonic()
        frames = self._link.hear(seconds)
        if not frames:
            return
        kind, *fields = unpack(frames[0])
        if kind == PING:
            self._link.say(pack(PONG))
        elif kind == OPENED:
            self.opened = True
        elif kind == CLOSED:
            self.opened, self.closed = False, fields[1]
        elif kind == BLOCK:
            self.blocks += 1
        elif kind == TICKET_WANTED:
            self.wanted += 1

    def until(self, condition, patience):
        """Whether it came to that."""
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            self.hear(0.05)
        return condition()

    def is_let_in(self, patience):
        return self.until(lambda: self.opened, patience)

    def close(self):
        self._link.close()
