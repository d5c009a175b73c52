import torch
from small_sam import small_batch, small_sam

from samfit.adapters.sam.changes import after
from samfit.adapters.sam.find import view


@torch.no_grad()
def test_the_halves_of_a_block_make_the_block():
    x = torch.randn(2, 8, 8, 128)
    for block in view(small_sam()).blocks:  # windowed ones, padded, and global ones
        middle = block.join(*block.attention_branch(x))
        assert torch.equal(middle + block.mlp(block.norm2(middle)), block.whole(x))


def test_sites_run_in_order_and_have_the_shapes_that_their_names_say():
    sam, ran, shapes = view(small_sam()), [], []
    sites = ("norm1", "qkv", "proj", "attention", "norm2", "lin1", "lin2", "mlp", "whole")
    for block in sam.blocks:
        for name in sites:
            after(
                getattr(block, name),
                lambda x, y, n=name: ran.append(n) or shapes.append(y.shape) or y,
            )
    images, _ = small_batch(1)
    embedding = sam.encode(sam.preprocess(images))
    assert ran == [*sites] * len(sam.blocks)
    windowed = (4, 6, 6)  # 8 x 8 tokens are padded to 12 x 12
    assert shapes[:3] == [
        (1, 8, 8, 128), (*windowed, 384), (*windowed, 128)
    ]  # fmt: skip
    assert embedding.image.shape == (1, sam.embed_dim, *sam.grid)
    assert embedding.beside == ()
