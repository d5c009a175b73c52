"""The lift and the first block as one affine map of patches, and what it makes of an image."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.parts.conv_branch import DILATION, SLOPE, ConvBlock
from samfit.adapters.parts.lean.norm import (
    beta_of,
    running_statistics,
    through_leaky_relu_,
    update_running,
)
from samfit.adapters.parts.lean.tiles import row_tiles

CHANNELS_SEEN = 7 * 9  # by a 3x3 convolution of the image's six channels and ones
PHASES = 4  # interleaved images


@dataclass(frozen=True)
class Phases:
    """One image as four interleaved images of half its size, with a channel of ones.

    Attributes:
        padded: (4, 7, h + 2, w + 2), zero at the borders, where the convolution pads.
    """

    padded: Tensor

    @classmethod
    def of(cls, image: Tensor, dtype: torch.dtype) -> "Phases":
        """The phases of an image (6, 2h, 2w)."""
        apart = F.pixel_unshuffle(image[:, None].to(dtype), DILATION).transpose(0, 1)
        ones = apart.new_ones(PHASES, 1, *apart.shape[2:])
        return cls(F.pad(torch.cat([apart, ones], dim=1), (1, 1, 1, 1)))

    @property
    def size(self) -> tuple[int, int]:
        """(h, w) of each phase."""
        return self.padded.shape[2] - 2, self.padded.shape[3] - 2

    def patches(self, phase: int, rows: slice) -> Tensor:
        """(64, rows · w) of one phase: the seven channels that each tap sees, and a one."""
        seen = self.padded[phase, :, rows.start : rows.stop + 2]
        windows = seen.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 3, 4, 1, 2)
        patches = seen.new_ones(CHANNELS_SEEN + 1, windows[0, 0, 0].numel())
        patches[:CHANNELS_SEEN].view(windows.shape).copy_(windows)
        return patches

    def reduced(self, rows: slice) -> Tensor:
        """(7, rows · w): the image, average pooled by 2, beside ones."""
        return self.padded[:, :, 1:-1, 1:-1][:, :, rows].mean(0).flatten(1)


@dataclass(frozen=True)
class PatchMoments:
    """Of all patches of a batch: their number, mean (63) and covariance (63, 63), in float64."""

    count: int
    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, images: list[Phases]) -> "PatchMoments":
        """The moments over all pixels of all images."""
        size = (CHANNELS_SEEN + 1, CHANNELS_SEEN + 1)
        products, count = images[0].padded.new_zeros(size, dtype=torch.float64), 0
        for image in images:
            for phase, rows in product(range(PHASES), row_tiles(*image.size)):
                patches = image.patches(phase, rows).double()
                products += patches @ patches.t()  # the last row, of ones, gives the sums
                count += patches.shape[1]
        products /= count
        mean = products[-1, :-1]
        return cls(count, mean, products[:-1, :-1] - torch.outer(mean, mean))


class FoldedFirst(NamedTuple):
    """The lift and the first block's convolution with its norm, as one affine map of patches.

    ``weight`` (C, 64) gives what the leaky ReLU takes, ``lift`` (C, 7) what is added to it.
    """

    weight: Tensor
    lift: Tensor


def folded_first(lift: nn.Conv2d, block: ConvBlock, moments: PatchMoments | None) -> FoldedFirst:
    """Fold ``lift`` and ``block``, normalising by ``moments`` or, without, by running statistics.

    The small products are taken in float64, since a variance is a difference of large numbers.
    """
    assert lift.bias is not None and block.conv.bias is not None
    up = torch.cat([lift.weight.flatten(1), lift.bias[:, None]], dim=1)
    # Two linear maps in a row are one: for each tap, (C, C) @ (C, 7).
    weight = torch.einsum("omyx,mc->ocyx", block.conv.weight.double(), up.double()).flatten(1)
    bn = block.bn
    if moments is None:
        mean, variance = running_statistics(bn, block.conv.bias)
    else:
        # Of z = W p for patches p: W mean(p), and the diagonal of W cov(p) W^T. Both are functions
        # of W, so autograd finds batch norm's whole gradient without any image.
        mean = weight @ moments.mean
        variance = (weight @ moments.covariance * weight).sum(1)
        update_running(bn, block.conv.bias, mean, variance, moments.count)
    # gamma rstd (W p - mean) + beta: the shift is a column of its own, for the patches' last row.
    scale = bn.weight * (variance + bn.eps).rsqrt()
    shift = beta_of(block) - mean * scale
    return FoldedFirst(torch.cat([weight * scale[:, None], shift[:, None]], dim=1), up)


class FirstBlock:
    """The inputs are a ``FoldedFirst``; rows of each image are computed when they are asked for.

    y = lift x + mean of LeakyReLU(z) over the phases, with z = W p for patches p, and x the image
    average pooled by 2. That mean is average pooling, too; the lift, being linear, comes after it.
    """

    def __init__(self, images: list[Phases]) -> None:
        self._images = images

    def size(self, inputs: tuple[Tensor, ...]) -> tuple[int, int]:
        return self._images[0].size

    def rows(self, index: int, inputs: tuple[Tensor, ...], rows: slice) -> Tensor:
        weight, lift = inputs
        image = self._images[index]
        y = (lift @ image.reduced(rows)).to(torch.promote_types(lift.dtype, torch.float32))
        for phase in range(PHASES):
            y.add_(F.leaky_relu_(weight @ image.patches(phase, rows), SLOPE), alpha=1 / PHASES)
        return y.to(lift.dtype).view(1, len(y), -1, image.size[1])

    def add_gradients(
        self, of_inputs: list[Tensor | None], index: int, inputs: tuple[Tensor, ...], rows: slice,
        grad: Tensor,
    ) -> None:  # fmt: skip
        weight, _ = inputs
        image, grad = self._images[index], grad.flatten(2)[0]
        of_lift = grad @ image.reduced(rows).t()  # dlift = sum of dy x^T
        of_weight = torch.zeros_like(weight, dtype=torch.promote_types(grad.dtype, torch.float32))
        grad = grad / PHASES  # of the mean over the phases
        for phase in range(PHASES):
            patches = image.patches(phase, rows)
            # z is computed again, then overwritten by its gradient; dW = sum of dz p^T.
            of_weight += through_leaky_relu_(grad, weight @ patches) @ patches.t()
        for at, found in enumerate((of_weight, of_lift)):
            so_far = of_inputs[at]
            of_inputs[at] = found if so_far is None else so_far + found
