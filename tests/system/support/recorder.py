"""A relay on loopback that passes TCP on, and keeps all that it has seen."""

import socket
import threading


class Recorder:
    """Listens on `host` in the place of 127.0.0.1:`to_port`. `change` is given each run of bytes that comes from there, and
    returns what is passed on instead."""

    def __init__(self, port, to_port, host="127.0.0.1", change=None):
        self._to_port, self._change = to_port, change
        self._lock = threading.Lock()
        self._seen = bytearray()
        self._door = socket.create_server((host, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            for source, target, change in ((near, far, None), (far, near, self._change)):
                threading.Thread(target=self._pass_on, args=(source, target, change), daemon=True).start()

    def _pass_on(self, source, target, change):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                with self._lock:
                    self._seen += data
                target.sendall(change(data) if change else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    @property
    def seen(self):
        with self._lock:
            return bytes(self._seen)

    def close(self):
        self._door.close()
