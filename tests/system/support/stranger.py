"""Somebody on the network who speaks ZMTP 3 well enough to be let in, and then says whatever it likes."""

import socket

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)


def frame(body, more=False, command=False):
    flags = (1 if more else 0) | (4 if command else 0)
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body


class Stranger:
    def __init__(self, port, socket_type="DEALER"):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket_type = socket_type

    def raw(self, data):
        """Says bytes; whether they still want to hear them."""
        try:
            self._socket.sendall(data)
            return True
        except OSError:
            return False

    def shake_hands(self):
        """Whether they let this one in. Nothing may be said before they have said that they are ready."""
        name, value = b"Socket-Type", self._socket_type.encode()
        ready = b"\x05READY" + bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
        return self.raw(GREETING + frame(ready, command=True)) and self._hears(len(GREETING) + 2)

    def _hears(self, count):
        try:
            while count > 0:
                heard = self._socket.recv(count)
                if not heard:
                    return False
                count -= len(heard)
            return True
        except OSError:
            return False

    def say(self, *frames):
        return all([self.raw(frame(body, more=index + 1 < len(frames))) for index, body in enumerate(frames)])

    def announce(self, size):
        """The head of a frame that is far larger than anything that is ever said here."""
        return self.raw(b"\x02" + size.to_bytes(8, "big"))

    def close(self):
        """Hangs up, and waits until the other side has read everything and done the same."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(65536):
                pass
        except OSError:
            pass
        self._socket.close()
