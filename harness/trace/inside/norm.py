"""What layer norm allocates inside: ATen/native, cuda/layer_norm_kernel.cu."""

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor

from samfit.harness.trace.gpu import Gpu
from samfit.harness.trace.inside.kernel import Kernel
from samfit.harness.trace.inside.reduction import FLOAT_BYTES, WARP, Reduction
from samfit.harness.trace.layout import CONTIGUOUS

MANY_ROWS = 64 * 1024
MOST_PARTS = 32 * 1024  # of all warps of columns together


def layer_norm(kernel: Kernel, result: Any, input: Tensor, *_: Any) -> None:
    """The input, contiguous: layer_norm_cuda."""
    kernel.take_copies(CONTIGUOUS, input)
    for each in result:
        kernel.make(each)


def layer_norm_backward(
    kernel: Kernel, result: Any, grad: Tensor, input: Tensor, shape: Any, *_: Any
) -> None:
    """Gradient and input, contiguous; then those of weight and bias: layer_norm_backward_cuda."""
    kernel.take_copies(CONTIGUOUS, grad, input)
    for each in result:
        kernel.make(each)
    sums = SumsOfRows(input.numel() // prod(shape), prod(shape))
    wanted = [each for each in result[1:] if each is not None]
    for _ in wanted:
        kernel.take(sums.partial_bytes)
    for _ in wanted:
        kernel.give(kernel.take(sums.scratch_bytes))


@dataclass(frozen=True)
class SumsOfRows:
    """The gradient of a norm's weight or bias, a sum over ``rows`` of some ``width``.

    If rows are many and short for the card, parts of them are added first:
    LaunchGammaBetaBackwardCUDAKernel.
    """

    rows: int
    width: int

    def partial_bytes(self, gpu: Gpu) -> int:
        """The sums of the parts, in float32."""
        return self._parts(gpu) * self.width * FLOAT_BYTES

    def scratch_bytes(self, gpu: Gpu) -> int:
        """What their sum takes."""
        parts = self._parts(gpu)
        whole = Reduction(self.width, max(parts, 1), along_fastest=False, vector=4)
        return whole.scratch_bytes(gpu) if parts else 0

    def _parts(self, gpu: Gpu) -> int:
        if self.rows <= MANY_ROWS or self.width / WARP >= gpu.multiprocessors / 2:
            return 0
        return min(-(-self.rows // WARP), MOST_PARTS // -(-self.width // WARP))
