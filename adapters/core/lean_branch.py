"""CAD's convolutional network again: the same function of the same parameters, in less memory.

Three identities make it small and fast; none of them approximates:

* The 1x1 convolution that lifts 6 channels to C and the first 3x3 convolution are one convolution
  over 7 channels: the image's six, and ones, which carry the lift's bias and are zero where the
  3x3 convolution pads (``folded_first``).
* Batch norm's statistics of that convolution follow from the mean and the 63 x 63 second moment of
  its input patches (``PatchMoments``). So the layer, its norm included, is a matrix product, and
  the C channels at full resolution need never exist all at once.
* A convolution of dilation 2 acts on the four interleaved images of half the size as one of
  dilation 1; average pooling then is the mean over the four (``FirstBlock``).

The deeper blocks run image by image (``NormalisedBlock``): batch norm's statistics are gathered as
the images pass, what the first block computes is computed again in backward, and gradients of a
block's convolution take the place of its output.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from adapters.core.conv_branch import DILATION, SLOPE, ConvBlock, ConvBranch, scaled_to_one
from adapters.core.precision import autocast_dtype

TILE_ROWS = 16  # of the first block's output, computed at a time
CHANNELS = 32  # normalised at a time
CHANNELS_SEEN = 7 * 9  # by a 3x3 convolution of the image's six channels and ones
PHASES = 4  # interleaved images


class LeanBranch(ConvBranch):
    """``ConvBranch`` for images whose sides are 8 times the grid's.

    Images get no gradient, and backward runs once.
    """

    def forward(self, x: Tensor) -> Tensor:
        dtype = autocast_dtype(x.device) or self.conv_up.weight.dtype
        x = scaled_to_one(x.detach())
        images = [Phases.of(image, dtype) for image in x]
        moments = PatchMoments.of(images) if self.training else None
        block, *deeper = (cast(ConvBlock, block) for block in self.blocks)
        first = folded_first(self.conv_up, block, moments)

        source: Source = FirstBlock(images)
        inputs = tuple(t.to(dtype) for t in first)
        pooled = []
        for block in deeper:
            outputs, before = normalised_block(block, self.grid, source, inputs, len(images))
            pooled.append(before)
            source, inputs = Stored(), outputs
        return torch.tanh(torch.cat(inputs) + sum(pooled[1:], start=pooled[0]))


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
        return _slices(self.size[0], TILE_ROWS)

    def patches(self, rows: slice) -> Tensor:
        """(63, 4 · rows · w): the seven channels that each tap sees, for all phases."""
        seen = self.padded[:, :, rows.start : rows.stop + 2]
        windows = seen.unfold(2, 3, 1).unfold(3, 3, 1)  # (4, 7, rows, w, 3, 3)
        return windows.permute(1, 4, 5, 0, 2, 3).flatten(3).flatten(0, 2)

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
        total = images[0].padded.new_zeros(CHANNELS_SEEN, dtype=torch.float64)
        products, count = torch.outer(total, total), 0
        for image in images:
            for rows in image.tiles():
                patches = image.patches(rows).double()
                total += patches.sum(1)
                products += patches @ patches.t()
                count += patches.shape[1]
        mean = total / count
        return cls(count, mean, products / count - torch.outer(mean, mean))


class FoldedFirst(NamedTuple):
    """The lift and the first block's convolution with its norm, as one affine map of patches.

    ``weight`` (C, 63) and ``shift`` (C, 1) give what the leaky ReLU takes; ``lift`` (C, 7) gives
    what is added to it.
    """

    weight: Tensor
    shift: Tensor
    lift: Tensor


def folded_first(lift: nn.Conv2d, block: ConvBlock, moments: PatchMoments | None) -> FoldedFirst:
    """Fold ``lift`` and ``block``, normalising by ``moments`` or, without, by running statistics.

    The small products are taken in float64, since a variance is a difference of large numbers.
    """
    assert lift.bias is not None and block.conv.bias is not None
    up = torch.cat([lift.weight.flatten(1), lift.bias[:, None]], dim=1)
    weight = torch.einsum("omyx,mc->ocyx", block.conv.weight.double(), up.double()).flatten(1)
    bn = block.bn
    if moments is None:
        mean, variance = _running(bn, block.conv.bias)
    else:
        mean = weight @ moments.mean
        variance = (weight @ moments.covariance * weight).sum(1)
        _update_running(bn, block.conv.bias, mean, variance, moments.count)
    scale = bn.weight * (variance + bn.eps).rsqrt()
    shift = _beta(block) - mean * scale
    return FoldedFirst(weight * scale[:, None], shift[:, None], up)


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


class FirstBlock:
    """The inputs are a ``FoldedFirst``; each image is computed when it is asked for."""

    def __init__(self, images: list[Phases]) -> None:
        self._images = images

    def image(self, index: int, inputs: tuple[Tensor, ...]) -> Tensor:
        weight, shift, lift = inputs
        phases = self._images[index]
        height, width = phases.size
        y = (lift @ phases.reduced()).view(-1, height, width)
        for rows in phases.tiles():
            u = F.leaky_relu_(torch.addmm(shift, weight, phases.patches(rows)), SLOPE)
            y[:, rows] += u.view(len(u), PHASES, -1, width).mean(1)
        return y[None]

    def backward(
        self, index: int, inputs: tuple[Tensor, ...], grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        weight, shift, _ = inputs
        phases, grad = self._images[index], grad[0]
        of_weight, of_shift = torch.zeros_like(weight), torch.zeros_like(shift)
        for rows in phases.tiles():
            patches = phases.patches(rows)
            z = torch.addmm(shift, weight, patches)
            d = _slope(z).view(len(z), PHASES, -1).mul_(grad[:, rows].flatten(1)[:, None])
            of_z = d.flatten(1)
            of_weight += of_z @ patches.t()
            of_shift += of_z.sum(1, keepdim=True)
        return of_weight, of_shift, grad.flatten(1) @ phases.reduced().t()


def normalised_block(
    block: ConvBlock, grid: tuple[int, int], source: Source, inputs: tuple[Tensor, ...], count: int
) -> tuple[tuple[Tensor, ...], Tensor]:
    """What ``block`` makes of ``count`` images of ``source``, and these images pooled to ``grid``.

    Returns:
        One (1, C, H/2, W/2) an image, and (count, C, g, g).
    """
    bias, bn = block.conv.bias, block.bn
    assert bias is not None
    fixed = (None, None) if bn.training else _running(bn, bias)
    weight = block.conv.weight.to(inputs[0].dtype)
    plan = _Plan(source, grid, bn.eps, count)
    *outputs, pooled, mean, variance = _NormalisedBlock.apply(
        plan, weight, bn.weight, _beta(block), *fixed, *inputs
    )
    if bn.training:
        pixels = 4 * sum(output[0, 0].numel() for output in outputs)
        _update_running(bn, bias, mean, variance, pixels)
    return tuple(outputs), pooled


@dataclass(frozen=True)
class _Plan:
    source: Source
    grid: tuple[int, int]
    eps: float
    count: int


class _NormalisedBlock(torch.autograd.Function):
    """A ``ConvBlock`` without its bias, image by image. Kept for backward: z and the inputs.

    With z = conv(y), c = z - mean, u = gamma rstd c + beta and d the gradient of u, that of z is
    gamma rstd (d - mean(d) - c rstd^2 mean(d c)), these means over the batch; with fixed statistics
    it is gamma rstd d, and that of the mean its negative sum.
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
            outputs.append(F.avg_pool2d(y, 2))
            pooled.append(F.adaptive_avg_pool2d(outputs[-1], plan.grid))
            del y
        ctx.fixed = mean is not None
        if mean is None or variance is None:
            mean, variance = _moments(convolved, gamma.dtype)
        norm = _Norm.of(mean, (variance + plan.eps).rsqrt(), gamma, beta)
        for z, output in zip(convolved, outputs, strict=True):
            for part in _slices(len(mean), CHANNELS):
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
        of_beta, of_scale = norm.parameter_gradients(convolved, of_outputs)
        pixels = len(convolved) * convolved[0][0, 0].numel()
        share = 0 if ctx.fixed else 1 / pixels
        subtracted = (of_beta * share, of_scale * norm.rstd**2 * share)

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
            _add_spread_(of_y, of_outputs[index])
            _add_spread_(of_y, of_pooled[index : index + 1])
            found = plan.source.backward(index, tuple(inputs), of_y)
            of_inputs = [_sum(one, other) for one, other in zip(of_inputs, found, strict=True)]
        of_mean = -(of_beta * norm.rstd * norm.gamma).flatten() if ctx.fixed else None
        of_gamma = of_scale * norm.rstd
        return None, of_weight, of_gamma.flatten(), of_beta.flatten(), of_mean, None, *of_inputs


