"""What the memory holds at the peak: stacked bars, one a method."""

import itertools
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from samfit.harness.report.kit import style
from samfit.harness.report.kit.describe import (
    Unit,
    in_words,
    memory_source,
    short_number,
    step_name,
    unit_for,
)
from samfit.harness.report.kit.frame import DPI, MARGIN, TEXT_POINTS, framed_axes, text_inches
from samfit.harness.report.kit.labels import GROUND, write
from samfit.harness.report.kit.select import Series, Shown, at_batch_size, memory_of, series_of

BAR_INCHES, BAR_SHARE = 0.3, 0.76
# For the categories in the order in which a record gives them: what stays first, what passes last.
COLOURS = (
    style.GREY, style.BLACK, style.YELLOW, style.PURPLE, style.ORANGE, style.VERMILLION,
    style.SKY, style.BLUE, style.GREEN, "#5B3A1E",
)  # fmt: skip
SMALL = 0.01  # of the longest bar: what is nowhere larger is shown as one
OTHER, OTHER_COLOUR = "other", "#C8C8C8"

Parts = dict[str, float]  # by category, in stacking order


@style.styled
def breakdown(shown: Shown) -> Figure | None:
    """Memory by category at the peak as one stacked bar a method, the smallest on top.

    At batch size 4 if there are such records; None if none holds a breakdown.
    """
    records = at_batch_size([r for r in shown.records if r.memory and r.memory.breakdown_bytes])
    if not records:
        return None
    unit = unit_for(records)
    bars = [(series, _parts(series, unit)) for series in series_of(records)]
    bars.sort(key=lambda bar: sum(bar[1].values()))
    large, small = _by_size([parts for _, parts in bars])
    others = f"{OTHER}: {', '.join(map(in_words, small))}. " if small else ""
    names = [f"{series.label}, {series.kind}" for series, _ in bars]
    figure, axes = framed_axes(
        f"What fills the memory at the peak of a {step_name(records)}, "
        f"batch size {records[0].cell.batch_size}",
        f"{others}{memory_source(records)}",
        [Patch(color=colour, label=in_words(name)) for name, colour in large.items()],
        height=BAR_INCHES * (len(bars) + 0.4),
        left=text_inches(names, TEXT_POINTS) + 2 * MARGIN,
        right=text_inches(["00,000 GiB"], TEXT_POINTS) + MARGIN,
    )
    _draw(axes, [_merged(parts, small) for _, parts in bars], large, unit)
    axes.set_yticks(range(len(bars)), names, size=TEXT_POINTS)
    return figure


def _parts(series: Series, unit: Unit) -> Parts:
    found = memory_of(series.records[-1]).breakdown_bytes or {}
    return {name: nbytes / unit.nbytes for name, nbytes in found.items()}


def _by_size(bars: Sequence[Parts]) -> tuple[dict[str, str], list[str]]:
    """The colour of each category that can be seen in some bar, and the others that occur."""
    names = dict.fromkeys(name for parts in bars for name in parts)
    largest = {name: max(parts.get(name, 0) for parts in bars) for name in names}
    least = SMALL * max(sum(parts.values()) for parts in bars)
    looks = zip(names, itertools.cycle(COLOURS), strict=False)
    colours = {name: colour for name, colour in looks if largest[name] >= least}
    small = [name for name in names if 0 < largest[name] < least]
    return (colours | {OTHER: OTHER_COLOUR} if small else colours), small


def _merged(parts: Parts, small: Sequence[str]) -> Parts:
    """``parts`` with the small ones as one."""
    return {name: size for name, size in parts.items() if name not in small} | {
        OTHER: sum(parts.get(name, 0) for name in small)
    }


def _draw(axes: Axes, bars: Sequence[Parts], colours: Mapping[str, str], unit: Unit) -> None:
    longest = max(sum(parts.values()) for parts in bars)
    axes.set(xlim=(0, longest), ylim=(len(bars) - 0.3, -0.7))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"memory at the peak ({unit.name})")
    for row, parts in enumerate(bars):
        left = 0.0
        for name in (name for name in colours if parts.get(name)):
            axes.barh(
                row, parts[name], BAR_SHARE, left, color=colours[name], edgecolor="white",
                linewidth=0.4,
            )  # fmt: skip
            _label_inside(axes, row, left, parts[name], colours[name])
            left += parts[name]
        total = f"{short_number(left)} {unit.name}"
        write(axes, total, (left, row), (4, 0), weight="bold", bbox=GROUND)


def _label_inside(axes: Axes, row: int, left: float, size: float, colour: str) -> None:
    """Write the size into the segment of that colour, if it is wide enough."""
    text = short_number(size)
    inches_per_unit = axes.get_window_extent().width / (axes.get_xlim()[1] * DPI)
    if size * inches_per_unit >= text_inches([text], TEXT_POINTS) + 0.06:
        write(axes, text, (left + size / 2, row), color=style.ink_on(colour), ha="center")
