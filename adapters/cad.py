"""CAD: a convolutional adapter in parallel with the whole image encoder."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.core.base import Adapter, Settings
from samfit.adapters.core.settings import Share, same_function
from samfit.adapters.parts.conv_branch import ConvBranch
from samfit.adapters.parts.highpass import high_frequency
from samfit.adapters.parts.lean.branch import LeanBranch
from samfit.adapters.sam.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class CadSettings(Settings):
    """Hyper-parameters of CAD.

    Attributes:
        scale: weight of the correction added to the embedding.
        high_frequency_ratio: share of the spectrum removed for the high-frequency input.
        lean: compute the same function in less memory and time, see ``parts/lean``.
    """

    scale: float = 0.1
    high_frequency_ratio: Share = 0.25
    lean: bool = same_function(False)


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
    batch_norm = True

    def __init__(self, sam: Backbone, settings: CadSettings) -> None:
        super().__init__(sam, settings)
        self.grid = sam.grid
        branch = LeanBranch if settings.lean else ConvBranch
        self.branch = branch(6, sam.embed_dim, self.grid)

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        images = images.to(torch.promote_types(embedding.dtype, torch.float32))
        return embedding + self.settings.scale * self.branch(self._seen(images))

    def _seen(self, images: Tensor) -> Tensor | Iterator[Tensor]:
        """What the branch sees of images of SAM's size: if it is lean, one image after the other,
        so that their Fourier transforms never exist all at once."""
        if self.settings.lean:
            return (self.branch_input(self._reduced(image))[0] for image in images.split(1))
        return self.branch_input(self._reduced(images))

    def _reduced(self, images: Tensor) -> Tensor:
        size = [8 * side for side in self.grid]
        return F.interpolate(images, size, mode="bilinear", antialias=True)

    def branch_input(self, images: Tensor) -> Tensor:
        """The image and its high frequencies side by side: (B, 3, H, W) -> (B, 6, H, W)."""
        high = high_frequency(images, self.settings.high_frequency_ratio)
        return torch.cat([images, high], dim=1)
