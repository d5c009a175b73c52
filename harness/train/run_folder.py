"""The folder of one training run: what it is, its state, its weights."""

import io
import json
from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from samfit.adapters.core.registry import parse_method_settings
from samfit.errors import UserError
from samfit.files import only_writer, write_whole, writing_to
from samfit.harness.data.reading import Reading
from samfit.harness.train.description import Description
from samfit.harness.train.training import State, Training

READING = [field.name for field in fields(Reading)]  # options that say how data is read
ADVICE = "mend that and run the same command again: it resumes from the last saved state"


class RunFolder:
    """A folder with ``run.json``, ``state.pt``, and in the end the trained weights and tables.

    Each file is there in full or not at all, so a run can be killed at any moment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def weights(self) -> Path:
        """The trained weights, and nothing else."""
        return self.path / "adapter.safetensors"

    @property
    def is_begun(self) -> bool:
        """Whether a state has been saved."""
        return self._state.exists()

    @property
    def is_finished(self) -> bool:
        """Whether the trained weights are there."""
        return self.weights.exists()

    @property
    def _state(self) -> Path:
        return self.path / "state.pt"

    def writing(self) -> AbstractContextManager[None]:
        """Makes the folder, and lets no other process write to it; as ``only_writer``."""
        return only_writer(self.path, self.path / ".lock", ADVICE)

    def description(self) -> Description:
        """What the run in this folder trains.

        Raises:
            UserError: if there is no run, or it cannot be read.
        """
        path = self.path / "run.json"
        try:
            found = Description.from_json(json.loads(path.read_text(encoding="utf-8")))
            parse_method_settings(found.cell.adapter, found.cell.settings)
        except FileNotFoundError as error:
            raise UserError(
                f"there is no run in {self.path}: give a folder of samfit train."
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(
                f"cannot read {path} as a run of samfit train ({str(error).rstrip('.')})."
            ) from error
        return found

    def start(self, description: Description) -> State | None:
        """Write down what is trained; if it was started before, its last saved state.

        A run may be given another number of epochs than before: its history says so.

        Raises:
            UserError: if the folder holds another run, or a state that cannot be read.
        """
        if not self._state.exists():
            self._describe(description)
            return None
        before = self.description()
        _check_same(description, before, self.path)
        state = self.load_state()
        if before.recipe.epochs != description.recipe.epochs:
            history = state["history"]
            history.setdefault("prolonged", {})[len(history["losses"])] = before.recipe.epochs
            self.save_state(state)
            self._describe(description)
            self.weights.unlink(missing_ok=True)  # of the run that was finished: it no longer is
        return state

    @property
    def rates(self) -> dict[str, Any]:
        """What ``save_rates`` wrote; empty if nothing or if it cannot be read."""
        try:
            found = json.loads((self.path / "rates.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def save_rates(self, found: dict[str, Any]) -> None:
        """Write down how learning rates did in short trainings, as JSON values."""
        self._write("rates.json", json.dumps(found, indent=1).encode())

    def load_state(self) -> State:
        """The last saved state.

        Raises:
            UserError: if it cannot be read.
        """
        try:
            state: State = torch.load(self._state, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a broken file makes the unpickler raise
            raise UserError(
                f"cannot read {self._state}: remove it to start the training again."
            ) from error
        return state

    def save_state(self, state: State) -> None:
        """Replace the saved state.

        Raises:
            UserError: if it cannot be written; the one before stays.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self._write(self._state.name, buffer.getvalue())

    def save_results(self, training: Training) -> None:
        """Write the last state, the best weights, and the losses and scores as tables.

        ``training`` is left with the best weights.
        """
        self.save_state(training.state())
        training.use_best_weights()
        with writing_to(self.path, ADVICE):
            training.model.save(self.weights)
        losses, validations = training.history.losses, training.history.validations
        steps = pd.DataFrame({"step": range(1, len(losses) + 1), "loss": losses})
        for name, frame in (("losses", steps), ("validation", pd.DataFrame(validations))):
            self._write(f"{name}.csv", frame.to_csv(index=False, lineterminator="\n").encode())

    def _describe(self, description: Description) -> None:
        self._write("run.json", json.dumps(description.to_json(), indent=1).encode())

    def _write(self, name: str, content: bytes) -> None:
        with writing_to(self.path, ADVICE):
            write_whole(self.path / name, content)


def _check_same(description: Description, before: Description, path: Path) -> None:
    """Two runs that differ must not share a folder; one may go on for longer than was planned."""
    ours, theirs = _flat(description), _flat(before)
    for name in dict.fromkeys([*ours, *theirs]):
        if name != "recipe.epochs" and ours.get(name) != theirs.get(name):
            raise UserError(
                f"{path} holds {_difference(name, theirs.get(name), ours.get(name))}: "
                "use the same options to resume it, or another --output."
            )


def _flat(description: Description) -> dict[str, Any]:
    """All fields, those of inner objects with dotted names."""
    (row,) = pd.json_normalize(description.to_json()).astype(object).to_dict("records")
    return {str(name): value for name, value in row.items()}


def _difference(name: str, theirs: object, ours: object) -> str:
    """In words, what another run is in which ``name``, a dotted field of a description, differs."""
    part, _, field = name.replace("data.reading.", "data.").partition(".")
    if name == "cell.adapter":
        return f"a {theirs} run"
    if part == "data" and field not in ("path", "hold_out", *READING):
        return "a run on other images"
    option = {"path": "data"}.get(field, field or part).replace("_", "-")
    if option.startswith("settings."):
        option = option.replace("settings.", "set ")
    return f"a run with --{option} {theirs}, not {ours}"
