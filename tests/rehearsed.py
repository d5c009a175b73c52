"""What tests run on the stand-in; see ``stage.py``."""

import os
import runpy
import sys
from pathlib import Path
from types import CodeType
from unittest.mock import patch

import torch

from samfit import Cell
from samfit.files import PACKAGE
from samfit.harness.cli.main import main
from samfit.harness.device.cards import Card, card_of_capability, large_enough
from samfit.harness.memory.allocator import AllocatorOptions
from samfit.harness.memory.replay import replay
from samfit.harness.predict import rehearsed
from samfit.harness.record.cell import DEFAULT_CAPABILITY
from samfit.harness.rehearse.libraries import load_cudnn, without_compiler
from samfit.harness.rehearse.rehearsal import Prepared, rehearse, run
from samfit.harness.run import predict
from samfit.harness.run.worker import perform
from samfit.harness.standin.library import card_variables
from samfit.harness.trace.observe import without_garbage_collection


def ends(cell: dict, card: dict) -> bool:
    """Whether a step does not run out of the card's memory."""
    wanted = Cell.from_json(cell)
    return run(Prepared(wanted), wanted, Card(**card)).exhausted is None


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


def counted_in_program(program: str, *arguments: str) -> list[int]:
    """Peaks that PyTorch's allocator counts in a program of ``programs``, allocated first, on the
    card on which a Cell is rehearsed that names none."""
    script = Path(__file__).parent / "programs" / program
    os.environ.update(card_variables(large_enough(card_of_capability(DEFAULT_CAPABILITY))))
    load_cudnn()
    with (
        without_garbage_collection(),
        without_compiler(),
        patch.object(sys, "argv", [program, *arguments]),
    ):
        runpy.run_path(str(script), run_name="__main__")
    return [torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()]


def walk(*arguments: str) -> list[tuple[str, str]]:
    """File and name of every function of samfit that a command calls, in the order of the first
    calls, as if its processes were one."""
    seen: dict[CodeType, None] = {}

    def note(frame, event, _):
        seen.setdefault(frame.f_code)

    with (
        patch.object(predict, "ask_rehearser", lambda question: perform(question)["answer"]),
        patch.object(rehearsed, "in_a_fork", lambda function, *given: function(*given)),
        patch.object(sys, "argv", ["samfit", *arguments]),
    ):
        sys.settrace(note)
        try:
            main()
        except SystemExit:
            pass
        finally:
            sys.settrace(None)
    ours = [code for code in seen if code.co_filename.startswith(str(PACKAGE))]
    return [(Path(c.co_filename).relative_to(PACKAGE).as_posix(), c.co_name) for c in ours]
