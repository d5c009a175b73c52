"""A small search of the learning rate: short trainings from the same start, on the same images."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

import torch

from samfit.errors import UserError
from samfit.harness.train.description import Description
from samfit.harness.train.resources import interruption
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.scheduled_step import DivergedError
from samfit.harness.train.training import State, Training
from samfit.progress import Progress

SHARE, LEAST = 0.1, 20  # of the steps of the training, and at least so many


def find_rate(
    training: Training,
    rates: Sequence[float],
    files: RunFolder,
    description: Description,
    progress: Progress,
) -> float:
    """The learning rate of ``rates`` whose short training ends with the lowest loss.

    Each starts where ``training`` stands before its first step, takes a tenth of its steps, at
    least ``LEAST``, and follows its recipe, whose schedule spans these. It is judged by the mean
    loss of the second half of its steps, whose batches are the same for all: masks after so few
    steps are often empty, at any rate that is worth something, and scores of them mislead. Short
    trainings favour higher rates than long ones: this finds the right order of magnitude, and no
    more. Losses are kept in ``files``, so that what was found stands when training is resumed.

    Raises:
        UserError: if every rate diverges, or it is interrupted; if the folder holds a run whose
            rate was found in no search.
    """
    of, found = description.to_json(), files.rates
    if files.is_begun:
        if "chosen" not in found:
            raise UserError(
                f"{files.path} holds a run whose learning rate was not searched: leave out "
                "--find-rate to resume it, or choose another --output."
            )
        progress.say(f"learning rate {found['chosen']:g}, as it was found")
        return float(found["chosen"])
    steps = min(max(math.ceil(SHARE * training.total), LEAST), training.total)
    if found.get("of") != of or found.get("steps") != steps:
        found = {"of": of, "steps": steps, "losses": {}}
    with interruption() as is_interrupted:
        for rate in progress.track(rates, len(rates), "trying learning rates"):
            if f"{rate:g}" not in found["losses"]:
                found["losses"][f"{rate:g}"] = _loss(training, rate, steps, is_interrupted)
                files.save_rates(found)
            loss = found["losses"][f"{rate:g}"]
            words = "diverged" if loss is None else f"loss {loss:.4f}"
            progress.say(f"learning rate {rate:g}: {words} in {steps} steps")
    losses = {rate: found["losses"][f"{rate:g}"] for rate in rates}
    known = {rate: loss for rate, loss in losses.items() if loss is not None}
    if not known:
        raise UserError(
            f"training diverged at each learning rate from {min(rates):g} to {max(rates):g}: use a "
            "lower --learning-rate, or --clip-norm 1."
        )
    chosen = min(known, key=lambda rate: known[rate])
    files.save_rates({**found, "chosen": chosen})
    progress.say(f"learning rate {chosen:g} is chosen: it has the lowest loss")
    return chosen


def _loss(
    training: Training, rate: float, steps: int, is_interrupted: Callable[[], bool]
) -> float | None:
    """The loss of ``steps`` steps at ``rate``, None if it diverges; leaves no trace."""
    start, recipe, total = _copied(training.state()), training.recipe, training.total
    data, training.data = training.data, replace(training.data, val=())
    training.plan(replace(recipe, learning_rate=rate), steps)
    try:
        for _ in training.run():
            if is_interrupted():
                raise UserError(
                    "interrupted while trying learning rates: run the same command to go on."
                )
        return fmean(training.history.losses[steps // 2 :])
    except DivergedError:
        return None
    finally:
        training.data = data
        training.plan(recipe, total)
        training.load_state(start)


def _copied(state: State) -> State:
    """A state that a training does not change, on the CPU."""

    def copy(value: object) -> object:
        if isinstance(value, torch.Tensor):
            return value.detach().cpu().clone()
        if isinstance(value, dict):
            return {name: copy(each) for name, each in value.items()}
        return [copy(each) for each in value] if isinstance(value, list) else value

    return {name: copy(value) for name, value in state.items()}
