"""Run any program on cards that are not there, and say whether it fits. Needs no torch."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from samfit.errors import UserError
from samfit.harness.device.cards import Card, card_of_capability, large_enough
from samfit.harness.device.stood_in import STOOD_IN
from samfit.harness.program.advice import advice
from samfit.harness.program.figures import ProgramReport
from samfit.harness.program.inside.recording import ALLOCATOR, BATCHES, READS, STEPS
from samfit.harness.program.launch import Ended, launch, watched
from samfit.harness.program.reporting import report_of, with_need
from samfit.harness.standin.library import card_variables, standing, unavailable_to_programs
from samfit.progress import Progress

Reads = Literal["usual", "zeros", "ones"]

STEPS_WANTED = 3
TIME_LIMIT_S = 900.0


def run_program(
    command: Sequence[str],
    card: Card | None = None,
    gpus: int = 1,
    steps: int | None = None,
    batches: int | None = None,
    alloc_conf: str = "",
    reads: Reads = "usual",
    time_limit_s: float = TIME_LIMIT_S,
    output_to_errors: bool = False,
    progress: Progress | None = None,
    name: str | None = None,
) -> ProgramReport:
    """Run a program, unmodified, on cards that are not there. Needs no GPU.

    PyTorch's own CUDA code runs in it, its allocator included; kernels do nothing. Its values on
    the card are therefore unknown: ``report.reads`` lists those that it asked for. It writes no
    weights.

    Args:
        command: the program and its arguments, such as ``["python", "train.py"]``.
        card: on which it runs. Default: one that is large enough.
        gpus: how many of them it sees.
        steps: stop it after so many optimizer steps; 0 for all that it takes. Default: 3, or, with
            ``batches``, one after the first evaluation.
        batches: end every data loader after so many.
        alloc_conf: as ``PYTORCH_CUDA_ALLOC_CONF`` takes it.
        reads: what values are told that do not exist.
        time_limit_s: seconds after which it is ended.
        output_to_errors: whether its standard output goes to standard error.
        progress: where it is said that the program runs again. Default: standard error.
        name: what the report calls it. Default: its script.

    Raises:
        UserError: if it cannot be started, or no card can be stood in for here.
    """
    if reason := unavailable_to_programs():
        raise UserError(f"no card can be stood in for: {reason}")
    on = card or large_enough(card_of_capability("8.0"))
    if steps is None and batches is None:
        steps = STEPS_WANTED
    steps = steps or None  # 0 is for no limit
    wanted = {STEPS: str(steps or ""), BATCHES: str(batches or ""), READS: reads}
    if alloc_conf:
        wanted |= dict.fromkeys(ALLOCATOR, alloc_conf)

    def run(on: Card) -> Ended:
        folder = Path(tempfile.mkdtemp(prefix="samfit-run-"))
        try:
            variables = {**os.environ, **_standing(on, gpus), **watched(folder), **wanted}
            return launch(command, variables, folder, time_limit_s, output_to_errors)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    ended = run(on)
    report = report_of(ended, command, on, steps, name)
    if report.verdict == "out of memory":
        unlimited = large_enough(on)
        (progress or Progress()).say(
            "samfit: it ran out of memory. It runs once more, without a limit, to see by how much."
        )
        needed = report_of(run(unlimited), command, unlimited, steps, name)
        report = with_need(report, needed)
    return replace(report, advice=advice(report))


def _standing(card: Card, gpus: int) -> dict[str, str]:
    """Variables of a program that stands on the stand-in."""
    quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}  # that memory runs out is an answer here
    return {**standing(), **card_variables(card, gpus), **quiet, STOOD_IN: "1"}
