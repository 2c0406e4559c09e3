"""A client of a tracker that is made by hand: says what it likes, as often as it likes (client_tracker.hpp)."""

import time

from .curve import Socket

PING, PONG = 0x05, 0x06
REFUSED, DONE = 0x101, 0x102
CREATE_USER, LOGIN, CREATE_GROUP, JOIN_GROUP, LIST_GROUPS, FIND_FILE = 0x201, 0x202, 0x204, 0x205, 0x20a, 0x20e
ADD_FILE, ASK_STATUS, REPORT_PIECE = 0x20d, 0x212, 0x296
LOGGED_IN, FILE_FOUND = 0x240, 0x246
HELLO, WELCOME, REQUEST, ANSWER = 0x280, 0x281, 0x283, 0x284
VERSION = 4
NO_TOKEN, NO_FLOOR = bytes(32), [[]]


def pack(value):
    """MessagePack of numbers, truths, bytes, texts and lists of those."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        for limit, head, width in ((128, b"", 1), (1 << 8, b"\xcc", 1), (1 << 16, b"\xcd", 2), (1 << 32, b"\xce", 4)):
            if value < limit:
                return head + value.to_bytes(width, "big")
        return b"\xcf" + value.to_bytes(8, "big")
    if isinstance(value, bytes):
        width = 1 if len(value) < 1 << 8 else 2 if len(value) < 1 << 16 else 4
        return bytes([0xc3 + (1, 2, 0, 3)[width - 1]]) + len(value).to_bytes(width, "big") + value
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xa0 | len(data)]) if len(data) < 32 else bytes([0xd9, len(data)])) + data
    return bytes([0x90 | len(value)]) + b"".join(pack(each) for each in value)


def unpack(data):
    return _value(data, 0)[0]


def _value(data, at):
    """The value that begins there, and where the next one does."""
    kind, at = data[at], at + 1
    if kind < 128:
        return kind, at
    if kind in (0xc2, 0xc3):
        return kind == 0xc3, at
    if kind & 0xf0 == 0x90 or kind in (0xdc, 0xdd):
        width = 0 if kind < 0xa0 else 2 if kind == 0xdc else 4
        count = kind & 0x0f if not width else int.from_bytes(data[at:at + width], "big")
        at += width
        values = []
        for _ in range(count):
            value, at = _value(data, at)
            values.append(value)
        return values, at
    if kind & 0xe0 == 0xa0:
        end = at + (kind & 0x1f)
        return data[at:end].decode(), end
    if kind in (0xc4, 0xc5, 0xc6, 0xd9, 0xda):
        width = {0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2}[kind]
        begin = at + width
        end = begin + int.from_bytes(data[at:begin], "big")
        return (data[begin:end] if kind < 0xd0 else data[begin:end].decode()), end
    width = {0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8}[kind]
    return int.from_bytes(data[at:at + width], "big"), at + width


class Visitor:
    """One link of one key. Whatever it asks has the next counter of that key."""

    def __init__(self, tracker, keys=None, version=VERSION, source=None):
        self._link = Socket("DEALER", keys).connect(tracker.port, tracker.keys()[0], source)
        self.key = self._link.public
        self.token, self._counter = NO_TOKEN, int(time.time() * 1000)
        self.notices = []
        self._link.say(pack([HELLO, 1, version, self.key, "by hand"]))
        assert self._hear(WELCOME, 20.0), "the tracker does not greet"

    def begin(self, *what):
        """Asks, and waits for nothing: the counter of the request."""
        self._counter += 1
        self._link.say(pack([REQUEST, self._counter, self.token, NO_FLOOR, list(what)]))
        return self._counter

    def answer(self, patience=20.0):
        """The next one: its counter, its number and its fields. None if none comes."""
        heard = self._hear(ANSWER, patience)
        return (heard[1], heard[5][0], heard[5][1:]) if heard else None

    def ask(self, *what):
        """The answer to this: its number and its fields."""
        counter = self.begin(*what)
        while True:
            heard = self.answer()
            assert heard, f"no answer to {what[0]:#x}"
            if heard[0] == counter:
                return heard[1:]

    def has_account(self, name, password):
        """Makes one, and logs in."""
        kind, fields = self.ask(CREATE_USER, name, password)
        assert kind == DONE, fields
        return self.logs_in(name, password)

    def logs_in(self, name, password):
        kind, fields = self.ask(LOGIN, name, password, "", 0)
        assert kind == LOGGED_IN, fields
        self.token = fields[2]
        return self

    def floods(self, count, *what, at_a_time=60):
        """Asks the same so often, so many under way (a link may have 64): what was answered, and the sentences of the refusals."""
        answers, sentences, open_ = [], [], 0
        while len(answers) < count:
            while open_ < at_a_time and len(answers) + open_ < count:
                self.begin(*what)
                open_ += 1
            heard = self.answer()
            assert heard, f"{open_} of {count} requests are not answered"
            open_ -= 1
            answers.append(heard[1])
            if heard[1] == REFUSED:
                sentences.append(heard[2][1])
        return answers, sentences

    def _hear(self, wanted, patience):
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            frames = self._link.hear(left)
            if not frames:
                return None
            said = unpack(frames[0])
            if said[0] == PING:
                self._link.say(pack([PONG]))
            elif said[0] == wanted:
                return said
            else:
                self.notices.append(said)
        return None

    def close(self):
        self._link.close()
