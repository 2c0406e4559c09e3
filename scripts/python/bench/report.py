"""Recorded results as text: for the terminal, and for docs/benchmarks.md."""

from . import results, specs

UNITS = {"s": (1, "s", "{:.2f}"), "ms": (1000, "ms", "{:.1f}")}


def shown(spread, show, factor=1):
    """(median, range); the range is left out where there is none."""
    if spread is None:
        return "", ""
    low, high = show.format(spread.low * factor), show.format(spread.high * factor)
    return show.format(spread.median * factor), "" if low == high else f"{low} … {high}"


def with_range(spread, show, factor=1):
    median, wide = shown(spread, show, factor)
    return f"{median} ({wide})" if wide else median


def scenario_table(spec, scenario):
    """A header and a row for each contestant, of strings."""
    rows, (factor, unit, digits) = results.Rows(scenario), UNITS[spec.unit]
    header = ["who", unit, "range", f"times {name_of(scenario, spec.against)}", "MB/s", "CPU s fetching",
              "CPU s serving", "peak MiB", *(column.heading for column in spec.columns)]
    table = [header]
    for row in scenario["rows"]:
        key, seconds = row["key"], rows.figure(row["key"], "seconds")
        if seconds is None:
            table.append([row["name"], "failed" if "failure" in row else "no quiet round", *[""] * (len(header) - 2)])
            continue
        bytes_moved = row.get("bytes", scenario.get("bytes"))
        table.append([
            row["name"], *shown(seconds, digits, factor),
            "" if key == spec.against else with_range(rows.ratio(key, spec.against), "{:.2f}"),
            f"{bytes_moved / 1e6 / seconds.median:.0f}" if bytes_moved else "",
            *(shown(rows.figure(key, each), "{:.2f}")[0] for each in ("fetching_cpu", "serving_cpu")),
            shown(rows.figure(key, "peak_mib"), "{:.0f}")[0],
            *(with_range(rows.figure(key, column.figure), column.show, column.factor) for column in spec.columns)])
    used = [number for number in range(len(header)) if any(row[number] for row in table[1:])]
    return [[row[number] for number in used] for row in table]


def name_of(scenario, key):
    return next((row["name"] for row in scenario["rows"] if row["key"] == key), key)


def verdicts(spec, scenario):
    rows = results.Rows(scenario)
    return [results.judge(goal, rows) for goal in spec.goals]


def target_row(verdict):
    """What, the figure, the target, how it stands."""
    goal = verdict.goal
    limit = ("at least " if goal.at_least else "at most ") + goal.show.format(goal.limit)
    if verdict.spread is None:
        return [goal.what, "not measured", limit, "open"]
    stands = "met" if verdict.met else f"missed by {verdict.missed_by:.0%}"
    return [goal.what, with_range(verdict.spread, goal.show), limit, stands]


def aligned(table):
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table)


def markdown(table):
    lines = [table[0], ["---", *["---:"] * (len(table[0]) - 1)], *table[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def failures(scenario):
    return [f"{row['name']} failed: {row['failure']}" for row in scenario["rows"] if "failure" in row]


def as_text(spec, scenario):
    parts = [aligned(scenario_table(spec, scenario)), *(f"  {sentence}" for sentence in remarks(scenario))]
    parts += [f"  {stands}: {what}: {value} ({limit})"
              for what, value, limit, stands in map(target_row, verdicts(spec, scenario))]
    return "\n".join(parts)


def remarks(scenario):
    """What has to be known about a scenario's figures."""
    scale = scenario.get("scale", 1)
    scaled = [f"Sizes and numbers were divided by {scale}."] if scale != 1 else []
    loud = sum(run.get("noisy", False) for row in scenario["rows"] for run in row["runs"])
    disturbed = [f"{loud} of its runs were disturbed by others for more than 0.3 of the time."] if loud else []
    return scaled + disturbed + failures(scenario)


def machine_words(machine):
    sha = "with" if machine["sha_instructions"] else "without"
    return (f"{machine['cores']} cores ({machine['cpu']}, {sha} SHA instructions), {machine['memory_gib']} GiB of "
            f"memory, {machine['system']}, Linux {machine['kernel']}, TCP with {machine['congestion_control']}")


def when_and_where(record, scenario):
    """What is to be said of it where scenarios were measured at different times."""
    said = [f"Measured on {scenario['date']}."] if "date" in scenario else []
    where = scenario.get("machine", record["machine"])
    return said + ([f"That was another machine: {machine_words(where)}."] if where != record["machine"] else [])


def machine_sentence(record):
    compared = ", ".join(f"{name} {version}" for name, version in sorted(record["versions"].items()))
    return f"Measured on {machine_words(record['machine'])}. Beside tutti: {compared}."


def recorded(record):
    """(spec, scenario) of all that have been measured, in order; one that looks at another's runs has them."""
    for spec in specs.SPECS:
        scenario = record["scenarios"].get(spec.like or spec.name)
        if scenario:
            yield spec, scenario


def as_markdown(record):
    summary = [["work", "what", "measured", "target", ""]]
    sections = []
    for spec, scenario in recorded(record):
        summary += [[spec.title, *target_row(verdict)] for verdict in verdicts(spec, scenario)]
        if spec.like is None:
            rounds = max((len(row["runs"]) for row in scenario["rows"]), default=0)
            notes = " ".join([f"`scripts/bench {spec.name}`, {rounds} rounds.", *spec.notes, *when_and_where(record, scenario),
                              *remarks(scenario)])
            sections.append(f"## {spec.title}\n\n{notes}\n\n{markdown(scenario_table(spec, scenario))}\n")
    return f"""# How fast

Written by `scripts/bench`; benchmarks.json has each run. {machine_sentence(record)}

Everything is verified but what curl fetches, and goes from page cache to page cache, over loopback if nothing else is said.
Contestants take turns; figures are medians over the rounds with their ranges, ratios those of runs of one round. A run is
thrown away and repeated when other programs used more than 0.3 of its time. CPU seconds are those of all who fetch and of all who
serve; peak memory is that of who fetches. Machines differ, and so do the hours of one: look at the ratios.

![Seconds of each contestant, as times tutti's](benchmarks.svg)

## Targets

{markdown(summary)}

{chr(10).join(sections)}"""
