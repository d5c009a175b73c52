"""Full fine-tuning: the ceiling, in parameters and in memory."""

from collections.abc import Iterator

from segment_anything.modeling import Sam
from torch import nn

from samfit.adapters.core.base import Adapter


class FullFineTuning(Adapter):
    """Train the image encoder and the mask decoder.

    No new parameters. Trained in the encoder: 89,670,912 (ViT-B), 308,278,272 (ViT-L),
    637,026,048 (ViT-H).

    Source: the common baseline; the prompt encoder stays frozen, as in most SAM recipes.
    """

    title = "full fine-tuning"
    source = "baseline"
    encoder_gradients = True
    starts_as_identity = True
    mergeable = True

    def trained_in_sam(self, sam: Sam) -> Iterator[nn.Parameter]:
        yield from super().trained_in_sam(sam)
        yield from sam.image_encoder.parameters()

    def merge(self, sam: Sam) -> None:
        """Nothing to do: all that is trained is SAM's own."""
