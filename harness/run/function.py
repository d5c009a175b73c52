"""Run one function on cards that are not there, in a process of its own. Needs no torch."""

import functools
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samfit.errors import UserError
from samfit.files import PACKAGE
from samfit.harness.device.cards import Card, find_card, unnamed_card
from samfit.harness.program.figures import ProgramReport
from samfit.harness.program.inside.recording import FOLDER
from samfit.harness.run.program import STEPS_WANTED, TIME_LIMIT_S, run_program
from samfit.harness.standin.library import unavailable

CALL = PACKAGE / "harness" / "program" / "inside" / "call.py"
MAIN = "__main__"


def rehearse(
    function: Callable[..., Any],
    *arguments: Any,
    card: Card | str | None = None,
    memory: str | None = None,
    gpus: int = 1,
    steps: int = STEPS_WANTED,
    time_limit_s: float = TIME_LIMIT_S,
) -> ProgramReport:
    """Call a function that trains, in a process of its own, on cards that are not there.

    As in ``run_program``, PyTorch's own CUDA code runs in it, and kernels compute nothing. What it
    returns is not sent back. Its module is imported again there, so that a script keeps its call
    of ``rehearse`` below ``if __name__ == "__main__":``.

    Args:
        function: one at the head of a module, such as ``def train():``; no lambda.
        arguments: what it is given; all that can be pickled.
        card: on which it runs, by name ("T4"). Default: one that is large enough.
        memory: in place of ``card``: a card's memory, such as "8GiB".
        gpus: how many of these cards it sees.
        steps: end it after so many optimizer steps; 0 for all that it takes.
        time_limit_s: seconds after which it is ended.

    Raises:
        UserError: if it cannot be called in another process, for a card that is not known, or
            where no card can be stood in for.
    """
    if card is not None and memory is not None:
        raise UserError("card and memory each name a card: give one of them.")
    if reason := why_not_rehearsed():
        raise UserError(reason)
    if isinstance(card, str):
        card = find_card(card)
    name = getattr(function, "__qualname__", type(function).__name__)
    call = _pickled(function, name, arguments)
    with tempfile.TemporaryDirectory(prefix="samfit-call-") as folder:
        file = Path(folder, "call.pickle")
        file.write_bytes(call)
        return run_program(
            [sys.executable, str(CALL), str(file)],
            unnamed_card(memory) if memory is not None else card,
            gpus=gpus,
            steps=steps,
            time_limit_s=time_limit_s,
            name=name,
        )


def why_not_rehearsed() -> str | None:
    """Why no function can run on a card that is not there, in a sentence; None if it can."""
    if os.environ.get(FOLDER):
        return (
            "samfit.rehearse is called while samfit runs this program already: in a script, put "
            'the call below if __name__ == "__main__":.'
        )
    reason = unavailable()
    return f"no card can be stood in for: {reason}" if reason else None


def _pickled(function: Callable[..., Any], name: str, arguments: tuple[Any, ...]) -> bytes:
    """The ``Call`` of ``inside/call.py``."""
    module, source = _module_of(function)
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError):
        raise UserError(
            f"{name} cannot be called in another process: give a function at the head of a module, "
            "no lambda and none inside another function, and what it needs as arguments."
        ) from None
    try:
        call = pickle.dumps((function, arguments))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserError(
            f"an argument of {name} cannot be sent to another process ({error}): give numbers, "
            "texts or paths, and make the rest in the function."
        ) from None
    return pickle.dumps((sys.path, module, source, call))


def _module_of(function: Any) -> tuple[str, str | None]:
    """The name of its module, and the file; None for what Python brings itself.

    Raises:
        UserError: for a function that was typed at a prompt or in a notebook.
    """
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__module__", None) or type(function).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if name == MAIN and file is None:
        raise UserError(
            "a function that is typed at a prompt or in a notebook cannot be called in another "
            "process: write it to a file, and import it."
        )
    return name, file and str(Path(file).absolute())
