"""What a sum takes on CUDA: partial sums of the blocks of threads that share the work.

As ATen, cuda/Reduce.cuh, chooses them for sums in float32. Tensors with 2^31 elements or more,
which it sums in parts, are taken as a whole.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from samfit.harness.trace.gpu import Gpu, threads_per_multiprocessor
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.layout import merged

FLOAT_BYTES = 4
WARP = 32
MOST_THREADS = 512
FEWEST_VALUES, MOST_VALUES = 16, 256  # that one thread should add up


def reduction(
    kernel: Kernel, result: Tensor, input: Tensor, dims: list[int] | None = None, *_: Any
) -> None:
    """Partial sums."""
    kernel.make(result)
    kernel.take(Reduction.over(input, dims or []).scratch_bytes)


@dataclass(frozen=True)
class Reduction:
    """A sum over some dimensions.

    Attributes:
        outputs, inputs: how many sums, and how many values each has.
        along_fastest: whether values that are added lie next to each other in memory.
        vector: outputs that a thread computes at a time, or inputs that it reads at a time.
    """

    outputs: int
    inputs: int
    along_fastest: bool
    vector: int

    @classmethod
    def over(cls, t: Tensor, dims: list[int]) -> "Reduction":
        """The sum of ``t`` over ``dims``; over all if there are none."""
        wanted = {d % t.dim() for d in dims} if dims else set(range(t.dim()))
        real = [(d, t.stride(d), n) for d, n in enumerate(t.shape) if n > 1]
        summed = merged(sorted((s, n) for d, s, n in real if d in wanted))
        kept = merged((s, n) for d, s, n in reversed(real) if d not in wanted)
        outputs, inputs = (prod(n for _, n in group) for group in (kept, summed))
        along = not kept or (bool(summed) and summed[0][0] < kept[0][0])
        vector = 1
        if along and summed and summed[0][0] == 1:
            wide = inputs > 128 and len(summed) == 1 and t.itemsize == FLOAT_BYTES
            vector = 4 if wide else 1
        elif not along and kept[0][0] == 1:
            vector = _common_power([kept[0][1], *(s for s, _ in [*summed, *kept[1:]])])
        return cls(outputs, inputs, along, vector)

    def scratch_bytes(self, gpu: Gpu) -> int:
        """Partial sums, where several blocks of threads share one output; else nothing."""
        across, along = (
            (self.inputs, self.outputs) if self.along_fastest else (self.outputs, self.inputs)
        )
        outputs_at_once = 1 if self.along_fastest else self.vector
        threads = MOST_THREADS // outputs_at_once
        across, along = (_power(min(n, threads)) for n in (across // self.vector, along))
        width = min(across, WARP)
        height = min(along, threads // width)
        width = min(across, threads // height)
        values = -(-self.inputs // (width if self.along_fastest else 1))
        if values < min(height * FEWEST_VALUES, MOST_VALUES):
            return 0
        values = -(-values // height)
        blocks = -(-(self.outputs // outputs_at_once) // (1 if self.along_fastest else width))
        wanted = gpu.multiprocessors * (threads_per_multiprocessor(gpu) // (width * height))
        if values < MOST_VALUES or blocks > wanted:
            return 0
        fewest, most = -(-values // MOST_VALUES), -(-values // FEWEST_VALUES)
        shares = max(min(-(-wanted // blocks), most), fewest)
        if shares == 1:
            return 0
        lanes = 1 if self.along_fastest else width * outputs_at_once
        return FLOAT_BYTES * self.outputs * shares * lanes


def _power(n: int) -> int:
    """The largest power of two that is not above ``n``; 1 at least."""
    return 1 << max(n.bit_length() - 1, 0)


def _common_power(numbers: list[int]) -> int:
    """The largest of 4, 2 and 1 that divides all."""
    return next(v for v in (4, 2, 1) if all(n % v == 0 for n in numbers))
