from functools import partial

import torch
from golden_case import GoldenCase, in_both_precisions, relative_error
from segment_anything.modeling.image_encoder import Block
from small_sam import adapted, small_batch, small_sam
from torch import nn

from adapters.core.sites import Site, after
from adapters.lora import Lora, LoraSettings, QueryValueUpdate

PARTS = {
    "linear_a_q.weight": "query.A",
    "linear_b_q.weight": "query.B",
    "linear_a_v.weight": "value.A",
    "linear_b_v.weight": "value.B",
}


def our_linear_name(official: str) -> str:
    return f"lora.{PARTS[official]}" if official in PARTS else official


def our_block_name(official: str) -> str:
    """``blocks.0.attn.qkv.linear_a_q.weight`` -> ``updates.0.query.A``; the base keeps its name."""
    site, _, part = official.partition(".attn.qkv.")
    if part in PARTS:
        return f"{site.replace('blocks', 'updates')}.{PARTS[part]}"
    return official.replace(".qkv.qkv.", ".qkv.")


@in_both_precisions
def test_update_of_one_projection_equals_the_official_one(dtype):
    case = GoldenCase("lora_qv_linear", dtype)
    width = case.config["dim"]
    qkv, update = nn.Linear(width, 3 * width), QueryValueUpdate(width, case.config["r"])
    case.load(nn.ModuleDict({"qkv": qkv, "lora": update}), our_linear_name)
    after(qkv, update)
    case.check({"y": qkv(case.inputs["x"])})


@in_both_precisions
def test_windowed_and_global_blocks_equal_the_official_ones(dtype):
    case = GoldenCase("lora_qv_block", dtype)
    width, grid = case.config["dim"], tuple(case.config["grid"])
    make_block = partial(
        Block,
        dim=width,
        num_heads=case.config["heads"],
        mlp_ratio=case.config["mlp_ratio"],
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
    )
    sam, outputs = small_sam(), {}
    sam.image_encoder.patch_embed.proj = nn.Conv2d(3, width, kernel_size=16)
    sam.image_encoder.blocks = nn.ModuleList(
        make_block(window_size=window, input_size=(window, window) if window else grid)
        for window in case.config["window"]
    )
    lora = Lora(sam, LoraSettings(rank=case.config["r"]))
    blocks = sam.image_encoder.blocks
    case.load(nn.ModuleDict({"blocks": blocks, "updates": lora.updates}), our_block_name)
    lora.attach(sam)

    x = case.inputs["x"]
    for index, block in enumerate(blocks):
        block.attn.qkv.register_forward_hook(
            lambda _, __, qkv, i=index: outputs.update({f"qkv{i}": qkv})
        )
        x = outputs[f"block{index}"] = block(x)
    case.check({**outputs, "y": x})


def trained_lora(**settings):
    """A model whose updates are not zero."""
    model = adapted("lora", **settings)
    with torch.no_grad():
        for update in model.adapter.updates:
            update.query.B.normal_(std=0.1)
            update.value.B.normal_(std=0.1)
    return model


def test_keys_are_untouched_and_queries_and_values_are_not():
    model, tokens = trained_lora(), torch.randn(1, 8, 8, 128)
    projection = Site.QKV.modules(model.sam)[0]
    with torch.no_grad():
        query, key, value = projection(tokens).chunk(3, dim=-1)
        model.detach()
        base_query, base_key, base_value = projection(tokens).chunk(3, dim=-1)
    assert torch.equal(key, base_key)
    assert relative_error(query, base_query) > 0.01
    assert relative_error(value, base_value) > 0.01


def test_padded_tokens_are_not_updated():
    model = trained_lora()
    projection = Site.QKV.modules(model.sam)[0]
    assert torch.equal(projection(torch.zeros(1, 1, 1, 128))[0, 0, 0], projection.bias)


def test_merged_weights_compute_the_same():
    images, _ = small_batch()
    model = trained_lora(rank=3)
    with torch.no_grad():
        attached = model.encode(images)
        sam = model.merge()
        merged = sam.image_encoder(sam.preprocess(images))
        base = adapted("decoder").encode(images)
    assert relative_error(merged, attached) < 1e-5
    assert relative_error(base, attached) > 0.01


def test_detaching_restores_sam_bit_for_bit():
    images, _ = small_batch()
    sam = trained_lora().detach()
    with torch.no_grad():
        restored = sam.image_encoder(sam.preprocess(images))
    assert torch.equal(restored, adapted("decoder").encode(images))


def test_updates_start_at_zero_with_a_uniform_down_projection():
    update = adapted("lora", rank=16).adapter.updates[0].query
    bound = 128**-0.5  # Kaiming-uniform with a = sqrt(5)
    assert not update.B.any()
    assert 0.9 * bound < update.A.abs().max() <= bound
