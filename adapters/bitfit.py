"""BitFit: train the biases of the image encoder."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.sam.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class BitFitSettings(SerialSettings):
    """Hyper-parameters of BitFit.

    Attributes:
        blocks_only: leave out the biases of the patch embedding and the neck, as micro-sam does.
    """

    blocks_only: bool = False


class BitFit(Adapter):
    """Train every bias vector of the image encoder, and nothing else in it.

    No new parameters; 11DL + D + 512 trained in the encoder: 102,656 (ViT-B), 271,872 (ViT-L),
    452,352 (ViT-H). The key third of each qkv bias never moves: it adds the same amount to all
    logits of a row, so its gradient is zero.

    Source: Ben Zaken et al., arXiv 2106.10199; on SAM as in the Conv-LoRA paper (arXiv 2401.17868),
    whose code picks parameters by the word "bias", in patch embedding and neck too.
    """

    Settings = BitFitSettings
    title = "BitFit"
    source = "arXiv 2106.10199"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def trained_in_sam(self, sam: Backbone) -> Iterator[nn.Parameter]:
        yield from super().trained_in_sam(sam)
        parts = sam.encoder_parts
        if self.settings.blocks_only:
            parts = [block.whole for block in sam.blocks]
        for part in parts:
            yield from (p for name, p in part.named_parameters() if name.endswith("bias"))

    def merge(self, sam: Backbone) -> None:
        """Nothing to do: all that is trained is SAM's own."""
