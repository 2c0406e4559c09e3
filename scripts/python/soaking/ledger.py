"""The account of simulated stories (docs/simulation.md): it adds up over runs, between two lines; what people write around it
stays."""

import dataclasses
import re

BEGIN = "<!-- scripts/soak simulation writes from here -->"
END = "<!-- to here -->"
HEAD = ("| stories | faults in them | virtual hours | CPU hours | stories that went wrong |", "|---|---|---|---|---|")


@dataclasses.dataclass
class Account:
    stories: int = 0
    faults: int = 0
    virtual_hours: float = 0.0
    cpu_hours: float = 0.0
    violated: int = 0

    def __add__(self, other):
        return Account(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other))))

    def row(self):
        return (f"| {self.stories:,} | {self.faults:,} | {self.virtual_hours:,.1f} | {self.cpu_hours:,.2f} "
                f"| {self.violated:,} |")

    def speed(self):
        cpu_hours = self.cpu_hours or float("inf")
        return (f"{self.stories / cpu_hours / 3600:.1f} stories a CPU second, "
                f"{self.virtual_hours / cpu_hours:,.0f} virtual hours a CPU hour")


def parse(text):
    """The account that stands in a page."""
    _, _, rest = text.partition(BEGIN)
    found = re.search(r"^\| ([\d,]+) \| ([\d,]+) \| ([\d,.]+) \| ([\d,.]+) \| ([\d,]+) \|$", rest.partition(END)[0],
                      re.MULTILINE)
    if not found:
        return Account()
    numbers = [word.replace(",", "") for word in found.groups()]
    return Account(int(numbers[0]), int(numbers[1]), float(numbers[2]), float(numbers[3]), int(numbers[4]))


def written_into(text, account):
    """The page with this account, as exactly as it is printed, in the place of the one that it had."""
    account = dataclasses.replace(account, virtual_hours=round(account.virtual_hours, 1), cpu_hours=round(account.cpu_hours, 2))
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join([BEGIN, "", *HEAD, account.row(), "", f"That is {account.speed()}.", "", END]) + after


def told(printed, cpu_seconds):
    """What a run of `simulate` has told, by its last line; nothing, if it did not get so far."""
    found = re.search(r"^(\d+) stories from seed \d+ on, (\d+) faults, ([\d.]+) virtual hours, (\d+) violated;", printed,
                      re.MULTILINE)
    if not found:
        return None
    return Account(int(found[1]), int(found[2]), float(found[3]), cpu_seconds / 3600, int(found[4]))
