"""Which modules hold the memory at the peak: an icicle, or two on one scale.

The top row has the categories; below each are the modules that hold it, below a module its parts.
"""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.typing import ColorType

from samfit.harness.memory.holders import Holder, by_category
from samfit.harness.predict.answers import Blame
from samfit.harness.report.blame.words import heading, labels, moment, source
from samfit.harness.report.kit import style
from samfit.harness.report.kit.describe import Unit, in_words, short_number, size, suited_unit
from samfit.harness.report.kit.frame import CAPTION_POINTS, DPI, MARGIN, framed_axes
from samfit.harness.report.kit.labels import LINE_INCHES, write
from samfit.harness.report.memory.breakdown_plot import COLOURS
from samfit.harness.trace.trace import BUCKETS, CATEGORIES, STACKED

ROW_INCHES, HEAD_GAP = 0.25, 0.18
HEAD_COLUMNS = 100  # characters that fit the width
VISIBLE = 0.0025  # of the scale: what is narrower is not drawn
PALE = 0.6  # share of white in the colour of modules
PADDING = 0.06  # inches on both sides of a label, together
CAPTION = (
    "The width of a box is the memory that it holds: the top row by category, below it by module, "
    "below a module its parts. "
)

COLOUR = dict(zip((*CATEGORIES, BUCKETS), COLOURS, strict=True))

Names = tuple[str, ...]  # of modules, from the model down to the one that is meant


class Box(NamedTuple):
    """What one module, or one category as a whole, holds; ``row`` counts from the top."""

    row: int
    left: int
    nbytes: int
    name: str
    category: str


class Panel(NamedTuple):
    """Who holds one peak, under a head of one or more lines."""

    head: str
    holders: Sequence[Holder]


def icicle(blames: Sequence[Blame]) -> Figure:
    """One panel a Blame, all on one scale: categories on top, then modules as far as visible."""
    panels = [
        Panel(head, [h._replace(module=h.module.removeprefix("sam.")) for h in blame.holders])
        for head, blame in zip(_heads(blames), blames, strict=True)
    ]
    return draw_icicle(heading(blames), panels, source(blames))


@style.styled
def draw_icicle(title: str, panels: Sequence[Panel], source: str) -> Figure:
    """Panels below each other on one scale; ``source`` ends the caption."""
    totals = [by_category(panel.holders) for panel in panels]
    widest = max(total.total() for total in totals)
    unit = suited_unit(widest)
    drawn = [[b for b in boxes(p.holders) if b.nbytes >= VISIBLE * widest] for p in panels]
    tops, height = [], 0.0
    for (head, _), panel in zip(panels, drawn, strict=True):
        tops.append(height + HEAD_GAP + LINE_INCHES * (1 + head.count("\n")))
        height = tops[-1] + ROW_INCHES * (1 + max(box.row for box in panel))
    seen = {box.category for panel in drawn for box in panel}
    unseen = [name for name in STACKED if any(total[name] for total in totals) and name not in seen]
    too_narrow = f"Too narrow to be seen: {', '.join(map(in_words, unseen))}. " if unseen else ""
    figure, axes = framed_axes(
        title,
        f"{CAPTION}{too_narrow}{source}",
        [Patch(color=COLOUR[name], label=in_words(name)) for name in STACKED if name in seen],
        height=height,
        left=MARGIN,
        right=2 * MARGIN,
    )
    axes.set(xlim=(0, widest / unit.nbytes), ylim=(height, 0), yticks=[])
    axes.set_xlabel(f"memory ({unit.name})")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    for (head, _), panel, top in zip(panels, drawn, tops, strict=True):
        write(axes, head, (0, top), (0, 4), va="bottom")
        for box in panel:
            _draw(axes, box, top + box.row * ROW_INCHES, unit)
    return figure


def _heads(blames: Sequence[Blame]) -> list[str]:
    """What stands above each panel: the peak, and of two Cells which one it is."""
    heads = [f"{size(blame.peak_bytes)}, reached {moment(blame)}" for blame in blames]
    if len(blames) > 1:
        heads = [f"{label}: {head}" for label, head in zip(labels(blames), heads, strict=True)]
    return ["\n".join(textwrap.wrap(head, HEAD_COLUMNS)) for head in heads]


def boxes(holders: Sequence[Holder]) -> Iterator[Box]:
    """All boxes, from left to right in each row; those of the top row sum to the peak."""
    left, totals = 0, by_category(holders)
    for category in (name for name in STACKED if name in totals):
        held: Counter[Names] = Counter()
        for holder in holders:
            if holder.category == category:
                names = holder.module.split(".") if holder.module else ()
                held[tuple(names)] += holder.nbytes
        yield Box(0, left, totals[category], in_words(category), category)
        yield from _parts(held, 1, left, category)
        left += totals[category]


def _parts(held: Mapping[Names, int], row: int, left: int, category: str) -> Iterator[Box]:
    """The parts of a module, numbers in their order, then names by size, and the parts of these."""
    parts: dict[str, dict[Names, int]] = {}
    for names, nbytes in held.items():
        if names:
            parts.setdefault(names[0], {})[names[1:]] = nbytes
    sizes = {name: sum(inside.values()) for name, inside in parts.items()}
    for name in sorted(sizes, key=lambda name: _order(name, sizes[name])):
        yield Box(row, left, sizes[name], name, category)
        yield from _parts(parts[name], row + 1, left, category)
        left += sizes[name]


def _order(name: str, nbytes: int) -> tuple[bool, int, str]:
    return (True, int(name), "") if name.isdecimal() else (False, -nbytes, name)


def _draw(axes: Axes, box: Box, top: float, unit: Unit) -> None:
    colour = COLOUR[box.category] if box.row == 0 else _pale(COLOUR[box.category])
    left, width = box.left / unit.nbytes, box.nbytes / unit.nbytes
    axes.barh(
        top, width, ROW_INCHES, left, align="edge", color=colour, edgecolor="white", linewidth=0.5
    )
    room = axes.transData.transform((width, 0))[0] - axes.transData.transform((0, 0))[0]
    middle = (left + width / 2, top + ROW_INCHES / 2)
    look: dict[str, Any] = {"size": CAPTION_POINTS, "ha": "center", "color": style.ink_on(colour)}
    for text in (f"{box.name}  {short_number(width)}", box.name):
        label = write(axes, text, middle, **look)
        if label.get_window_extent().width + PADDING * DPI <= room:
            return
        label.remove()


def _pale(colour: str) -> ColorType:
    red, green, blue = (PALE + (1 - PALE) * part for part in to_rgb(colour))
    return red, green, blue
