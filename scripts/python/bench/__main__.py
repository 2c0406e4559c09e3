"""The command line of scripts/bench, once everything is installed and built."""

import argparse
import datetime
import json
import pathlib
import signal
import sys
import traceback

from . import contest, link, machine, plot, report, specs
from .place import ROOT, Place
from .scenarios import BUILDERS

PACKAGES = ("rsync", "curl", "aria2", "nginx-light", "python3-libtorrent", "opentracker")


def tell(sentence):
    print(sentence, flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="some of: " + " ".join(specs.BY_NAME))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1, help="divide sizes and numbers by so much, to try things out")
    parser.add_argument("--keep-noisy", action="store_true", help="count and mark rounds that others disturbed")
    parser.add_argument("--dir", type=pathlib.Path, help="where the files are; it takes up to 25 GiB")
    parser.add_argument("--into", type=pathlib.Path, help="write benchmarks.json, .md and .svg there; what is in "
                        "benchmarks.json of scenarios that are not run now stays (default: docs, unless scaled)")
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in specs.BY_NAME]
    if unknown or options.rounds < 1 or options.scale < 1:
        parser.error(f"there is no scenario {unknown[0]}" if unknown else "rounds and scale are at least 1")
    if options.into is None and options.scale == 1:
        options.into = ROOT / "docs"
    return options


def hold(name, options):
    """Runs a scenario: what is recorded of it."""
    place, contestants, rows = Place(options.dir, options.scale), [], []
    try:
        chosen = BUILDERS[name](place)
        for key, make in chosen.makers.items():
            try:
                contestants.append(make())
                rows.append({"key": key, "name": contestants[-1].name})
                if contestants[-1].bytes is not None:
                    rows[-1]["bytes"] = contestants[-1].bytes
            except (AssertionError, OSError) as failure:
                rows.append({"key": key, "name": key, "failure": contest.sentence_of(failure)})
                tell(f"  {key} cannot take part: {rows[-1]['failure']}")
        rounds = min(options.rounds, chosen.rounds_max)
        runs, failures = contest.hold(contestants, rounds, place.folder, chosen.touched or chosen.bytes,
                                      options.keep_noisy, tell)
        for row in rows:
            row["runs"] = runs.get(row["key"], [])
            if row["key"] in failures:
                row["failure"] = failures[row["key"]]
        return {"bytes": chosen.bytes, "scale": options.scale, "rows": rows,
                "date": datetime.date.today().isoformat()}
    except link.Unavailable as reason:
        tell(f"  left out: {reason}")
        return None
    finally:
        for contestant in contestants:
            contestant.close()
        place.close()


def write(record, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    (folder / "benchmarks.md").write_text(report.as_markdown(record))
    (folder / "benchmarks.svg").write_text(plot.as_svg(record))


def earlier(folder):
    """What has been recorded there already, each scenario with the machine that it is of."""
    path = folder / "benchmarks.json" if folder else None
    if not path or not path.exists():
        return {}
    record = json.loads(path.read_text())
    return {name: {"machine": record["machine"], **scenario} for name, scenario in record["scenarios"].items()}


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [spec for spec in specs.SPECS if not options.scenarios or spec.name in options.scenarios]
    here = machine.description()
    record = {"machine": here, "versions": machine.versions(PACKAGES), "scenarios": earlier(options.into)}
    held, broken = {}, []
    for spec in chosen:
        name = spec.like or spec.name
        tell(f"\n{spec.name}: {spec.title}")
        if name not in held:
            try:
                held[name] = hold(name, options)
            except Exception:  # of whatever kind: the scenarios that follow do not need this one
                held[name] = None
                broken.append(name)
                traceback.print_exc()
        if held[name] is None:
            continue
        record["scenarios"][name] = {**held[name], "machine": here}
        tell("\n" + report.as_text(spec, held[name]))
        if options.into:
            write(record, options.into)
    if broken:
        sys.exit(f"could not be held: {' '.join(broken)}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
