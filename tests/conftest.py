"""Tensors are small here: one thread is faster, however busy the machine is."""

from collections.abc import Iterator

import pytest
import torch
from stage import Stage


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Here and in processes that tests start; a fixture, since benchmarks read this file too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A process on the stand-in, for functions that are to run there."""
    with Stage() as started:
        yield started
