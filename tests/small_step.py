"""A training step of ``small_sam``, on the CPU."""

import torch
from small_sam import SIDE, adapted, small_batch
from torch import Tensor

from samfit.harness.record.cell import Cell
from samfit.harness.step.batch import Batch, random_batch
from samfit.harness.step.levers import run_with_levers
from samfit.harness.step.step import Step


def small_step(name: str, **fields: object) -> Step:
    """One of a method whose trained parameters are moved from where they start."""
    cell = Cell(
        adapter=name, backbone="vit_tiny", image_size=SIDE, batch_size=2, device="cpu", **fields
    )
    model = adapted(name)
    with torch.no_grad():
        for parameter in model.trainable().values():
            parameter += 0.02 * torch.randn_like(parameter)
    images, boxes = small_batch(2)
    embedding = None
    if cell.cache_embeddings:
        with torch.no_grad():
            embedding = model.embed(images).image
    run_with_levers(model, cell)
    return Step(cell, model, Batch(images, boxes, random_batch(cell).masks, embedding))


def run_alike(*steps: Step) -> list[Tensor]:
    """The losses of steps that draw the same random numbers, for dropout and Conv-LoRA's noise."""
    losses = []
    for step in steps:
        torch.manual_seed(0)
        losses.append(step.run())
    return losses
