"""Losses and scores for TensorBoard, where it is installed."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from samfit.harness.record.history import History


class TensorBoard(AbstractContextManager["TensorBoard"]):
    """Writes what is new in a history to ``folder/tensorboard``; does nothing without the library.

    A training that resumes after step ``done`` overwrites what was shown beyond it.
    """

    def __init__(self, folder: Path, done: int) -> None:
        self._losses = self._validations = done
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1)

    def show(self, history: History) -> None:
        """Write losses and scores of steps that are not there yet."""
        if self._writer is None:
            return
        for step in range(self._losses + 1, len(history.losses) + 1):
            self._writer.add_scalar("loss", history.losses[step - 1], step)
        self._losses = len(history.losses)
        for scores in history.validations:
            if scores["step"] > self._validations:
                for name, value in scores.items():
                    if name != "step":
                        self._writer.add_scalar(f"validation/{name}", value, scores["step"])
                self._validations = int(scores["step"])

    def __exit__(self, *_: object) -> None:
        """Write through to the disk."""
        if self._writer is not None:
            self._writer.close()
