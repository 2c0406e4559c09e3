"""Tickets for peer traffic, made and signed by whoever likes to (peer_ticket.hpp)."""

import ctypes
import ctypes.util

_sodium = ctypes.CDLL("libsodium.so.23")
PURPOSE = b"tutti peer ticket 1"


def signing_keys(seed):
    """(public, secret) of Ed25519."""
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
    assert _sodium.crypto_sign_seed_keypair(public, secret, seed) == 0
    return public.raw, secret.raw


def signing_keys_of(identity):
    """Those of the tracker whose link has this secret key."""
    seed = ctypes.create_string_buffer(32)
    purpose = b"tutti ticket signing key"
    assert _sodium.crypto_generichash(seed, ctypes.c_size_t(32), purpose, ctypes.c_ulonglong(len(purpose)), identity,
                                      ctypes.c_size_t(32)) == 0
    return signing_keys(seed.raw)


def _bin(data):
    return bytes([0xc4, len(data)]) + data


def _number(value):
    for limit, head, width in ((128, b"", 1), (1 << 8, b"\xcc", 1), (1 << 16, b"\xcd", 2), (1 << 32, b"\xce", 4)):
        if value < limit:
            return head + value.to_bytes(width, "big")
    return b"\xcf" + value.to_bytes(8, "big")


def ticket(keys, gid, uid, client, epoch, expires):
    """MessagePack of a PeerTicket that is signed with these keys."""
    def packed(signature):
        return (b"\x97" + _bin(gid) + _bin(uid) + _bin(client) + _number(epoch) + _number(expires) + _bin(keys[0]) +
                _bin(signature))
    signature = ctypes.create_string_buffer(64)
    words = PURPOSE + packed(bytes(64))
    assert _sodium.crypto_sign_detached(signature, None, words, ctypes.c_ulonglong(len(words)), keys[1]) == 0
    return packed(signature.raw)


def ticket_of(fields):
    """A ticket that was heard, by its fields: the same bytes again."""
    gid, uid, client, epoch, expires, signer, signature = fields
    return (b"\x97" + _bin(gid) + _bin(uid) + _bin(client) + _number(epoch) + _number(expires) + _bin(signer) +
            _bin(signature))
