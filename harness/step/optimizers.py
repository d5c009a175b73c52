"""The optimizers of a training step."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from samfit.errors import UserError
from samfit.harness.record import cell


def build_optimizer(
    name: cell.Optimizer, parameters: Iterable[nn.Parameter], learning_rate: float
) -> Optimizer:
    """The optimizer of this name, see ``Cell.optimizer``.

    Raises:
        UserError: if the library that it takes is not installed.
    """
    parameters = list(parameters)
    match name:
        case "adamw":
            # foreach is torch's default on CUDA and costs memory; elsewhere it has to be asked for.
            return AdamW(parameters, lr=learning_rate, foreach=True)
        case "adamw_fused":
            return AdamW(parameters, lr=learning_rate, fused=True)
        case "adamw_8bit":
            try:
                from bitsandbytes.optim import AdamW8bit
            except ImportError as error:
                raise UserError(
                    "--optimizer adamw_8bit needs the library bitsandbytes: pip install "
                    "bitsandbytes."
                ) from error
            with torch.device("cpu"):  # its tables are computed there, also for a prediction
                return AdamW8bit(parameters, lr=learning_rate)
