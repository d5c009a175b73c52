"""What cuDNN takes for a convolution: its workspace, as found for SAM's and its adapters' shapes.

``cudnn.csv`` has what cuDNN 9.24.0 answered when it was asked, without a device, for the
first configuration that PyTorch would run (ATen, cudnn/Conv_v8.cpp: heuristic mode instant, TF32
allowed, ``torch.backends.cudnn.benchmark`` off), on a card of each compute capability: V100, T4,
A100, RTX 3060, RTX 4090, H100, B200 and RTX 5090. Only the compute capability matters; other
versions of cuDNN choose otherwise for one shape in five (9.10) or one in thirty (9.28).

Nearly all of a workspace is copies of operands in the layout that cuDNN's kernels want. Its size is
written so: ``x``, ``w`` and ``y`` are the bytes of the input, the weight and the output, ``X`` and
``W`` these with input channels padded to 16 bytes, and a number is MiB. ``3:xyw+2.25`` holds from
three images on. A shape that is not in the table is answered by the most similar one.
"""

import csv
from dataclasses import dataclass
from functools import cache
from math import log2, prod
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from samfit.harness.trace.gpu import Gpu, major
from samfit.units import MIB

Direction = Literal["fwd", "dgrad", "wgrad"]
Shape = tuple[int, ...]
AMPERE = 8  # the first generation for which cuDNN convolves in bfloat16
UNLIKE = 8  # how much more another kernel, stride or dilation changes than other sizes do


class Row(NamedTuple):
    """A row of the table: sizes that tell shapes apart, and the sizes of workspaces by card."""

    x_channels: int
    y_channels: int
    y_side: int
    kernel: int
    stride: int
    dilation: int
    workspaces: dict[str, str]

    def distance(self, c: "Convolution") -> float:
        """How much its shape differs from that of a convolution."""
        sizes = ((self.x_channels, c.x[1]), (self.y_channels, c.y[1]), (self.y_side, c.y[2]))
        forms = ((self.kernel, c.w[2]), (self.stride, c.stride), (self.dilation, c.dilation))
        return sum(abs(log2(a / b)) for a, b in sizes) + UNLIKE * sum(
            abs(log2(a / b)) for a, b in forms
        )


@dataclass(frozen=True)
class Convolution:
    """One kernel of cuDNN: a convolution, or the gradient of one for its input or its weight.

    Attributes:
        x, w, y: shapes of input (B, C, H, W), weight (C', C, K, K) and output (B, C', H', W').
        channels_last: their layout.
    """

    direction: Direction
    x: Shape
    w: Shape
    y: Shape
    stride: int
    dilation: int
    dtype: torch.dtype
    channels_last: bool

    def workspace_bytes(self, gpu: Gpu) -> int:
        """Its workspace on ``gpu``."""
        if self.dtype == torch.bfloat16 and major(gpu) < AMPERE:
            return self._columns_bytes()
        rows = _rows(self.direction, self.channels_last, self.dtype)
        row = min(rows, key=lambda row: row.distance(self))
        return self._bytes(row.workspaces[_known(gpu, row)], exact=row.distance(self) == 0)

    def _columns_bytes(self) -> int:
        """Without cuDNN: one image's patches as columns (ATen, cuda/ConvolutionMM2d.cu)."""
        if self.direction == "fwd" and self.w[2] == 1:
            return 0
        return prod(self.w[1:]) * prod(self.y[2:]) * self.dtype.itemsize

    def _bytes(self, text: str, exact: bool) -> int:
        """Read one field of the table; what it has in MiB holds for its own shape only."""
        size = ""
        for part in text.split():
            images, _, code = part.rpartition(":")
            if self.x[0] >= int(images or 1):
                size = code
        letters, _, mib = size.rpartition("+") if size[-1].isdecimal() else (size, "", "")
        operands = sum(self._operand_bytes(letter) for letter in letters)
        return operands + int(float(mib or 0) * MIB) * exact

    def _operand_bytes(self, letter: str) -> int:
        shape = {"x": self.x, "w": self.w, "y": self.y}[letter.lower()]
        channels = shape[1]
        if letter.isupper():
            unit = 16 // self.dtype.itemsize
            channels = -(-channels // unit) * unit
        return shape[0] * channels * prod(shape[2:]) * self.dtype.itemsize


@cache
def _rows(direction: Direction, channels_last: bool, dtype: torch.dtype) -> list[Row]:
    """The rows of the table for these."""
    wanted = (direction, "last" if channels_last else "first", str(dtype).removeprefix("torch."))
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    found = []
    for row in table:
        if (row["direction"], row["channels"], row["precision"]) == wanted:
            sizes = {name: int(row[name]) for name in Row._fields if name in row}
            by_card = {name: text for name, text in row.items() if "." in name and text}
            found.append(Row(**sizes, workspaces=by_card))
    return found


def _known(gpu: Gpu, row: Row) -> str:
    """The compute capability that the table has for ``gpu``: its own, or the one before it."""
    order = sorted(row.workspaces, key=float)
    return max(
        (c for c in order if float(c) <= float(gpu.compute_capability)), key=float, default=order[0]
    )
