"""The halves of SAM's transformer block, for methods that change what happens between them."""

from segment_anything.modeling.image_encoder import Block, window_partition, window_unpartition
from torch import Tensor


def attention_branch(block: Block, x: Tensor) -> Tensor:
    """What ``block`` adds to its input x (B, H, W, D) first: attention over the normalised tokens.

    The same operations in the same order as in ``segment_anything``: windowed blocks pad the
    normalised tokens with zeros, which take part in attention. The other half of a block is
    ``x + block.mlp(block.norm2(x))``.
    """
    y = block.norm1(x)
    if block.window_size == 0:
        return block.attn(y)
    y, padded = window_partition(y, block.window_size)
    y = block.attn(y)
    return window_unpartition(y, block.window_size, padded, x.shape[1:3])
