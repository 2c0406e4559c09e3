"""The original programs of Orchestra, played from what is known of them: quirks included, since those are what a guest
has to bear. A member and a conductor; both bind to an address of 127.0.0.0/8 of their own, as the originals refuse to
speak with their own address.

The quirks, each of which can be switched off:
- every PART is answered by two identical STRT;
- whoever is listed is dialled again at every poll, also those who are connected;
- a part is given away whether it is owned or not: what there is of the file, zeros, that is;
- a part is asked for at random among those that are lacked, whether the other side has it or not, one more for each
  STRT that comes, the second of the two as well;
- a member that lacks nothing sends floods of DOWN;
- a wrong part ends the asking on its connection.
"""

import hashlib
import random
import socket
import threading

CRLF = b"\r\n"


class Orch:
    """What a .orch file says."""

    def __init__(self, path):
        lines = path.read_text().splitlines()
        self.conductor, self.name, self.sha1 = lines[:3]
        self.size, self.part_size, self.count = (int(line) for line in lines[3:6])
        self.parts = lines[6:]

    def part_length(self, k):
        return self.part_size if k < self.count else self.size - (self.count - 1) * self.part_size


class Gone(Exception):
    """The other side has ended the connection."""


class Wire:
    """Lines and bytes of one connection."""

    def __init__(self, sock):
        self.sock = sock
        self._buffer = b""
        self._sending = threading.Lock()

    def line(self):
        while CRLF not in self._buffer:
            self._more()
        line, self._buffer = self._buffer.split(CRLF, 1)
        return line.decode()

    def exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _more(self):
        try:
            more = self.sock.recv(1 << 18)
        except OSError as error:
            raise Gone from error
        if not more:
            raise Gone
        self._buffer += more

    def send(self, *lines, data=b""):
        self.raw("".join(f"{line}\r\n" for line in lines).encode() + data)

    def raw(self, data):
        try:
            with self._sending:
                self.sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def dial(address, host, timeout=5.0):
    """A connection to (ip, port) from an address of our own."""
    sock = socket.socket()
    sock.settimeout(timeout)
    sock.bind((host, 0))
    sock.connect(address)
    sock.settimeout(None)
    return Wire(sock)


def listen(host, port=0):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(64)
    return sock


class OriginalConductor:
    """Names whoever asks to all who ask after it, for ever."""

    def __init__(self, host="127.0.0.1"):
        self.table = {}
        self._lock = threading.Lock()
        self._socket = listen(host)
        self.endpoint = "{}:{}".format(*self._socket.getsockname())
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, (host, _) = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(Wire(sock), host), daemon=True).start()

    def _answer(self, wire, host):
        try:
            word, name, sha1, port = (wire.line() for _ in range(4))
            if word == "DOWN":
                with self._lock:
                    known = self.table.get((name, sha1))
                    if known is None:
                        wire.send("NONE", name, sha1)
                    else:
                        wire.send("SEND", name, sha1, len(known), *known)
                    listed = self.table.setdefault((name, sha1), [])
                    if f"{host}:{port}" not in listed:
                        listed.append(f"{host}:{port}")
        except Gone:
            pass
        wire.close()

    def close(self):
        self._socket.close()


class Conversation:
    """One connection of an original member."""

    def __init__(self, member, sock, host):
        self.member, self.wire, self.host = member, Wire(sock), host
        self.idle = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        orch = self.member.orch
        try:
            self.wire.send("DOWN", orch.name, orch.sha1)
            while True:
                self._take(self.wire.line())
        except (Gone, ValueError, KeyError) as error:
            self.member.ended(self, error)
        self.wire.close()

    def _take(self, word):
        member, orch = self.member, self.member.orch
        name, sha1 = self.wire.line(), self.wire.line()
        if word == "DOWN":
            if (name, sha1) == (orch.name, orch.sha1):
                self.wire.send("SEND", name, sha1, member.list_number())
            else:
                self.wire.send("NONE", orch.name, orch.sha1, 0)
            return
        if word not in ("SEND", "PART", "STRT", "NONE"):
            raise ValueError(f"no word of the protocol: {word!r}")
        number = int(self.wire.line())
        if word == "SEND":
            member.heard_list(self, number)
            self.ask()
        elif word == "PART":
            member.asked(self.host, number)
            for _ in range(2 if member.doubles else 1):
                self.wire.send("STRT", orch.name, orch.sha1, number, data=member.read(number))
        elif word == "STRT":
            if not 1 <= number <= orch.count:
                member.killed.append((self.host, f"STRT {number}"))
                raise ValueError("a part that there is not ends the main thread")
            member.take(self, number, self.wire.exactly(orch.part_length(number)))
        else:
            member.refused.append((self.host, number))
            self.idle = True

    def ask(self):
        """One part at random of those that are lacked, whoever has it."""
        if self.idle:
            return
        lacked = self.member.lacked()
        if lacked:
            self.wire.send("PART", self.member.orch.name, self.member.orch.sha1, random.choice(lacked))
        elif self.member.floods:
            self.member.flood(self)


