"""Where the watching of a program begins: when its Python starts, before any line of its own."""

import os
import platform
from pathlib import Path

from samfit.harness.program.inside.ending import Ending
from samfit.harness.program.inside.imports import AfterImport
from samfit.harness.program.inside.recording import (
    BATCHES,
    BROKEN,
    CUDA,
    FOLDER,
    PYTHON,
    STEPS,
    TORCH,
    Log,
    Recording,
    rank,
)
from samfit.harness.trace import trace  # noqa: F401 - while samfit can be imported by its name

OLDEST_CUDNN = (9, 8)  # the first that chooses for a card that is only described to it


def begin() -> None:
    """Watch this process, if it belongs to a program that samfit runs."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    log = Log(Path(folder))
    ending = Ending(log)
    log.say(PYTHON, platform.python_version())
    ending.install()
    AfterImport({"torch": lambda: _watch_torch(log, ending)})


def _watch_torch(log: Log, ending: Ending) -> None:
    try:
        _install(log, ending)
    except Exception as error:
        log.say(BROKEN, f"{type(error).__name__}: {error}")


def _install(log: Log, ending: Ending) -> None:
    import torch

    from samfit.harness.program.inside.course import Course
    from samfit.harness.program.inside.ledger import start_histories
    from samfit.harness.program.inside.refusals import Refusals
    from samfit.harness.program.inside.watch import Watch

    log.say(TORCH, torch.__version__)
    reason = _unfit()
    if reason:
        log.say(BROKEN, reason)
        return
    cuda = torch.version.cuda
    assert cuda
    major, minor = map(int, cuda.split(".")[:2])
    os.environ["SAMFIT_CARD_CUDA_VERSION"] = str(1000 * major + 10 * minor)
    steps, batches = (_limit(name) for name in (STEPS, BATCHES))
    course = Course(log, steps, until_evaluated=batches is not None and steps is None)
    course.enough = ending.stop
    course.install()
    refusals = Refusals(course)

    def on_cuda() -> None:
        place, world = rank()
        log.say(CUDA, f"{place} {world}")
        start_histories()
        refusals.install()

    torch.cuda._lazy_call(on_cuda)
    torch.cuda.memory._record_memory_history = lambda *args, **kwargs: None
    Watch(course, batches).install()

    def fill(recording: Recording) -> None:
        recording.histories = course.finish()
        recording.steps = course.steps
        recording.refused, recording.refusals = refusals.count, refusals.last
        recording.versions = {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": cuda,
            "cudnn": ".".join(map(str, cudnn_version())),
        }

    ending.fill = fill


def _unfit() -> str | None:
    """Why no card can be stood in for to the program's torch; None if one can."""
    import torch

    from samfit.harness.standin.process import lacking

    if torch.version.cuda is None:
        return (
            f"torch {torch.__version__} of {torch.__file__} is built without CUDA: "
            "run the program with one that is built for it"
        )
    if cudnn_version() < OLDEST_CUDNN:
        found = ".".join(map(str, cudnn_version()))
        return (
            f"torch {torch.__version__} brings cuDNN {found}, which cannot choose for a card that "
            "is not there: run the program with torch 2.8 or later"
        )
    return lacking()


def cudnn_version() -> tuple[int, ...]:
    """Such as (9, 24, 0). Other ways to ask start CUDA, which is the program's to do."""
    import torch

    return tuple(torch._C._cudnn.getRuntimeVersion())


def _limit(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text else None
