"""Test images with the true masks and those of methods."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from samfit.harness.miniature.tasks import TASKS
from samfit.harness.record.record import Record
from samfit.harness.report.accuracy.describe import describe_source, metric_name
from samfit.harness.report.accuracy.masks import Picture, mask_of, picture
from samfit.harness.report.accuracy.overlay import overlay, region_key, regions
from samfit.harness.report.accuracy.standings import (
    PRETRAINED,
    Scored,
    Standings,
    accuracy_of,
    standings,
)
from samfit.harness.report.kit.style import LOOKS, styled
from samfit.harness.report.kit.tiles import Row, Tile, draw_tiles

# They come after the pretrained model, the best method and those of others.
PREFERRED = (
    "decoder", "cad", "sam_adapter", "lora", "conv_lora", "cobot_lora", "adaptformer", "full",
)  # fmt: skip
MOST_COLUMNS, MOST_ROWS = 10, 7  # of predicted masks


@styled
def gallery(records: Sequence[Record]) -> Figure | None:
    """A row a task, or for a single one a row a test image: the image, the truth, and methods.

    None if no record keeps masks.
    """
    found = standings(records)
    pictures = _pictures(found) if found else []
    if found is None or not pictures:
        return None
    shown = _columns(found)
    rows = [
        Row(
            TASKS[each.task].title if each.number == 0 else "",
            [Tile(each.image), _truth(each), *(_mask(one, each, found.seeds[0]) for one in shown)],
        )
        for each in pictures
    ]
    return draw_tiles(
        "Masks of test images",
        _caption(found, shown, rows),
        region_key(found.tasks),
        ["image", "truth", *(one.series.label for one in shown)],
        rows,
    )


def _pictures(found: Standings) -> list[Picture]:
    """The first test image of each task; of a single task, all of which masks are kept."""
    kept = max(len(accuracy_of(record).masks_png) for record in found.trained)
    each = min(kept, MOST_ROWS if len(found.tasks) == 1 else 1)
    return [picture(task, number) for task in found.tasks for number in range(each)]


def _columns(found: Standings) -> list[Scored]:
    """Those whose masks are shown, as many as there is room for."""

    def place(one: Scored) -> int:
        adapter = one.series.adapter
        if one is found.methods[0]:
            return -1
        if adapter in PREFERRED:
            return PREFERRED.index(adapter)
        return len(PREFERRED) if adapter in LOOKS else -1

    pretrained = [one for one in found.yardsticks if one.series.label == PRETRAINED]
    return [*pretrained, *sorted(found.methods, key=place)][:MOST_COLUMNS]


def _truth(shown: Picture) -> Tile:
    classes = TASKS[shown.task].classes
    return Tile(overlay(shown.image, regions(shown.truth, shown.truth, classes)))


def _mask(one: Scored, shown: Picture, seed: int) -> Tile:
    """The mask of a method with its score, if there is one."""
    record = one.record_of(shown.task, seed)
    found = record and mask_of(record, shown)
    if not found:
        return Tile(None)
    marked = regions(found.mask, shown.truth, TASKS[shown.task].classes)
    return Tile(overlay(shown.image, marked), f"{found.score:.2f}")


def _caption(found: Standings, shown: Sequence[Scored], rows: Sequence[Row]) -> str:
    """What is seen, and what is not."""
    several = len(found.tasks) > 1
    images = "first test image of each task" if several else f"first {len(rows)} test images"
    labels = [one.series.label for one in shown]
    others = [one.series.label for one in found.methods if one.series.label not in labels]
    left_out = f"Left out for want of room: {', '.join(others)}. " if others else ""
    missing = any(tile.pixels is None for row in rows for tile in row.tiles)
    dashes = "A dash: no mask, or none that can be read and fits the image. " if missing else ""
    return (
        f"The {images}, with masks of seed {found.seeds[0]}; the number is the "
        f"{metric_name(found.tasks)} of the image. {left_out}{dashes}{describe_source(found)}"
    )
