"""What the results say, in a few sentences."""

from collections.abc import Iterator, Sequence

from harness.cards import find_card
from harness.record import Measurement
from harness.report.describe import GIB
from harness.report.select import is_as_published

SMALL, LARGE = "RTX 3070", "RTX 3090"  # of 8 and 24 GB, the cards that people ask about
BATCHES = (1, 4)


def summary(records: Sequence[Measurement]) -> list[str]:
    """Sentences on what fits, what takes most, and how methods score; each only if known."""
    return [*_fitting(records), *_extremes(records)]


def _fitting(records: Sequence[Measurement]) -> Iterator[str]:
    """How many methods fit common cards as published and with levers."""
    for name in (SMALL, LARGE):
        card = find_card(name)
        for batch in BATCHES:
            held = [r for r in _predicted(records) if r.cell.batch_size == batch]
            methods = {_title(r) for r in held}
            if len(methods) < 2:
                continue
            published = {_title(r) for r in held if is_as_published(r.cell) and _on(r, name)}
            levers = {_title(r) for r in held if _on(r, name)}
            size = f"{card.nominal_bytes // GIB} GB"
            yield (
                f"On a card of {size} ({name}), {len(published)} of {len(methods)} methods train "
                f"with a batch of {batch} as published, {len(levers)} with levers."
            )


def _extremes(records: Sequence[Measurement]) -> Iterator[str]:
    """Which method needs least memory, and which most, at one batch size."""
    published = [
        r for r in _predicted(records) if is_as_published(r.cell) and r.cell.batch_size == 4
    ]
    peaks = {_title(r): r.memory.peak_allocated_bytes / GIB for r in published if r.memory}
    if len(peaks) > 1:
        least, most = min(peaks, key=peaks.__getitem__), max(peaks, key=peaks.__getitem__)
        yield (
            f"With a batch of 4, {least} needs least memory ({peaks[least]:.1f} GiB allocated, "
            f"predicted) and {most} most ({peaks[most]:.1f} GiB)."
        )


def _predicted(records: Sequence[Measurement]) -> list[Measurement]:
    return [r for r in records if r.memory and r.memory.fits is not None and not r.cell.task]


def _on(record: Measurement, card: str) -> bool:
    return record.memory is not None and card in (record.memory.fits or [])


def _title(record: Measurement) -> str:
    return record.method.title if record.method else record.cell.adapter
