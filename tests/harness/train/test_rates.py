"""The search of a learning rate: fair, without a trace, and not lost when it is interrupted."""

import json
import os
import signal
from statistics import fmean

import pytest
import torch
from tiny_task import Told, tiny_cell, tiny_data, write_checkpoint
from user_error import user_error

import samfit
from samfit.harness.record.recipe import Recipe
from samfit.harness.train.description import Description
from samfit.harness.train.rates import find_rate
from samfit.harness.train.run_folder import RunFolder
from samfit.harness.train.training import Training

DATA = tiny_data(4, val=2)
RECIPE = Recipe(epochs=3, learning_rate=1e-3)
RATES = (1e-5, 1e-2, 1e30)


def training_of(adapter="lora", recipe=RECIPE, data=DATA):
    cell = tiny_cell(adapter, prompt="mask_box")
    return Training(cell, recipe, data), Description.of(cell, recipe, data, 0)


def search(folder, rates=RATES, told=None, **given):
    training, description = training_of(**given)
    return find_rate(training, rates, RunFolder(folder), description, told or Told()), training


def test_the_rate_with_the_lowest_loss_is_chosen_and_one_that_diverges_never(tmp_path):
    told = Told()
    chosen, _ = search(tmp_path, told=told)
    found = json.loads((tmp_path / "rates.json").read_text())
    assert found["steps"] == 6
    assert found["losses"]["1e+30"] is None
    assert chosen == found["chosen"] == min(RATES[:2], key=lambda r: found["losses"][f"{r:g}"])
    assert told.tracked == [("trying learning rates", 3, 3)]
    assert told.said[2] == "learning rate 1e+30: diverged in 6 steps"
    assert told.said[3] == f"learning rate {chosen:g} is chosen: it has the lowest loss"


@pytest.mark.parametrize("adapter", ["lora", "conv_lora"])
def test_a_search_leaves_no_trace_in_the_training(adapter, tmp_path):
    plain, _ = training_of(adapter)
    _, searched = search(tmp_path, adapter=adapter)
    assert searched.recipe == RECIPE
    for training in (plain, searched):
        for _ in training.run():
            pass
        training.history.train_ms = 0
    assert searched.history == plain.history
    trained = plain.model.trained_state()
    for name, tensor in searched.model.trained_state().items():
        assert torch.equal(tensor, trained[name]), name


def test_each_rate_has_the_loss_of_a_training_of_so_many_steps(tmp_path):
    search(tmp_path, rates=(3e-3,))
    short, _ = training_of(recipe=Recipe(epochs=3, learning_rate=3e-3))
    for _ in short.run():
        pass
    (loss,) = json.loads((tmp_path / "rates.json").read_text())["losses"].values()
    assert loss == fmean(short.history.losses[3:])


def test_what_cannot_be_searched_is_one_sentence(tmp_path):
    with user_error("training diverged at each learning rate from 1e+30 to 1e+31"):
        search(tmp_path, rates=(1e30, 1e31))


class Interrupting(Told):
    """Does what Ctrl-C does before the second rate."""

    def track(self, items, total, what):
        for index, item in enumerate(items):
            if index == 1 and what == "trying learning rates":
                os.kill(os.getpid(), signal.SIGINT)
            yield item


@pytest.fixture
def train(tmp_path):
    """Trains with a search, as a user does."""
    write_checkpoint(tmp_path / "sam.safetensors")

    def run(rates=RATES, told=None, recipe=RECIPE):
        cell = tiny_cell("lora", prompt="mask_box", checkpoint=str(tmp_path / "sam.safetensors"))
        folder = tmp_path / "run"
        return samfit.train(cell, recipe, DATA, folder, rates=rates, device="cpu", progress=told)

    return run


def test_a_training_takes_the_rate_and_resumes_with_it(train):
    with user_error("interrupted while trying learning rates"):
        train(told=Interrupting())
    told = Told()
    run = train(told=told)
    chosen = run.description.recipe.learning_rate
    assert chosen in RATES[:2]
    assert told.said[-1].startswith(f"learning rate {chosen:g} is chosen")
    told = Told()
    longer = Recipe(epochs=4, learning_rate=1e-3)
    assert train(told=told, recipe=longer).description.recipe.learning_rate == chosen
    assert told.said[0] == f"learning rate {chosen:g}, as it was found"


def test_a_run_whose_rate_was_given_is_not_searched(train):
    train(rates=(), told=Told())
    with user_error("whose learning rate was not searched: leave out --find-rate"):
        train(told=Told())
