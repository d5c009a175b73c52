"""Summary: what a data set holds, in numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samfit.harness.data.dataset import IMAGE_SIZE, DataSet
from samfit.harness.data.each import each
from samfit.harness.data.example import Example
from samfit.harness.data.listing import SPLITS
from samfit.harness.data.measured import PER_MASK_PIXEL, Measured, measure
from samfit.harness.data.pair import Pair
from samfit.progress import SILENT, Progress

MUCH_THIN = 0.25  # share of the foreground, from where a remark is made


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a data set holds.

    Attributes:
        name: of the data set.
        images: how many, with masks.
        splits: images of each split that there is.
        sizes: width, height and how many images have it, the most frequent first.
        image_size: side of SAM's input for which ``vanished`` and ``thin_share`` hold.
        masks: ``kind``, how the files of masks were understood: binary, classes, instances, coded
            or soft.
        classes: 1, or the number of class indices, background included.
        class_shares: share of the labelled pixels that each class has, by name or index.
        foreground_share: share of the labelled pixels that are not background.
        instances: objects in all images: ids, or connected regions of a class.
        empty: masks without foreground.
        vanished: objects of which nothing is left when images are squashed to SAM's input.
        thin_share: share of the foreground that is thinner than a pixel of SAM's masks.
        intensity_range: values of images that become black and white; None if nothing was scaled.
        channels: of an image; the most, if they differ.
        pages: of a file; the most, if they differ.
        remarks: sentences on what was found and how it was understood.
    """

    name: str
    images: int
    splits: dict[str, int]
    sizes: list[tuple[int, int, int]]
    image_size: int
    masks: dict[str, Any]
    classes: int
    class_shares: dict[str, float]
    foreground_share: float
    instances: int
    empty: int
    vanished: int
    thin_share: float
    intensity_range: tuple[float, float]
    channels: int
    pages: int
    remarks: tuple[str, ...]


def summarise(data: DataSet, image_size: int = IMAGE_SIZE, progress: Progress = SILENT) -> Summary:
    """What ``data`` holds, as SAM's input of side ``image_size`` shows it.

    Raises:
        UserError: if an example cannot be read.
    """
    splits = {split: len(getattr(data, split)) for split in SPLITS if getattr(data, split)}
    examples = [example for split in splits for example in getattr(data, split)]
    pairs = [example for example in examples if isinstance(example, Pair)]

    def look(example: Example) -> Measured:
        if isinstance(example, Pair) and example.measured.image_size == image_size:
            return example.measured
        return measure(example.read()[1], data.classes, image_size)

    found = each(look, examples, "measuring masks", progress)
    counts = [sum(of_class) for of_class in zip(*(one.of_class for one in found), strict=True)]
    labelled, foreground = sum(counts), sum(counts[1:])
    vanished, thin = sum(one.vanished for one in found), sum(one.thin for one in found)
    low, high = (data.intensity.low, data.intensity.high) if data.intensity else (0.0, 255.0)
    summary = Summary(
        name=data.name,
        images=len(examples),
        splits=splits,
        sizes=_sizes(found),
        image_size=image_size,
        masks={"kind": data.masks},
        classes=data.classes,
        class_shares=_shares(data, counts),
        foreground_share=foreground / max(labelled, 1),
        instances=sum(one.objects for one in found),
        empty=sum(not one.foreground for one in found),
        vanished=vanished,
        thin_share=min(thin / max(foreground, 1), 1.0),
        intensity_range=(low, high),
        channels=max((pair.contents.channels for pair in pairs), default=3),
        pages=max((pair.contents.pages for pair in pairs), default=1),
        remarks=data.remarks,
    )
    return replace(summary, remarks=(*data.remarks, *_remarks(summary)))


def _sizes(found: Iterable[Measured]) -> list[tuple[int, int, int]]:
    counted = Counter((one.width, one.height) for one in found)
    return [(*size, count) for size, count in counted.most_common()]


def _shares(data: DataSet, counts: Sequence[int]) -> dict[str, float]:
    if data.classes == 1:
        names: Sequence[str] = ("background", "foreground")
    else:
        names = data.class_names or [str(index) for index in range(data.classes)]
    total = max(sum(counts), 1)
    return {name: count / total for name, count in zip(names, counts, strict=True)}


def _remarks(summary: Summary) -> Iterator[str]:
    """What a user should know before training."""
    if summary.empty:
        yield f"{summary.empty:,} of {summary.images:,} masks are empty."
    if summary.vanished:
        yield (
            f"{summary.vanished:,} of {summary.instances:,} objects vanish when images are "
            f"squashed to {summary.image_size} x {summary.image_size}: use a larger --image-size, "
            "or --tile."
        )
    if summary.thin_share > MUCH_THIN:
        yield (
            f"{summary.thin_share:.0%} of the foreground is thinner than a pixel of SAM's masks "
            f"({summary.image_size // PER_MASK_PIXEL} x {summary.image_size // PER_MASK_PIXEL}): "
            "use a larger --image-size, or --tile."
        )
