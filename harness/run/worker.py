"""The worker process: reads questions from standard input, writes answers to standard output.

One JSON document a line, both ways. The first line out describes the machine. Whatever libraries
print goes to standard error: standard output carries answers only.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from samfit.errors import UnsupportedError, UserError
from samfit.harness.device.cards import Card
from samfit.harness.measure.measure import measure, measure_memory
from samfit.harness.memory.cuda import foreign_bytes
from samfit.harness.memory.exhausted import first_line
from samfit.harness.predict.predict import examine, predict, trace
from samfit.harness.predict.rehearsed import outcome
from samfit.harness.predict.search import search
from samfit.harness.record.cell import Cell
from samfit.harness.record.environment import machine
from samfit.harness.record.record import Record
from samfit.harness.run.task import Task


def score(cell: Cell) -> Record:
    """``train.score``; it is imported when it is first needed, since that takes half a second."""
    from samfit.harness.train.score import score

    return score(cell)


RUNNERS = {
    "predict": predict, "trace": trace, "measure": measure, "measure_memory": measure_memory,
    "score": score,
}  # fmt: skip


def main() -> None:
    """Answer questions until standard input ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    foreign_bytes()  # before a measurement starts CUDA here
    _say(answers, machine())
    for line in sys.stdin:
        _say(answers, perform(json.loads(line)))


def perform(question: Mapping[str, Any]) -> dict[str, Any]:
    """The ``answer`` to a question, or why it ``failed`` and with which ``status``, as JSON values.

    A question is a Task, or ``fit``, ``blame`` or ``run`` and its arguments. No mistake in it ends
    this process.
    """
    try:
        if question["how"] == "fit":
            return {"answer": _fit(**{key: question[key] for key in question if key != "how"})}
        if question["how"] == "blame":
            return {"answer": _blame(Cell.from_json(question["cell"]))}
        if question["how"] == "run":
            cell = Cell.from_json(question["cell"])
            return {"answer": asdict(outcome(cell, question["usable_bytes"]))}
        task = Task.from_json(question)
        return {"answer": RUNNERS[task.how](task.cell).to_json()}
    except UnsupportedError as error:
        return {"failed": str(error), "status": "unsupported"}
    except UserError as error:
        return {"failed": str(error)}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {first_line(error)}"}


def _blame(cell: Cell) -> dict[str, Any]:
    found = examine(cell)
    return {"record": found.record.to_json(), "holders": found.holders}


def _fit(cell: Any, cards: list[Any], wanted: int, most: int) -> list[Any]:
    found = search(Cell.from_json(cell), [Card(**card) for card in cards], wanted, most)
    return [asdict(one) for one in found]


def _end_with(parent: int) -> None:
    """End this process soon after its parent has, so that it does not hold the device alone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _say(answers: Any, document: Mapping[str, object]) -> None:
    try:
        answers.write(json.dumps(document) + "\n")
        answers.flush()
    except BrokenPipeError:  # nobody listens any more
        os._exit(1)
