"""CAD: a convolutional adapter in parallel with the whole image encoder."""

from dataclasses import dataclass

import torch
from segment_anything.modeling import Sam
from torch import Tensor, nn
from torch.nn import functional as F

from adapters.core.base import Adapter, Settings
from adapters.core.highpass import high_frequency
from adapters.core.settings import Share


@dataclass(frozen=True, kw_only=True)
class CadSettings(Settings):
    """Hyper-parameters of CAD.

    Attributes:
        scale: weight of the correction added to the embedding.
        high_frequency_ratio: share of the spectrum removed for the high-frequency input.
    """

    scale: float = 0.1
    high_frequency_ratio: Share = 0.25


class ConvBlock(nn.Module):
    """y -> AvgPool2(LeakyReLU_0.1(BN(conv3x3, dilation 2)(y)) + y), halving H and W."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=2, dilation=2)
        self.bn = nn.BatchNorm2d(channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, y: Tensor) -> Tensor:
        return F.avg_pool2d(F.leaky_relu(self.bn(self.conv(y)), 0.1) + y, kernel_size=2)


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
        y = self.conv_up(x / (x.amax(dim=(-2, -1), keepdim=True) + 1e-5))
        pooled = []
        for block in self.blocks:
            y = block(y)
            pooled.append(F.adaptive_avg_pool2d(y, self.grid))
        return torch.tanh(sum(pooled[1:], start=pooled[0]))


class Cad(Adapter):
    """Correct the image embedding with a small CNN that reads the image itself.

    E' = E + 0.1 · branch([I, highpass(I)]), with E (B, 256, 64, 64) from the frozen encoder
    without a graph, and I the raw RGB image (0..255) at half SAM's input size, 512 x 512: three
    halvings lead from there to the grid of E. New parameters: 7·256 + 3(9·256² + 3·256) =
    1,773,568 on every backbone.

    Source: arXiv 2409.15889. Differences to the official code: there the branch runs before the
    encoder, so that its kept activations and the encoder's momentary peak add up; here it runs
    after. There a 512 x 512 image is enlarged for SAM; here the branch's image is SAM's, reduced.
    """

    Settings = CadSettings
    title = "CAD"
    source = "arXiv 2409.15889"
    encoder_gradients = False
    starts_as_identity = False

    def __init__(self, sam: Sam, settings: CadSettings) -> None:
        super().__init__(sam, settings)
        self.grid = sam.prompt_encoder.image_embedding_size
        self.branch = ConvBranch(6, sam.prompt_encoder.embed_dim, self.grid)

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        size = [8 * side for side in self.grid]
        precise = torch.promote_types(embedding.dtype, torch.float32)
        small = F.interpolate(images.to(precise), size, mode="bilinear", antialias=True)
        return embedding + self.settings.scale * self.branch(self.branch_input(small))

    def branch_input(self, images: Tensor) -> Tensor:
        """The image and its high frequencies side by side: (B, 3, H, W) -> (B, 6, H, W)."""
        high = high_frequency(images, self.settings.high_frequency_ratio)
        return torch.cat([images, high], dim=1)
