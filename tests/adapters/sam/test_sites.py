import pytest
import torch
from small_sam import small_batch, small_sam
from torch import nn

from samfit.adapters.sam.changes import Site, after, before, encoder_width, override


def test_hooks_change_input_and_output_until_removed():
    module, x = nn.Identity(), torch.ones(3)
    handles = [before(module, lambda x: x + 1), after(module, lambda x, y: x + 10 * y)]
    assert torch.equal(module(x), torch.full((3,), 22.0))
    for handle in handles:
        handle.remove()
    assert torch.equal(module(x), x)


def test_an_override_keeps_hooks_and_is_undone_in_reverse():
    module, x = nn.Identity(), torch.ones(3)
    after(module, lambda _, y: y + 100)
    first = override(module, "forward", lambda x: 2 * x)
    second = override(module, "forward", lambda x: 3 * x)
    assert module(x)[0] == 103
    second.remove()
    assert module(x)[0] == 102
    first.remove()
    assert module(x)[0] == 101
    assert "forward" not in vars(module)


@pytest.mark.parametrize("site", Site)
def test_sites_are_modules_of_the_encoder_in_the_order_in_which_they_run(site):
    sam, ran = small_sam(), []
    modules = site.modules(sam)
    for module in modules:
        after(module, lambda _, y, module=module: ran.append(module) or y)
    images, _ = small_batch(1)
    sam.image_encoder(sam.preprocess(images))
    assert ran == modules


def test_the_width_is_that_of_the_tokens():
    sam = small_sam()
    assert encoder_width(sam) == sam.image_encoder.pos_embed.shape[-1] == 128
