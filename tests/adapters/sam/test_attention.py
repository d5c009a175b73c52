import pytest
import torch
from golden_case import relative_error
from hypothesis import given, settings, strategies as st
from segment_anything.modeling.image_encoder import Attention

from samfit.adapters.sam.attention import folded_attention


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    heads=st.integers(1, 4),
    channels=st.integers(1, 11),
    seed=st.integers(0, 2**32 - 1),
)
def test_computes_sams_attention_and_its_gradients(height, width, heads, channels, seed):
    torch.manual_seed(seed)
    features = heads * channels
    attention = Attention(features, heads, use_rel_pos=True, input_size=(height, width)).double()
    for table in (attention.rel_pos_h, attention.rel_pos_w):
        torch.nn.init.normal_(table)
    x = torch.randn(2, height, width, features, dtype=torch.double, requires_grad=True)
    wanted = (x, *attention.parameters())
    outputs = [attention(x), folded_attention(attention, x)]
    weight = torch.randn_like(x)
    expected, ours = (torch.autograd.grad((y * weight).sum(), wanted) for y in outputs)
    assert torch.allclose(outputs[0], outputs[1], rtol=1e-10, atol=1e-12)
    for a, b in zip(expected, ours, strict=True):
        assert torch.allclose(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("size", [3, 12])
def test_position_tables_of_another_size_are_interpolated_as_sam_does(size):
    attention = Attention(16, 2, use_rel_pos=True, input_size=(size, size))
    torch.nn.init.normal_(attention.rel_pos_h)
    x = torch.randn(1, 6, 5, 16)
    with torch.no_grad():
        assert relative_error(folded_attention(attention, x), attention(x)) < 1e-5
