"""One libFuzzer program at a time: how long, what came of it."""

import dataclasses
import os
import re
import subprocess
import tempfile

INPUT_MAX = 65536


@dataclasses.dataclass
class Run:
    cpu_seconds: float
    tried: int
    edges: int
    broke: int
    log: str  # where a law was broken; else empty


def _wait(process):
    """Its output and status, and the CPU time that it took."""
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return output, process.returncode, usage.ru_utime + usage.ru_stime


def read_log(output):
    """(inputs tried, edges covered), as libFuzzer says them."""
    tried = re.search(r"number_of_executed_units: (\d+)", output)
    seen = re.findall(r"^#(\d+)\s.*?cov: (\d+)", output, re.MULTILINE)
    last = seen[-1] if seen else ("0", "0")
    return int(tried.group(1)) if tried else int(last[0]), int(last[1])


def fuzz(place, target, seconds):
    """Goes on where the run before ended. Inputs that break a law go into the collection."""
    met, found, collected = place.met(target), place.found(target), place.collected(target)
    for folder in (met, found, collected):
        folder.mkdir(parents=True, exist_ok=True)
    output, status, cpu_seconds = _wait(subprocess.Popen(
        [place.program(target), f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048",
         f"-max_len={INPUT_MAX}", "-print_final_stats=1", f"-artifact_prefix={found}/", met, collected],
        cwd=place.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"))
    broke = list(found.iterdir())
    for each in broke:
        each.rename(collected / f"found-{each.name}")
    return Run(cpu_seconds, *read_log(output), len(broke), "" if status == 0 else output)


def minimise(place, target, inputs_max=200, bytes_max=300 * 1024, input_max=8192):
    """Takes into the collection what runs have met and it does not cover yet, the smallest of it: so much in all."""
    met, collected = place.met(target), place.collected(target)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([place.program(target), "-merge=1", f"-max_len={input_max}", "-timeout=20", folder, collected, met],
                       cwd=place.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        known = {path.read_bytes() for path in collected.iterdir()}
        new = sorted((path for path in place.folder(folder).iterdir() if path.read_bytes() not in known),
                     key=lambda path: (path.stat().st_size, path.name))
        count, size = len(known), sum(map(len, known))
        for path in new:
            count, size = count + 1, size + path.stat().st_size
            if count > inputs_max or size > bytes_max:
                break
            (collected / path.name).write_bytes(path.read_bytes())
    return len(list(collected.iterdir()))
