"""Full fine-tuning: the ceiling, in parameters and in memory."""

from collections.abc import Iterator

from torch import nn

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.sam.backbone import Backbone


class FullFineTuning(Adapter):
    """Train the image encoder and the mask decoder.

    With ``blocks``, of the encoder only these and the neck. No new parameters. Trained in the
    encoder: 89,670,912 (ViT-B), 308,278,272 (ViT-L), 637,026,048 (ViT-H).

    Source: the common baseline; the prompt encoder stays frozen, as in most SAM recipes.
    """

    Settings = SerialSettings
    title = "full fine-tuning"
    source = "baseline"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def trained_in_sam(self, sam: Backbone) -> Iterator[nn.Parameter]:
        yield from super().trained_in_sam(sam)
        for part in sam.encoder_parts:
            yield from part.parameters()

    def merge(self, sam: Backbone) -> None:
        """Nothing to do: all that is trained is SAM's own."""
