"""Somebody on the network who has no key, and says whatever it likes."""

import socket



def greeting(mechanism="NULL"):
    """How ZMTP 3 begins."""
    return b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + mechanism.encode().ljust(20, b"\0") + b"\0" + bytes(31)


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

    def shake_hands(self, mechanism="NULL"):
        """Says what would be enough where nobody has to prove anything."""
        name, value = b"Socket-Type", self._socket_type.encode()
        ready = b"\x05READY" + bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
        self.raw(greeting(mechanism) + frame(ready, command=True))

    def hear_out(self):
        """All that is said here until they hang up; fails if they do not."""
        heard = b""
        while True:
            try:
                said = self._socket.recv(65536)
            except ConnectionError:
                return heard
            if not said:
                return heard
            heard += said

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
