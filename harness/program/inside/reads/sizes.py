"""Operators whose results are as large as what they count on the card."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor, bool as truth

from samfit.harness.program.inside.reads import policy

if TYPE_CHECKING:
    from samfit.harness.program.inside.reads.reads import Reads

Count = Callable[..., int]


def _nonzero(reads: "Reads", tensor: Tensor) -> int:
    most = tensor.numel()
    unknown = policy.nonzero(reads.policy, most)
    return reads.count(tensor, "nonzero", most, unknown, lambda value: value.count_nonzero())


def _unique(reads: "Reads", tensor: Tensor, *_: Any) -> int:
    most = tensor.numel()
    if tensor.dtype is truth:  # its kernel counts those that are true
        unknown = policy.true(reads.policy, most)
        return reads.count(tensor, "true", most, unknown, lambda value: value.count_nonzero())
    unknown = policy.distinct(reads.policy, most)
    return reads.count(tensor, "distinct", most, unknown, lambda value: value.unique().numel())


def _unique_dim(reads: "Reads", tensor: Tensor, dim: int, *_: Any) -> int:
    most = tensor.size(dim)
    unknown = policy.distinct(reads.policy, most)
    return reads.count(
        tensor, "distinct", most, unknown, lambda value: value.unique(dim=dim).size(dim)
    )


def _unique_consecutive(
    reads: "Reads",
    tensor: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> int:
    most = tensor.numel() if dim is None else tensor.size(dim)
    unknown = policy.distinct(reads.policy, most)

    def count(value: Tensor) -> int:
        found = value.unique_consecutive(dim=dim)
        return found.size(dim or 0)

    return reads.count(tensor, "distinct", most, unknown, count)


def _coalesce(reads: "Reads", tensor: Tensor) -> int:
    most = tensor._nnz()
    unknown = policy.distinct(reads.policy, most)
    positions = tensor._indices()
    return reads.count(
        positions, "distinct", most, unknown, lambda value: value.unique(dim=1).size(1)
    )


def _repeat_interleave(reads: "Reads", repeats: Tensor, *, output_size: int | None = None) -> int:
    if output_size is not None:
        return output_size
    unknown = policy.nonzero(reads.policy, repeats.numel())
    return reads.count(repeats, "repeats", repeats.numel(), unknown, lambda value: value.sum())


COUNTS: dict[str, Count] = {
    "nonzero": _nonzero,
    "_unique2": _unique,
    "unique_dim": _unique_dim,
    "unique_consecutive": _unique_consecutive,
    "_coalesce": _coalesce,
    "repeat_interleave.Tensor": _repeat_interleave,
}
