"""Blame: predict a Cell, and tell which modules hold its memory at the peak."""

from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.holders import holders
from samfit.harness.memory.replay import replay
from samfit.harness.predict.answers import Blame
from samfit.harness.predict.predict import predict_and_trace
from samfit.harness.record.cell import Cell


def blame(cell: Cell) -> Blame:
    """The prediction of ``cell``, and who holds its peak.

    Raises:
        UserError: for a Cell that cannot be built.
    """
    record, trace = predict_and_trace(cell)
    on_cuda = cell.device == "cuda"
    options = AllocatorOptions.parse(cell.alloc_conf)  # as the prediction had them
    held = replay(trace, options).block_bytes if on_cuda else [a.nbytes for a in trace.allocations]
    return Blame(record, holders(trace, held))
