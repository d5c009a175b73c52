"""What we do within an operator of the program's, as if it had never been done."""

import contextlib
from collections.abc import Iterator

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
