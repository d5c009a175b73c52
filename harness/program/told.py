"""From what a process recorded to what is said of it. Needs no torch."""

from collections import Counter
from collections.abc import Sequence

from samfit.errors import UserError
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.peak import alive_at, born_last, in_buckets, live_bytes
from samfit.harness.memory.replay import replay
from samfit.harness.program.figures import Course, Holding, OnCard, Peak
from samfit.harness.program.inside.recording import (
    BETWEEN,
    EVALUATION,
    SETUP,
    TRAINING,
    History,
    Recording,
    Section,
)
from samfit.harness.trace.inside import cublas
from samfit.harness.trace.trace import (
    ROUNDING,
    SAVED,
    STACKED,
    TEMPORARIES,
    WORKSPACE,
    Allocation,
    Trace,
    in_units,
)


def on_card(recording: Recording, history: History, context_bytes: int) -> OnCard:
    """What a process did on one card, of which a CUDA context takes ``context_bytes``."""
    trace, lines = _trace_of(history)
    held = replay(trace, _options(recording.alloc_conf)).block_bytes
    live = live_bytes(trace, held)
    fullest = max(history.sections, key=lambda part: part.allocated_bytes)
    event = _highest(live, history.sections, fullest)
    peak = Peak(
        allocated_bytes=fullest.allocated_bytes,
        reserved_bytes=max(part.reserved_bytes for part in history.sections),
    )
    holdings = _holdings(trace, lines, held, event)
    breakdown = Counter(dict.fromkeys(STACKED, 0))
    for each in holdings:
        breakdown[each.category] += each.nbytes
    breakdown[ROUNDING] += peak.allocated_bytes - breakdown.total()
    last = born_last(trace, event)
    return OnCard(
        rank=recording.rank,
        device=_number(history.device, recording.visible),
        steps=recording.steps,
        peak=peak,
        training=_peak(history.sections, TRAINING),
        evaluation=_peak(history.sections, EVALUATION),
        elsewhere=_peak(history.sections, SETUP, BETWEEN),
        each_step=_each_step(history.sections, recording.steps),
        evaluation_with_graph=any(
            part.with_graph for part in history.sections if part.kind == EVALUATION
        ),
        process_bytes=peak.reserved_bytes + context_bytes,
        breakdown_bytes=dict(breakdown),
        peak_phase=_phase(fullest, last.phase),
        peak_module=last.module,
        holdings=holdings,
        course=_course(live, history),
    )


def _number(device: int, visible: str) -> int:
    """Which of all cards a process calls ``device``, by what it sees of them."""
    names = visible.split(",")
    return int(names[device]) if device < len(names) and names[device].isdecimal() else device


def _options(text: str) -> AllocatorOptions:
    """Those that the model of the allocator knows; others change its blocks little."""
    try:
        return AllocatorOptions.parse(text)
    except UserError:
        return AllocatorOptions()


def _trace_of(history: History) -> tuple[Trace, list[str]]:
    """The history as a Trace, and the line that made each allocation."""
    words = history.words
    trace = Trace(events=history.events)
    lines = []
    for born, died, nbytes, category, module, phase, line in history.allocations:
        made = Allocation(in_units(nbytes), born, words[phase], words[module], words[category])
        made.died = None if died < 0 else died
        if made.category in (TEMPORARIES, SAVED) and _is_cublas(made):
            made.category, made.module = WORKSPACE, ""
        trace.allocations.append(made)
        lines.append(words[line])
    return trace, lines


def _is_cublas(made: Allocation) -> bool:
    """Whether it is what PyTorch keeps for cuBLAS: it has that size, and lives to the end."""
    return made.died is None and made.nbytes in cublas.SIZES


def _highest(live: Sequence[int], sections: Sequence[Section], part: Section) -> int:
    """The event of a part of the run after which most is alive, the first of equals."""
    following = [each.first_event for each in sections if each.first_event > part.first_event]
    end = min(following, default=len(live))
    return max(range(part.first_event, max(end, part.first_event + 1)), key=live.__getitem__)


def _holdings(trace: Trace, lines: Sequence[str], held: list[int], event: int) -> list[Holding]:
    places = {id(each): line for each, line in zip(trace.allocations, lines, strict=True)}
    sizes: Counter[tuple[str, str, str]] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for made, _ in alive_at(trace, held, event):
        key = made.category, made.module, places[id(made)]
        sizes[key] += made.nbytes
        counts[key] += 1
    return [
        Holding(
            category=category,
            module=module,
            line=line,
            nbytes=nbytes,
            tensors=counts[category, module, line],
        )
        for (category, module, line), nbytes in sizes.most_common()
    ]


def _peak(sections: Sequence[Section], *kinds: str) -> Peak | None:
    found = [part for part in sections if part.kind in kinds]
    if not found:
        return None
    return Peak(
        allocated_bytes=max(part.allocated_bytes for part in found),
        reserved_bytes=max(part.reserved_bytes for part in found),
    )


def _each_step(sections: Sequence[Section], taken: int) -> list[Peak]:
    """A step may have several parts: gradients that are accumulated over batches.

    What follows the last of the steps ``taken`` is none.
    """
    steps: dict[int, list[Section]] = {}
    for part in sections:
        if part.kind == TRAINING and part.step <= taken:
            steps.setdefault(part.step, []).append(part)
    found = [_peak(parts, TRAINING) for _, parts in sorted(steps.items())]
    return [peak for peak in found if peak]


def _phase(part: Section, phase: str) -> str:
    return EVALUATION if part.kind == EVALUATION else phase


def _course(live: list[int], history: History) -> Course:
    points, width = in_buckets(live)
    return Course(
        live_bytes=points,
        parts=[(part.first_event // width, part.kind, part.step) for part in history.sections],
        phases=[(event // width, history.words[phase]) for event, phase in history.phases],
    )
