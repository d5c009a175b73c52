import pytest
import torch
from golden_case import golden, relative_error, run_blocks, sam_with_blocks
from small_sam import adapted, shaken
from torch import nn
from user_error import user_error

from samfit.adapters.lora import Lora, LoraSettings
from samfit.adapters.sam.find import view

PARTS = {
    "linear_a_q.weight": "q.A",
    "linear_b_q.weight": "q.B",
    "linear_a_v.weight": "v.A",
    "linear_b_v.weight": "v.B",
}


def our_block_name(official: str) -> str:
    """``blocks.0.attn.qkv.linear_a_q.weight`` -> ``updates.0.q.A``; the base keeps its name."""
    site, _, part = official.partition(".attn.qkv.")
    if part in PARTS:
        return f"{site.replace('blocks', 'updates')}.{PARTS[part]}"
    return official.replace(".qkv.qkv.", ".qkv.")


def our_linear_name(official: str) -> str:
    return our_block_name(f"blocks.0.attn.qkv.{official}")


def attached(sam, settings) -> nn.ModuleDict:
    """The blocks with LoRA, as one module."""
    lora = Lora(view(sam), settings)
    lora.attach(view(sam))
    return nn.ModuleDict({"blocks": sam.image_encoder.blocks, "updates": lora.updates})


@golden("lora_qv_linear")
def test_update_of_one_projection_equals_the_official_one(case):
    sam = sam_with_blocks({**case.config, "heads": 1, "mlp_ratio": 1})
    both = attached(sam, LoraSettings(rank=case.config["r"]))
    qkv = sam.image_encoder.blocks[0].attn.qkv
    blocks = nn.ModuleList([Projection(qkv)])
    case.load(nn.ModuleDict({"blocks": blocks, "updates": both.updates}), our_linear_name)
    case.check({"y": qkv(case.inputs["x"])})


class Projection(nn.Module):
    """A block that has nothing but its projection."""

    def __init__(self, qkv: nn.Module) -> None:
        super().__init__()
        self.attn = nn.ModuleDict({"qkv": qkv})


@golden("lora_qv_block")
def test_windowed_and_global_blocks_equal_the_official_ones(case):
    sam = sam_with_blocks(case.config)
    case.load(attached(sam, LoraSettings(rank=case.config["r"])), our_block_name)
    case.check(run_blocks(sam, case.inputs["x"]))


def test_keys_are_untouched_and_queries_and_values_are_not():
    model, tokens = shaken("lora"), torch.randn(1, 8, 8, 128)
    projection = model.backbone.blocks[0].qkv
    with torch.no_grad():
        query, key, value = projection(tokens).chunk(3, dim=-1)
        model.detach()
        base_query, base_key, base_value = projection(tokens).chunk(3, dim=-1)
    assert torch.equal(key, base_key)
    assert relative_error(query, base_query) > 0.01
    assert relative_error(value, base_value) > 0.01


def test_padded_tokens_are_not_updated():
    model = shaken("lora")
    projection = model.backbone.blocks[0].qkv
    assert torch.equal(projection(torch.zeros(1, 1, 1, 128))[0, 0, 0], projection.bias)


def test_updates_start_at_zero_with_a_uniform_down_projection():
    update = adapted("lora", rank=16).adapter.updates[0]["q"]
    bound = 128**-0.5  # Kaiming-uniform with a = sqrt(5)
    assert not update.B.any()
    assert 0.9 * bound < update.A.abs().max() <= bound


def test_fused_updates_queries_keys_and_values_from_one_bottleneck():
    model, tokens = shaken("lora", fused=True, rank=1, alpha=8), torch.randn(1, 8, 8, 128)
    (update,) = model.adapter.updates[0].values()
    projection = model.backbone.blocks[0].qkv
    with torch.no_grad():
        change = projection(tokens)
        model.detach()
        change -= projection(tokens)
    expected = 8 * tokens @ update.A.T @ update.B.T
    assert relative_error(change, expected) < 1e-4


@pytest.mark.parametrize(
    ("targets", "layers"),
    [("q,k,v", {"q", "k", "v"}), ("proj", {"proj"}), (["mlp"], {"lin1", "lin2"})],
)
def test_targets_name_what_is_updated(targets, layers):
    assert set(adapted("lora", targets=targets).adapter.updates[0]) == layers


def test_unknown_targets_are_refused():
    with user_error("lora", "targets", "'q', 'k', 'v', 'proj' or 'mlp'"):
        adapted("lora", targets="queries")
