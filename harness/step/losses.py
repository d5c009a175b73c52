"""The papers' losses, on low-resolution mask logits.

A loss belongs to a recipe, which also says at which resolution it is taken: logits (N, 1, S/4, S/4)
are brought to the input size S, then to the recipe's size, by two bilinear interpolations, as SAM's
own post-processing does; a recipe that wants S/4 takes them as they are. Targets (N, 1, M, M) are 0
or 1, float.

A loss for K classes takes logits (N, K, S/4, S/4); its targets (N, 1, M, M) hold class indices, of
any dtype, and ``IGNORED`` where nobody labelled the pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from samfit.harness.data.example import IGNORED


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A recipe's loss.

    Attributes:
        of_logits: maps logits (N, 1, M, M), or (N, K, M, M) of classes, and targets (N, 1, M, M) to
            a scalar.
        reduction: the loss is taken at side M = S / reduction.
        multi_class: it is for K classes that exclude each other, not for one mask.
    """

    of_logits: Callable[[Tensor, Tensor], Tensor]
    reduction: int
    multi_class: bool = False

    def __call__(self, low_resolution: Tensor, target: Tensor, image_size: int) -> Tensor:
        """The loss of ``low_resolution`` logits (N, 1 or K, S/4, S/4), a scalar."""
        side = image_size // self.reduction
        if low_resolution.shape[-1] == side:
            return self.of_logits(low_resolution, target)
        logits = resize(low_resolution, image_size)
        if self.reduction > 1:
            logits = resize(logits, side)
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


def balanced_bce_loss(logits: Tensor, target: Tensor) -> Tensor:
    """BCE in which foreground and background weigh the same: SAM-Adapter's and AutoGluon's.

    A pixel's weight is the share that the other kind has of the batch: with one kind only the loss
    is 0.
    """
    foreground = target.mean()
    weight = target * (1 - foreground) + (1 - target) * foreground
    return F.binary_cross_entropy_with_logits(logits, target, weight=weight)


def soft_dice_loss(probability: Tensor, target: Tensor, over: tuple[int, ...]) -> Tensor:
    """Mean of 1 - (2 sum pt + 1e-5) / (sum p² + sum t² + 1e-5), each summed ``over`` dimensions."""
    inside = (probability * target).sum(over)
    squares = probability.square().sum(over) + target.square().sum(over)
    return (1 - (2 * inside + 1e-5) / (squares + 1e-5)).mean()


def dice_ce_loss(logits: Tensor, target: Tensor) -> Tensor:
    """BCE + Dice of each image: MONAI's DiceCE as SAM-COBOT trains it (arXiv 2311.17112)."""
    bce = F.binary_cross_entropy_with_logits(logits, target)
    return bce + soft_dice_loss(logits.sigmoid(), target, over=(1, 2, 3))


def samed_loss(logits: Tensor, target: Tensor) -> Tensor:
    """0.2 cross-entropy + 0.8 Dice of the softmax over classes, as SAMed has it (arXiv 2304.13785).

    Dice is taken of each class over the whole batch, the background included. Ignored pixels count
    in neither term; a batch without any other costs nothing.
    """
    labelled = target != IGNORED
    entropy = F.cross_entropy(
        logits, target.squeeze(1).long(), ignore_index=IGNORED, reduction="sum"
    )
    classes = torch.arange(logits.shape[1], device=logits.device).view(1, -1, 1, 1)
    of_class = (target == classes).to(logits.dtype)
    dice = soft_dice_loss(logits.softmax(1) * labelled, of_class, over=(0, 2, 3))
    return 0.2 * entropy / labelled.sum().clamp(min=1) + 0.8 * dice


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
    "balanced_bce": Loss(of_logits=balanced_bce_loss, reduction=1),
    "dice_ce": Loss(of_logits=dice_ce_loss, reduction=4),
    "samed": Loss(of_logits=samed_loss, reduction=4, multi_class=True),
}
