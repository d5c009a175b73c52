"""CAD's convolutional network, as its paper writes it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.1  # of the leaky ReLU
DILATION = 2


class ConvBlock(nn.Module):
    """y -> AvgPool2(LeakyReLU_0.1(BN(conv3x3, dilation 2)(y)) + y), halving H and W."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, kernel_size=3, padding=DILATION, dilation=DILATION
        )
        self.bn = nn.BatchNorm2d(channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, y: Tensor) -> Tensor:
        return F.avg_pool2d(F.leaky_relu(self.bn(self.conv(y)), SLOPE) + y, kernel_size=2)


class ConvBranch(nn.Module):
    """The convolutional network of CAD.

    Maps x (B, 6, H, W), any non-negative range, to a bounded feature map (B, C, g, g): each channel
    of each sample is divided by its own maximum; a 1x1 convolution lifts 6 channels to C; three
    ``ConvBlock`` follow, each output is pooled to the grid g, and tanh bounds their sum.
    """

    def __init__(self, in_channels: int, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.conv_up = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.blocks = nn.ModuleList(ConvBlock(channels) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv_up(scaled_to_one(x).to(self.conv_up.weight.dtype))
        pooled = []
        for block in self.blocks:
            y = block(y)
            pooled.append(F.adaptive_avg_pool2d(y, self.grid))
        return torch.tanh(sum(pooled[1:], start=pooled[0]))


def scaled_to_one(x: Tensor) -> Tensor:
    """x (B, C, H, W) with each channel of each sample divided by its maximum."""
    return x / (x.amax(dim=(-2, -1), keepdim=True) + 1e-5)
