from types import SimpleNamespace

import torch
from golden_case import golden, relative_error, run_blocks, sam_with_blocks
from small_sam import adapted, small_batch
from torch import Tensor, nn

from samfit.adapters.adaptformer import AdaptFormer, AdaptFormerSettings, Bottleneck
from samfit.adapters.sam.find import view

PARTS = {"down_proj": "down", "up_proj": "up", "adapter_layer_norm_before": "norm"}
LINEAR = {"fc1": "mlp.lin1", "fc2": "mlp.lin2"}


def our_adapter_name(official: str) -> str:
    return ".".join(PARTS.get(part, part) for part in official.split("."))


def our_block_name(official: str) -> str:
    """``adaptmlp.down_proj.weight`` -> ``branches.0.down.weight``; the base keeps its name."""
    first, _, rest = official.partition(".")
    if first == "adaptmlp":
        return our_adapter_name(f"branches.0.{rest}")
    if rest.split(".")[0] in ("q_proj", "k_proj", "v_proj"):
        return f"blocks.0.attn.qkv.{rest}"
    return f"blocks.0.{LINEAR.get(first, first)}.{rest}"


def our_cobot_name(official: str) -> str:
    """SAM-COBOT's baseline: ``blocks.0.mlp.down_proj.weight`` -> ``branches.0.down.weight``."""
    _, index, site, part, *rest = official.split(".")
    if site == "mlp" and part != "mlp":
        return our_adapter_name(".".join(["branches", index, part, *rest]))
    return official.replace(".mlp.mlp.", ".mlp.")


def settings_of(config, scalar="scalar", **settings) -> AdaptFormerSettings:
    """Those of a case, without dropout; its scale is a number or learned."""
    learned = config[scalar] == "learnable_scalar"
    settings |= {"learnable_scale": True} if learned else {"scale": float(config[scalar])}
    return AdaptFormerSettings(width=config["r"], dropout=0, **settings)


def attached(sam, settings) -> nn.ModuleDict:
    """The blocks with AdaptFormer as one module."""
    adapter = AdaptFormer(view(sam), settings)
    adapter.attach(view(sam))
    return nn.ModuleDict({"blocks": sam.image_encoder.blocks, "branches": adapter.branches})


class SeparateProjections(nn.Module):
    """Queries, keys and values from a layer each, put together."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.q_proj(x), self.k_proj(x), self.v_proj(x)], dim=-1)


class NoAttention(nn.Module):
    """Adds nothing to tokens of a width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.num_heads = None, 1
        self.proj = SimpleNamespace(out_features=width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


@golden("adaptformer_adapter")
def test_bottlenecks_equal_the_official_ones(case):
    every = {
        "none": settings_of(case.config),
        "in": settings_of({**case.config, "scalar": "learnable_scalar"}, ln="in"),
        "out": settings_of(case.config, "scalar_out", ln="out"),
    }
    width, x = case.config["dim"], case.inputs["x"]
    bottlenecks = nn.ModuleDict({name: Bottleneck(width, given) for name, given in every.items()})
    case.load(bottlenecks, our_adapter_name)
    outputs = {name: bottleneck(x) for name, bottleneck in bottlenecks.items()}
    case.check({**outputs, "out": outputs["out"] + x})  # the official one adds its input here


@golden("adaptformer_block")
def test_a_whole_block_equals_the_official_one(case):
    sam = sam_with_blocks(case.config)
    both = attached(sam, settings_of(case.config))
    both["blocks"][0].attn.qkv = SeparateProjections(case.config["dim"])
    case.load(both, our_block_name)
    outputs = run_blocks(sam, case.inputs["x"][:, None])  # any grid: there are no positions
    case.check({"y": outputs["y"][:, 0], "mlp": outputs["mlp0"][:, 0]})


@golden("adaptformer_mlp")
def test_the_second_half_of_a_block_equals_the_official_one(case):
    sam = sam_with_blocks(case.config)
    block = sam.image_encoder.blocks[0]
    block.norm1, block.attn = nn.Identity(), NoAttention(case.config["dim"])
    both = attached(sam, settings_of(case.config))
    case.load(both, our_block_name)
    y = block(case.inputs["x"])
    case.check({"y": y, "adapter": both["branches"][0](case.inputs["x"])})


@golden("cobot_adapter_plain_block")
def test_the_baseline_of_sam_cobot_equals_theirs(case):
    sam, normed = sam_with_blocks(case.config), []
    both = attached(sam, settings_of(case.config, ln=case.config["ln"], branch_input="norm2"))
    case.load(both, our_cobot_name)
    for block in both["blocks"]:
        block.norm2.register_forward_hook(lambda _, __, y: normed.append(y))
    outputs = run_blocks(sam, case.inputs["x"])
    for index, (branch, n) in enumerate(zip(both["branches"], normed, strict=True)):
        outputs[f"mlp{index}"] = outputs[f"mlp{index}"] + branch(n)
    case.check(outputs)


def test_dropout_acts_in_training_only():
    model = adapted("adaptformer", dropout=0.5)
    images, _ = small_batch()
    with torch.no_grad():
        for branch in model.adapter.branches:
            branch.up.weight.normal_(std=0.1)
            branch.up.bias.normal_(std=0.1)
        assert torch.equal(model.encode(images).image, model.encode(images).image)
        model.train()
        assert relative_error(model.encode(images).image, model.encode(images).image) > 1e-3
