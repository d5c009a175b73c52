from typing import Any

import torch
from golden_case import relative_error
from small_sam import adapted, shaken, small_batch

from samfit.adapters.houlsby import Bottleneck


@torch.no_grad()
def test_blocks_compute_the_papers_equations():
    model = shaken("houlsby")
    x = torch.randn(1, 8, 8, 128)
    for index, view in enumerate(model.backbone.blocks):
        block: Any = view.whole
        first, second = model.adapter.after_attention[index], model.adapter.after_mlp[index]
        _, attended = view.attention_branch(x)
        middle = x + attended + first(attended)
        mlp = block.mlp.lin2(block.mlp.act(block.mlp.lin1(block.norm2(middle))))
        expected = middle + mlp + second(mlp)
        assert relative_error(block(x), expected) < 1e-5


@torch.no_grad()
def test_pfeiffers_placement_is_the_second_bottleneck_alone():
    images, _ = small_batch()
    model = shaken("houlsby")
    single = adapted("houlsby", placement="pfeiffer")
    single.adapter.after_mlp.load_state_dict(model.adapter.after_mlp.state_dict())
    for bottleneck in model.adapter.after_attention:
        bottleneck.up.weight.zero_()
        bottleneck.up.bias.zero_()
    assert relative_error(single.encode(images).image, model.encode(images).image) < 1e-5


@torch.no_grad()
def test_the_medical_placement_computes_its_equations():
    model, x = adapted("houlsby", placement="msa"), torch.randn(1, 8, 8, 128)
    block = model.sam.image_encoder.blocks[2]  # a global one: no windows
    first, second = model.adapter.after_attention[2], model.adapter.after_mlp[2]
    assert (first.down.out_features, second.down.out_features) == (32, 32)
    changed = block(x)
    model.detach()
    attended = block.attn(block.norm1(x))
    middle = x + attended + first(attended)
    normed = block.norm2(middle)
    expected = middle + block.mlp(normed) + 0.5 * second(normed)
    assert relative_error(changed, expected) < 1e-5
    assert not model.adapter.starts_as_identity


def test_starts_at_zero_but_can_learn():
    bottleneck = Bottleneck(16, 4)
    u = torch.randn(3, 16)
    assert not bottleneck(u).any()
    bottleneck(u).sum().backward()
    assert bottleneck.up.weight.grad.any()
