import pytest
import torch
from golden_case import relative_error
from small_sam import adapted, shaken, small_batch
from user_error import user_error


@pytest.mark.parametrize("attention", ["folded", "eager"])
@torch.no_grad()
def test_climbs_the_ladder_of_the_docstring(attention):
    images, _ = small_batch()
    model = shaken("lst", attention=attention)
    adapter, encoder = model.adapter, model.sam.image_encoder
    ours = model.encode(images).image
    adapter.detach()
    x = encoder.patch_embed(model.sam.preprocess(images)) + encoder.pos_embed
    s = adapter.down[0](x)
    for index, block in enumerate(encoder.blocks):
        x = block(x)
        gate = torch.sigmoid(adapter.gates[index] / 0.1)
        s = adapter.side[index](gate * s + (1 - gate) * adapter.down[index + 1](x))
    change = adapter.up(adapter.norm(s)).permute(0, 3, 1, 2)
    assert relative_error(ours, encoder.neck(x.permute(0, 3, 1, 2)) + change) < 1e-5


@torch.no_grad()
def test_folded_and_eager_attention_agree():
    images, _ = small_batch()
    folded, eager = shaken("lst"), shaken("lst", attention="eager")
    eager.adapter.load_state_dict(folded.adapter.state_dict())
    assert relative_error(folded.encode(images).image, eager.encode(images).image) < 1e-5
    base = adapted("decoder").encode(images).image
    assert relative_error(folded.encode(images).image, base) > 0.01


def test_blocks_are_global_where_the_encoders_are_unless_told_otherwise():
    sizes = [block.window_size for block in adapted("lst").adapter.side]
    assert sizes == [6, 6, 0, 6, 6, 0]
    windowed = adapted("lst", attention="windowed").adapter.side
    assert [block.window_size for block in windowed] == [6] * 6


@pytest.mark.parametrize("reduction", [3, 5, 64, 1000])
def test_a_width_that_heads_cannot_share_is_refused(reduction):
    with user_error("lst", "reduction", "32", "4 heads", str(reduction)):
        adapted("lst", reduction=reduction)
