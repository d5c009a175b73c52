"""Every metric in words: its name in tables, which way is better, and what exactly is computed."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        key: its name in records.
        title: its name in prose.
        symbol: its name in a narrow table.
        larger_is_better: which way is better.
        definition: what is computed, with the source.
    """

    key: str
    title: str
    symbol: str
    larger_is_better: bool
    definition: str


METRICS = {
    metric.key: metric
    for metric in (
        Metric(
            key="iou",
            title="IoU",
            symbol="IoU",
            larger_is_better=True,
            definition="Intersection over union of the mask p > 0.5, both + 0.001, mean over images"
            " (the code of CAD, arXiv 2409.15889).",
        ),
        Metric(
            key="dice",
            title="Dice",
            symbol="Dice",
            larger_is_better=True,
            definition="Twice the intersection over the sum of both areas, mask p > 0.5, both"
            " + 0.001, mean over images (the code of CAD, arXiv 2409.15889).",
        ),
        Metric(
            key="mae",
            title="Mean absolute error",
            symbol="MAE",
            larger_is_better=False,
            definition="Mean of |p - truth|, p min-max normalised, mean over images (Perazzi et"
            " al., CVPR 2012; pysodmetrics).",
        ),
        Metric(
            key="s_measure",
            title="S-measure",
            symbol="Sα",
            larger_is_better=True,
            definition="Structure measure with α = 0.5, p min-max normalised, mean over images"
            " (Fan et al., arXiv 1708.00786; pysodmetrics).",
        ),
        Metric(
            key="e_measure",
            title="E-measure",
            symbol="Eφ",
            larger_is_better=True,
            definition="Enhanced alignment of the masks ⌊255 p⌋ ≥ 0, 1, ..., 255, mean over"
            " these, p min-max normalised, mean over images; it divides by pixels - 1, so it can"
            " exceed 1 (Fan et al., arXiv 1805.10421; pysodmetrics).",
        ),
        Metric(
            key="weighted_f",
            title="Weighted F-measure",
            symbol="Fβʷ",
            larger_is_better=True,
            definition="Weighted F-measure with β² = 1, p min-max normalised, 0 where the truth is"
            " empty, mean over images (Margolin et al., CVPR 2014; pysodmetrics).",
        ),
        Metric(
            key="weighted_f_03",
            title="Weighted F-measure, β² = 0.3",
            symbol="F0.3ʷ",
            larger_is_better=True,
            definition="The weighted F-measure with β² = 0.3, as the codes of SAM-Adapter (arXiv"
            " 2304.09148) and AutoGluon have it.",
        ),
        Metric(
            key="ber",
            title="Balanced error rate",
            symbol="BER",
            larger_is_better=False,
            definition="1 - mean of the recalls of foreground and background, mask 255 p > 125,"
            " in 0..1, mean over images; a kind of pixel that is neither there nor predicted is"
            " left out (AutoGluon).",
        ),
        Metric(
            key="ber_pooled",
            title="Balanced error rate, pooled",
            symbol="BER pooled",
            larger_is_better=False,
            definition="The balanced error rate of all pixels of the data set together, as much of"
            " the literature on shadows has it.",
        ),
        Metric(
            key="miou",
            title="Mean IoU",
            symbol="mIoU",
            larger_is_better=True,
            definition="Intersections and unions of a class added up over the data set, their"
            " quotient averaged over the classes that occur, background included (the code of"
            " Trans10K, arXiv 2003.13948).",
        ),
        Metric(
            key="pixel_accuracy",
            title="Pixel accuracy",
            symbol="accuracy",
            larger_is_better=True,
            definition="Share of the labelled pixels of the data set whose class is right.",
        ),
        Metric(
            key="iou_class",
            title="IoU of a class",
            symbol="IoU",
            larger_is_better=True,
            definition="Intersection over union of one class, each added up over the data set.",
        ),
    )
}


def class_key(index: int) -> str:
    """The key of a class's own ``iou_class``."""
    return f"iou_class_{index}"


def main_metric(classes: int) -> str:
    """The key of the score that decides where there is only one, on masks of so many classes."""
    return "iou" if classes == 1 else "miou"
