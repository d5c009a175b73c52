"""What all plots share: colours, markers, and the frame of title, key and caption.

Nothing here uses pyplot: figures are objects of their own, and no display is needed.
"""

import textwrap
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.select import Series

INK = "#222222"
MUTED = "#666666"

# Okabe and Ito, "Color Universal Design" (2008); the yellow is darkened to be seen on white.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW, GREY = "#E69F00", "#56B4E9", "#000000", "#B8A800", "#8A8A8A"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW, GREY)
FILLS = ("full", "left", "right", "top", "bottom")  # of markers, where methods share a colour

# The project's own methods look the same in every report; any other gets a look from its name.
LOOKS: dict[str, tuple[str, str]] = {
    "full": (BLACK, "full"),
    "decoder": (GREY, "full"),
    "cad": (BLUE, "full"),
    "sam_adapter": (VERMILLION, "full"),
    "lora": (GREEN, "full"),
    "conv_lora": (GREEN, "left"),
    "cobot_lora": (GREEN, "right"),
    "adaptformer": (PURPLE, "full"),
    "cobot_adaptformer": (PURPLE, "left"),
    "houlsby": (ORANGE, "full"),
    "ssf": (SKY, "full"),
    "vpt": (YELLOW, "full"),
    "bitfit": (BLUE, "left"),
    "lst": (SKY, "left"),
    "sam_lst": (ORANGE, "left"),
}

RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.4,
    "lines.markersize": 6,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "samfit",  # else the SVG's identifiers, and so its bytes, are random
}

styled = matplotlib.rc_context(RC)

CAPTION_SIZE = 7.5
MARGIN = 0.12  # inches, around everything
KEY_HEIGHT = 0.28
TITLE_HEIGHT = 0.34
LINE_HEIGHT = CAPTION_SIZE * 1.35 / 72


class MethodStyle(NamedTuple):
    """How a method is drawn: serial round and solid, parallel square and dashed."""

    colour: str
    marker: str
    fill: str
    dashes: str

    def handle(self, **changes: object) -> Line2D:
        """A line with markers in this style, without data."""
        return Line2D([], [], **{**self.line(), **changes})  # type: ignore[arg-type]

    def line(self) -> dict[str, object]:
        """Arguments of a line with markers."""
        return {
            "color": self.colour,
            "linestyle": self.dashes,
            "marker": self.marker,
            "fillstyle": self.fill,
            "markerfacecoloralt": "white",
            "markeredgewidth": 1.0,
        }


def method_styles(shown: Sequence[Series]) -> dict[str, MethodStyle]:
    """A style for each label, no two the same within ``shown``; variants share their colour."""
    taken: set[tuple[str, str]] = set()
    styles = {}
    for series in sorted(shown, key=lambda s: (s.adapter not in LOOKS, len(s.label))):
        wanted = _looks_in_order(series.adapter)
        look = next((look for look in wanted if look not in taken), wanted[0])
        taken.add(look)
        marker, dashes = ("o", "-") if series.serial in (True, None) else ("s", (0, (4, 1.6)))
        styles[series.label] = MethodStyle(look[0], marker, look[1], dashes)
    return styles
