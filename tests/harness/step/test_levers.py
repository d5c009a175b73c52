"""Levers: the same function in less memory."""

import pytest
import torch
from exact_levers import with_every_exact_lever
from golden_case import relative_error
from small_sam import adapted
from small_step import run_alike, small_step
from user_error import user_error

from samfit.adapters.core.registry import adapter_names
from samfit.adapters.sam.attention import folded_attention
from samfit.harness.memory.peak import traced_memory
from samfit.harness.predict.predict import predict
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.record.cell import Cell
from samfit.harness.record.lever import LEVERS
from samfit.harness.step.levers import run_with_levers, usable_levers
from samfit.harness.step.step import Step, build_step
from samfit.harness.trace.kernels import kernels_of

MIB = 2**20
FIELDS = {lever.name: lever.fields for lever in LEVERS if not lever.of_every_method}
USES = [(name, lever) for name in adapter_names() for lever in adapted(name).adapter.levers()]


def names(adapter, settings=None, **fields):
    cell = Cell(adapter=adapter, settings=settings or {}, **fields)
    return [lever.name for lever in usable_levers(cell)]


def test_methods_are_offered_what_they_can_use():
    assert names("lora") == ["attention", "optimizer", "checkpointing", "precision"]
    assert names("cad") == [
        "set lean=true",
        "attention",
        "optimizer",
        "encoder-micro-batch",
        "checkpointing",
        "precision",
        "cache-embeddings",
    ]
    assert "checkpointing" not in names("vpt", {"deep": False})
    assert "cache-embeddings" not in names("lst")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"attention": "sdpa", "settings": {"lean": True}}, {"attention", "set lean=true"}),
        ({"optimizer": "adamw_8bit"}, {"optimizer"}),
        ({"encoder_micro_batch": 2}, {"encoder-micro-batch", "cache-embeddings"}),
        ({"cache_embeddings": True}, {"encoder-micro-batch", "cache-embeddings"}),
        ({"phase": "infer"}, {"optimizer", "checkpointing"}),
        ({"alloc_conf": "expandable_segments:True", "prompt": "none"}, set()),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_a_cell_sets_itself_or_what_has_no_effect_is_not_offered(given, taken):
    assert set(names("cad")) - set(names("cad", **given)) == taken


def test_every_exact_lever_leaves_what_the_cell_sets_itself():
    cell = Cell(adapter="cad", settings={"scale": 0.2}, optimizer="adamw_8bit", batch_size=4,
                encoder_micro_batch=2)  # fmt: skip
    exact = with_every_exact_lever(cell)
    assert exact.settings == {"lean": True, "scale": 0.2}
    assert (exact.optimizer, exact.encoder_micro_batch) == ("adamw_8bit", 2)
    assert (exact.attention, exact.checkpointing, exact.precision) == ("sdpa", True, "fp32")


@pytest.mark.parametrize("adapter", adapter_names())
def test_all_exact_levers_lower_the_peak(adapter):
    cell = Cell(adapter=adapter, backbone="vit_tiny", image_size=512, batch_size=2)
    peak = predict(cell).memory.peak_allocated_bytes
    exact = with_every_exact_lever(cell)
    assert predict(exact).memory.peak_allocated_bytes < peak
    assert exact.precision == "fp32"
    assert not exact.cache_embeddings


def assert_same_gradients(step: Step, reference: Step, tolerance: float) -> None:
    expected = {name: p.grad for name, p in reference.model.trainable().items()}
    largest = max(float(grad.abs().max()) for grad in expected.values() if grad is not None)
    for name, parameter in step.model.trainable().items():
        if expected[name] is None:
            assert parameter.grad is None, name
        elif expected[name].abs().max() < 1e-6 * largest:  # zero but for rounding
            assert parameter.grad.abs().max() < 0.1 * tolerance * largest, name
        else:
            assert relative_error(parameter.grad, expected[name]) < tolerance, name


@pytest.mark.parametrize(("name", "lever"), USES)
def test_a_lever_changes_neither_loss_nor_gradients(name, lever):
    plain, lowered = small_step(name), small_step(name, **FIELDS[lever])
    if lever == "gradient-accumulation":  # parts draw other numbers, and balance among themselves
        for step in (plain, lowered):
            step.model.eval()
            step.model.adapter.auxiliary_loss = lambda: None
    assert relative_error(*run_alike(plain, lowered)) < 1e-5
    assert_same_gradients(lowered, plain, tolerance=1e-4)


