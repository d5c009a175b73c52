"""Losses and scores for TensorBoard, where it is installed."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from samfit.harness.record.history import History


class TensorBoard(AbstractContextManager["TensorBoard"]):
    """Writes a history, step by step, to ``folder/tensorboard``; nothing without the library.

    A training that resumes after step ``done`` overwrites what was shown beyond it.
    """

    def __init__(self, folder: Path, done: int) -> None:
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1)

    def show(self, history: History) -> None:
        """Write the loss of the last step, and the scores of a validation that followed it."""
        if self._writer is None:
            return
        step = len(history.losses)
        self._writer.add_scalar("loss", history.losses[-1], step)
        scores = history.validations[-1] if history.validations else {"step": 0}
        for name, score in scores.items() if scores["step"] == step else ():
            if name != "step":
                self._writer.add_scalar(f"validation/{name}", score, step)

    def __exit__(self, *_: object) -> None:
        """Write through to the disk."""
        if self._writer is not None:
            self._writer.close()
