"""What happens in a training. Needs no torch."""

from dataclasses import dataclass, field


@dataclass
class History:
    """What has happened so far.

    Attributes:
        losses: of every step.
        validations: scores after each epoch, with ``step``, the number of steps before.
        best_step: of the best validation; 0 before the first.
        train_ms: time in training steps, with reading images and without validation.
        baselines: scores of masks that need no model on the images of the validations, by name.
        collapsed: of validations in which every mask was of one class everywhere: it, by step.
        planned: steps that were to be taken, if nothing ends it early; 0 if unknown.
        prolonged: how many epochs were planned, by the step after which that was changed.
    """

    losses: list[float] = field(default_factory=list)
    validations: list[dict[str, float]] = field(default_factory=list)
    best_step: int = 0
    train_ms: float = 0.0
    baselines: dict[str, float] = field(default_factory=dict)
    collapsed: dict[int, int] = field(default_factory=dict)
    planned: int = 0
    prolonged: dict[int, int] = field(default_factory=dict)
