"""Batch norm, a few channels at a time."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from samfit.adapters.parts.conv_branch import SLOPE, ConvBlock

CHANNELS = 32  # normalised at a time


class Norm(NamedTuple):
    """Batch norm with known statistics, a few channels at a time; each field is (C, 1, 1).

    c = z - mean and u = gamma rstd c + beta; AvgPool2(LeakyReLU(u)) follows, and d is the gradient
    of u.
    """

    mean: Tensor
    rstd: Tensor
    gamma: Tensor
    beta: Tensor

    @classmethod
    def of(cls, *fields: Tensor) -> "Norm":
        """From fields (C)."""
        return cls(*(field[:, None, None] for field in fields))

    def apply(self, z: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """c and u of some channels of z (1, C, H, W)."""
        centred = z[0, part].to(self.mean.dtype) - self.mean[part]
        return centred, centred * (self.rstd * self.gamma)[part] + self.beta[part]

    def backward(self, z: Tensor, of_output: Tensor, part: slice) -> tuple[Tensor, Tensor]:
        """c and d of some channels, given the gradient (1, C, H/2, W/2) of the pooled output."""
        centred, u = self.apply(z, part)
        # Average pooling by 2 gives each of four pixels a quarter of the output's gradient.
        of_pooled = of_output[0, part, :, None, :, None] / 4
        d = through_leaky_relu_(of_pooled, u.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)))
        return centred, d.view_as(u)

    def parameter_gradients(
        self, convolved: list[Tensor], of_outputs: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Sums of d and of d c over the batch: dbeta = sum d, and dgamma = rstd sum d c."""
        of_beta, of_scale = torch.zeros_like(self.beta), torch.zeros_like(self.beta)
        for z, of_output in zip(convolved, of_outputs, strict=True):
            for part in slices(len(of_beta), CHANNELS):
                centred, d = self.backward(z, of_output, part)
                of_beta[part] += d.sum((1, 2), keepdim=True)
                of_scale[part] += centred.mul_(d).sum((1, 2), keepdim=True)
        return of_beta, of_scale

    def input_gradient_(
        self, z: Tensor, of_output: Tensor, subtracted: tuple[Tensor, Tensor]
    ) -> Tensor:
        """The gradient of ``z``, in its place: gamma rstd (d - mean(d) - c rstd^2 mean(d c)).

        ``subtracted`` are mean(d) and rstd^2 mean(d c): what moving z does to the batch's mean and
        variance. They are zero where statistics are fixed.
        """
        constant, linear = subtracted
        for part in slices(z.shape[1], CHANNELS):
            centred, d = self.backward(z, of_output, part)
            d -= centred.mul_(linear[part]).add_(constant[part])
            # ``backward`` above has read these channels of z, and nothing will again.
            z[0, part] = d.mul_((self.rstd * self.gamma)[part])
        return z


def through_leaky_relu_(grad: Tensor, u: Tensor) -> Tensor:
    """The gradient of u, in its place, given that of its leaky ReLU, which is broadcast."""
    backward = torch.ops.aten.leaky_relu_backward.grad_input
    return backward(grad.to(u.dtype).expand_as(u), u, SLOPE, False, grad_input=u)


def beta_of(block: ConvBlock) -> Tensor:
    """The beta of the block's batch norm.

    In training, batch norm removes the convolution's bias. Zero times the bias gives that a
    gradient of zero, as the plain branch does, rather than none.
    """
    bias, bn = block.conv.bias, block.bn
    assert bias is not None
    return bn.bias + 0 * bias if bn.training else bn.bias


def moments_of(images: list[Tensor], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over ``images``, all (1, C, H, W) of one size."""
    each = [
        torch.var_mean(z[0, part].to(dtype), dim=(1, 2), correction=0)
        for z in images
        for part in slices(z.shape[1], CHANNELS)
    ]
    variances, means = (torch.cat(found).view(len(images), -1) for found in zip(*each, strict=True))
    mean = means.mean(0)
    # The variance of all is the mean of the images' variances plus the variance of their means.
    return mean, variances.mean(0) + (means - mean).square().mean(0)


def running_statistics(bn: nn.BatchNorm2d, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Running mean of a convolution without its ``bias``, and running variance."""
    assert bn.running_mean is not None and bn.running_var is not None
    return bn.running_mean - bias, bn.running_var


@torch.no_grad()
def update_running(
    bn: nn.BatchNorm2d, bias: Tensor, mean: Tensor, variance: Tensor, count: int
) -> None:
    """Take a batch's statistics, those of a convolution without its ``bias``, into account."""
    assert bn.running_mean is not None and bn.running_var is not None
    assert bn.num_batches_tracked is not None and bn.momentum is not None
    unbiased = variance * (count / (count - 1))
    bn.running_mean.lerp_((mean + bias).to(bn.running_mean.dtype), bn.momentum)
    bn.running_var.lerp_(unbiased.to(bn.running_var.dtype), bn.momentum)
    bn.num_batches_tracked += 1


def slices(length: int, step: int) -> list[slice]:
    """Consecutive slices of ``step`` that cover ``length``."""
    return [slice(at, min(at + step, length)) for at in range(0, length, step)]
