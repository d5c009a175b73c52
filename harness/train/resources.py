"""What training and evaluation need: a data set, a device, processes that read, and memory; and
how they are interrupted."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from samfit.errors import UserError
from samfit.harness.data.dataset import DataSet
from samfit.harness.memory.exhausted import is_out_of_memory
from samfit.harness.miniature.dataset import open_data
from samfit.harness.record.cell import Cell
from samfit.progress import Progress

READERS = 4  # a GPU must not wait for images; a CPU has other work


def opened(data: DataSet | Path | str, progress: Progress, **options: Any) -> DataSet:
    """The data set, opened with ``options`` if it is not; its remarks go to the user."""
    found = data if isinstance(data, DataSet) else open_data(data, progress=progress, **options)
    for remark in found.remarks:
        progress.say(remark)
    return found


def check_one_process() -> None:
    """Refuse to be one of several processes of a launcher: each would train all there is.

    Raises:
        UserError: if torchrun, or what sets the same variables, started more than one.
    """
    if "LOCAL_RANK" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
        raise UserError(
            f"samfit trains in one process, on one GPU, and {os.environ['WORLD_SIZE']} were "
            "started: run it without torchrun or accelerate launch."
        )


def torch_device(name: str | None) -> torch.device:
    """``cuda`` or ``cpu``; for None the GPU if there is one, else the CPU.

    Raises:
        UserError: if it is neither, or there is no GPU.
    """
    available = torch.cuda.is_available()
    if name not in (None, "cuda", "cpu"):
        raise UserError(f"--device must be cuda or cpu, got {name!r}.")
    if name == "cuda" and not available:
        raise UserError("--device cuda: there is no CUDA device here; use --device cpu.")
    return torch.device(name or ("cuda" if available else "cpu"))


def readers(workers: int | None, device: torch.device) -> int:
    """Processes that read images, if ``workers`` does not say."""
    return (READERS if device.type == "cuda" else 0) if workers is None else workers


@contextmanager
def enough_memory(cell: Cell) -> Iterator[None]:
    """If memory runs out in the block, say so in one sentence, and how to find what needs less."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        smaller = "a smaller one, or " if cell.batch_size > 1 else ""
        raise UserError(
            f"out of memory with --batch-size {cell.batch_size}: use {smaller}levers; "
            f"samfit fit {cell.adapter} --backbone {cell.backbone} says which a card needs."
        ) from error


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an end instead of forcing it; a second one forces it.

    What comes back says whether it was asked for. Python tells only its main thread of it.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
