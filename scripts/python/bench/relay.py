"""A peer that cannot be trusted: `python3 -m bench.relay bad|lying HOST PORT`.

Listens at HOST:PORT, passes everything on to 127.0.0.1:PORT, where an honest client serves, and alters what that answers:
    bad     a byte of each block is another one
    lying   of the files it serves it has all pieces, it says
"""

import socket
import sys
import threading

CHUNK = 1 << 20
GREETING = 64  # bytes with which ZMTP begins
LONG = 2  # in a frame's flags: its length has eight bytes
BLOCK_MIN = 32 << 10
# MessagePack: an array of three, of which the first is the message's number.
FILE_OPENED = b"\x93\xcd\x03\x05"
FILE_OPENED_HEAD = len(FILE_OPENED) + 18  # a file's id: 16 bytes after two that say so


def all_pieces(body):
    """A FileOpened with the bits of all pieces set. Of the last byte only those up to the last one that is set already: what
    follows may be spare, and spare bits are 0."""
    if not body.startswith(FILE_OPENED):
        return body
    start = FILE_OPENED_HEAD + (2 if body[FILE_OPENED_HEAD] == 0xC4 else 3)
    bits = bytearray(b"\xff" * (len(body) - start))
    last = body[-1]
    bits[-1] = 0xFF & ~((last & -last) - 1) if last else 0
    return body[:start] + bytes(bits)


def another_byte(body):
    return body if len(body) < BLOCK_MIN else bytes([body[0] ^ 0xFF]) + body[1:]


ALTERED = {"bad": another_byte, "lying": all_pieces}


def exactly(source, count):
    parts = []
    while count > 0:
        part = source.recv(min(count, CHUNK))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def pass_on(source, sink):
    while part := source.recv(CHUNK):
        sink.sendall(part)


def pass_on_altered(source, sink, altered):
    # It comes in parts, each of which answers one of the other side.
    left = GREETING
    while left > 0:
        part = source.recv(left)
        if not part:
            raise EOFError
        sink.sendall(part)
        left -= len(part)
    while True:
        flags = exactly(source, 1)
        length = exactly(source, 8 if flags[0] & LONG else 1)
        sink.sendall(flags + length + altered(exactly(source, int.from_bytes(length, "big"))))


def serve(asked, port, altered):
    honest = socket.create_connection(("127.0.0.1", port))

    def guarded(carry, *words):
        try:
            carry(*words)
        except (OSError, EOFError):
            pass
        for each in (asked, honest):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    threading.Thread(target=guarded, args=(pass_on, asked, honest), daemon=True).start()
    threading.Thread(target=guarded, args=(pass_on_altered, honest, asked, altered), daemon=True).start()


def main():
    kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with socket.create_server((host, port)) as door:
        while True:
            asked, _ = door.accept()
            try:
                serve(asked, port, ALTERED[kind])
            except OSError:
                asked.close()


if __name__ == "__main__":
    main()
