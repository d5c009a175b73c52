import builtins

import pytest
import torch
from golden_case import relative_error
from torch import nn
from user_error import user_error

from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell
from samfit.harness.step.optimizers import build_optimizer

MIB = 2**20


def trained(name: str, steps: int = 5) -> torch.Tensor:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(64, 128))
    optimizer = build_optimizer(name, [weight], 1e-2)
    for _ in range(steps):
        weight.grad = torch.randn_like(weight)
        optimizer.step()
    return weight.detach()


def optimizer_bytes(name: str) -> int:
    cell = Cell(adapter="full", backbone="vit_b", image_size=256, optimizer=name)
    return predict(cell).memory.breakdown_bytes["optimizer_state"]


def test_fused_trains_as_adamw_does():
    assert relative_error(trained("adamw_fused"), trained("adamw")) < 1e-6


def test_8_bit_trains_nearly_as_adamw_does():
    pytest.importorskip("bitsandbytes")
    assert 0 < relative_error(trained("adamw_8bit"), trained("adamw")) < 0.02


def test_state_takes_eight_bytes_a_parameter_or_two():
    pytest.importorskip("bitsandbytes")
    assert optimizer_bytes("adamw_fused") == pytest.approx(optimizer_bytes("adamw"), rel=0.01)
    assert optimizer_bytes("adamw_8bit") < 0.3 * optimizer_bytes("adamw")


def test_fused_needs_no_memory_for_the_step_itself():
    def peak(name):
        cell = Cell(adapter="full", image_size=64, optimizer=name)
        return predict(cell).memory.peak_allocated_bytes

    assert peak("adamw_fused") < peak("adamw") - 300 * MIB


def test_8_bit_without_its_library_is_refused(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("bitsandbytes"):
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with user_error("adamw_8bit", "pip install bitsandbytes"):
        build_optimizer("adamw_8bit", [nn.Parameter(torch.zeros(1))], 1e-3)
