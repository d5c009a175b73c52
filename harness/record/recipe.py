"""How a model is trained on data: how long, how fast, on which variations of the images.

Needs no torch.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

from samfit.errors import UserError, spelling_hint

Schedule = Literal["constant", "cosine", "linear", "poly"]
Augment = Literal["none", "flip", "geometric"]

POLY_POWER = 0.9  # SAMed, arXiv 2304.13785


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A schedule of training.

    Attributes:
        epochs: passes over the training images; 0 leaves the weights as they are.
        learning_rate: of AdamW, after the warm-up.
        weight_decay: of AdamW.
        schedule: how the learning rate falls from step to step: not at all, as half a cosine to 0,
            evenly to 0, or as (1 - progress)^0.9.
        warmup: steps in which the learning rate rises evenly from 0.
        clip_norm: gradients of a larger norm are scaled down to it; 0 leaves them as they are.
        augment: ``none``; ``flip``, left to right every other time; ``geometric``, every other time
            a flip, a quarter turn, or a shift, scaling and rotation (CAD's recipe).
        patience: validations without improvement after which training ends; 0 for never.
    """

    epochs: int = 20
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    schedule: Schedule = "cosine"
    warmup: int = 0
    clip_norm: float = 0.0
    augment: Augment = "none"
    patience: int = 0

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(Recipe).items():
            value, option = getattr(self, name), "--" + name.replace("_", "-")
            if choices := get_args(kind):
                if value not in choices:
                    raise UserError(f"{option} must be {' or '.join(choices)}, got {value!r}.")
            elif isinstance(value, bool) or not isinstance(value, kind | int):
                number = "a whole number" if kind is int else "a number"
                raise UserError(f"{option} must be {number}, got {value!r}.")
            elif not 0 <= value < math.inf:
                raise UserError(f"{option} must be finite and not negative, got {value}.")
        if not self.learning_rate:
            raise UserError("--learning-rate must be more than 0.")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recipe":
        """The recipe with these fields.

        Raises:
            UserError: for a field that does not exist or a value that is not allowed.
        """
        if not isinstance(data, Mapping):
            raise UserError(f"a recipe must be an object, got {data!r}.")
        known = {f.name for f in dataclasses.fields(cls)}
        for name in data:
            if name not in known:
                raise UserError(f"a recipe has no field {name!r}: {spelling_hint(name, known)}")
        return cls(**data)

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step ``step`` (from 0) of ``steps``."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, steps - self.warmup)
        falls = {
            "constant": 1.0,
            "cosine": (1 + math.cos(math.pi * progress)) / 2,
            "linear": 1 - progress,
            "poly": (1 - progress) ** POLY_POWER,
        }
        return self.learning_rate * falls[self.schedule]
