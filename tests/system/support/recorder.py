"""A relay on loopback that passes TCP on as it is, and keeps all that it has seen."""

import socket
import threading


class Recorder:
    def __init__(self, port, to_port):
        self._to_port = to_port
        self._lock = threading.Lock()
        self._seen = bytearray()
        self._door = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source, target):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                with self._lock:
                    self._seen += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    @property
    def seen(self):
        with self._lock:
            return bytes(self._seen)

    def close(self):
        self._door.close()
