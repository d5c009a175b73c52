"""Single training steps on given batches, as a recipe says."""

import math

import pytest
import torch
from hypothesis import given, strategies as st
from tiny_task import tiny_cell
from user_error import user_error

from samfit.harness.record.recipe import Recipe
from samfit.harness.step.batch import random_batch
from samfit.harness.step.losses import LOSSES
from samfit.harness.step.step import build_step
from samfit.harness.train.scheduled_step import ScheduledStep, seed_of

CPU = torch.device("cpu")


def scheduled(recipe, adapter="decoder", total=4):
    return ScheduledStep(build_step(tiny_cell(adapter), CPU), recipe, total)


def gradient_norm(training):
    gradients = [p.grad for p in training.step.model.trainable().values() if p.grad is not None]
    return float(torch.stack([gradient.norm() for gradient in gradients]).norm())


def test_each_step_has_the_learning_rate_and_weight_decay_of_the_recipe():
    recipe = Recipe(learning_rate=1e-3, weight_decay=0.3, schedule="linear", warmup=1)
    training, batch = scheduled(recipe), random_batch(tiny_cell())
    for step in range(4):
        training.run(batch)
        (group,) = training.step.optimizer.param_groups
        assert group["lr"] == recipe.learning_rate_at(step, 4)
        assert group["weight_decay"] == 0.3
    assert training.done == 4


def test_the_loss_is_that_before_the_update():
    training, batch = scheduled(Recipe(learning_rate=1e-2)), random_batch(tiny_cell())
    before = build_step(tiny_cell(), CPU)
    before.batch = batch
    first = training.run(batch)
    assert first == float(before.run())
    assert training.run(batch) != first


def test_large_gradients_are_scaled_down_to_the_norm_and_small_ones_left():
    batch = random_batch(tiny_cell())
    norms = {}
    for clip_norm in (0.0, 1e-3, 1e6):
        training = scheduled(Recipe(clip_norm=clip_norm))
        training.run(batch)
        norms[clip_norm] = gradient_norm(training)
    assert norms[0.0] == norms[1e6] > 1e-3
    assert norms[1e-3] == pytest.approx(1e-3, rel=1e-3)


def test_a_step_does_not_depend_on_what_was_random_before():
    batch = random_batch(tiny_cell("conv_lora"))
    losses = []
    for seed in (1, 2):
        training = scheduled(Recipe(), "conv_lora")
        torch.manual_seed(seed)
        losses.append([training.run(batch), training.run(batch)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("loss", "poison"), [("cad", math.inf), *((loss, math.nan) for loss in LOSSES)]
)
def test_masks_that_are_no_numbers_end_training_in_one_sentence(loss, poison):
    cell = tiny_cell(loss=loss, settings={"classes": 3} if loss == "samed" else {})
    training, batch = ScheduledStep(build_step(cell, CPU), Recipe(), 4), random_batch(cell)
    training.run(batch)
    with torch.no_grad():
        training.step.model.sam.mask_decoder.mask_tokens.weight.fill_(poison)
    with user_error("training diverged by step 2", "--learning-rate", "--clip-norm"):
        training.run(batch)
    assert training.done == 1


def test_a_loss_that_is_no_number_does_too(monkeypatch):
    training, batch = scheduled(Recipe()), random_batch(tiny_cell())
    monkeypatch.setattr(training.step, "loss", lambda logits, *_: logits.sum() * math.inf)
    with user_error("training diverged by step 1"):
        training.run(batch)


@given(st.lists(st.integers() | st.text(), max_size=3))
def test_a_seed_depends_on_all_parts_and_fits_torch(parts):
    seed = seed_of(*parts)
    assert seed == seed_of(*parts)
    assert seed != seed_of(*parts, 0)
    torch.Generator().manual_seed(seed)
