"""Peak memory against the backbone: one row a backbone, one mark a method."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from samfit.harness.report.backbones.table import TITLE, Across, conditions, on
from samfit.harness.report.kit.describe import step_name, unit_for
from samfit.harness.report.kit.frame import MARGIN, TEXT_POINTS, framed_axes, log_axis, text_inches
from samfit.harness.report.kit.select import has_memory, memory_of
from samfit.harness.report.kit.style import FAINT, method_styles, styled

ROW = 0.3  # inches
MOST = 12  # methods that can be told apart in one row


@styled
def memory_vs_backbone(across: Across) -> Figure | None:
    """Peak memory of each method on each backbone (log scale).

    None for more methods than can be told apart: the table has them.
    """
    methods, rows = across.methods, across.backbones
    if len(methods) > MOST:
        return None
    unit = unit_for([record for one in methods for record in one.records])
    styles = method_styles(methods)
    key = [Line2D([], [], label=one.label, **styles[one.label].marker()) for one in methods]
    figure, axes = framed_axes(
        f"{TITLE}, one {step_name(across.conditions)}",
        conditions(across),
        key,
        height=ROW * len(rows),
        left=text_inches(rows, TEXT_POINTS) + 2 * MARGIN,
    )
    peaks: list[float] = []
    for place, backbone in enumerate(rows):
        found = {one.label: on(one, backbone) for one in methods}
        known = {
            label: memory_of(record).peak_allocated_bytes / unit.nbytes
            for label, record in found.items()
            if record and has_memory(record)
        }
        axes.plot([min(known.values()), max(known.values())], [place] * 2, color=FAINT, zorder=1)
        for label, peak in known.items():
            axes.plot([peak], [place], **styles[label].marker())
        peaks += known.values()
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([*range(len(rows))], rows)
    axes.tick_params(axis="y", length=0, labelsize=TEXT_POINTS)
    axes.grid(visible=False, axis="y")
    log_axis(axes, "x", min(peaks) / 1.2, max(peaks) * 1.2)
    axes.set_xlabel(f"peak memory allocated ({unit.name})")
    return figure
