"""The lift and the first block as one affine map of patches, and what it makes of an image."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.parts.conv_branch import DILATION, SLOPE, ConvBlock
from samfit.adapters.parts.lean.norm import (
    beta_of,
    running_statistics,
    slices,
    through_leaky_relu_,
    update_running,
)

TILE_ROWS = 16  # of the block's output, computed at a time
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

    def tiles(self) -> list[slice]:
        """Rows of the phases, a few at a time."""
        return slices(self.size[0], TILE_ROWS)

    def patches(self, rows: slice) -> Tensor:
        """(64, 4 · rows · w), all phases: the seven channels that each tap sees, and a one."""
        seen = self.padded[:, :, rows.start : rows.stop + 2]
        windows = seen.unfold(2, 3, 1).unfold(3, 3, 1).permute(1, 4, 5, 0, 2, 3)
        patches = seen.new_ones(CHANNELS_SEEN + 1, windows[0, 0, 0].numel())
        patches[:CHANNELS_SEEN].view(windows.shape).copy_(windows)
        return patches

    def reduced(self) -> Tensor:
        """(7, h · w): the image, average pooled by 2, beside ones."""
        return self.padded[:, :, 1:-1, 1:-1].mean(0).flatten(1)


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
            for rows in image.tiles():
                patches = image.patches(rows).double()
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
    """The inputs are a ``FoldedFirst``; each image is computed when it is asked for.

    y = lift x + mean of LeakyReLU(z) over the phases, with z = W p for patches p, and x the image
    average pooled by 2. That mean is average pooling, too; the lift, being linear, comes after it.
    """

    def __init__(self, images: list[Phases]) -> None:
        self._images = images

    def image(self, index: int, inputs: tuple[Tensor, ...]) -> Tensor:
        weight, lift = inputs
        phases = self._images[index]
        height, width = phases.size
        y = (lift @ phases.reduced()).view(-1, height, width)
        for rows in phases.tiles():
            u = F.leaky_relu_(weight @ phases.patches(rows), SLOPE)
            y[:, rows] += u.view(len(u), PHASES, -1, width).mean(1)
        return y[None]

    def backward(
        self, index: int, inputs: tuple[Tensor, ...], grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        weight, _ = inputs
        phases, grad = self._images[index], grad[0]
        precise = torch.promote_types(grad.dtype, torch.float32)
        of_weight = torch.zeros_like(weight, dtype=precise)
        for rows in phases.tiles():
            patches = phases.patches(rows)
            z = weight @ patches  # computed again, then overwritten by its gradient
            # A phase is a quarter of the mean; dW is the sum of dz p^T over all pixels.
            of_mean = grad[:, rows].flatten(1)[:, None] / PHASES
            of_z = through_leaky_relu_(of_mean, z.view(len(z), PHASES, -1)).flatten(1)
            of_weight += of_z @ patches.t()
        return of_weight, grad.flatten(1) @ phases.reduced().t()  # dlift = sum of dy x^T
