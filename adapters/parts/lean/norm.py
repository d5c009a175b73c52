"""Batch norm, tile by tile."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from samfit.adapters.parts.conv_branch import SLOPE, ConvBlock


class Norm(NamedTuple):
    """Batch norm with known statistics, of one tile at a time; each field is (C, 1, 1).

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

    def apply(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """c and u (C, h, W) of a tile z (1, C, h, W)."""
        centred = z[0] - self.mean  # in the type of the mean, which is the wider one
        return centred, torch.addcmul(self.beta, centred, self.rstd * self.gamma)

    def backward(self, z: Tensor, of_output: Tensor) -> tuple[Tensor, Tensor]:
        """c and d of a tile, given the gradient (1, C, h/2, W/2) of its pooled output."""
        centred, u = self.apply(z)
        # Average pooling by 2 gives each of four pixels a quarter of the output's gradient.
        of_pooled = of_output[0, :, :, None, :, None] / 4
        d = through_leaky_relu_(of_pooled, u.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)))
        return centred, d.view_as(u)

    def parameter_gradients(self, z: Tensor, of_output: Tensor) -> Tensor:
        """Sums of d and of d c over a tile, (2, C, 1, 1): dbeta = sum d, dgamma = rstd sum d c."""
        centred, d = self.backward(z, of_output)
        of_beta = d.sum((1, 2), keepdim=True)
        return torch.stack([of_beta, centred.mul_(d).sum((1, 2), keepdim=True)])

    def input_gradient_(
        self, z: Tensor, of_output: Tensor, subtracted: tuple[Tensor, Tensor]
    ) -> None:
        """The gradient of ``z``, in its place: gamma rstd (d - mean(d) - c rstd^2 mean(d c)).

        ``subtracted`` are mean(d) and rstd^2 mean(d c): what moving z does to the batch's mean and
        variance. They are zero where statistics are fixed.
        """
        constant, linear = subtracted
        centred, d = self.backward(z, of_output)
        d -= centred.mul_(linear).add_(constant)
        z[0] = d.mul_(self.rstd * self.gamma)


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


def moments_of(images: list[list[Tensor]], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over images, each in tiles (1, C, h, W), all cut alike."""
    each = [
        torch.var_mean(z[0].to(dtype), dim=(1, 2), correction=0) for tiles in images for z in tiles
    ]
    variances, means = (torch.stack(found) for found in zip(*each, strict=True))
    pixels = [z[0, 0].numel() for z in images[0]]
    total = len(images) * sum(pixels)
    share = means.new_full((len(images), len(pixels), 1), pixels[0] / total)
    share[:, -1].fill_(pixels[-1] / total)  # the last tile of an image may be a smaller one
    share = share.flatten(0, 1)
    mean = (share * means).sum(0)
    # The variance of all is the mean of the tiles' variances plus the variance of their means.
    return mean, (share * (variances + (means - mean).square())).sum(0)


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
