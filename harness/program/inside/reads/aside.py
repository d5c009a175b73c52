"""What we do within an operator of the program's, as if it had never been done."""

import contextlib
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import torch

from samfit.harness.program.inside.reads.known import Known


@contextlib.contextmanager
def aside(known: Known) -> Iterator[None]:
    """Out of the program's modes, and without errors: after one, nothing is known any more."""
    try:
        with torch._C.DisableTorchFunction():
            yield
    except Exception:
        known.forget_all()


def leave_to_python(package: str) -> None:
    """Keep ``torch.compile`` from compiling the functions of a package's modules."""
    for name, module in list(sys.modules.items()):
        if name.startswith(package):
            for found in list(vars(module).values()):
                of_class = vars(found).values() if isinstance(found, type) else ()
                for each in (found, *of_class):
                    if isinstance(each, FunctionType) and each.__module__ == name:
                        _leave(each.__code__)


def _leave(code: CodeType) -> None:
    frames: Any = torch._C._dynamo.eval_frame
    if hasattr(frames, "set_code_exec_strategy"):
        skip = frames._FrameAction.SKIP
        frames.set_code_exec_strategy(code, frames._FrameExecStrategy(skip, skip))
    else:
        frames.skip_code(code)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _leave(inner)
