"""What would help, and what else should be known, in sentences. Needs no torch."""

from collections.abc import Iterator

from samfit.harness.program.figures import OnCard, ProgramReport, spare_bytes
from samfit.harness.trace.trace import FROZEN, OPTIMIZER, SAVED, TRAINABLE
from samfit.units import GIB, MIB

MUCH = 0.2  # of the peak, or of the card
GROWTH_BYTES = 4 * MIB  # between two steps
FRAGMENTS_BYTES = GIB


def advice(report: ProgramReport) -> list[str]:
    """Sentences for ``report``, the most useful first."""
    found = list(_remarks(report))
    if report.cards:
        found += _on_card(report.largest)
        if not _has_room(report):
            found += _savings(report.largest, report.verdict == "out of memory")
    return found


def _has_room(report: ProgramReport) -> bool:
    """Whether it fits, with much to spare: then nothing has to be saved."""
    spare = spare_bytes(report.cards, report.usable_bytes)
    return bool(report.card) and report.verdict == "fits" and spare > MUCH * report.usable_bytes


def _on_card(found: OnCard) -> Iterator[str]:
    """What may not be meant."""
    training = found.each_step[0].allocated_bytes if found.each_step else 0
    evaluation = found.evaluation
    if evaluation and evaluation.allocated_bytes > training and found.evaluation_with_graph:
        yield (
            f"Evaluation needs {evaluation.allocated_bytes / GIB:.2f} GiB, more than the first "
            f"training step ({training / GIB:.2f} GiB): it runs outside of torch.no_grad(), so "
            "that activations are kept."
        )
    steps = found.each_step
    if len(steps) > 2 and steps[-1].allocated_bytes > steps[-2].allocated_bytes + GROWTH_BYTES:
        more = (steps[-1].allocated_bytes - steps[-2].allocated_bytes) / MIB
        yield (
            f"Memory still grew in the last step, by {more:,.0f} MiB: something is kept from step "
            "to step; take more with --steps."
        )


def _savings(found: OnCard, ran_out: bool) -> Iterator[str]:
    """What would take less."""
    peak, parts = found.peak.allocated_bytes, found.breakdown_bytes
    if parts.get(SAVED, 0) > MUCH * peak:
        yield (
            f"{parts[SAVED] / GIB:.2f} GiB are activations, saved for backward: a smaller batch, "
            "torch.utils.checkpoint or autocast to bfloat16 make them less, and what is computed "
            "before the first trainable module needs none of them under torch.no_grad()."
        )
    if parts.get(OPTIMIZER, 0) > MUCH * peak:
        yield (
            f"{parts[OPTIMIZER] / GIB:.2f} GiB are the optimizer's state: an 8-bit optimizer, or "
            "fewer trainable parameters, make it less."
        )
    if ran_out and parts.get(FROZEN, 0) + parts.get(TRAINABLE, 0) > MUCH * peak:
        yield "Weights take much of the memory: frozen ones can be kept in bfloat16."
    if found.peak.reserved_bytes - peak > max(FRAGMENTS_BYTES, MUCH * peak):
        yield (
            f"{(found.peak.reserved_bytes - peak) / GIB:.2f} GiB are reserved beyond the peak: try "
            "--alloc-conf expandable_segments:True."
        )


def _remarks(report: ProgramReport) -> Iterator[str]:
    shared = [each.device for each in report.cards]
    ranks = {each.rank for each in report.cards}
    if len(ranks) > 1 and len(set(shared)) < len(ranks) <= len(shared):
        yield (
            "Several ranks use the same card: its memory is the sum of theirs. Did the program "
            "forget torch.cuda.set_device?"
        )
