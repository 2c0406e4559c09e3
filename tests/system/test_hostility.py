#!/usr/bin/env python3
"""Bad company: sources that are wrong, dead, slow or lie, all at once beside one good one."""

import time

from support.curve import keys_of
from support.files import MIB, same_bytes
from support.liar import Liar
from support.rotting_file import RottingFile
from support.suite import Suite

suite = Suite()

SIZE = 48 * MIB
PIECES = SIZE // (512 * 1024)
GOOD = 8 * MIB  # bytes a second that the good source gives: a limit, so that no machine makes it another


def timed(client, target):
    begin = time.monotonic()
    client.fetch("g", "film", target)
    return time.monotonic() - begin


@suite.test(trackers=1)
def one_good_source_is_enough(world):
    good, bad, dead, slow, alone, eve = world.people("good", "bad", "dead", "slow", "alone", "eve")
    config = world.path / "liar.toml"
    config.write_text('[network]\npublic_host = "127.0.0.2"\n')
    liar = world.person("liar", options=("--config", config))
    world.group("g", good, bad, dead, slow, liar, alone, eve)
    film = world.file("film", SIZE)
    good.ok(f"upload_file {film} g")
    good.ok(f"set_limit up {GOOD // MIB}M")
    patience = timed(alone, world.path / "alone")
    alone.ok("stop_share g film")

    rotting = RottingFile(world, "film", SIZE, seed="film")
    bad.ok(f"upload_file {rotting.path} g")
    for source in (dead, slow, liar):
        source.ok(f"upload_file {film} g")
    slow.ok("set_limit up 100K")
    eve.await_sharers("g", "film", ["good", "bad", "dead", "slow", "liar"])
    rotting.damage(range(1000, SIZE, 512 * 1024))
    imposter = Liar(liar.port, keys_of(liar.state), PIECES)
    world.at_end(imposter.close)

    begin = time.monotonic()
    eve.ok(f"download_file g film {world.path / 'got'}")
    eve.await_download("film", lambda row: row["pieces_verified"] >= 8, "to begin")
    dead.pause()
    eve.ok("wait")
    took = time.monotonic() - begin
    dead.resume()
    assert same_bytes(world.path / "got", film)
    assert imposter.requests > 0, "the liar was never asked"
    assert took < 1.2 * patience, f"{took:.1f} s beside bad company, {patience:.1f} s from the good source alone"


if __name__ == "__main__":
    suite.run()