class _Norm(NamedTuple):
    """Batch norm with known statistics, a few channels at a time; each field is (C, 1, 1)."""

    mean: Tensor
    rstd: Tensor
    gamma: Tensor
    beta: Tensor

    @classmethod
    def of(cls, *fields: Tensor) -> "_Norm":
        """From fields (C)."""
        return cls(*(field[:, None, None] for field in fields))

    def apply(self, z: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """c and u of some channels of z (1, C, H, W)."""
        centred = z[0, part].to(self.mean.dtype) - self.mean[part]
        return centred, centred * (self.rstd * self.gamma)[part] + self.beta[part]

    def backward(self, z: Tensor, of_output: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """c and d of some channels, given the gradient (1, C, H/2, W/2) of the pooled output."""
        centred, u = self.apply(z, part)
        d = _slope(u)
        d.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).mul_(of_output[0, part, :, None, :, None])
        return centred, d

    def parameter_gradients(
        self, convolved: list[Tensor], of_outputs: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Sums of d and of d c over the batch: the gradients of beta and, up to rstd, of gamma."""
        of_beta, of_scale = torch.zeros_like(self.beta), torch.zeros_like(self.beta)
        for z, of_output in zip(convolved, of_outputs, strict=True):
            for part in _slices(len(of_beta), CHANNELS):
                centred, d = self.backward(z, of_output, part)
                of_beta[part] += d.sum((1, 2), keepdim=True)
                of_scale[part] += centred.mul_(d).sum((1, 2), keepdim=True)
        return of_beta, of_scale

    def input_gradient_(
        self, z: Tensor, of_output: Tensor, subtracted: tuple[Tensor, Tensor]
    ) -> Tensor:
        """The gradient of ``z``, in its place; ``subtracted`` are mean(d) and rstd^2 mean(d c)."""
        constant, linear = subtracted
        for part in _slices(z.shape[1], CHANNELS):
            centred, d = self.backward(z, of_output, part)
            d -= centred.mul_(linear[part]).add_(constant[part])
            z[0, part] = d.mul_((self.rstd * self.gamma)[part])
        return z


def _slope(u: Tensor) -> Tensor:
    """Derivative of the leaky ReLU of u, over the four pixels that are pooled."""
    return torch.where(u > 0, u.new_full((), 1 / 4), u.new_full((), SLOPE / 4))


def _beta(block: ConvBlock) -> Tensor:
    """Of the block's norm; while training that removes the convolution's bias, whose gradient is
    zero rather than missing."""
    bias, bn = block.conv.bias, block.bn
    assert bias is not None
    return bn.bias + 0 * bias if bn.training else bn.bias


def _moments(images: list[Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over ``images``, all (1, C, H, W) of one size."""
    each = [
        torch.var_mean(z[0, part].to(dtype), dim=(1, 2), correction=0)
        for z in images
        for part in _slices(z.shape[1], CHANNELS)
    ]
    variances, means = (torch.cat(found).view(len(images), -1) for found in zip(*each, strict=True))
    mean = means.mean(0)
    return mean, variances.mean(0) + (means - mean).square().mean(0)


def _running(bn: nn.BatchNorm2d, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Running mean of a convolution without its ``bias``, and running variance."""
    assert bn.running_mean is not None and bn.running_var is not None
    return bn.running_mean - bias, bn.running_var


@torch.no_grad()
def _update_running(
    bn: nn.BatchNorm2d, bias: Tensor, mean: Tensor, variance: Tensor, count: int
) -> None:
    """Take a batch's statistics, those of a convolution without its ``bias``, into account."""
    assert bn.running_mean is not None and bn.running_var is not None
    assert bn.num_batches_tracked is not None and bn.momentum is not None
    unbiased = variance * (count / (count - 1))
    bn.running_mean.lerp_((mean + bias).to(bn.running_mean.dtype), bn.momentum)
    bn.running_var.lerp_(unbiased.to(bn.running_var.dtype), bn.momentum)
    bn.num_batches_tracked += 1


def _add_spread_(y: Tensor, pooled: Tensor) -> None:
    """Add to y (1, C, H, W) the gradient of average pooling, given its output's (1, C, h, w)."""
    rows, columns = y.shape[2] // pooled.shape[2], y.shape[3] // pooled.shape[3]
    y.unflatten(3, (-1, columns)).unflatten(2, (-1, rows)).add_(
        pooled[:, :, :, None, :, None], alpha=1 / (rows * columns)
    )


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return other if one is None else one if other is None else one + other


def _slices(length: int, step: int) -> list[slice]:
    """Consecutive slices of ``step`` that cover ``length``."""
    return [slice(at, min(at + step, length)) for at in range(0, length, step)]
