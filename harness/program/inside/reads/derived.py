"""Operators that are also computed on the host where all of their operands are known.

So a mask that is made of labels has as many elements as it would have, and the largest label is
right.
"""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from samfit.harness.program.inside.reads.known import Known

# Not those of two tensors: in place of one of them PyTorch gives kernels in Python a number.
_REDUCTIONS = (
    *("sum", "sum.dim_IntList", "min", "min.dim", "amax", "amin", "argmax", "argmin"),
    *("any", "any.dim", "all", "all.dim", "cumsum"),
)
OPERATORS = {  # and the names by which the program calls each
    **{name: {name.partition(".")[0]} for name in _REDUCTIONS},
    **{name: {"max", "one_hot"} for name in ("max", "max.dim")},
    **{f"{name}.Scalar": {"compare", name} for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "cat": {"cat", "concat", "stack"},
    "logical_not": {"logical_not"},
    "bitwise_not": {"invert", "bitwise_not"},
}


def derive(known: Known, operator: Any, results: Any, arguments: tuple, named: dict) -> None:
    """What an operator has given is known, if its operands are."""
    operand, *more = arguments
    value = _on_host(known, operand)
    if value is not None:
        found = operator(value, *more, **named)
        for result, value in zip(tensors(results), tensors(found), strict=True):
            known.written(result, value)


def _on_host(known: Known, operand: Any) -> Any:
    """A tensor, or a list of some, on the host; None if not all are known."""
    if isinstance(operand, Tensor):
        return known.value(operand) if operand.is_cuda else operand
    values = [_on_host(known, each) for each in operand]
    return None if any(value is None for value in values) else values


def tensors(found: Any) -> Iterator[Tensor]:
    """All tensors in tuples and lists."""
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, list | tuple):
        for each in found:
            yield from tensors(each)
