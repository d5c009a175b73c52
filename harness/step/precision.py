"""What a Cell's precision means: autocast, weights of 16 bits, and a scaled loss."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.amp import GradScaler
from torch.optim import Optimizer

from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.sam.precision import autocast, convert, hold_frozen_weights
from samfit.harness.record.cell import Cell, Precision

# In float32 a model runs as it is.
AUTOCAST: dict[Precision, torch.dtype] = {"fp16": torch.float16, "bf16": torch.bfloat16}
WHOLE_MODEL: dict[Precision, torch.dtype] = {"bf16-pure": torch.bfloat16}


def computing_in(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """A forward pass within it runs as ``precision`` says."""
    return autocast(device, AUTOCAST[precision]) if precision in AUTOCAST else nullcontext()


def store_weights(model: AdaptedSam, precision: Precision) -> None:
    """Give the weights of ``model`` the types in which ``precision`` stores them."""
    if precision in AUTOCAST:
        hold_frozen_weights(model.sam, AUTOCAST[precision])
    elif precision in WHOLE_MODEL:
        convert(model, WHOLE_MODEL[precision], model.backbone.coordinate_tables)


def gradient_scaler(cell: Cell, device: torch.device) -> GradScaler:
    """What multiplies the loss, so that small gradients do not vanish in float16.

    It skips an update whose gradients overflow, and halves its factor. For other precisions, and
    where nothing is trained, it changes nothing.
    """
    kind = WithoutOverflow if device.type == "meta" else GradScaler
    return kind(device.type, enabled=cell.precision == "fp16" and cell.phase == "train")


class WithoutOverflow(GradScaler):
    """For tensors without data, which do not tell whether a gradient overflows: none does."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """Update the weights."""
        return optimizer.step(*args, **kwargs)
