"""What tests run on the stand-in; see ``stage.py``."""

from dataclasses import replace

import torch

from samfit import Cell
from samfit.harness.device.cards import card_of_capability
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.replay import replay
from samfit.harness.rehearse.rehearsal import Prepared, large_enough, rehearse, run


def ends(cell: dict, usable_bytes: int) -> bool:
    """Whether a step does not run out of so much memory."""
    wanted = Cell.from_json(cell)
    card = card_of_capability(wanted.compute_capability)
    card = replace(card, total_bytes=usable_bytes + card.context_bytes)
    return run(Prepared(wanted), wanted, card).exhausted is None


def both_allocators(cell: dict) -> dict[str, list[int]]:
    """Peaks that PyTorch's allocator counted, and those of samfit's model of it, allocated first;
    then those that it counted in a step with a witness."""
    wanted = Cell.from_json(cell)
    card = large_enough(card_of_capability(wanted.compute_capability))
    rehearsal = rehearse(Prepared(wanted), wanted, card)
    outcome = rehearsal.outcome
    assert rehearsal.trace
    model = replay(rehearsal.trace, AllocatorOptions.parse(wanted.alloc_conf))
    return {
        "pytorch": [outcome.allocated_bytes, outcome.reserved_bytes],
        "model": [model.peak_allocated_bytes, model.peak_reserved_bytes],
        "witnessed": [torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()],
    }
