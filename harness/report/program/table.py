"""What a terminal shows of a program that ran on cards that are not there."""

from rich.console import Group, RenderableType
from rich.text import Text

from samfit.harness.program.figures import ProgramReport
from samfit.harness.report.kit.tables import mib


def program_summary(report: ProgramReport) -> RenderableType:
    """The verdict, and what it rests on."""
    parts: list[RenderableType] = [Text(report.message, style="bold")]
    for each in report.cards:
        parts.append(
            Text(
                f"rank {each.rank} card {each.device}: allocated {mib(each.peak.allocated_bytes, 1)}, "
                f"reserved {mib(each.peak.reserved_bytes, 1)} MiB"
            )
        )
    return Group(*parts)
