"""What the results say in a few sentences: of the model that most are about, and of masks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import mean

from samfit.harness.device.cards import MOST_ASKED_CARDS
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.captions import metric_name
from samfit.harness.report.accuracy.scored import PRETRAINED, scored_methods
from samfit.harness.report.kit.describe import method_title, size
from samfit.harness.report.kit.select import is_as_published
from samfit.harness.report.page.fits import naming_cards

BATCHES = (1, 4)
COMPARED_BATCH = 4


def summary(records: Sequence[Record]) -> list[str]:
    """How many methods train on common cards, which need least and most, and whose masks are best;
    as far as known."""
    return [*_memory(records), *_accuracy(records)]


def _memory(records: Sequence[Record]) -> list[str]:
    predicted = [r for r in naming_cards(records) if r.cell.phase == "train"]
    if not predicted:
        return []
    models = Counter((r.cell.backbone, r.cell.image_size) for r in predicted)
    model, side = models.most_common(1)[0][0]
    shown = [r for r in predicted if (r.cell.backbone, r.cell.image_size) == (model, side)]
    return [*_fitting(shown, f"{model} at {side} × {side}"), *_extremes(shown)]


def _fitting(records: Sequence[Record], model: str) -> Iterator[str]:
    for card in MOST_ASKED_CARDS:
        for batch in BATCHES:
            here = [r for r in records if r.cell.batch_size == batch]
            methods = {method_title(r) for r in here}
            if len(methods) < 2:
                continue
            fitting = [r for r in here if r.memory and card.name in (r.memory.fits or [])]
            published = {method_title(r) for r in fitting if is_as_published(r.cell)}
            with_levers = {method_title(r) for r in fitting}
            yield (
                f"On a card of {card.sold_gb} GB ({card.name}), {len(published)} of "
                f"{len(methods)} methods train {model} with a batch of {batch} as published, "
                f"{len(with_levers)} with levers."
            )


def _extremes(records: Sequence[Record]) -> Iterator[str]:
    peaks = {
        method_title(r): r.memory.peak_allocated_bytes
        for r in records
        if r.memory and is_as_published(r.cell) and r.cell.batch_size == COMPARED_BATCH
    }
    if len(peaks) > 1:
        least, most = min(peaks, key=peaks.__getitem__), max(peaks, key=peaks.__getitem__)
        yield (
            f"With a batch of {COMPARED_BATCH}, {least} needs least memory as published "
            f"({size(peaks[least])} allocated, predicted), {most} most ({size(peaks[most])})."
        )


def _accuracy(records: Sequence[Record]) -> Iterator[str]:
    found = scored_methods(records)
    scores = found.methods[0].scores(found.tasks) if found else []
    if found is None or len(found.methods) < 2 or not scores:
        return
    before = [
        f"; without adaptation it is {mean(one.scores(found.tasks)):.2f}"
        for one in found.baselines
        if one.series.label == PRETRAINED and one.scores(found.tasks)
    ]
    seeds = "one seed" if len(scores) == 1 else f"{len(scores)} seeds"
    tasks = "one generated task" if len(found.tasks) == 1 else f"{len(found.tasks)} generated tasks"
    yield (
        f"Of {len(found.methods)} methods, trained alike in miniature on {tasks} with {seeds}, "
        f"{found.methods[0].series.label} has the best masks: {metric_name(found.tasks)} "
        f"{mean(scores):.2f}, measured{''.join(before)}."
    )