@pytest.mark.parametrize("name", adapter_names())
def test_bfloat16_changes_loss_and_gradients_by_rounding(name):
    plain, lowered = small_step(name), small_step(name, precision="bf16")
    assert relative_error(*run_alike(plain, lowered)) < 0.02
    one, other = (
        torch.cat([p.grad.flatten() for p in step.model.trainable().values() if p.grad is not None])
        for step in (plain, lowered)
    )
    assert torch.cosine_similarity(one, other, dim=0) > 0.95
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in lowered.model.parameters())


@pytest.mark.parametrize(
    ("name", "lever"),
    [
        ("lora", "attention"),
        ("lora", "checkpointing"),
        ("lora", "gradient-accumulation"),
        ("vpt", "checkpointing"),
        ("lst", "encoder-micro-batch"),
        ("decoder", "cache-embeddings"),
    ],
)
def test_a_lever_saves_memory(name, lever):
    plain, lowered = (
        predict(Cell(adapter=name, batch_size=2, **levers)).memory.peak_allocated_bytes
        for levers in ({}, FIELDS[lever])
    )
    assert lowered < 0.9 * plain


@pytest.mark.parametrize(
    ("name", "levers"),
    [
        ("lora", {"checkpointing": True, "attention": "sdpa"}),
        ("lora", {"precision": "bf16"}),
        ("conv_lora", {"checkpointing": True, "attention": "sdpa", "precision": "bf16"}),
        ("vpt", {"checkpointing": True, "attention": "sdpa"}),
        ("cobot_adaptformer", {"gradient_accumulation": 2, "attention": "sdpa"}),
        ("decoder", {"cache_embeddings": True, "checkpointing": True}),
        ("cad", {"settings": {"lean": True}, "checkpointing": True, "encoder_micro_batch": 1}),
        ("cad", {"settings": {"lean": True}, "precision": "bf16"}),
    ],
)
def test_levers_are_predicted_to_the_byte_without_data(name, levers):
    cell = Cell(adapter=name, backbone="vit_tiny", batch_size=2, device="cpu", **levers)
    without = build_step_without_data(cell)
    real = build_step(cell, torch.device("cpu"))
    real.model.adapter.assume()
    with kernels_of("cpu"):
        predicted = traced_memory(without.trace())
    traced = traced_memory(real.trace())
    assert predicted.peak_allocated_bytes == traced.peak_allocated_bytes
    assert predicted.breakdown_bytes == traced.breakdown_bytes


def test_decoding_image_by_image_again_keeps_less_of_each():
    def growth(**levers):
        one, three = (
            predict(Cell(adapter="cad", batch_size=batch, encoder_micro_batch=1, **levers))
            for batch in (1, 3)
        )
        return three.memory.peak_allocated_bytes - one.memory.peak_allocated_bytes

    lean = {"settings": {"lean": True}, "attention": "sdpa"}
    assert growth(**lean, checkpointing=True) < growth(**lean) - 2 * 50 * MIB


def test_lean_cad_needs_little_at_any_batch():
    """In MiB; SAM-Adapter as published needs 26,591 at batch 4."""

    def peak(batch_size, **levers):
        cell = Cell(adapter="cad", settings={"lean": True}, batch_size=batch_size, **levers)
        return predict(cell).memory.peak_allocated_bytes / MIB

    exact = {"attention": "sdpa", "encoder_micro_batch": 1, "checkpointing": True}
    one, four, eight = (peak(batch_size, **exact) for batch_size in (1, 4, 8))
    assert one < 850
    assert four < 1_700
    assert eight - four < 4 * 250
    assert peak(4, precision="bf16", cache_embeddings=True) < 700


def test_encoding_image_by_image_makes_the_encoders_share_independent_of_the_batch():
    def peak(batch):
        cell = Cell(adapter="decoder", batch_size=batch, encoder_micro_batch=1)
        return predict(cell).memory.peak_allocated_bytes

    assert peak(4) - peak(2) < 2 * 300 * MIB  # 2,440 MiB an image without


def test_detaching_removes_levers_too():
    model = adapted("lora")
    run_with_levers(model, Cell(adapter="lora", attention="sdpa", checkpointing=True))
    sam = model.detach()
    for block in sam.image_encoder.blocks:
        assert "forward" not in vars(block)
        assert "forward" not in vars(block.attn)


@pytest.mark.parametrize(
    ("name", "settings", "lever", "instead"),
    [
        ("lora", {}, {"encoder_micro_batch": 2}, "--attention, --checkpointing"),
        ("cad", {}, {"gradient_accumulation": 2, "batch_size": 2}, "--encoder-micro-batch"),
        ("lst", {}, {"cache_embeddings": True}, "--encoder-micro-batch"),
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
