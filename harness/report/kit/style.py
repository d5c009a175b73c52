"""How methods look in every plot, and the settings that all plots share."""

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.typing import ColorType

from samfit.harness.report.kit.select import Series

INK, MUTED, FAINT = "#222222", "#666666", "#E4E4E4"

# Okabe and Ito, "Color Universal Design" (2008); the yellow is darkened to be seen on white.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW, GREY = "#E69F00", "#56B4E9", "#000000", "#B8A800", "#8A8A8A"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW, GREY)
FILLS = ("full", "left", "top", "right", "bottom")  # of markers, where methods share a colour

# The project's own methods look the same in every report; any other gets a look from its name.
LOOKS = {
    "full": (BLACK, "full"),
    "decoder": (GREY, "full"),
    "cad": (BLUE, "full"),
    "sam_adapter": (VERMILLION, "full"),
    "lora": (GREEN, "full"),
    "conv_lora": (GREEN, "left"),
    "cobot_lora": (GREEN, "top"),
    "adaptformer": (PURPLE, "full"),
    "cobot_adaptformer": (PURPLE, "left"),
    "houlsby": (ORANGE, "full"),
    "ssf": (SKY, "full"),
    "vpt": (YELLOW, "full"),
    "bitfit": (BLUE, "left"),
    "lst": (SKY, "left"),
    "sam_lst": (ORANGE, "left"),
    "mona": (PURPLE, "top"),
    "fact": (GREEN, "right"),
    "dtl": (VERMILLION, "left"),
    "res_tuning": (SKY, "top"),
}

styled = matplotlib.rc_context({
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # settings are text, whatever signs they hold
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.4,
    "lines.markersize": 6,
    "svg.fonttype": "path",
    "svg.hashsalt": "samfit",  # else the SVG's identifiers, and so its bytes, are random
})  # fmt: skip
"""Decorator of every function that draws or saves; outside of it matplotlib stays as it was."""


def ink_on(colour: ColorType) -> str:
    """What can be read on an area of this colour."""
    red, green, blue = to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK


class MethodStyle(NamedTuple):
    """How a method is drawn: serial ones round and solid, parallel ones square and dashed."""

    colour: str
    fill: str
    parallel: bool

    def line(self) -> dict[str, Any]:
        """Arguments of a line with markers."""
        return {**self.marker(), "linestyle": (0, (4, 1.6)) if self.parallel else "-"}

    def marker(self) -> dict[str, Any]:
        """Arguments of markers without a line."""
        return {
            "color": self.colour,
            "linestyle": "none",
            "marker": "s" if self.parallel else "o",
            "fillstyle": self.fill,
            "markerfacecoloralt": "white",
        }


def method_styles(shown: Sequence[Series]) -> dict[str, MethodStyle]:
    """A style for each label; variants of one method share its colour and differ in their fill."""
    taken: set[tuple[str, str]] = set()
    styles = {}
    for series in sorted(shown, key=lambda s: (s.adapter not in LOOKS, len(s.label), s.label)):
        wanted = _looks_in_order(series.adapter)
        look = next((look for look in wanted if look not in taken), wanted[0])
        taken.add(look)
        styles[series.label] = MethodStyle(*look, parallel=series.serial is False)
    return styles


def _looks_in_order(adapter: str) -> list[tuple[str, str]]:
    """Colours with fills, the one that this method should have first."""
    from_name = (COLOURS[zlib.crc32(adapter.encode()) % len(COLOURS)], "full")
    colour, fill = LOOKS.get(adapter, from_name)
    same_colour = [(colour, other) for other in FILLS]
    return [(colour, fill), *same_colour, *((other, f) for f in FILLS for other in COLOURS)]


def kind_handles(shown: Sequence[Series], *, lines: bool = True) -> list[Line2D]:
    """Entries of a key that tell serial from parallel methods, as far as they occur."""
    kinds = {series.serial for series in shown}
    flow = "gradients flow through the encoder"
    texts = {
        True: f"serial: {flow}",
        False: "parallel: they do not" if True in kinds else f"parallel: no {flow}",
    }
    looks = {serial: MethodStyle(MUTED, "full", parallel=not serial) for serial in texts}
    return [
        Line2D([], [], label=text, **(looks[kind].line() if lines else looks[kind].marker()))
        for kind, text in texts.items()
        if kind in kinds
    ]
