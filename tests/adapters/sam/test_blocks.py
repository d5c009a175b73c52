import torch
from samfit.adapters.sam.blocks import attention_branch
from small_sam import small_sam


@torch.no_grad()
def test_the_halves_of_a_block_make_the_block():
    x = torch.randn(2, 8, 8, 128)
    for block in small_sam().image_encoder.blocks:  # windowed ones, padded, and global ones
        middle = x + attention_branch(block, x)
        assert torch.equal(middle + block.mlp(block.norm2(middle)), block(x))
