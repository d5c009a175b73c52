"""Which function of PyTorch's the program calls at the moment.

An operator may run within another, which then writes to its result unseen: ``sort`` sorts a copy.
The result is what its name says only if the program itself has called it.
"""

import ast
import functools
import itertools
import linecache
import sys
from types import CodeType, FrameType

import torch
from torch.utils import _device

from samfit.harness.program.inside.reads.likely import called
from samfit.harness.program.inside.where import OURS

_ON_THE_WAY = (OURS, torch._ops.__file__, _device.__file__)  # from a call to its operator


def innermost() -> FrameType | None:
    """The frame of this thread that calls or reads; it may be torch's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(_ON_THE_WAY):
        frame = frame.f_back
    return frame


def operation() -> str:
    """The name of what is called; "compare", "invert" and "subscript" for these; else empty.

    Python tells from 3.11 on.
    """
    frame = innermost()
    return _operation(frame.f_code, frame.f_lasti) if frame else ""


@functools.lru_cache(16384)
def _operation(code: CodeType, instruction: int) -> str:
    if sys.version_info < (3, 11):
        return ""
    first, last, start, end = next(itertools.islice(code.co_positions(), instruction // 2, None))
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(code.co_filename, line).encode() for line in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    text = b"".join(lines)[start:].decode()
    try:
        node = ast.parse(f"({text})", mode="eval").body
    except SyntaxError:
        return ""
    if isinstance(node, ast.Call):
        return called(node)
    kinds = {ast.Compare: "compare", ast.UnaryOp: "invert", ast.Subscript: "subscript"}
    return kinds.get(type(node), "")
