"""Decoder-only fine-tuning: the floor that every adapter has to beat."""

from samfit.adapters.core.base import Adapter
from samfit.adapters.sam.backbone import Backbone


class DecoderOnly(Adapter):
    """Train SAM's mask decoder and nothing else.

    The image embedding E (B, 256, 64, 64) comes from a frozen encoder that runs without a graph.
    No new parameters; 4,058,340 trained, on every backbone,
    or 3,505,536 with ``decoder=single_token``, as in the Conv-LoRA paper.

    Source: the common baseline, e.g. in Conv-LoRA (arXiv 2401.17868) and CAD (arXiv 2409.15889).
    """

    title = "decoder only"
    source = "baseline"
    encoder_gradients = False
    starts_as_identity = True
    mergeable = True

    def merge(self, sam: Backbone) -> None:
        """Nothing to do: all that is trained is SAM's own."""