class OriginalMember:
    """Shares a file. `content`: what it has; zeros where it lacks something."""

    def __init__(self, orch, host, conductor, content=None, owned=None, poll_every=10.0, doubles=True, floods=40,
                 port=10001):
        self.orch, self.host, self.poll_every = orch, host, poll_every
        self.doubles, self.floods = doubles, floods
        self.content = bytearray(content if content is not None else bytes(orch.size))
        self.owned = {k for k in range(1, orch.count + 1) if self._is_right(k, self.read(k))
                      and (owned is None or k in owned)}
        for k in set(range(1, orch.count + 1)) - self.owned:
            self.content[self._at(k):self._at(k) + orch.part_length(k)] = bytes(orch.part_length(k))
        # Who did what, by address: originals are no good guests of each other.
        self.refused, self.killed, self.wrong, self.served = [], [], [], []
        self.ends = []
        self.polls = self.dials = self.lists = self.floods_sent = 0
        self.complete = threading.Event()
        self._lock = threading.RLock()
        self._conversations = []
        self._stop = threading.Event()
        self._look()
        self._conductor = (conductor.split(":")[0], int(conductor.split(":")[1]))
        self._socket = listen(host, port)
        self.endpoint = "{}:{}".format(*self._socket.getsockname())
        for each in (self._accept, self._poll):
            threading.Thread(target=each, daemon=True).start()

    # --- the file ----------------------------------------------------------------------------------------------

    def _at(self, k):
        return (k - 1) * self.orch.part_size

    def _is_right(self, k, data):
        return hashlib.sha1(data).hexdigest() == self.orch.parts[k - 1]

    def read(self, k):
        """What its file holds there, owned or not."""
        return bytes(self.content[self._at(k):self._at(k) + self.orch.part_length(k)]) if 1 <= k <= self.orch.count \
            else b""

    def list_number(self):
        with self._lock:
            return (1 << self.orch.count) + sum(1 << (k - 1) for k in self.owned)

    def lacked(self):
        with self._lock:
            return [k for k in range(1, self.orch.count + 1) if k not in self.owned]

    def asked(self, host, k):
        with self._lock:
            self.served.append((host, k))
            if not 1 <= k <= self.orch.count:
                self.killed.append((host, f"PART {k}"))
            elif k not in self.owned:
                self.wrong.append((host, f"asked for part {k}, which was not offered"))

    def take(self, conversation, k, data):
        if not self._is_right(k, data):
            self.wrong.append((conversation.host, f"part {k} came wrong"))
            conversation.idle = True
            return
        with self._lock:
            self.content[self._at(k):self._at(k) + len(data)] = data
            self.owned.add(k)
        self._look()
        conversation.ask()

    def _look(self):
        if len(self.owned) == self.orch.count:
            self.complete.set()

    # --- the others --------------------------------------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                sock, (host, _) = self._socket.accept()
            except OSError:
                return
            self._begin(sock, host)

    def _begin(self, sock, host):
        if host == self.host:  # its guard against speaking with itself
            sock.close()
            return
        with self._lock:
            self._conversations.append(Conversation(self, sock, host))

    def _poll(self):
        while True:
            for host, port in self._ask_conductor():
                if host == self.host:
                    continue
                try:
                    self._begin(dial((host, port), self.host, 1.0).sock, host)
                    self.dials += 1
                except OSError:
                    pass
            if self._stop.wait(self.poll_every):
                return

    def _ask_conductor(self):
        try:
            wire = dial(self._conductor, self.host, 1.0)
            wire.sock.settimeout(1.0)
            wire.send("DOWN", self.orch.name, self.orch.sha1, self.endpoint.split(":")[1])
            word, name, sha1 = (wire.line() for _ in range(3))
            assert (name, sha1) == (self.orch.name, self.orch.sha1)
            listed = [wire.line() for _ in range(int(wire.line()))] if word == "SEND" else []
            wire.close()
        except (OSError, Gone):
            return []
        self.polls += 1
        # A real one ends its thread over what is no address.
        return [(host, int(port)) for host, port in (each.split(":") for each in listed if each.count(":") == 1)
                if port.isdigit()]

    def heard_list(self, _conversation, _number):
        with self._lock:
            self.lists += 1

    def flood(self, conversation):
        """A timer thread for each STRT and SEND, all of which send DOWN: here all at once, and not for ever."""
        with self._lock:
            count, self.floods = self.floods, 0
            self.floods_sent += count
        for _ in range(count):
            conversation.wire.send("DOWN", self.orch.name, self.orch.sha1)

    def ended(self, conversation, error):
        with self._lock:
            self.ends.append(repr(error))
            self._conversations.remove(conversation)

    def connections(self):
        with self._lock:
            return len(self._conversations)

    def close(self):
        self._stop.set()
        self._socket.close()
        with self._lock:
            conversations = list(self._conversations)
        for each in conversations:
            each.wire.close()
