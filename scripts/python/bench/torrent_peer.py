"""A libtorrent session as a process: `python3 -m bench.torrent_peer HOST PORT`, with Debian's Python.

Reads one JSON object a line and answers each with one, when it is done:
    {"do": "make", "path": …, "torrent": …, "announce": …}
    {"do": "hash", "torrent": …}
    {"do": "seed", "torrent": …, "folder": …}    answered when the tracker knows it
    {"do": "fetch", "torrent": …, "folder": …}   answered when all is there and verified
    {"do": "sent"}                               bytes of files that it has sent
    {"do": "forget", "torrent": …}
"""

import json
import os
import pathlib
import sys

import libtorrent

# Pieces as large as tutti's of a file of that size would be; more do not make libtorrent faster.
PIECE = 1 << 20


def settings(host, port):
    """As fast as it goes: its own preset for fast links, no search for peers, TCP, a hashing thread a core."""
    chosen = libtorrent.high_performance_seed()
    chosen.update({
        "listen_interfaces": f"{host}:{port}", "allow_multiple_connections_per_ip": True,
        "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "enable_incoming_utp": False, "enable_outgoing_utp": False, "hashing_threads": os.cpu_count(),
        "max_queued_disk_bytes": 64 << 20, "min_reconnect_time": 1, "max_failcount": 100,
        "alert_mask": libtorrent.alert.category_t.status_notification | libtorrent.alert.category_t.error_notification
        | libtorrent.alert.category_t.tracker_notification,
    })
    return chosen


class Session:
    def __init__(self, host, port):
        self._session = libtorrent.session(settings(host, port))
        self._handles = {}
        self._sent = 0

    def make(self, path, torrent, announce):
        storage = libtorrent.file_storage()
        libtorrent.add_files(storage, path)
        made = libtorrent.create_torrent(storage, PIECE, flags=libtorrent.create_torrent.v1_only)
        made.add_tracker(announce)
        libtorrent.set_piece_hashes(made, str(pathlib.Path(path).parent))
        pathlib.Path(torrent).write_bytes(libtorrent.bencode(made.generate()))
        return {}

    @staticmethod
    def hash(torrent):
        return {"hash": str(libtorrent.torrent_info(torrent).info_hash())}

    def _add(self, torrent, folder, flags):
        parameters = libtorrent.add_torrent_params()
        parameters.ti = libtorrent.torrent_info(torrent)
        parameters.save_path = folder
        parameters.flags = flags
        handle = self._handles[torrent] = self._session.add_torrent(parameters)
        return handle

    def _await(self, handle, kind):
        while True:
            self._session.wait_for_alert(1000)
            for alert in self._session.pop_alerts():
                if isinstance(alert, (libtorrent.torrent_error_alert, libtorrent.file_error_alert)):
                    raise RuntimeError(alert.message())
                if isinstance(alert, kind) and alert.handle == handle:
                    return

    def seed(self, torrent, folder):
        # It is known to be whole, and is not hashed again.
        self._await(self._add(torrent, folder, libtorrent.torrent_flags.seed_mode), libtorrent.tracker_reply_alert)
        return {}

    def fetch(self, torrent, folder):
        self._await(self._add(torrent, folder, libtorrent.torrent_flags.update_subscribe),
                    libtorrent.torrent_finished_alert)
        return {}

    def sent(self):
        return {"bytes": sum(handle.status().total_payload_upload for handle in self._handles.values())}

    def forget(self, torrent):
        handle = self._handles.pop(torrent)
        self._session.remove_torrent(handle)
        while any(each == handle for each in self._session.get_torrents()):
            self._session.wait_for_alert(10)
        return {}


def main():
    session = Session(sys.argv[1], int(sys.argv[2]))
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        words = json.loads(line)
        try:
            answer = getattr(session, words.pop("do"))(**words)
        except RuntimeError as failure:
            answer = {"error": str(failure)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
