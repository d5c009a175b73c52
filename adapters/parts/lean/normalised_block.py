"""A block whose batch norm gathers its statistics tile by tile."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from samfit.adapters.parts.conv_branch import DILATION, SLOPE, ConvBlock
from samfit.adapters.parts.lean.norm import (
    Norm,
    beta_of,
    moments_of,
    running_statistics,
    update_running,
)
from samfit.adapters.parts.lean.tiles import (
    border,
    convolve,
    pooled_rows,
    room_for,
    row_tiles,
    with_border,
    with_neighbours,
)


class Source(Protocol):
    """Where a block's input comes from, a few rows of one image at a time."""

    def size(self, inputs: tuple[Tensor, ...]) -> tuple[int, int]:
        """(H, W) of each image."""

    def rows(self, index: int, inputs: tuple[Tensor, ...], rows: slice) -> Tensor:
        """Rows of one image (1, C, h, W), for reading only."""

    def add_gradients(
        self, of_inputs: list[Tensor | None], index: int, inputs: tuple[Tensor, ...], rows: slice,
        grad: Tensor,
    ) -> None:  # fmt: skip
        """Add to those of ``inputs`` what follows from that of the rows, ``grad`` (1, C, h, W).

        None stands for a gradient that nothing was added to so far.
        """


class Stored:
    """The inputs are the images."""

    def size(self, inputs: tuple[Tensor, ...]) -> tuple[int, int]:
        return inputs[0].shape[2], inputs[0].shape[3]

    def rows(self, index: int, inputs: tuple[Tensor, ...], rows: slice) -> Tensor:
        return inputs[index][:, :, rows]

    def add_gradients(
        self, of_inputs: list[Tensor | None], index: int, inputs: tuple[Tensor, ...], rows: slice,
        grad: Tensor,
    ) -> None:  # fmt: skip
        of_image = of_inputs[index]
        if of_image is None:
            of_image = of_inputs[index] = torch.empty_like(inputs[index])
        of_image[:, :, rows] = grad  # each of its rows comes once


def normalised_block(
    block: ConvBlock, grid: tuple[int, int], source: Source, inputs: tuple[Tensor, ...], count: int
) -> tuple[tuple[Tensor, ...], Tensor]:
    """What ``block`` makes of ``count`` images of ``source``, and these images pooled to ``grid``.

    Returns:
        One (1, C, H/2, W/2) an image, and (count, C, g, g).
    """
    bias, bn = block.conv.bias, block.bn
    assert bias is not None
    fixed = (None, None) if bn.training else running_statistics(bn, bias)
    weight = block.conv.weight.to(inputs[0].dtype)
    plan = _Plan(source, grid, bn.eps, count)
    *outputs, pooled, mean, variance = NormalisedBlock.apply(
        plan, weight, bn.weight, beta_of(block), *fixed, *inputs
    )
    if bn.training:
        pixels = 4 * sum(output[0, 0].numel() for output in outputs)
        update_running(bn, bias, mean, variance, pixels)
    return tuple(outputs), pooled


@dataclass(frozen=True)
class _Plan:
    source: Source
    grid: tuple[int, int]
    eps: float
    count: int

    def tiles(self, inputs: tuple[Tensor, ...]) -> list[slice]:
        return row_tiles(*self.source.size(inputs))

    def seen(
        self, index: int, inputs: tuple[Tensor, ...], rows: slice, before: Tensor | None
    ) -> Tensor:
        """``with_border`` of an image."""
        height, _ = self.source.size(inputs)
        return with_border(rows, height, lambda new: self.source.rows(index, inputs, new), before)


