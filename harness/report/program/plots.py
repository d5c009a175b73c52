"""Pictures of a program: live memory over its run, and who holds it at the peak."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from samfit.harness.program.figures import OnCard, ProgramReport
from samfit.harness.program.inside.recording import BETWEEN, EVALUATION, SETUP, TRAINING
from samfit.harness.report.blame.plot import Panel, draw_icicle
from samfit.harness.report.blame.words import NO_MODULE
from samfit.harness.report.kit.describe import Unit, short_number, size, suited_unit
from samfit.harness.report.kit.frame import CAPTION_POINTS, DPI, MARGIN, framed_axes, text_inches
from samfit.harness.report.kit.labels import GROUND, write
from samfit.harness.report.kit.style import BLUE, FAINT, MUTED, ORANGE, SKY, ink_on, styled
from samfit.harness.report.memory.timeline_plot import GREYS
from samfit.harness.report.program.facts import card_name, trust

HEIGHT = 2.9  # inches
ROW, GAP, HEADROOM = 0.065, 0.012, 0.1  # of the strips, below them, above all: of the height shown
NEAR = 2  # the card's limit is shown where it is no more than so many times the peak
EDGE: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.8}
PARTS = {SETUP: FAINT, TRAINING: SKY, EVALUATION: ORANGE, BETWEEN: FAINT}
PADDING = 0.04  # inches on both sides of a label, together
CAPTION = (
    "Live memory is what tensors hold. Progress counts allocations and frees, not time. The upper "
    "strip shows the parts of the run, the lower one its phases. "
)
LIMIT = (
    "Dotted line: what PyTorch can have of the card; it reserves more than what is live "
    "(at most {}). "
)


class Span(NamedTuple):
    """A stretch of the run, from 0 to 1, and its colour.

    Attributes:
        texts: what to write on it: the first that has room, if one has.
    """

    start: float
    end: float
    colour: str
    texts: tuple[str, ...] = ()


@styled
def timeline(report: ProgramReport) -> Figure:
    """Live memory of the fullest card over the run, its parts and phases, and the card's limit."""
    found = report.largest
    peak = found.peak
    unit = suited_unit(peak.allocated_bytes)
    near = bool(report.card) and report.usable_bytes <= NEAR * peak.allocated_bytes
    limit = LIMIT.format(size(peak.reserved_bytes)) if near else ""
    phases = {name for _, name in found.course.phases}
    beside = _limit_words(report, unit) if near else ""
    kinds = {kind for _, kind, _ in found.course.parts}
    figure, axes = framed_axes(
        _title(report, found),
        f"{CAPTION}{limit}{trust(report)}",
        [
            *(
                Patch(color=PARTS[kind], label=kind)
                for kind in (TRAINING, EVALUATION)
                if kind in kinds
            ),
            *(Patch(color=grey, label=name) for name, grey in GREYS.items() if name in phases),
        ],
        height=HEIGHT,
        right=text_inches(beside.split("\n"), CAPTION_POINTS) + 2 * MARGIN,
    )
    highest = max(peak.allocated_bytes, report.usable_bytes if near else 0) / unit.nbytes
    bottom = -2 * (ROW + GAP) * highest
    axes.set(xlim=(0, 1), ylim=(bottom, (1 + HEADROOM) * highest))
    axes.set_xlabel("progress through the run", loc="left", labelpad=6)
    axes.set_ylabel(f"live memory ({unit.name})")
    axes.xaxis.grid(visible=False)
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= (1 + HEADROOM) * highest])
    _draw_live(axes, found, unit)
    for row, spans in enumerate((_parts(found), _phases(found))):
        low = -(row + 1) * (ROW + GAP) * highest
        for span in spans:
            _draw_span(axes, span, low, ROW * highest)
    if near:
        height = report.usable_bytes / unit.nbytes
        axes.axhline(height, color=MUTED, linewidth=0.9, linestyle=":")
        write(axes, beside, (1, height), (6, 0), size=CAPTION_POINTS, color=MUTED, va="center")
    return figure


