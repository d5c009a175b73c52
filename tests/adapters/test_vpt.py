import math

import pytest
import torch
from golden_case import relative_error
from segment_anything.modeling.image_encoder import (
    add_decomposed_rel_pos,
    window_partition,
    window_unpartition,
)
from small_sam import adapted, small_batch
from torch import Tensor


def full_attention(attention, x: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
    """Attention over the whole sequence of p + h·w tokens, position terms on image tokens only."""
    windows, height, width, features = x.shape
    count, heads = prompts.shape[1], attention.num_heads
    sequence = torch.cat([prompts, x.flatten(1, 2)], dim=1)
    qkv = attention.qkv(sequence).reshape(windows, -1, 3, heads, features // heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).flatten(1, 2)
    logits = (q * attention.scale) @ k.transpose(-2, -1)
    grid, positions = (height, width), torch.zeros_like(logits)
    positions[:, count:, count:] = add_decomposed_rel_pos(
        torch.zeros_like(logits[:, count:, count:]), q[:, count:],
        attention.rel_pos_h, attention.rel_pos_w, grid, grid,
    )  # fmt: skip
    y = (logits + positions).softmax(-1) @ v
    y = attention.proj(y.unflatten(0, (windows, heads)).transpose(1, 2).flatten(2))
    return y[:, count:].unflatten(1, grid), y[:, :count]


def full_block(block, x: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
    """The block on [prompts; image], windows one after the other."""
    normed, normed_prompts = block.norm1(x), block.norm1(prompts)
    if block.window_size:
        windows, padded = window_partition(normed, block.window_size)
        per_image = windows.shape[0] // x.shape[0]
        found = [
            full_attention(block.attn, window[None], normed_prompts[index // per_image][None])
            for index, window in enumerate(windows)
        ]
        attended = torch.cat([image for image, _ in found])
        attended = window_unpartition(attended, block.window_size, padded, x.shape[1:3])
        of_prompts = torch.cat([own for _, own in found])
        of_prompts = of_prompts.unflatten(0, (x.shape[0], per_image)).mean(1)
    else:
        attended, of_prompts = full_attention(block.attn, normed, normed_prompts)
    x, prompts = x + attended, prompts + of_prompts
    return x + block.mlp(block.norm2(x)), prompts + block.mlp(block.norm2(prompts))


def embedding_by_the_full_sequence(model, images: Tensor, deep: bool) -> Tensor:
    encoder, prompts = model.sam.image_encoder, model.adapter.prompts
    model.adapter.detach()
    x = encoder.patch_embed(model.sam.preprocess(images)) + encoder.pos_embed
    states = prompts[0].expand(len(images), -1, -1)
    for index, block in enumerate(encoder.blocks):
        if deep:
            states = prompts[index].expand(len(images), -1, -1)
        x, states = full_block(block, x, states)
    return encoder.neck(x.permute(0, 3, 1, 2))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("deep", [True, False])
def test_equals_attention_over_the_full_sequence(deep, folded):
    images, _ = small_batch()
    model = adapted("vpt", deep=deep)
    if folded:
        model.adapter.attend_by(model.backbone, "sdpa")
    with torch.no_grad():
        for prompts in model.adapter.prompts:
            prompts.normal_()
    prompts = [*model.adapter.prompts]
    ours = model.encode(images).image
    gradients = torch.autograd.grad(ours.square().sum(), prompts)
    reference = embedding_by_the_full_sequence(model, images, deep)
    expected = torch.autograd.grad(reference.square().sum(), prompts)
    assert relative_error(ours, reference) < 1e-5
    for gradient, by_reference in zip(gradients, expected, strict=True):
        assert relative_error(gradient, by_reference) < 1e-4


@pytest.mark.parametrize("deep", [True, False])
def test_without_prompts_it_is_sam(deep):
    images, _ = small_batch()
    model = adapted("vpt", deep=deep, tokens=1)
    for index, prompts in enumerate(model.adapter.prompts):
        model.adapter.prompts[index] = torch.nn.Parameter(prompts[:, :0])
    with torch.no_grad():
        base = adapted("decoder").encode(images).image
        if deep:
            assert relative_error(model.encode(images).image, base) < 1e-6


def test_starts_uniform_within_the_papers_bound():
    prompts = torch.cat([*adapted("vpt", tokens=64).adapter.prompts])
    bound = math.sqrt(6 / (3 * 16 * 16 + 128))
    assert prompts.abs().max() < bound
    assert prompts.abs().max() > 0.98 * bound
    assert prompts.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
