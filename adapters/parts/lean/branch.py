"""The branch: the first block folded, the deeper ones image by image."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

from samfit.adapters.parts.conv_branch import ConvBlock, ConvBranch, scaled_to_one
from samfit.adapters.parts.lean.first_block import FirstBlock, PatchMoments, Phases, folded_first
from samfit.adapters.parts.lean.normalised_block import Source, Stored, normalised_block
from samfit.adapters.sam.precision import autocast_dtype


class LeanBranch(ConvBranch):
    """``ConvBranch`` for images whose sides are 8 times the grid's.

    Images get no gradient, and backward runs once.
    """

    def forward(self, x: Tensor | Iterable[Tensor]) -> Tensor:
        """``ConvBranch.forward``; x may also give its images (6, H, W) one by one."""
        dtype = autocast_dtype(self.conv_up.weight.device) or self.conv_up.weight.dtype
        images = [Phases.of(scaled_to_one(image.detach()), dtype) for image in x]
        first_block, *deeper = (cast(ConvBlock, block) for block in self.blocks)
        moments = PatchMoments.of(images) if first_block.bn.training else None
        first = folded_first(self.conv_up, first_block, moments)

        source: Source = FirstBlock(images)
        inputs = tuple(t.to(dtype) for t in first)
        pooled = []
        for block in deeper:
            outputs, before = normalised_block(block, self.grid, source, inputs, len(images))
            pooled.append(before)
            source, inputs = Stored(), outputs
        features = torch.cat(inputs)
        for before in pooled:
            features += before
        return features.tanh_()
