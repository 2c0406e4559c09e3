"""Making and comparing files."""

import hashlib
import os
import random

KIB = 1024
MIB = 1024 * KIB
CHUNK = 8 * MIB


def write_random(path, size, seed=None):
    """A file of `size` bytes that look random; the same seed gives the same bytes."""
    source = random.Random(repr((seed, size)))
    with open(path, "wb") as file:
        left = size
        while left > 0:
            count = min(left, CHUNK)
            file.write(source.randbytes(count))
            left -= count
    return path


def write_sparse(path, size, islands=4):
    """A file of `size` bytes, nearly all of them holes, with something to find at both ends and in between."""
    with open(path, "wb") as file:
        file.truncate(size)
        for index in range(islands + 1):
            file.seek(min(size - 64, size * index // islands))
            file.write(hashlib.sha512(str(index).encode()).digest())
    return path


def same_bytes(one, other):
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            left, right = first.read(CHUNK), second.read(CHUNK)
            if left != right:
                return False
            if not left:
                return True


def sha1(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def flip_bytes(path, offset, count=16):
    """Damages a file in place: same size, other bytes."""
    with open(path, "r+b") as file:
        file.seek(offset)
        old = file.read(count)
        file.seek(offset)
        file.write(bytes(byte ^ 0xFF for byte in old))
