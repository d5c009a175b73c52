import pytest
import torch
from golden_case import (
    GoldenCase,
    in_both_precisions,
    relative_error,
    run_blocks,
    sam_with_blocks,
)
from small_sam import adapted, small_batch
from torch import Tensor, nn

from samfit.adapters.adaptformer import AdaptFormer, AdaptFormerSettings, Bottleneck

PARTS = {
    "down_proj": "down",
    "up_proj": "up",
    "adapter_layer_norm_before": "norm",
    "scale": "scale",
}
LINEAR = {"fc1": "mlp.lin1", "fc2": "mlp.lin2"}
OPTIONS = {
    "none": {"ln": "none"},
    "in": {"ln": "in", "learnable_scale": True},
    "out": {"ln": "out"},
}


def our_adapter_name(official: str) -> str:
    variant, part, *rest = official.split(".")
    return ".".join([variant, PARTS[part], *rest])


def our_block_name(official: str) -> str:
    """``adaptmlp.down_proj.weight`` -> ``branches.0.down.weight``; the base keeps its name."""
    first, _, rest = official.partition(".")
    if first == "adaptmlp":
        part, _, kind = rest.partition(".")
        return f"branches.0.{PARTS[part]}.{kind}"
    if rest.split(".")[0] in ("q_proj", "k_proj", "v_proj"):
        return f"blocks.0.attn.qkv.{rest}"
    return f"blocks.0.{LINEAR.get(first, first)}.{rest}"


def our_cobot_name(official: str) -> str:
    """SAM-COBOT's baseline: ``blocks.0.mlp.down_proj.weight`` -> ``branches.0.down.weight``."""
    _, index, site, part, *rest = official.split(".")
    if site == "mlp" and part in PARTS:
        return ".".join(["branches", index, PARTS[part], *rest])
    return official.replace(".mlp.mlp.", ".mlp.")


def attached(sam, **settings) -> nn.ModuleDict:
    """The blocks with AdaptFormer, without dropout, as one module."""
    adapter = AdaptFormer(sam, AdaptFormerSettings(dropout=0, **settings))
    adapter.attach(sam)
    return nn.ModuleDict({"blocks": sam.image_encoder.blocks, "branches": adapter.branches})


class SeparateProjections(nn.Module):
    """Queries, keys and values from a layer each, put together."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.q_proj(x), self.k_proj(x), self.v_proj(x)], dim=-1)


class NoAttention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


@in_both_precisions
def test_bottlenecks_equal_the_official_ones(dtype):
    case = GoldenCase("adaptformer_adapter", dtype)
    scales = {"none": case.config["scalar"], "in": 1, "out": case.config["scalar_out"]}
    bottlenecks = nn.ModuleDict({
        name: Bottleneck(
            case.config["dim"],
            AdaptFormerSettings(
                width=case.config["r"], scale=float(scales[name]), dropout=0, **options
            ),
        )
        for name, options in OPTIONS.items()
    })  # fmt: skip
    case.load(bottlenecks, our_adapter_name)
    x = case.inputs["x"]
    outputs = {name: bottleneck(x) for name, bottleneck in bottlenecks.items()}
    case.check({**outputs, "out": outputs["out"] + x})  # the official one adds its input here


@in_both_precisions
def test_a_whole_block_equals_the_official_one(dtype):
    case = GoldenCase("adaptformer_block", dtype)
    width, scale = case.config["r"], float(case.config["scalar"])
    sam = sam_with_blocks(case.config)
    both = attached(sam, width=width, scale=scale)
    block = sam.image_encoder.blocks[0]
    block.attn.qkv = SeparateProjections(case.config["dim"])
    case.load(both, our_block_name)
    tokens = case.inputs["x"].unflatten(1, (2, -1))  # any grid: there are no positions
    outputs = run_blocks(sam, tokens)
    named = {"y": outputs["y"], "mlp": outputs["mlp0"]}
    case.check({name: tensor.flatten(1, 2) for name, tensor in named.items()})


@in_both_precisions
def test_the_second_half_of_a_block_equals_the_official_one(dtype):
    case = GoldenCase("adaptformer_mlp", dtype)
    width, scale = case.config["r"], float(case.config["scalar"])
    sam = sam_with_blocks(case.config)
    both = attached(sam, width=width, scale=scale)
    block = sam.image_encoder.blocks[0]
    block.norm1, block.attn = nn.Identity(), NoAttention()
    case.load(both, our_block_name)
    y = block(case.inputs["x"])
    case.check({"y": y, "adapter": both["branches"][0](case.inputs["x"])})


@in_both_precisions
def test_the_baseline_of_sam_cobot_equals_theirs(dtype):
    case = GoldenCase("cobot_adapter_plain_block", dtype)
    sam = sam_with_blocks(case.config)
    both = attached(
        sam,
        width=case.config["r"],
        scale=float(case.config["scalar"]),
        ln=case.config["ln"],
        branch_input="norm2",
    )
    case.load(both, our_cobot_name)
    outputs = run_blocks(sam, case.inputs["x"])
    branch = both["branches"][0]
    normed = sam.image_encoder.blocks[0].norm2
    stream = []
    normed.register_forward_hook(lambda _, __, y: stream.append(y))
    run_blocks(sam, case.inputs["x"])
    case.check({**outputs, "mlp0": outputs["mlp0"] + branch(stream[0])})


def test_dropout_acts_in_training_only():
    model = adapted("adaptformer", dropout=0.5)
    images, _ = small_batch()
    with torch.no_grad():
        for branch in model.adapter.branches:
            branch.up.weight.normal_(std=0.1)
            branch.up.bias.normal_(std=0.1)
        assert torch.equal(model.encode(images), model.encode(images))
        model.train()
        assert relative_error(model.encode(images), model.encode(images)) > 1e-3


@pytest.mark.parametrize(
    "settings", [{"learnable_scale": True}, {"scale": 1}, {"ln": "in"}], ids=str
)
def test_every_variant_starts_as_sam(settings):
    images, _ = small_batch()
    with torch.no_grad():
        base = adapted("decoder").encode(images)
        assert torch.equal(adapted("adaptformer", **settings).encode(images), base)