class NormalisedBlock(torch.autograd.Function):
    """A ``ConvBlock`` without its bias, tile by tile. Kept for backward: z and the inputs.

    The output is AvgPool2(LeakyReLU(u) + y) with z = conv(y), c = z - mean and u = gamma rstd c
    + beta. With d the gradient of u, that of z is gamma rstd (d - mean(d) - c rstd^2 mean(d c)),
    these means over the batch; with fixed statistics it is gamma rstd d, and that of the mean its
    negative sum.
    """

    @staticmethod
    def forward(
        ctx: Any, plan: _Plan, weight: Tensor, gamma: Tensor, beta: Tensor,
        mean: Tensor | None, variance: Tensor | None, *inputs: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        (height, width), tiles = plan.source.size(inputs), plan.tiles(inputs)
        outputs, pooled, convolved = [], [], []
        for index in range(plan.count):
            output = weight.new_empty(1, len(weight), height // 2, width // 2)
            convolved.append(room_for(tiles, width, weight))
            before = None
            for z, rows in zip(convolved[-1], tiles, strict=True):
                y = plan.seen(index, inputs, rows, before)
                before = border(y)
                z.copy_(convolve(y, weight))
                # The part of y; that of u needs all statistics. Either border is one row, pooled.
                pooled_rows(output, rows, height).copy_(F.avg_pool2d(y, 2)[:, :, 1:-1])
                del y
            outputs.append(output)
            # The grid divides the sides, so what is pooled already can be pooled on.
            pooled.append(F.adaptive_avg_pool2d(output, plan.grid))
        ctx.fixed = mean is not None
        if mean is None or variance is None:
            mean, variance = moments_of(convolved, gamma.dtype)
        norm = Norm.of(mean, (variance + plan.eps).rsqrt(), gamma, beta)
        for image, output in zip(convolved, outputs, strict=True):
            for z, rows in zip(image, tiles, strict=True):
                _, u = norm.apply(z)
                pooled_rows(output, rows, height)[0] += F.avg_pool2d(F.leaky_relu_(u, SLOPE), 2)
        ctx.plan, ctx.norm, ctx.convolved = plan, norm, convolved
        ctx.save_for_backward(weight, *inputs)
        ctx.mark_non_differentiable(mean, variance)
        return *outputs, torch.cat(pooled), mean, variance

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        plan, norm, convolved = ctx.plan, ctx.norm, ctx.convolved
        if not convolved:
            raise RuntimeError("CAD's lean branch goes backward once: run forward again.")
        weight, *inputs = ctx.saved_tensors
        (height, width), tiles = plan.source.size(inputs), plan.tiles(inputs)
        of_outputs, of_pooled = grads[: plan.count], grads[plan.count].split(1)
        # First pass over the batch: the sums that every image's gradient needs.
        sums = [
            norm.parameter_gradients(z, pooled_rows(of_output, rows, height))
            for image, of_output in zip(convolved, of_outputs, strict=True)
            for z, rows in zip(image, tiles, strict=True)
        ]
        of_beta, of_scale = torch.stack(sums).sum(0)
        share = 0 if ctx.fixed else 1 / (plan.count * height * width)
        subtracted = (of_beta * share, of_scale * norm.rstd**2 * share)

        # Second pass, image by image: dz in the place of z, then dW and dy, and z is freed.
        of_weight = torch.zeros_like(weight, dtype=norm.beta.dtype)
        of_inputs: list[Tensor | None] = [None] * len(inputs)
        # dy is dz convolved with the kernel turned around: cheaper at a tile's borders than the
        # transposed convolution, and with less workspace.
        turned = weight.transpose(0, 1).flip(2, 3).contiguous()
        for index in reversed(range(plan.count)):
            of_z, of_output = convolved.pop(), of_outputs[index]
            for z, rows in zip(of_z, tiles, strict=True):
                norm.input_gradient_(z, pooled_rows(of_output, rows, height), subtracted)
            before = None
            for at, rows in enumerate(tiles):
                y = plan.seen(index, inputs, rows, before)
                before = border(y)
                of_weight += conv2d_weight(
                    y, weight.shape, of_z[at], padding=(0, DILATION), dilation=DILATION
                )
                del y
                of_y = convolve(with_neighbours(of_z, at), turned)
                # y reaches the result in three ways: through the convolution, beside it into the
                # output, and pooled to the grid.
                for pooled in (of_output, of_pooled[index]):
                    _add_spread_(of_y, pooled_rows(pooled, rows, height))
                plan.source.add_gradients(of_inputs, index, inputs, rows, of_y)
                del of_y
            del of_z, z
        # du/dmean = -gamma rstd. It leads to the convolution's bias, which running_statistics
        # subtracted from the mean; the variance is a buffer and takes no gradient.
        of_mean = -(of_beta * norm.rstd * norm.gamma).flatten() if ctx.fixed else None
        of_gamma = of_scale * norm.rstd
        return None, of_weight, of_gamma.flatten(), of_beta.flatten(), of_mean, None, *of_inputs


def _add_spread_(y: Tensor, pooled: Tensor) -> None:
    """Add to y (1, C, H, W) the gradient of average pooling, given its output's (1, C, h, w)."""
    rows, columns = y.shape[2] // pooled.shape[2], y.shape[3] // pooled.shape[3]
    y.unflatten(3, (-1, columns)).unflatten(2, (-1, rows)).add_(
        pooled[:, :, :, None, :, None], alpha=1 / (rows * columns)
    )
