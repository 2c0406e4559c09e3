"""A peer that says it has every piece of a file, and gives none."""

import threading

from .curve import Socket

# Messages of peer_peer.hpp and kernel.hpp.
PING, PONG = 0x05, 0x06
HELLO, WELCOME, OPEN, OPENED, CLOSE, CLOSED, REQUEST, REJECT = 0x301, 0x302, 0x304, 0x305, 0x307, 0x306, 0x308, 0x30b
SHOW, SEALED_DOOR, BLOCK = 0x318, 0x310, 0x30a
NOT_HAVE, ASKED = 0, 5


def pack(*values):
    """MessagePack of a list of small lists' worth of numbers, bytes and short texts."""
    packed = bytes([0x90 | len(values)])
    for value in values:
        if isinstance(value, bytes):
            packed += b"\xc5" + len(value).to_bytes(2, "big") + value if len(value) > 255 else \
                bytes([0xc4, len(value)]) + value
        elif isinstance(value, str):
            packed += bytes([0xa0 | len(value)]) + value.encode()
        elif value < 128:
            packed += bytes([value])
        elif value < 1 << 16:
            packed += b"\xcd" + value.to_bytes(2, "big") if value > 255 else bytes([0xcc, value])
        elif value < 1 << 32:
            packed += b"\xce" + value.to_bytes(4, "big")
        else:
            packed += b"\xcf" + value.to_bytes(8, "big")
    return packed


def unpack(data):
    return _value(data, 0)[0]


def kind_of_message(frame):
    """Its number; what else is in it need not be understood."""
    return _value(frame, 1)[0]


def _value(data, at):
    """The value that begins there, and where the next one does."""
    kind, at = data[at], at + 1
    if kind < 128:
        return kind, at
    if kind & 0xf0 == 0x90:
        values = []
        for _ in range(kind & 0x0f):
            value, at = _value(data, at)
            values.append(value)
        return values, at
    if kind in (0xc4, 0xc5):
        width = kind - 0xc3
        begin = at + width
        end = begin + int.from_bytes(data[at:begin], "big")
        return data[begin:end], end
    width = {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8}[kind]
    return int.from_bytes(data[at:at + width], "big"), at + width


class Liar:
    """Listens on 127.0.0.2 at `port` as the client with these keys. Of the requests it refuses every other one, and
    leaves the rest unanswered."""

    def __init__(self, port, keys, pieces):
        self._key, self._pieces = keys[0], pieces
        self.requests = 0
        self._ended = False
        self._door = Socket("ROUTER", keys).bind("127.0.0.2", port)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._ended:
            frames = self._door.hear(0.2)
            for answer in self._answers(unpack(frames[1])) if frames else ():
                self._door.say(frames[0], answer)

    def _answers(self, said):
        kind, *fields = said
        if kind == PING:
            return [pack(PONG)]
        if kind == HELLO:
            return [pack(WELCOME, 1, self._key)]
        if kind == OPEN:
            spare = -self._pieces % 8
            bits = ((1 << self._pieces) - 1) << spare
            return [pack(OPENED, fields[1], bits.to_bytes((self._pieces + 7) // 8, "big"))]
        if kind == CLOSE:
            return [pack(CLOSED, fields[0], ASKED)]
        if kind == REQUEST:
            self.requests += 1
            fid, piece, offset, _ = fields
            return [pack(REJECT, fid, piece, offset, NOT_HAVE)] if self.requests % 2 else []
        return []

    def close(self):
        self._ended = True
        self._thread.join()
        self._door.close()
