"""Levers: the same function in less memory."""

import pytest
import torch
from golden_case import relative_error
from small_sam import SIDE, adapted, small_batch
from user_error import user_error

from adapters.core.attention import folded_attention
from adapters.core.registry import adapter_names
from harness.cell import Cell
from harness.levers import pull_levers
from harness.memory.kernels import kernels_of
from harness.memory.peak import traced_memory
from harness.predict import build_step_without_data, predict, trace_steps
from harness.step import Batch, Step, build_step, random_batch

MIB = 2**20
PULLED = {
    "attention": {"attention": "sdpa"},
    "checkpointing": {"checkpointing": True},
    "encoder-micro-batch": {"encoder_micro_batch": 1},
}
USES = [(name, lever) for name in adapter_names() for lever in adapted(name).adapter.levers()]


def small_step(name, **fields) -> Step:
    cell = Cell(
        adapter=name, backbone="vit_tiny", image_size=SIDE, batch_size=2, device="cpu", **fields
    )
    model = adapted(name)
    with torch.no_grad():
        for parameter in model.trainable().values():
            parameter += 0.02 * torch.randn_like(parameter)
    pull_levers(model, cell)
    return Step(cell, model, Batch(*small_batch(2), random_batch(cell).masks))


@pytest.mark.parametrize(("name", "lever"), USES)
def test_a_lever_changes_neither_loss_nor_gradients(name, lever):
    plain, pulled = small_step(name), small_step(name, **PULLED[lever])
    losses = []
    for step in (plain, pulled):
        torch.manual_seed(0)  # of dropout and of Conv-LoRA's noise
        losses.append(step.run())
    assert relative_error(*losses) < 1e-5
    reference = plain.model.trainable()
    largest = max(float(p.grad.abs().max()) for p in reference.values() if p.grad is not None)
    for key, parameter in pulled.model.trainable().items():
        expected = reference[key].grad
        if expected is None:
            assert parameter.grad is None, key
        elif expected.abs().max() < 1e-6 * largest:  # zero but for rounding
            assert parameter.grad.abs().max() < 1e-5 * largest, key
        else:
            assert relative_error(parameter.grad, expected) < 1e-4, key


@pytest.mark.parametrize(("name", "lever"), [u for u in USES if u[0] in ("lora", "vpt", "lst")])
def test_a_lever_saves_memory(name, lever):
    batch = {"batch_size": 2, "backbone": "vit_b"}
    plain, pulled = (
        predict(Cell(adapter=name, **batch, **levers)).memory.peak_allocated_bytes
        for levers in ({}, PULLED[lever])
    )
    assert pulled < 0.9 * plain


@pytest.mark.parametrize("name", ["lora", "conv_lora", "vpt", "cobot_adaptformer"])
def test_levers_are_predicted_to_the_byte_without_data(name):
    levers = {"checkpointing": True, "attention": "sdpa"}
    cell = Cell(adapter=name, backbone="vit_tiny", batch_size=2, device="cpu", **levers)
    without, _ = build_step_without_data(cell)
    real = build_step(cell, torch.device("cpu"))
    real.model.adapter.assume()
    with kernels_of("cpu"):
        predicted = traced_memory(trace_steps(without))
    traced = traced_memory(trace_steps(real))
    assert predicted.peak_allocated_bytes == traced.peak_allocated_bytes
    assert predicted.breakdown_bytes == traced.breakdown_bytes


def test_lora_fits_a_small_card_with_both_of_its_levers():
    plain = predict(Cell(adapter="lora")).memory.peak_allocated_bytes
    cell = Cell(adapter="lora", attention="sdpa", checkpointing=True)
    pulled = predict(cell).memory.peak_allocated_bytes
    assert pulled < 1_500 * MIB < 7_000 * MIB < plain


def test_encoding_image_by_image_makes_the_encoders_share_independent_of_the_batch():
    def peak(batch):
        cell = Cell(adapter="decoder", batch_size=batch, encoder_micro_batch=1)
        return predict(cell).memory.peak_allocated_bytes

    assert peak(4) - peak(2) < 2 * 300 * MIB  # 2,440 MiB an image without


def test_detaching_removes_levers_too():
    model = adapted("lora")
    pull_levers(model, Cell(adapter="lora", attention="sdpa", checkpointing=True))
    sam = model.detach()
    for block in sam.image_encoder.blocks:
        assert "forward" not in vars(block)
        assert "forward" not in vars(block.attn)


@pytest.mark.parametrize(
    ("name", "settings", "lever", "instead"),
    [
        ("lora", {}, {"encoder_micro_batch": 2}, "--attention, --checkpointing"),
        ("cad", {}, {"checkpointing": True}, "--attention, --encoder-micro-batch"),
        ("vpt", {"deep": False}, {"checkpointing": True}, "--attention"),
    ],
)
def test_a_lever_that_a_method_cannot_use_is_refused(name, settings, lever, instead):
    option = "--" + next(iter(lever)).replace("_", "-")
    with user_error(name, option, instead):
        predict(Cell(adapter=name, settings=settings, backbone="vit_tiny", **lever))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_fused_kernel_takes_the_folded_attention_of_every_backbone():
    from torch.nn.attention import SDPBackend, sdpa_kernel

    for backbone in ("vit_tiny", "vit_b", "vit_h"):
        cell = Cell(adapter="decoder", backbone=backbone)
        model = build_step(cell, torch.device("cuda")).model
        width = model.sam.image_encoder.pos_embed.shape[-1]
        for block in model.sam.image_encoder.blocks:
            side = block.window_size or model.sam.prompt_encoder.image_embedding_size[0]
            x = torch.randn(1, side, side, width, device="cuda", requires_grad=True)
            with sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION):
                folded_attention(block.attn, x).sum().backward()
