"""What the suites have in common: the names of their rows, and memory that is given back."""

import gc

import pytest
import torch

from samfit import Cell


def pytest_make_parametrize_id(val: object) -> str | None:
    """A short and stable name of a Cell, so that stored runs can be compared."""
    if isinstance(val, Cell):
        return f"{val.adapter}-{val.backbone}-b{val.batch_size}-{val.phase}"
    return None


@pytest.fixture(autouse=True)
def _fresh_memory() -> None:
    """Start each benchmark with what the one before has left given back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
