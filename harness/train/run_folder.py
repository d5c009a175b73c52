"""The folder of one training run: what it was, its state, its weights."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from samfit.adapters.core.adapted import AdaptedSam
from samfit.errors import UserError
from samfit.files import PARTIAL, write_whole
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import build_model
from samfit.harness.train.description import Description
from samfit.harness.train.history import History
from samfit.harness.train.training import State, Training


class RunFolder:
    """A folder with ``run.json``, ``state.pt``, and in the end the trained weights and curves.

    Each file is there in full or not at all, so a run can be killed at any moment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def weights(self) -> Path:
        """The trained weights, and nothing else."""
        return self.path / "adapter.safetensors"

    @property
    def _kept(self) -> Path:
        return self.path / "state.pt"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder, which is made; a second run is turned away.

        Raises:
            UserError: if another process trains in it, or it cannot be written.
        """
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"another samfit trains in {self.path}: wait for it or choose another --output."
            ) from error
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            yield
        finally:
            lock.release()

    def describe(self) -> Description:
        """What the run in this folder trains.

        Raises:
            UserError: if there is no run, or it cannot be read.
        """
        path = self.path / "run.json"
        try:
            return Description.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise UserError(
                f"there is no run in {self.path}: give a folder of samfit train."
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(
                f"cannot read {path} as a run of samfit train ({str(error).rstrip('.')})."
            ) from error

    def begin(self, description: Description) -> State | None:
        """Write down what is trained; if it was begun before, the state to go on from.

        Raises:
            UserError: if the folder holds another run, or a state that cannot be read.
        """
        if self._kept.exists():
            self._check_same(description)
            return self._state()
        self._write("run.json", json.dumps(description.to_json(), indent=1).encode())
        return None

    def keep(self, state: State) -> None:
        """Replace the kept state.

        Raises:
            UserError: if it cannot be written; the one before stays.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self._write(self._kept.name, buffer.getvalue())

    def finish(self, training: Training, pictures: Mapping[str, bytes]) -> None:
        """Write the weights that won, the losses and scores as tables, and ``pictures``."""
        self.keep(training.state())
        training.finish()
        partial = self.path / f"adapter{PARTIAL}"
        try:
            training.model.save(partial)
            partial.replace(self.weights)
        except (OSError, SafetensorError) as error:
            raise self._cannot_write(error) from error
        for name, frame in history_tables(training.history).items():
            self._write(name, frame.to_csv(index=False, lineterminator="\n").encode())
        for name, content in pictures.items():
            self._write(name, content)

    def _check_same(self, description: Description) -> None:
        """Two runs that differ must not share a folder."""
        ours, theirs = (_flat(d.to_json()) for d in (description, self.describe()))
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                raise UserError(
                    f"the run in {self.path} has {name} {theirs.get(name)}, not {ours.get(name)}: "
                    "repeat its options to go on with it, or choose another --output."
                )

    def _state(self) -> State:
        try:
            state: State = torch.load(self._kept, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a broken file makes the unpickler raise
            raise UserError(f"cannot read {self._kept}: remove it to begin again.") from error
        return state

    def _write(self, name: str, content: bytes) -> None:
        try:
            write_whole(self.path / name, content)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: Exception) -> UserError:
        reason = error.strerror if isinstance(error, OSError) else error
        return UserError(
            f"cannot write to {self.path}: {reason}; mend that and run the same command again: "
            "it goes on from the last state that was kept."
        )


def load_run(
    folder: RunFolder, checkpoint: str | None, device: torch.device
) -> tuple[Cell, AdaptedSam]:
    """The Cell and the trained model of a run, in eval mode, with the encoder whole.

    Args:
        folder: of the run.
        checkpoint: SAM's weights, if they are elsewhere than in training.
        device: where the model shall be.

    Raises:
        UserError: if the run is not finished, or its weights do not fit the checkpoint's SAM.
    """
    cell = folder.describe().cell
    if not folder.weights.exists():
        raise UserError(f"the run in {folder.path} is not finished: repeat its samfit train.")
    cell = replace(
        cell,
        phase="infer",
        cache_embeddings=False,
        checkpointing=False,
        gradient_accumulation=1,
        batch_size=1,
        checkpoint=checkpoint or cell.checkpoint,
    )
    model = build_model(cell, device)
    model.load(folder.weights)
    return cell, model.eval()


def history_tables(history: History) -> dict[str, pd.DataFrame]:
    """``losses.csv``, one row a step, and ``validation.csv``, one row a validation."""
    losses = pd.DataFrame({"step": range(1, len(history.losses) + 1), "loss": history.losses})
    return {"losses.csv": losses, "validation.csv": pd.DataFrame(history.validations)}


def _flat(document: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """Nested objects as one, with dotted names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        inner = (
            _flat(value, f"{head}{name}.") if isinstance(value, Mapping) else {head + name: value}
        )
        found |= inner
    return found