@styled
def holders(report: ProgramReport) -> Figure:
    """Who holds the memory of the fullest card at the peak."""
    found = report.largest
    where = found.peak_module or NO_MODULE
    head = f"{size(found.peak.allocated_bytes)}, reached in {found.peak_phase}, {where}"
    title = f"{report.program}: what holds the memory at the peak{_which(report, found)}"
    return draw_icicle(title, [Panel(head, found.holders)], trust(report))


def _title(report: ProgramReport, found: OnCard) -> str:
    on = f" on {report.card_in_words}" if report.card and report.verdict == "fits" else ""
    limited = " if the card had enough" if report.refused else ""
    return f"Memory of {report.program}{on}{_which(report, found)}{limited}"


def _which(report: ProgramReport, found: OnCard) -> str:
    return f", {card_name(found)}" if len(report.cards) > 1 else ""


def _draw_live(axes: Axes, found: OnCard, unit: Unit) -> None:
    live = np.array(found.course.live_bytes) / unit.nbytes
    progress = np.linspace(0, 1, len(live))
    axes.fill_between(progress, live, color=BLUE, alpha=0.3, linewidth=0)
    axes.plot(progress, live, color=BLUE, linewidth=0.9)
    top = int(live.argmax())
    axes.plot(progress[top], live[top], color=BLUE, marker="o", markersize=5)
    side = "right" if progress[top] > 0.5 else "left"
    text = f"peak {short_number(found.peak.allocated_bytes / unit.nbytes)} {unit.name}"
    across = {"left": 6, "right": -6}[side]
    write(axes, text, (progress[top], live[top]), (across, 8), ha=side, weight="bold", bbox=GROUND)


def _limit_words(report: ProgramReport, unit: Unit) -> str:
    limit = f"{short_number(report.usable_bytes / unit.nbytes)} {unit.name}"
    return f"{report.card}:\n{limit}\nfor PyTorch"


def _parts(found: OnCard) -> Iterator[Span]:
    """Parts of the run: each step that is trained, and whatever else follows each other as one."""
    parts = [
        (first, kind, step if kind == TRAINING else 0) for first, kind, step in found.course.parts
    ]
    firsts = [next(run) for _, run in groupby(parts, key=lambda part: part[1:])]
    for start, end, (_, kind, step) in _stretches(found, firsts):
        texts = {TRAINING: (f"step {step}", str(step)), BETWEEN: ()}.get(kind, (kind,))
        yield Span(start, end, PARTS[kind], texts)


def _phases(found: OnCard) -> Iterator[Span]:
    firsts = [next(run) for _, run in groupby(found.course.phases, key=lambda each: each[1])]
    for start, end, (_, name) in _stretches(found, firsts):
        if name in GREYS:
            yield Span(start, end, GREYS[name])


def _stretches(found: OnCard, starts: Sequence[Any]) -> Iterator[tuple[float, float, Any]]:
    """What begins at each of ``starts``, from there to the next."""
    buckets = len(found.course.live_bytes)
    last = max(buckets - 1, 1)
    ends = [*(each[0] for each in starts[1:]), buckets]
    for each, end in zip(starts, ends, strict=True):
        if end > each[0]:
            yield each[0] / last, min(end / last, 1.0), each


def _draw_span(axes: Axes, span: Span, low: float, height: float) -> None:
    """A bar with a text, where one has room."""
    width = span.end - span.start
    axes.barh(low, width, height, span.start, align="edge", color=span.colour, **EDGE)
    middle = (span.start + width / 2, low + height / 2)
    look: dict[str, Any] = {"size": CAPTION_POINTS, "ha": "center", "color": ink_on(span.colour)}
    room = width * axes.get_window_extent().width - PADDING * DPI
    for text in span.texts:
        label = write(axes, text, middle, **look)
        if label.get_window_extent().width <= room:
            return
        label.remove()
