"""Recorded results as a picture: each contestant's seconds as times tutti's, a dot with its range, on a logarithmic axis."""

import math
from xml.sax.saxutils import escape

from . import report, results

WIDTH, LEFT, RIGHT = 860, 290, 110
LINE, HEADING, TOP, BOTTOM = 20, 30, 56, 34

STYLE = """
text { font: 12px sans-serif; fill: #24292f; }
.heading { font-weight: bold; }
.title { font-size: 15px; font-weight: bold; }
.faint { fill: #57606a; }
.grid { stroke: #d0d7de; }
.one { stroke: #0969da; stroke-width: 1.5; }
.range { stroke: #57606a; stroke-width: 2; }
.other { fill: #57606a; }
.own { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .faint { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .one { stroke: #4493f8; }
  .range { stroke: #9198a1; }
  .other { fill: #9198a1; }
  .own { fill: #4493f8; }
}"""


def groups_of(record):
    """[(heading, [(name, spread, is it the one that all are compared with)])] of what has something to compare."""
    groups = []
    for spec, scenario in report.recorded(record):
        if spec.like is not None:
            continue
        rows = results.Rows(scenario)
        lines = [(row["name"], rows.ratio(row["key"], spec.against), row["key"] == spec.against)
                 for row in scenario["rows"]]
        lines = [line for line in lines if line[1] is not None]
        if len(lines) > 1:
            groups.append((spec.title, lines))
    return groups


def axis_of(groups):
    """Powers of two around everything, and around 1."""
    values = [1.0] + [value for _, lines in groups for _, spread, _ in lines for value in spread]
    return math.floor(math.log2(min(values))), max(1, math.ceil(math.log2(max(values))))


def tick(power):
    return f"{2 ** power}" if power >= 0 else f"1/{2 ** -power}"


def as_svg(record):
    groups = groups_of(record)
    low, high = axis_of(groups)
    height = TOP + sum(HEADING + LINE * len(lines) for _, lines in groups) + BOTTOM

    def x(value):
        return LEFT + (math.log2(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [f'<text class="title" x="10" y="22">Seconds, as times tutti\'s</text>',
             '<text class="faint" x="10" y="40">right of the line: slower than tutti; dots are medians, bars ranges</text>']
    for power in range(low, high + 1):
        at = x(2.0 ** power)
        kind = "one" if power == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{height - BOTTOM}"/>')
        parts.append(f'<text class="faint" x="{at:.1f}" y="{height - BOTTOM + 18}" text-anchor="middle">{tick(power)}</text>')
    y = TOP
    for heading, lines in groups:
        parts.append(f'<text class="heading" x="10" y="{y + HEADING - 8}">{escape(heading)}</text>')
        y += HEADING
        for name, spread, own in lines:
            middle = y + LINE / 2
            kind = "own" if own else "other"
            parts.append(f'<text x="{LEFT - 12}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<line class="range" x1="{x(spread.low):.1f}" y1="{middle}" x2="{x(spread.high):.1f}" y2="{middle}"/>')
            parts.append(f'<circle class="{kind}" cx="{x(spread.median):.1f}" cy="{middle}" r="5"/>')
            parts.append(f'<text x="{x(max(spread.high, spread.median)) + 10:.1f}" y="{middle + 4:.1f}">'
                         f'{spread.median:.2f}</text>')
            y += LINE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img">\n<style>{STYLE}\n</style>\n' + "\n".join(parts) + "\n</svg>\n")
