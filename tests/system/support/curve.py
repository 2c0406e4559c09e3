"""ZeroMQ sockets that prove keys, straight from the library that the programs use (ctypes: any Python will do)."""

import ctypes
import ctypes.util

_zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
for _name in ("zmq_ctx_new", "zmq_socket"):
    getattr(_zmq, _name).restype = ctypes.c_void_p
_zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
_zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
_zmq.zmq_getsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
for _name in ("zmq_connect", "zmq_bind"):
    getattr(_zmq, _name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
for _name in ("zmq_send", "zmq_recv"):
    getattr(_zmq, _name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_zmq.zmq_close.argtypes = [ctypes.c_void_p]
_zmq.zmq_z85_decode.argtypes = [ctypes.c_char_p, ctypes.c_char_p]

TYPES = {"PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6}
ROUTING_ID, SUBSCRIBE, RCVMORE, LINGER, RCVTIMEO, SNDTIMEO = 5, 6, 13, 17, 27, 28
CURVE_SERVER, CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVERKEY = 47, 48, 49, 50
SNDMORE = 2
FRAME_MAX = 1 << 21

_context = ctypes.c_void_p(_zmq.zmq_ctx_new())


def from_z85(text):
    key = ctypes.create_string_buffer(len(text) * 4 // 5)
    assert _zmq.zmq_z85_decode(key, text.encode()), f"{text} is no Z85"
    return key.raw


def make_keys():
    """(public, secret), 32 bytes each."""
    public, secret = ctypes.create_string_buffer(41), ctypes.create_string_buffer(41)
    assert _zmq.zmq_curve_keypair(public, secret) == 0
    return from_z85(public.value.decode()), from_z85(secret.value.decode())


def keys_of(folder):
    """The public and the secret key of a client or tracker that keeps its state there."""
    secret = bytes.fromhex((folder / "identity").read_text())
    text = ctypes.create_string_buffer(41)
    _zmq.zmq_z85_encode(text, ctypes.c_char_p(secret), ctypes.c_size_t(32))
    public = ctypes.create_string_buffer(41)
    assert _zmq.zmq_curve_public(public, text) == 0
    return from_z85(public.value.decode()), secret


class Socket:
    """Of one type, with a key pair of its own (or that of somebody)."""

    def __init__(self, kind, keys=None, curve=True):
        self.public, self._secret = keys or make_keys()
        self._socket = ctypes.c_void_p(_zmq.zmq_socket(_context, TYPES[kind]))
        assert self._socket, "no socket"
        for option, milliseconds in ((LINGER, 2000), (SNDTIMEO, 5000)):
            self.set(option, milliseconds)
        if curve:
            self.set(CURVE_SECRETKEY, self._secret)

    def set(self, option, value):
        data = value if isinstance(value, bytes) else int(value).to_bytes(4, "little", signed=True)
        assert _zmq.zmq_setsockopt(self._socket, option, data, len(data)) == 0, f"option {option}"

    def connect(self, port, key, source=None):
        """`source`: the address to come from."""
        self.set(CURVE_PUBLICKEY, self.public)
        self.set(CURVE_SERVERKEY, key)
        return self.connect_plain(port, source)

    def connect_plain(self, port, source=None):
        from_there = f"{source}:0;" if source else ""
        assert _zmq.zmq_connect(self._socket, f"tcp://{from_there}127.0.0.1:{port}".encode()) == 0
        return self

    def bind(self, host, port):
        self.set(CURVE_SERVER, 1)
        assert _zmq.zmq_bind(self._socket, f"tcp://{host}:{port}".encode()) == 0, "the port is taken"
        return self

    def say(self, *frames):
        for index, frame in enumerate(frames):
            flags = SNDMORE if index + 1 < len(frames) else 0
            if _zmq.zmq_send(self._socket, frame, len(frame), flags) < 0:
                return False
        return True

    def hear(self, seconds=10.0):
        """The frames of the next message; None if none comes."""
        self.set(RCVTIMEO, int(seconds * 1000))
        frames, more = [], 1
        while more:
            frame = ctypes.create_string_buffer(FRAME_MAX)
            size = _zmq.zmq_recv(self._socket, frame, FRAME_MAX, 0)
            if size < 0:
                return None
            frames.append(frame.raw[:size])
            flag, length = ctypes.c_int(), ctypes.c_size_t(4)
            _zmq.zmq_getsockopt(self._socket, RCVMORE, ctypes.byref(flag), ctypes.byref(length))
            more = flag.value
        return frames

    def close(self):
        _zmq.zmq_close(self._socket)
