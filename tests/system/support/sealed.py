"""Sealed links (actors/sealed_channel.hpp), as somebody who comes in at a client's sealed door speaks them."""

import ctypes
import ctypes.util
import hashlib
import hmac
import os

from .curve import Socket

_crypto = ctypes.CDLL("libcrypto.so.3")
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(_crypto, _name).restype = ctypes.c_void_p
_GET_TAG, _SET_TAG, _TAG = 0x10, 0x11, 16
ALONE, HEAD, PAYLOAD = 1, 2, 3


def _hkdf(secret, salt, info, size):
    key = hmac.new(salt, secret, hashlib.sha256).digest()
    block, material = b"", b""
    for number in range(1, size // 32 + 2):
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha256).digest()
        material += block
    return material[:size]


class _Channel:
    def __init__(self, secret, randoms, direction):
        material = _hkdf(secret, randoms, b"tutti sealed link 1: " + direction, 36)
        self._key, self._salt, self._frames = material[:32], material[32:], 0

    def run(self, kind, data, sealing):
        """The sealed or opened frame; None if it does not open."""
        nonce = self._salt + self._frames.to_bytes(8, "big")
        self._frames += 1
        plain = data if sealing else data[:-_TAG]
        tag = ctypes.create_string_buffer(b"" if sealing else data[-_TAG:], _TAG)
        out, size = ctypes.create_string_buffer(len(plain) + _TAG), ctypes.c_int()
        context = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
        _crypto.EVP_CipherInit_ex(context, ctypes.c_void_p(_crypto.EVP_aes_256_gcm()), None, self._key, nonce, int(sealing))
        _crypto.EVP_CipherUpdate(context, None, ctypes.byref(size), bytes([kind]), 1)
        _crypto.EVP_CipherUpdate(context, out, ctypes.byref(size), plain, len(plain))
        if not sealing:
            _crypto.EVP_CIPHER_CTX_ctrl(context, _SET_TAG, _TAG, tag)
        good = _crypto.EVP_CipherFinal_ex(context, out, ctypes.byref(size)) == 1
        if sealing:
            _crypto.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, _TAG, tag)
        _crypto.EVP_CIPHER_CTX_free(context)
        return (out.raw[:len(plain)] + (tag.raw if sealing else b"")) if good else None


class SealedLink:
    """Comes in at a port by a pass, if that is good; otherwise `stands` is false."""

    def __init__(self, port, pass_id, secret):
        self._socket = Socket("DEALER", curve=False).connect_plain(port)
        random = os.urandom(32)
        self._socket.say(pass_id + random + self._proof(pass_id, secret, b"hello", pass_id + random))
        frames = self._socket.hear(2)
        self.stands = frames is not None and len(frames[0]) == 64
        if self.stands:
            theirs, proof = frames[0][:32], frames[0][32:]
            assert proof == self._proof(pass_id, secret, b"welcome", pass_id + random + theirs)
            self._ours = _Channel(secret, random + theirs, b"to door")
            self._theirs = _Channel(secret, random + theirs, b"to dialler")

    @staticmethod
    def _proof(pass_id, secret, purpose, words):
        return hmac.new(_hkdf(secret, pass_id, b"tutti sealed link 1: " + purpose, 32), words, hashlib.sha256).digest()

    def say(self, body):
        return self._socket.say(self._ours.run(ALONE, body, True))

    def hear(self, seconds=10.0):
        """The frames of the next message; None if none comes, or if it does not open."""
        frames = self._socket.hear(seconds)
        if frames is None:
            return None
        kinds = (ALONE,) if len(frames) == 1 else (HEAD, PAYLOAD)
        opened = [self._theirs.run(kind, frame, False) for kind, frame in zip(kinds, frames)]
        return None if None in opened else opened

    def close(self):
        self._socket.close()
