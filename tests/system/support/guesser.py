"""Somebody who guesses at passwords, over links of his own making."""

from .curve import Socket

# Messages of client_tracker.hpp.
HELLO, REQUEST, ANSWER, LOGIN = 0x280, 0x283, 0x284, 0x202


def packed(value):
    """MessagePack of lists, small numbers, texts and bytes."""
    if isinstance(value, list):
        return bytes([0x90 | len(value)]) + b"".join(map(packed, value))
    if isinstance(value, bytes):
        return bytes([0xc4, len(value)]) + value
    if isinstance(value, str):
        return bytes([0xd9, len(value)]) + value.encode() if len(value) > 31 else \
            bytes([0xa0 | len(value)]) + value.encode()
    if value < 128:
        return bytes([value])
    return bytes([0xcc, value]) if value < 256 else b"\xcd" + value.to_bytes(2, "big")


class Guesser:
    """One link to a tracker, under a key that nobody knows."""

    def __init__(self, tracker, key):
        self._socket = Socket("DEALER")
        self._socket.connect(tracker.port, key)
        self._counter = 0
        self._socket.say(packed([HELLO, 1, 2, self._socket.public, "guesser"]))

    def guess(self, user, password):
        """Asks without waiting."""
        self._counter += 1
        no_floor, no_token = [[]], bytes(32)
        self._socket.say(packed([REQUEST, self._counter, no_token, no_floor, [LOGIN, user, password, "", 7000]]))

    def hear(self, seconds=10.0):
        """The bytes of the next answer, whose sentence can be looked for in them; None if none comes."""
        while True:
            frames = self._socket.hear(seconds)
            if frames is None or packed([ANSWER])[1:] in frames[-1][:4]:
                return frames and frames[-1]

    def close(self):
        self._socket.close()
