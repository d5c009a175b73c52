"""What the memory holds at the peak: stacked bars, one a method."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from harness.record import Measurement
from harness.report.describe import GIB, describe_memory, step_name
from harness.report.plots.frame import MARGIN, TEXT_POINTS, framed_axes, text_inches
from harness.report.plots.labels import DIRECT
from harness.report.plots.style import (
    BLACK, BLUE, FAINT, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, styled,
)  # fmt: skip
from harness.report.select import Series, at_batch_size, memory_records, series_of
