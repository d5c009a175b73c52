"""A block whose batch norm gathers its statistics image by image."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from samfit.adapters.parts.conv_branch import DILATION, SLOPE, ConvBlock
from samfit.adapters.parts.lean.norm import (
    CHANNELS,
    Norm,
    beta_of,
    moments_of,
    running_statistics,
    slices,
    update_running,
)


class Source(Protocol):
    """Where a block's input comes from, one image at a time."""

    def image(self, index: int, inputs: tuple[Tensor, ...]) -> Tensor:
        """One image (1, C, H, W), for reading only."""

    def backward(
        self, index: int, inputs: tuple[Tensor, ...], grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        """The gradients of ``inputs`` that follow from the image's, ``grad`` (1, C, H, W)."""


class Stored:
    """The inputs are the images."""

    def image(self, index: int, inputs: tuple[Tensor, ...]) -> Tensor:
        return inputs[index]

    def backward(
        self, index: int, inputs: tuple[Tensor, ...], grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        return tuple(grad if i == index else None for i in range(len(inputs)))


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


class NormalisedBlock(torch.autograd.Function):
    """A ``ConvBlock`` without its bias, image by image. Kept for backward: z and the inputs.

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
        outputs, pooled, convolved = [], [], []
        for index in range(plan.count):
            y = plan.source.image(index, inputs)
            convolved.append(F.conv2d(y, weight, padding=DILATION, dilation=DILATION))
            outputs.append(F.avg_pool2d(y, 2))  # the part of y; that of u needs all statistics
            # The grid divides the sides, so what is pooled already can be pooled on.
            pooled.append(F.adaptive_avg_pool2d(outputs[-1], plan.grid))
            del y
        ctx.fixed = mean is not None
        if mean is None or variance is None:
            mean, variance = moments_of(convolved, gamma.dtype)
        norm = Norm.of(mean, (variance + plan.eps).rsqrt(), gamma, beta)
        for z, output in zip(convolved, outputs, strict=True):
            for part in slices(len(mean), CHANNELS):
                _, u = norm.apply(z, part)
                output[0, part] += F.avg_pool2d(F.leaky_relu_(u, SLOPE), 2)
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
        of_outputs, of_pooled = grads[: plan.count], grads[plan.count]
        # First pass over the batch: the sums that every image's gradient needs.
        of_beta, of_scale = norm.parameter_gradients(convolved, of_outputs)
        pixels = len(convolved) * convolved[0][0, 0].numel()
        share = 0 if ctx.fixed else 1 / pixels
        subtracted = (of_beta * share, of_scale * norm.rstd**2 * share)

        # Second pass, image by image: dz in the place of z, then dW and dy, and z is freed.
        of_weight = torch.zeros_like(weight, dtype=norm.beta.dtype)
        of_inputs: list[Tensor | None] = [None] * len(inputs)
        for index in reversed(range(plan.count)):
            of_z = norm.input_gradient_(convolved.pop(), of_outputs[index], subtracted)
            y = plan.source.image(index, tuple(inputs))
            of_weight += conv2d_weight(y, weight.shape, of_z, padding=DILATION, dilation=DILATION)
            shape = y.shape
            del y
            of_y = conv2d_input(shape, weight, of_z, padding=DILATION, dilation=DILATION)
            del of_z
            # y reaches the result in three ways: through the convolution, beside it into the
            # output, and pooled to the grid.
            _add_spread_(of_y, of_outputs[index])
            _add_spread_(of_y, of_pooled[index : index + 1])
            found = plan.source.backward(index, tuple(inputs), of_y)
            of_inputs = [_sum(one, other) for one, other in zip(of_inputs, found, strict=True)]
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


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other
