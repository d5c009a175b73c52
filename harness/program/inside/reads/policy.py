"""What a program is told of a value that nobody knows.

    ===============================================  ==============================================
    what is read                                     "usual"
    ===============================================  ==============================================
    what an ``assert`` asks for                      what makes it hold
    the test of an ``if`` that only raises, exits,   what does not take it; in a ``while`` loop,
    breaks, continues or returns                     ``break`` and ``return`` are taken
    the test of a ``while`` loop                     what ends the loop
    ``isnan``, ``isinf``, ``any``                    False
    ``isfinite``, ``all``, ``equal``, ``allclose``   True
    any other truth                                  False
    ``found_inf``, ``overflow`` of gradients         0
    positions (``argmax``, ``indices``, ...)         0
    whether ``linalg`` failed                        0
    the end of a slice                               as far as it goes: the most there can be
    any other single number                          1: finite, and no division by it fails
    several numbers                                  zeros
    several truths (a mask)                          True, for all
    how many elements ``nonzero`` and masks take     all: the most there can be
    how many values ``unique`` finds                 as many as there are elements: the most
    ===============================================  ==============================================

With "zeros" every value is zero, with "ones" every value is one, whatever it is read for.
"""

import ast
import operator
from typing import Literal

import torch

from samfit.harness.program.inside.reads.statement import Reading

Policy = Literal["usual", "zeros", "ones"]
Number = bool | int | float

_FAR = 2**31 - 1  # beyond the end of what is sliced
_POSITIONS = {"argmax", "argmin", "argsort", "topk", "sort", "multinomial", "randint"} | {
    *("indices", "index", "idx", "inds")
}
_OF_GRADIENTS = ("found_inf", "overflow")  # in the names of what says that some are not finite
_LINALG = {"linalg", "inverse", "cholesky", "solve", "svd", "det", "slogdet", "lstsq"}
_HOLDS = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def single(policy: Policy, dtype: torch.dtype, reading: Reading) -> Number:
    """What one element of ``dtype`` is said to be."""
    kind = bool if dtype is torch.bool else float if dtype.is_floating_point else int
    if policy != "usual":
        return kind(policy == "ones")
    if kind is int and reading.end:
        return min(torch.iinfo(dtype).max, _FAR)
    return kind(_truth(reading) if kind is bool else _number(reading, kind))


def several(policy: Policy, dtype: torch.dtype) -> int:
    """What each of several elements is said to be."""
    return int(policy == "ones" or (policy == "usual" and dtype is torch.bool))


def nonzero(policy: Policy, elements: int) -> int:
    """How many of so many elements are said not to be zero."""
    return 0 if policy == "zeros" else elements


def distinct(policy: Policy, elements: int) -> int:
    """How many of so many elements are said to differ from all before."""
    return elements if policy == "usual" else min(elements, 1)


def true(policy: Policy, elements: int) -> int:
    """How many of so many truths are said to be true, where it counts which of the two occur."""
    return {"usual": (elements + 1) // 2, "zeros": 0, "ones": elements}[policy]


def _truth(reading: Reading) -> bool:
    if reading.wanted is None:
        return bool(reading.likely)
    if not reading.bounds:
        return reading.wanted
    return bool(_fitting(reading, (False, True)))


def _number(reading: Reading, kind: type[int] | type[float]) -> float:
    if reading.wanted is not None:
        near = [number + step for _, number in reading.bounds for step in (0, 1, -1)]
        return _fitting(reading, (1, 0, *map(kind, near)))
    if reading.likely is not None:
        return int(reading.likely)
    zero = any(word in name for name in reading.names for word in _OF_GRADIENTS)
    if kind is int:
        zero = zero or bool(reading.names & (_POSITIONS | _LINALG))
    return int(not zero)


def _fitting(reading: Reading, candidates: tuple) -> Number:
    """The first number that lets the program go on; the first of all if none does."""
    for number in candidates:
        holds = all(_HOLDS[kind](number, bound) for kind, bound in reading.bounds)
        if (holds if reading.bounds else bool(number)) is reading.wanted:
            return number
    return candidates[0]
