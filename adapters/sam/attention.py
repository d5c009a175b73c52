"""SAM's attention without an N x N matrix: position terms folded into queries and keys.

With a_n = (q_n · R_h[y(n), y'])_y' and b_n likewise for columns, the logit of query n and key m is
q_n·k_m / sqrt(c) + a_n[y(m)] + b_n[x(m)]: a product of [q_n / sqrt(c); a_n; b_n] and
[k_m; onehot y(m); onehot x(m)], which fused attention kernels take as it is.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from segment_anything.modeling.image_encoder import Attention, add_decomposed_rel_pos, get_rel_pos
from torch import Tensor
from torch.nn import functional as F


class Heads(NamedTuple):
    """Queries, keys and values (Bw, heads, N, c)."""

    q: Tensor
    k: Tensor
    v: Tensor


def project(attention: Attention, x: Tensor) -> Heads:
    """The projections of tokens x (Bw, ..., D)."""
    width = attention.rel_pos_h.shape[-1]  # c, however the attribute for the heads is called
    qkv = attention.qkv(x).flatten(1, -2).unflatten(-1, (3, -1, width))
    return Heads(*qkv.permute(2, 0, 3, 1, 4).unbind(0))


def unite(attention: Attention, y: Tensor) -> Tensor:
    """The attention's output (Bw, N, D) from what its heads found, y (Bw, heads, N, c)."""
    return attention.proj(y.transpose(1, 2).flatten(2))


def attention_beside(
    attention: Attention, x: Tensor, others: Tensor, attend: Callable[..., Tensor]
) -> Tensor:
    """The output (Bw, h, w, D) for x (Bw, h, w, D) where the keys and values of ``others`` (1 or
    Bw, p, D), tokens without a position, join those of x; by ``attend``, one of those below."""
    beside, grid = project(attention, others), x.shape[1:3]
    return unite(attention, attend(attention, project(attention, x), grid, beside)).unflatten(
        1, grid
    )


def folded_attention(attention: Attention, x: Tensor) -> Tensor:
    """What ``attention`` computes from x (Bw, h, w, D), up to rounding, without N x N logits."""
    grid = x.shape[1:3]
    return unite(attention, attend_folded(attention, project(attention, x), grid)).unflatten(
        1, grid
    )


def attend_folded(
    attention: Attention, image: Heads, grid: tuple[int, ...], others: Heads | None = None
) -> Tensor:
    """What the heads find for image tokens on a ``grid`` of h x w: (Bw, heads, h·w, c).

    Keys and values of ``others``, tokens without a position, join those of the image: one set for
    all windows, or one for each. Queries, keys and values are padded with zeros to one width, a
    multiple of 8, since fused kernels ask for that.
    """
    (height, width), (q, k, v) = grid, image
    on_grid = q.unflatten(2, (height, width))
    rows = get_rel_pos(height, height, attention.rel_pos_h)
    columns = get_rel_pos(width, width, attention.rel_pos_w)
    towards_rows = torch.einsum("bnhwc,hkc->bnhwk", on_grid, rows).flatten(2, 3)
    towards_columns = torch.einsum("bnhwc,wkc->bnhwk", on_grid, columns).flatten(2, 3)
    positions = _one_hot(height, width, k).expand(*k.shape[:2], -1, -1)
    q = torch.cat([q * attention.scale, towards_rows, towards_columns], dim=-1)
    k = torch.cat([k, positions], dim=-1)
    padded = -(-q.shape[-1] // 8) * 8
    q, keys, values = (_pad(t, padded) for t in (q, k, v))
    if others is not None:
        keys = _join(keys, _pad(others.k, padded))
        values = _join(values, _pad(others.v, padded))
    y = F.scaled_dot_product_attention(q, keys, values, scale=1.0)
    return y[..., : v.shape[-1]]


def attend_eager(
    attention: Attention, image: Heads, grid: tuple[int, ...], others: Heads
) -> Tensor:
    """What the heads find for image tokens on a ``grid`` of h x w: (Bw, heads, h·w, c).

    Their keys and values are joined by those of ``others``, one set for all windows or one each.
    """
    windows = image.q.shape[0]
    scaled = image.q * attention.scale
    among = add_decomposed_rel_pos(
        (scaled @ image.k.transpose(-2, -1)).flatten(0, 1), image.q.flatten(0, 1),
        attention.rel_pos_h, attention.rel_pos_w, grid, grid,
    )  # fmt: skip
    logits = [scaled @ others.k.transpose(-2, -1), among.unflatten(0, (windows, -1))]
    values = torch.cat([others.v.expand(windows, -1, -1, -1), image.v], dim=-2)
    return torch.cat(logits, dim=-1).softmax(dim=-1) @ values


def attend_biased(
    attention: Attention, image: Heads, grid: tuple[int, ...], others: Heads
) -> Tensor:
    """What ``attend_eager`` gives, by a fused kernel that takes the position terms as a bias.

    The bias is N x (p + N), as transformers has it: ``attention`` is its ``SamVisionAttention``.
    """
    queries = image.q.flatten(0, 1)
    bias = attention.get_decomposed_rel_pos(
        queries, attention.rel_pos_h, attention.rel_pos_w, grid, grid
    )
    bias = bias.flatten(3).flatten(1, 2).unflatten(0, image.q.shape[:2])
    windows = len(image.q)
    keys = torch.cat([others.k.expand(windows, -1, -1, -1), image.k], dim=-2)
    values = torch.cat([others.v.expand(windows, -1, -1, -1), image.v], dim=-2)
    return F.scaled_dot_product_attention(
        image.q, keys, values, attn_mask=F.pad(bias, (others.k.shape[-2], 0))
    )


def _join(own: Tensor, others: Tensor) -> Tensor:
    return torch.cat([own, others.expand(len(own), -1, -1, -1)], dim=-2)


def _pad(t: Tensor, width: int) -> Tensor:
    return F.pad(t, (0, width - t.shape[-1]))


def _one_hot(height: int, width: int, like: Tensor) -> Tensor:
    """Row and column of each token as one-hot vectors (H·W, H + W)."""
    rows = torch.eye(height, dtype=like.dtype, device=like.device)
    columns = torch.eye(width, dtype=like.dtype, device=like.device)
    return torch.cat([rows.repeat_interleave(width, 0), columns.repeat(height, 1)], dim=1)
