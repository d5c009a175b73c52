"""Tables of a program: what was alive at the peak, who made it, what was read from the card."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from samfit.harness.memory.holders import alike
from samfit.harness.program.figures import Holding, OnCard, ProgramReport, Read
from samfit.harness.program.places import short
from samfit.harness.report.blame.table import holders_table
from samfit.harness.report.kit.describe import in_words
from samfit.harness.report.kit.tables import CaptionedTable, decimals_for, in_lines, mib
from samfit.harness.report.program.facts import card_name

PLACE_COLUMNS, READ_COLUMNS = 46, 40  # longer paths are broken after a slash
NO_LINE = "no line of Python"
OTHERS = "others", ""
ALIKE = "What autograd makes has no line; modules that are alike are counted together."


def peak_tables(found: OnCard, most_lines: int) -> list[CaptionedTable]:
    """What was alive at the peak: by category, by module and by line of code."""
    return [breakdown_table(found), modules_table(found), lines_table(found, most_lines)]


def breakdown_table(found: OnCard) -> CaptionedTable:
    """Bytes by category at the peak; they sum to it."""
    parts = {name: nbytes for name, nbytes in found.breakdown_bytes.items() if nbytes}
    rows = [
        {"what it is": in_words(name), "MiB": mib(nbytes, 1)}
        for name, nbytes in {**parts, "sum": found.peak.allocated_bytes}.items()
    ]
    return CaptionedTable(pd.DataFrame(rows), "by category, at the peak")


def modules_table(found: OnCard) -> CaptionedTable:
    """Which modules hold how much at the peak; the rows sum to it."""
    return holders_table(found, "by module, at the peak")


def lines_table(found: OnCard, most: int) -> CaptionedTable:
    """Which lines of code made what is alive at the peak, the largest first; at most ``most``."""
    sizes: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for each in found.holdings:
        key = _maker(each), each.category
        sizes[key] += each.nbytes
        counts[key] += each.tensors
    decimals = decimals_for(sizes.total())
    ordered = sizes.most_common()
    if others := ordered[most:]:
        counts[OTHERS] = sum(counts[key] for key, _ in others)
        ordered[most:] = [(OTHERS, sum(nbytes for _, nbytes in others))]
    rows = [
        {
            "made by": in_lines(maker, "/" if "/" in maker else ".", PLACE_COLUMNS),
            "what it is": in_words(category),
            "count": f"{counts[maker, category]:,}",
            "MiB": mib(nbytes, decimals),
        }
        for (maker, category), nbytes in ordered
    ]
    nameless = any(not each.line and each.module for each in found.holdings)
    title = "by line of code, at the peak"
    return CaptionedTable(pd.DataFrame(rows), title, ALIKE if nameless else "")


def _maker(each: Holding) -> str:
    """The line that made it; what autograd makes in backward has none, but a module."""
    if each.line:
        return short(each.line)
    return f"autograd in {alike(each.module)}" if each.module else NO_LINE


def cards_table(cards: Sequence[OnCard]) -> CaptionedTable:
    """One row a card and process."""
    rows = [
        {
            "card": card_name(each),
            "steps": str(each.steps),
            "allocated, MiB": mib(each.peak.allocated_bytes, 1),
            "reserved, MiB": mib(each.peak.reserved_bytes, 1),
            "in nvidia-smi, MiB": mib(each.process_bytes),
        }
        for each in cards
    ]
    return CaptionedTable(pd.DataFrame(rows), "each card")


def reads_table(report: ProgramReport, most: int | None = None) -> CaptionedTable | None:
    """What the program read from the card though nobody knows it, and what it was told.

    At most ``most`` rows; None if there is nothing of the kind.
    """
    unknown = _distinct([read for read in report.reads if not read.known])
    shown = unknown.most_common(most)
    rows = [
        {
            "line": in_lines(place, "/", READ_COLUMNS),
            "read": what,
            "told": answer,
            "times": f"{times:,}",
        }
        for (place, what, answer), times in shown
    ]
    if not rows:
        return None
    more = len(unknown) - len(shown)
    title = "read from the card, where no value was computed"
    return CaptionedTable(pd.DataFrame(rows), title, f"And {more} more." if more else "")


def _distinct(reads: Sequence[Read]) -> Counter[tuple[str, str, str]]:
    """How often each was read, by all processes; tensors of many shapes at one line together."""
    times: Counter[tuple[str, str, str]] = Counter()
    shapes: dict[tuple[str, str, str], set[str]] = {}
    for read in reads:
        place = short(f"{read.file}:{read.line}") if read.file else NO_LINE
        what, _, shape = read.what.partition(" (")
        shapes.setdefault((place, what, read.told), set()).add(shape)
        times[place, what, read.told] += read.times
    return Counter(
        {
            (place, what + _shapes_words(shapes[place, what, told]), told): count
            for (place, what, told), count in times.items()
        }
    )


def _shapes_words(shapes: set[str]) -> str:
    if len(shapes) > 1:
        return f", {len(shapes)} shapes"
    (shape,) = shapes
    return f" ({shape}" if shape else ""
