"""The papers' losses, on low-resolution mask logits.

A loss belongs to a recipe, which also says at which resolution it is taken: logits (N, 1, S/4, S/4)
are brought to the input size S, then to the recipe's size, by two bilinear interpolations, as SAM's
own post-processing does. Targets (N, 1, M, M) are 0 or 1, float.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A recipe's loss.

    Attributes:
        of_logits: maps logits and targets, both (N, 1, M, M), to a scalar.
        reduction: the loss is taken at side M = S / reduction.
    """

    of_logits: Callable[[Tensor, Tensor], Tensor]
    reduction: int

    def __call__(self, low_resolution: Tensor, target: Tensor, image_size: int) -> Tensor:
        """The loss of ``low_resolution`` logits (N, 1, S/4, S/4), a scalar."""
        logits = resize(low_resolution, image_size)
        if self.reduction > 1:
            logits = resize(logits, image_size // self.reduction)
        return self.of_logits(logits, target)


def resize(masks: Tensor, side: int) -> Tensor:
    """Bilinear interpolation of (N, C, h, w) to (N, C, side, side)."""
    return F.interpolate(masks, (side, side), mode="bilinear", align_corners=False)


def soft_iou_loss(probability: Tensor, target: Tensor, smooth: float) -> Tensor:
    """Mean over images of 1 - (I + smooth) / (U + smooth), I = sum pt, U = sum p + sum t - I."""
    inside = (probability * target).flatten(1).sum(1)
    union = probability.flatten(1).sum(1) + target.flatten(1).sum(1) - inside
    return (1 - (inside + smooth) / (union + smooth)).mean()


def bce_iou_of_probabilities(probability: Tensor, target: Tensor) -> Tensor:
    """BCE + IoU on probabilities, smooth 1e-3: the loss of CAD (arXiv 2409.15889)."""
    bce = F.binary_cross_entropy(probability, target)
    return bce + soft_iou_loss(probability, target, smooth=1e-3)


def cad_loss(logits: Tensor, target: Tensor) -> Tensor:
    """CAD's loss from logits."""
    return bce_iou_of_probabilities(logits.sigmoid(), target)


def sam_adapter_loss(logits: Tensor, target: Tensor) -> Tensor:
    """BCE with logits + IoU without smoothing: SAM-Adapter's "iou" loss (arXiv 2304.09148)."""
    bce = F.binary_cross_entropy_with_logits(logits, target)
    return bce + soft_iou_loss(logits.sigmoid(), target, smooth=0.0)


def structure_loss(logits: Tensor, target: Tensor) -> Tensor:
    """BCE + IoU weighted towards edges, as AutoGluon trains Conv-LoRA: its BCE is not weighted.

    With w = 1 + 5 |mean of t in 31 x 31 - t|, zeros beyond the border counted in the mean, the IoU
    loss of an image is 1 - (sum wpt + 1) / (sum w(p + t) - sum wpt + 1). The BCE of the paper (Fan
    et al., arXiv 2006.11392) has the same weights; AutoGluon's code asks for its reduction in a way
    that averages it over the batch before they are applied, so that they cancel.
    """
    bce = F.binary_cross_entropy_with_logits(logits, target)
    return bce + _weighted_iou_loss(logits.sigmoid(), target, _edge_weight(target))


def weighted_structure_loss(logits: Tensor, target: Tensor) -> Tensor:
    """The structure loss of the paper, whose BCE of an image is sum w·bce / sum w."""
    weight = _edge_weight(target)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weighted = (weight * bce).flatten(1).sum(1) / weight.flatten(1).sum(1)
    return weighted.mean() + _weighted_iou_loss(logits.sigmoid(), target, weight)


def _edge_weight(target: Tensor) -> Tensor:
    return 1 + 5 * (F.avg_pool2d(target, kernel_size=31, stride=1, padding=15) - target).abs()


def _weighted_iou_loss(probability: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    inside = (weight * probability * target).flatten(1).sum(1)
    both = (weight * (probability + target)).flatten(1).sum(1)
    return (1 - (inside + 1) / (both - inside + 1)).mean()


LOSSES = {
    "cad": Loss(of_logits=cad_loss, reduction=2),
    "sam_adapter": Loss(of_logits=sam_adapter_loss, reduction=1),
    "structure": Loss(of_logits=structure_loss, reduction=1),
    "weighted_structure": Loss(of_logits=weighted_structure_loss, reduction=1),
}
