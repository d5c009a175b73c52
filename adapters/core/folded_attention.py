"""SAM's attention without an N x N matrix: position terms folded into queries and keys.

With a_n = (q_n · R_h[y(n), y'])_y' and b_n likewise for columns, the logit of query n and key m is
q_n·k_m / sqrt(c) + a_n[y(m)] + b_n[x(m)]: a product of [q_n / sqrt(c); a_n; b_n] and
[k_m; onehot y(m); onehot x(m)], which fused attention kernels take as it is.
"""

import torch
from segment_anything.modeling.image_encoder import Attention, get_rel_pos
from torch import Tensor
from torch.nn import functional as F


def folded_attention(attention: Attention, x: Tensor) -> Tensor:
    """What ``attention`` computes from x (B, H, W, D), up to rounding, without its N x N logits.

    Queries, keys and values are padded with zeros to one width, a multiple of 8, since fused
    kernels ask for that.
    """
    batch, height, width, features = x.shape
    heads, tokens = attention.num_heads, height * width
    qkv = attention.qkv(x).view(batch, tokens, 3, heads, -1)
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, N, c) each
    grid = q.unflatten(2, (height, width))
    rows = get_rel_pos(height, height, attention.rel_pos_h)
    columns = get_rel_pos(width, width, attention.rel_pos_w)
    towards_rows = torch.einsum("bnhwc,hkc->bnhwk", grid, rows).flatten(2, 3)
    towards_columns = torch.einsum("bnhwc,wkc->bnhwk", grid, columns).flatten(2, 3)
    positions = _one_hot(height, width, k).expand(batch, heads, -1, -1)
    q = torch.cat([q * attention.scale, towards_rows, towards_columns], dim=-1)
    k = torch.cat([k, positions], dim=-1)
    q, k, padded = (_pad(t, -(-q.shape[-1] // 8) * 8) for t in (q, k, v))
    y = F.scaled_dot_product_attention(q, k, padded, scale=1.0)[..., : v.shape[-1]]
    return attention.proj(y.transpose(1, 2).reshape(batch, height, width, features))


def _pad(t: Tensor, width: int) -> Tensor:
    return F.pad(t, (0, width - t.shape[-1]))


def _one_hot(height: int, width: int, like: Tensor) -> Tensor:
    """Row and column of each token as one-hot vectors (H·W, H + W)."""
    rows = torch.eye(height, dtype=like.dtype, device=like.device)
    columns = torch.eye(width, dtype=like.dtype, device=like.device)
    return torch.cat([rows.repeat_interleave(width, 0), columns.repeat(height, 1)], dim=1)
