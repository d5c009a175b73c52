import math

import pytest
import torch
from golden_case import golden, run_blocks, sam_with_blocks
from small_sam import adapted, small_batch
from torch import nn
from torch.nn import functional as F
from user_error import user_error

from samfit.adapters.conv_lora import ConvLora, ConvLoraSettings, ConvLoraUpdate, Gate
from samfit.adapters.sam.find import view

NAMES = {"lora_A": "A", "lora_B": "B", "lora_moe_gating": "gate", "lora_moe_experts": "experts"}


def our_part(official: str) -> str:
    """``lora_moe_experts.2.0.bias`` -> ``experts.2.conv.bias``; noise statistics are left out."""
    first, *rest = official.split(".")
    if rest in (["mean"], ["std"]):
        return ""
    if first == "lora_moe_experts":
        rest = [rest[0], "conv", rest[2]]
    return ".".join([NAMES[first], *rest])


def our_linear_name(official: str) -> str:
    if official in ("weight", "bias"):
        return f"base.{official}"
    part = our_part(official)
    return part and f"change.{part}"


def our_block_name(official: str) -> str:
    before, at, part = official.partition("attn.qkv.lin.")
    if part.startswith("lora_"):
        part = our_part(part)
        return part and f"updates.0.{part}"
    return f"blocks.0.{before}{at.replace('.lin', '')}{part}"


def settings_of(config) -> ConvLoraSettings:
    return ConvLoraSettings(
        rank=config["r"], alpha=config["alpha"], scales=tuple(range(1, config["experts"] + 1))
    )


@golden("conv_lora_linear_train", "conv_lora_linear_eval")
def test_the_update_of_one_layer_equals_the_official_one(case):
    sizes = (case.config["in_features"], case.config["out_features"])
    base, update = nn.Linear(*sizes), ConvLoraUpdate(*sizes, settings_of(case.config))
    layer = nn.ModuleDict({"base": base, "change": update})
    case.load(layer, our_linear_name)
    layer.train(case.mode == "train")
    update.gate.noise = lambda like: case.inputs["gating_noise"]

    x = case.inputs["x"]
    grid = x.unflatten(1, (math.isqrt(x.shape[1]), -1)) if x.dim() == 3 else x  # rows are squares
    change, loss = update(grid)
    chosen, _ = update.gate(F.linear(grid, update.A).mean(dim=(1, 2)))
    gates = F.one_hot(chosen, case.config["experts"]).to(case.dtype)
    case.check({"y": base(x) + change.view(base(x).shape), "moe_loss": loss, "gates": gates})


@golden("conv_lora_block")
def test_a_windowed_block_equals_the_official_one(case):
    sam = sam_with_blocks(case.config)
    adapter = ConvLora(view(sam), settings_of(case.config))
    adapter.attach(view(sam))
    blocks = sam.image_encoder.blocks
    case.load(nn.ModuleDict({"blocks": blocks, "updates": adapter.updates}).eval(), our_block_name)
    adapter.begin()
    outputs = run_blocks(sam, case.inputs["x"])
    case.check({"y": outputs["y"], "moe_loss": adapter.auxiliary_loss()})


def test_noise_is_new_in_every_training_pass_and_absent_in_evaluation():
    torch.manual_seed(0)
    gate, features = Gate(3, 8), torch.randn(64, 3)
    first, again = gate(features)[0], gate(features)[0]
    assert not torch.equal(first, again)
    gate.eval()
    gate.w_gate.data.normal_()
    assert torch.equal(gate(features)[0], (features @ gate.w_gate).argmax(1))


def test_the_loss_is_least_when_experts_share_the_rows():
    gate = Gate(1, 4).eval()
    gate.w_gate.data = torch.tensor([[1.0, 0, 0, 0]])
    one_expert = gate(torch.ones(8, 1))[1]
    assert one_expert.item() == pytest.approx(2 * 0.01 * 4)  # CV² of (8, 0, 0, 0) is 4
    gate.w_gate = nn.Parameter(torch.eye(4))
    assert gate(torch.eye(4).repeat(2, 1))[1].item() == pytest.approx(0)


def test_a_single_expert_needs_no_balance():
    change, loss = ConvLoraUpdate(8, 24, ConvLoraSettings(scales=(2,)))(torch.randn(3, 4, 4, 8))
    assert change.shape == (3, 4, 4, 24)
    assert loss.item() == 0


def test_the_auxiliary_loss_is_that_of_the_last_pass_alone():
    images, boxes = small_batch()
    model = adapted("conv_lora")
    with torch.no_grad():
        model(images, boxes)
        once = model.adapter.auxiliary_loss()
        model(images, boxes)
        model(images, boxes)
    assert model.adapter.auxiliary_loss().item() == once.item() > 0
    assert model.adapter.auxiliary_loss() is None


def test_what_is_assumed_without_data_is_said_and_done():
    model = adapted("conv_lora")
    assert "evenly" in model.adapter.assume()
    update = model.adapter.updates[0]
    assert update.counts(torch.zeros(19)) == [2, 2, 2, 2, 2, 3, 3, 3]
    assert sum(update.counts(torch.zeros(2))) == 2


def test_is_computed_in_float32_under_autocast():
    gate = Gate(3, 8).eval()
    gate.w_gate.data.normal_()
    features = torch.randn(5, 3)
    with torch.autocast("cpu", torch.bfloat16):
        chosen, loss = gate(features)
    assert torch.equal(chosen, gate(features)[0])
    assert loss.dtype is torch.float32
    assert gate(features.bfloat16())[1].dtype is torch.float32


def test_a_scale_of_nothing_is_refused():
    with user_error("conv_lora: setting scales: each value must be at least 1"):
        adapted("conv_lora", scales="0,1")


def test_scales_may_repeat_and_give_the_number_of_experts():
    update = adapted("conv_lora", scales="2,2,4").adapter.updates[0]
    assert [expert.scale for expert in update.experts] == [2, 2, 4]
    assert update.gate.w_gate.shape == (3, 3)
