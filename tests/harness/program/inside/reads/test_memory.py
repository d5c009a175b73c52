"""Whoever answers reads changes no byte of what PyTorch allocates."""

import contextlib
import os

import torch

from samfit import Cell
from samfit.harness.device.cards import find_card, large_enough
from samfit.harness.program.inside.reads.reads import Reads
from samfit.harness.rehearse.rehearsal import Prepared, run
from samfit.harness.standin.library import card_variables
from samfit.harness.standin.process import answering

ELEMENTS = 3 * 1024 * 1024


def step_peaks(installed):
    """Peaks of a training step of LoRA on ViT-B, allocated and reserved."""
    if installed:
        Reads("usual", stuck=print).install()
    cell = Cell(adapter="lora", backbone="vit_b", precision="fp16")
    outcome = run(Prepared(cell), cell, large_enough(find_card("A100 80GB")))
    return outcome.allocated_bytes, outcome.reserved_bytes


def test_a_step_takes_the_same_memory(stage):
    peaks = stage.run(step_peaks, True)
    assert min(peaks) > 0
    assert peaks == stage.run(step_peaks, False)


def counting_peaks(installed):
    """Peaks where results are as large as what is counted, and all of it counts."""
    os.environ.update(card_variables(find_card("A100 80GB")))
    if installed:
        Reads("usual", stuck=print).install()
    x = torch.rand(3, 1024, 1024, device="cuda", requires_grad=True)
    pairs = torch.stack([x.detach().long().reshape(-1)] * 2)
    steps = {
        "index": lambda: x[x > 0.5] ** 2,
        "nonzero": lambda: x.nonzero(),
        "unique": lambda: x.unique(return_inverse=True, return_counts=True),
        "unique rows": lambda: x[0].unique(dim=0),
        "coalesce": lambda: torch.sparse_coo_tensor(pairs, x.reshape(-1), (9, 9)).coalesce(),
    }
    counted = {"unique rows": 1024}
    peaks = {}
    for name, step in steps.items():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        answer = contextlib.nullcontext() if installed else answering(counted.get(name, ELEMENTS))
        with answer:
            step()
        peaks[name] = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return peaks


def test_what_counts_takes_what_its_kernel_takes(stage):
    peaks = stage.run(counting_peaks, True)
    assert min(map(min, peaks.values())) > 4 * ELEMENTS
    assert peaks == stage.run(counting_peaks, False)
