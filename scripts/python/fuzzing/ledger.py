"""The account of fuzzing (docs/fuzzing.md): a table that adds up over runs, between two lines; what people write around it
stays."""

import dataclasses
import re

BEGIN = "<!-- scripts/fuzz writes from here -->"
END = "<!-- to here -->"
HEAD = ("| target | what it is given, and its law | CPU minutes | inputs tried | edges | inputs that broke it |",
        "|---|---|---|---|---|---|")


@dataclasses.dataclass
class Account:
    """What one target has had in all its runs."""
    law: str = ""
    cpu_minutes: float = 0.0
    tried: int = 0
    edges: int = 0   # that inputs of the last run have reached
    broke: int = 0

    def add(self, run):
        self.cpu_minutes += run.cpu_seconds / 60
        self.tried += run.tried
        self.edges = run.edges or self.edges
        self.broke += run.broke


def row(target, account):
    return (f"| `{target}` | {account.law} | {account.cpu_minutes:.1f} | {account.tried:,} | {account.edges:,} "
            f"| {account.broke} |")


def table(accounts):
    total = sum(account.cpu_minutes for account in accounts.values())
    return "\n".join([BEGIN, "", *HEAD, *(row(*each) for each in sorted(accounts.items())), "",
                      f"Together {total / 60:.1f} hours of CPU time.", "", END])


def parse(text):
    """The accounts that stand in a page."""
    accounts = {}
    for target, law, minutes, tried, edges, broke in re.findall(
            r"^\| `(\w+)` \| (.*?) \| ([\d.]+) \| ([\d,]+) \| ([\d,]+) \| (\d+) \|$", text, re.MULTILINE):
        accounts[target] = Account(law, float(minutes), int(tried.replace(",", "")), int(edges.replace(",", "")), int(broke))
    return accounts


def written_into(text, accounts):
    """The page with this table in the place of the one that it had."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + table(accounts) + after


def law_of(source):
    """What a target's source says in its first comment, on one line."""
    lines = []
    for line in source.splitlines():
        if line.startswith("// "):
            lines.append(line[3:].strip())
        elif lines:
            break
    return " ".join(lines).replace("|", "\\|")
