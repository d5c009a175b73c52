"""What is said of a program in pairs of a name and a text, for a terminal and for the page."""

import shlex
from itertools import groupby

from samfit.harness.program.figures import OnCard, Peak, ProgramReport, Refused, spare_bytes
from samfit.harness.program.places import short
from samfit.harness.report.blame.words import NO_MODULE
from samfit.harness.report.kit.describe import joined, size
from samfit.harness.report.kit.tables import mib

Facts = list[tuple[str, str]]

MOST_PEAKS = 4  # of steps that differ
VERSIONS = {"python": "Python", "torch": "torch", "cuda": "CUDA", "cudnn": "cuDNN"}
REHEARSED = (
    "Rehearsed: PyTorch's own CUDA code ran on a card that is not there; kernels computed nothing. "
    "Not counted: what libraries take outside of PyTorch's allocator{}."
)


def facts(report: ProgramReport) -> Facts:
    """Of the fullest card: what was allocated, reserved and left, when, and in which step."""
    found = report.largest
    peak = found.peak
    lost = mib(peak.reserved_bytes - peak.allocated_bytes, 1)
    return [
        ("peak allocated", f"{mib(peak.allocated_bytes, 1)} MiB"),
        ("peak reserved", f"{mib(peak.reserved_bytes, 1)} MiB, {lost} of them in fragments"),
        ("in nvidia-smi", f"about {mib(found.process_bytes)} MiB"),
        *_left(report),
        ("steps", _steps(found)),
        *_parts(found),
        ("peak at", f"{found.peak_phase}, {found.peak_module or NO_MODULE}"),
        *_reads(report),
    ]


def refusal_facts(refused: Refused) -> Facts:
    """Of the request at which memory ran out: PyTorch's figures, and where that was."""
    held = (
        f"{size(refused.allocated_bytes)} allocated, {size(refused.reserved_bytes)} reserved; "
        f"{size(refused.free_bytes)} were free"
    )
    return [
        ("tried to allocate", size(refused.requested_bytes)),
        ("it had", held),
        ("in", f"{refused.phase}, {refused.module or NO_MODULE}"),
        *([("line", short(refused.line))] if refused.line else []),
    ]


def files_left(report: ProgramReport) -> dict[str, list[str]]:
    """Files that were left alone, by what was not done to them."""
    return {
        "not written, since weights are zeros here": report.not_written,
        "not removed": report.not_removed,
    }


def command_words(report: ProgramReport) -> str:
    """The command, as a shell takes it."""
    return shlex.join(report.command)


def versions_words(report: ProgramReport) -> str:
    """What it ran with, and how long."""
    known = [f"{VERSIONS.get(name, name)} {version}" for name, version in report.versions.items()]
    return f"{', '.join(known)}; {report.seconds:.0f} s"


def trust(report: ProgramReport) -> str:
    """How far to trust the figures, in a line."""
    ranks = {each.rank for each in report.cards}
    return REHEARSED.format(", NCCL's buffers among it" if len(ranks) > 1 else "")


def card_words(report: ProgramReport) -> str:
    """What the card is, and what PyTorch can have of it."""
    capability = f"compute capability {report.compute_capability}"
    if not report.card:
        return f"any of {capability} that is large enough"
    count = len({each.device for each in report.cards})
    several = f"{count} × " if count > 1 else ""
    return (
        f"{several}{report.card}, {capability}, {mib(report.usable_bytes)} MiB for PyTorch"
        f"{' on each' if several else ''}"
    )


def card_name(found: OnCard) -> str:
    """One of several cards, and whose it is."""
    rank = "" if found.rank is None else f", rank {found.rank}"
    return f"card {found.device}{rank}"


def _left(report: ProgramReport) -> Facts:
    if not report.card or report.verdict != "fits":
        return []
    left = spare_bytes(report.cards, report.usable_bytes)
    return [("left on the card", f"{mib(left, 1)} MiB")]


def _steps(found: OnCard) -> str:
    """How many there were, and the peak of each where they differ."""
    peaks = [peak.allocated_bytes for peak in found.each_step]
    runs = [(text, len(list(run))) for text, run in groupby(mib(nbytes, 1) for nbytes in peaks)]
    if len(runs) < 2:
        return str(found.steps)
    if len(runs) > MOST_PEAKS:
        return f"{found.steps}, with peaks of {mib(min(peaks), 1)} to {mib(max(peaks), 1)} MiB"
    named = [text if count == 1 else f"{count} × {text}" for text, count in runs]
    return f"{found.steps}, with peaks of {joined(named)} MiB"


def _parts(found: OnCard) -> Facts:
    """Training, evaluation, and what lies outside of these if it needs most."""
    shown: Facts = []
    if found.training and (found.evaluation or found.peak != found.training):
        shown.append(("training", _both(found.training)))
    if found.evaluation:
        graph = ", outside of torch.no_grad()" if found.evaluation_with_graph else ""
        shown.append(("evaluation", f"{_both(found.evaluation)}{graph}"))
    steps = [part.allocated_bytes for part in (found.training, found.evaluation) if part]
    if found.elsewhere and found.elsewhere.allocated_bytes > max(steps, default=0):
        shown.append(
            ("outside of these", f"{mib(found.elsewhere.allocated_bytes, 1)} MiB allocated")
        )
    return shown


def _reads(report: ProgramReport) -> Facts:
    known, unknown = (
        sum(read.times for read in report.reads if read.known is wanted) for wanted in (True, False)
    )
    if not report.reads:
        return []
    return [("values read", f"{known + unknown:,}, of which {known:,} are known")]


def _both(peak: Peak) -> str:
    return f"{mib(peak.allocated_bytes, 1)} MiB allocated, {mib(peak.reserved_bytes, 1)} reserved"
