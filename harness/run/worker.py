"""The worker process: reads tasks from standard input, answers with Records.

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
from typing import Any

from samfit.errors import UserError
from samfit.harness.measure.measure import first_line, measure, weigh
from samfit.harness.memory.cuda import foreign_bytes
from samfit.harness.predict.predict import predict
from samfit.harness.record.environment import environment, machine
from samfit.harness.record.record import Record
from samfit.harness.run.task import Task
from samfit.harness.train.score import score

RUNNERS = {"predict": predict, "measure": measure, "weigh": weigh, "score": score}


def main() -> None:
    """Answer tasks until standard input ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    foreign_bytes()  # before a measurement starts CUDA here
    _answer(answers, machine())
    for line in sys.stdin:
        _answer(answers, _perform(Task.from_json(json.loads(line))).to_json())


def _end_with(parent: int) -> None:
    """End this process soon after its parent has, so that it does not hold the device alone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _answer(answers: Any, document: Mapping[str, object]) -> None:
    answers.write(json.dumps(document) + "\n")
    answers.flush()


def _perform(task: Task) -> Record:
    try:
        return RUNNERS[task.how](task.cell)
    except UserError as error:
        return task.ended("error", str(error), machine())
    except Exception as error:  # a worker lives on: the record says what happened
        traceback.print_exc()
        message = f"{type(error).__name__}: {first_line(error)}"
        return task.ended("error", message, environment(task.cell))
