"""Predict a Cell's memory without a GPU: the real step, run on tensors without data."""

import time
import warnings
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property

import torch

from samfit.adapters.sam.build import build_sam
from samfit.harness.device.cards import CARDS, card_of_capability, context_of
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.figures import Memory
from samfit.harness.memory.need import Need, cards_that_hold
from samfit.harness.memory.peak import traced_memory
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import environment
from samfit.harness.record.record import Compute, Parameters, Record
from samfit.harness.record.weights import checkpoint_file
from samfit.harness.step.step import Step, build_step, describe_method, describe_step
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.observe import STEPS

WITHOUT_DATA = torch.device("meta")


def predict(cell: Cell) -> Record:
    """Predict the memory of one step of ``cell``. Needs no GPU.

    Returns:
        A Record whose ``memory`` has the peak, what fills it, and, for CUDA, what PyTorch's
        allocator reserves and the names of the known cards on which the step ends. Weights and
        data change no size: both are random.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    check_checkpoint(cell)
    return Prediction(cell).record


class Prediction:
    """One step, built and run once without data; all that is asked of it is read from its trace.

    Attributes:
        cell: what was asked.
        step: its step, on tensors that have shapes and lifetimes but no data.
        assumption: what the adapter assumes, in words, where memory would depend on data.
        trace: every storage of two runs.

    Raises:
        UserError: for a Cell that cannot be built.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._started, self._clock = datetime.now(timezone.utc), time.perf_counter()
        gpu = card_of_capability(cell.compute_capability) if self.on_cuda else None
        with kernels_of(cell.device):
            self.step, self.assumption = build_step_without_data(cell)
            self.trace = self.step.trace(gpu)

    @property
    def on_cuda(self) -> bool:
        """Whether memory is CUDA's, and comes from PyTorch's allocator."""
        return self.cell.device == "cuda"

    @cached_property
    def need(self) -> Need:
        """What a card must have for it."""
        return Need(self.trace, AllocatorOptions.parse(self.cell.alloc_conf))

    @property
    def held_bytes(self) -> list[int]:
        """What each allocation of the trace occupies."""
        if self.on_cuda:
            return self.need.unlimited.block_bytes
        return [allocation.nbytes for allocation in self.trace.allocations]

    @cached_property
    def record(self) -> Record:
        """All that is learned of the Cell."""
        model, flops = self.step.model, self.trace.flops
        return Record(
            cell=self.cell,
            status="ok",
            source="predicted",
            traced=describe_step(self.cell),
            assumption=self.assumption,
            method=describe_method(model.adapter),
            params=Parameters(**model.parameter_counts()),
            memory=self._cuda_memory() if self.on_cuda else traced_memory(self.trace),
            compute=Compute(flops_per_image=flops // (STEPS * self.cell.batch_size)),
            environment=environment(self.cell),
            started=self._started.isoformat(timespec="seconds"),
            duration_ms=1000 * (time.perf_counter() - self._clock),
        )

    def _cuda_memory(self) -> Memory:
        memory = traced_memory(self.trace, self.need.unlimited)
        context, _ = context_of(self.cell.compute_capability)
        bf16 = self.cell.precision == "bf16"
        cards = [card for card in CARDS if card.computes_in_bfloat16 or not bf16]
        return replace(
            memory,
            process_bytes=self.need.unlimited.peak_reserved_bytes + context,
            fits=cards_that_hold(self.need, cards),
        )


def build_step_without_data(cell: Cell) -> tuple[Step, str | None]:
    """The step of ``cell`` on tensors that have shapes and lifetimes but no data.

    Beside it what its adapter assumes, in words, where memory would depend on data.
    """
    with WITHOUT_DATA:
        step = build_step(replace(cell, checkpoint=None), WITHOUT_DATA)
    return step, step.model.adapter.assume()


def check_checkpoint(cell: Cell) -> None:
    """Load the file of ``cell``, if it has one, into a SAM without memory, for what loading would
    say: its weights change no size, but a wrong file should not pass unnoticed.

    Raises:
        UserError: if it cannot be used.
    """
    if cell.checkpoint:
        with WITHOUT_DATA, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks that nothing is copied
            build_sam(cell.backbone, cell.image_size, checkpoint_file(cell.checkpoint))
