"""Heat map: the largest batch of each method on each card, as it is and with every exact lever."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from samfit.harness.predict.answers import Fit, MethodFit
from samfit.harness.report.fit.table import asked, beginning, most_first
from samfit.harness.report.kit.frame import TEXT_POINTS, framed_axes, text_inches
from samfit.harness.report.kit.style import INK, MUTED, styled

ROW, HEADING = 0.24, 0.78  # inches: a method, and what stands above the panels
APART = 0.35  # between the panels, in columns
# Light to dark, so that it reads without colour, too; numbers stand in every field.
SHADES = ((0, "#FFFFFF"), (1, "#E3EEF7"), (2, "#BFD9EC"), (4, "#8FBEDD"), (8, "#4F97C7"),
          (16, "#1F6AA5"))  # fmt: skip
DARK = 8  # from here numbers are white


@styled
def draw_fit(fits: Sequence[MethodFit]) -> Figure:
    """Methods x cards, two panels."""
    cell = fits[0].as_published.cell
    cards = sorted({fit.card for fit in fits}, key=lambda card: (card.usable_bytes, card.name))
    found = {(fit.adapter, fit.card): fit for fit in fits}
    titles = {fit.adapter: fit.title for fit in fits}
    rows = sorted(titles, key=lambda name: most_first([found[name, card] for card in cards]))
    figure, axes = framed_axes(
        "The largest batch that fits",
        f"Predicted, {asked(cell)}. + : the search ended there, more may fit; a dash: nothing "
        "fits. Every exact lever: all that a method can do without changing what it computes.",
        height=ROW * len(rows),
        left=text_inches([titles[name] for name in rows], TEXT_POINTS) + 0.25,
        above=HEADING,
    )
    second = len(cards) + APART
    for column, card in enumerate(cards):
        for row, name in enumerate(rows):
            fit = found[name, card]
            _field(axes, column, row, fit.as_published)
            _field(axes, second + column, row, fit.every_lever)
    for start, text in ((0, beginning(cell)), (second, "with every exact lever")):
        axes.text(start, -2.35, text, weight="bold", size=TEXT_POINTS)
        for column, card in enumerate(cards):
            axes.text(
                start + column + 0.5, -0.25, card.name.replace(" ", "\n"), size=TEXT_POINTS - 1.5,
                color=MUTED, ha="center", va="bottom", linespacing=1.1,
            )  # fmt: skip
    axes.set(xlim=(0, second + len(cards)), ylim=(len(rows), 0))
    axes.set_yticks([row + 0.5 for row in range(len(rows))], [titles[name] for name in rows])
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _field(axes: Axes, x: float, row: int, fit: Fit) -> None:
    shade = next(colour for least, colour in reversed(SHADES) if fit.batch_size >= least)
    axes.add_patch(Rectangle((x, row), 1, 1, facecolor=shade, edgecolor="white", linewidth=1.2))
    axes.text(
        x + 0.5, row + 0.52, fit.batch if fit.batch_size else "–", ha="center", va="center",
        size=TEXT_POINTS, color="white" if fit.batch_size >= DARK else INK,
    )  # fmt: skip
