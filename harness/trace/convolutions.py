"""Workspaces of cuDNN's convolutions."""
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["fwd", "dgrad", "wgrad"]
Shape = tuple[int, ...]

@dataclass(frozen=True)
class Convolution:
    direction: Direction
    x: Shape
    w: Shape
    y: Shape
    stride: int
    padding: int
    dilation: int
    dtype: Any
    channels_last: bool

    def workspace_bytes(self, gpu: Any) -> int:
        return 0
