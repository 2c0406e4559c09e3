"""A peer that says it has every piece of a file, and gives none."""

import socket
import threading

from .stranger import GREETING, frame

# Messages of peer_peer.hpp and kernel.hpp.
PING, PONG = 0x05, 0x06
HELLO, WELCOME, OPEN, OPENED, CLOSE, CLOSED, REQUEST, REJECT = 0x301, 0x302, 0x304, 0x305, 0x307, 0x306, 0x308, 0x30b
NOT_HAVE, ASKED = 0, 5


def pack(*values):
    """MessagePack of a list of small lists' worth of numbers and bytes."""
    packed = bytes([0x90 | len(values)])
    for value in values:
        if isinstance(value, bytes):
            packed += b"\xc5" + len(value).to_bytes(2, "big") + value if len(value) > 255 else \
                bytes([0xc4, len(value)]) + value
        elif value < 128:
            packed += bytes([value])
        elif value < 1 << 16:
            packed += b"\xcd" + value.to_bytes(2, "big") if value > 255 else bytes([0xcc, value])
        else:
            packed += b"\xce" + value.to_bytes(4, "big")
    return packed


def unpack(data):
    values, at = [], 1
    while at < len(data):
        kind, at = data[at], at + 1
        if kind < 128:
            values.append(kind)
        elif kind == 0xc4:
            values.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        else:
            width = {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8}[kind]
            values.append(int.from_bytes(data[at:at + width], "big"))
            at += width
    return values


class Liar:
    """Listens on 127.0.0.2 at `port` as the client with this key. Of the requests it refuses every other one, and leaves
    the rest unanswered."""

    def __init__(self, port, key, pieces):
        self._key, self._pieces = key, pieces
        self.requests = 0
        self._door = socket.create_server(("127.0.0.2", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        stream = line.makefile("rwb")
        try:
            name, kind = b"Socket-Type", b"ROUTER"
            ready = b"\x05READY" + bytes([len(name)]) + name + len(kind).to_bytes(4, "big") + kind
            stream.write(GREETING + frame(ready, command=True))
            stream.flush()
            stream.read(len(GREETING))
            while True:
                flags = stream.read(1)[0]
                size = int.from_bytes(stream.read(8 if flags & 2 else 1), "big")
                body = stream.read(size)
                for answer in () if flags & 4 else self._answers(unpack(body)):
                    stream.write(frame(answer))
                stream.flush()
        except (OSError, IndexError):
            line.close()

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
        self._door.close()
