"""Single optimizer steps on given batches."""

import math

import pytest
import torch
from hypothesis import given, strategies as st
from tiny_task import tiny_cell
from user_error import user_error

from samfit.harness.record.recipe import Recipe
from samfit.harness.step.losses import LOSSES
from samfit.harness.step.step import build_step, random_batch
from samfit.harness.train.trainer import Trainer, seed_of

CPU = torch.device("cpu")


def trainer_of(recipe, adapter="decoder", total=4):
    return Trainer(build_step(tiny_cell(adapter), CPU), recipe, total)


def gradient_norm(trainer):
    gradients = [p.grad for p in trainer.step.model.trainable().values() if p.grad is not None]
    return float(torch.stack([gradient.norm() for gradient in gradients]).norm())


def test_each_step_has_the_learning_rate_and_weight_decay_of_the_recipe():
    recipe = Recipe(learning_rate=1e-3, weight_decay=0.3, schedule="linear", warmup=1)
    trainer, batch = trainer_of(recipe), random_batch(tiny_cell())
    for step in range(4):
        trainer.take(batch)
        (group,) = trainer.step.optimizer.param_groups
        assert group["lr"] == recipe.learning_rate_at(step, 4)
        assert group["weight_decay"] == 0.3
    assert trainer.done == 4


def test_the_loss_is_that_before_the_update():
    trainer, batch = trainer_of(Recipe(learning_rate=1e-2)), random_batch(tiny_cell())
    before = build_step(tiny_cell(), CPU)
    before.batch = batch
    first = trainer.take(batch)
    assert first == float(before.run())
    assert trainer.take(batch) != first


def test_large_gradients_are_scaled_down_to_the_norm_and_small_ones_left():
    batch = random_batch(tiny_cell())
    norms = {}
    for clip_norm in (0.0, 1e-3, 1e6):
        trainer = trainer_of(Recipe(clip_norm=clip_norm))
        trainer.take(batch)
        norms[clip_norm] = gradient_norm(trainer)
    assert norms[0.0] == norms[1e6] > 1e-3
    assert norms[1e-3] == pytest.approx(1e-3, rel=1e-3)


def test_a_step_does_not_depend_on_what_was_random_before():
    batch = random_batch(tiny_cell("conv_lora"))
    losses = []
    for seed in (1, 2):
        trainer = trainer_of(Recipe(), "conv_lora")
        torch.manual_seed(seed)
        losses.append([trainer.take(batch), trainer.take(batch)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("loss", "poison"), [("cad", math.inf), *((loss, math.nan) for loss in LOSSES)]
)
def test_masks_that_are_no_numbers_end_training_in_one_sentence(loss, poison):
    cell = tiny_cell(loss=loss, settings={"classes": 3} if loss == "samed" else {})
    trainer, batch = Trainer(build_step(cell, CPU), Recipe(), 4), random_batch(cell)
    trainer.take(batch)
    with torch.no_grad():
        trainer.step.model.sam.mask_decoder.mask_tokens.weight.fill_(poison)
    with user_error("training diverged by step 2", "--learning-rate", "--clip-norm"):
        trainer.take(batch)
    assert trainer.done == 1


def test_a_loss_that_is_no_number_does_too(monkeypatch):
    trainer, batch = trainer_of(Recipe()), random_batch(tiny_cell())
    monkeypatch.setattr(trainer.step, "loss", lambda logits, *_: logits.sum() * math.inf)
    with user_error("training diverged by step 1"):
        trainer.take(batch)


@given(st.lists(st.integers() | st.text(), max_size=3))
def test_a_seed_depends_on_all_parts_and_fits_torch(parts):
    seed = seed_of(*parts)
    assert seed == seed_of(*parts)
    assert seed != seed_of(*parts, 0)
    torch.Generator().manual_seed(seed)
