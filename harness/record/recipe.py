"""How a model is trained on data: how long, how fast, on which variations of the images.

Needs no torch.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from samfit.typed import Count, NotNegative, Positive, Typed, checked, option

Schedule = Literal["constant", "cosine", "linear", "poly"]
Augment = Literal["none", "flip", "geometric"]

POLY_POWER = 0.9  # SAMed, arXiv 2304.13785


@checked
@dataclass(frozen=True, kw_only=True)
class Recipe(Typed):
    """A schedule of training; by default the one of samfit's own results.

    Attributes:
    """

    epochs: Count = option(20, "Passes over the training images; 0 trains nothing.")
    learning_rate: Positive = option(1e-3, "AdamW's learning rate, after the warm-up.")
    weight_decay: NotNegative = option(0.01, "AdamW's weight decay.")
    schedule: Schedule = option(
        "cosine",
        "Decay of the learning rate: none (constant), cosine, linear, or as "
        f"(1 - progress)^{POLY_POWER} (poly).",
    )
    warmup: Count = option(
        10, "Steps in which the learning rate rises evenly from 0; at most half of all."
    )
    clip_norm: NotNegative = option(1.0, "Clip gradients to this norm; 0 disables.")
    augment: Augment = option(
        "none",
        "Random changes to half of the training images: mirroring (flip), or mirroring, quarter "
        "turns, or a shift with scaling and rotation, as CAD has it (geometric).",
    )
    tile: Count = option(
        0, "Side in pixels of the tiles that images are cut into; 0 takes whole images."
    )
    overlap: Count = option(128, "Pixels by which --tile's tiles overlap, to fade into each other.")
    patience: Count = option(0, "Stop after this many epochs without improvement; 0 disables.")

    @property
    def told(self) -> dict[str, Any]:
        """The fields that tell one recipe from another: those of tiles only if there are any, so
        that recipes from before there were have the same."""
        fields = asdict(self)
        if not self.tile:
            del fields["tile"], fields["overlap"]
        return fields

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step ``step`` (from 0) of ``steps``."""
        warmup = min(self.warmup, steps // 2)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        progress = (step - warmup) / max(1, steps - warmup)
        falls = {
            "constant": 1.0,
            "cosine": (1 + math.cos(math.pi * progress)) / 2,
            "linear": 1 - progress,
            "poly": (1 - progress) ** POLY_POWER,
        }
        return self.learning_rate * falls[self.schedule]
