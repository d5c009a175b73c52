"""Where the watching of a program begins: when its Python starts, before any line of its own."""

import os
import platform
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from samfit.harness.program.inside.ending import Ending
from samfit.harness.program.inside.imports import AfterImport
from samfit.harness.program.inside.kept.kept import Kept
from samfit.harness.program.inside.recording import (
    ALLOCATOR,
    BATCHES,
    BROKEN,
    CUDA,
    FOLDER,
    PYTHON,
    READS,
    STEPS,
    TORCH,
    Log,
    Recording,
    rank_and_world,
)
from samfit.harness.standin.process import OLDEST_CUDNN, cuda_number, lacking, read_card

if TYPE_CHECKING:
    from samfit.harness.program.inside.course import Course
    from samfit.harness.program.inside.reads.policy import Policy
    from samfit.harness.program.inside.reads.reads import Reads
    from samfit.harness.program.inside.refusals import Refusals

Rooms = Callable[[], AbstractContextManager[None]]  # within it samfit's rooms can be imported


def begin(rooms: Rooms) -> None:
    """Watch this process, if it belongs to a program that samfit runs."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    watcher = Watcher(Log(Path(folder)), rooms)
    watcher.begin()


class Watcher:
    """Everything that watches this process, or stands between it and harm."""

    def __init__(self, log: Log, rooms: Rooms) -> None:
        self.log, self.ending = log, Ending(log)
        self._rooms = rooms
        self.kept = Kept(self._quietly)
        self._reads: Reads | None = None

    def begin(self) -> None:
        """Begin with what needs no torch; the rest follows when the program imports it."""
        self._be_there()
        os.register_at_fork(after_in_child=self._be_there)
        self.ending.install()
        self.kept.install_files()
        after = self.kept.after_imports()
        save = after.pop("torch")
        AfterImport({"torch": lambda: self._after_torch(save), **after})

    def _be_there(self) -> None:
        self.log.say(PYTHON, platform.python_version())

    def _after_torch(self, install_saves: Callable[[], None]) -> None:
        import torch

        try:
            install_saves()
            self.log.say(TORCH, torch.__version__)
            if reason := _unfit():
                self.log.say(BROKEN, reason)
                return
            os.environ["SAMFIT_CARD_CUDA_VERSION"] = str(cuda_number(torch.version.cuda))
            read_card()
            with self._rooms():
                self._watch_torch()
        except Exception as error:
            self.log.say(BROKEN, f"{type(error).__name__}: {error}")

    def _watch_torch(self) -> None:
        import torch

        from samfit.harness.program.inside.course import Course
        from samfit.harness.program.inside.ledger import start_histories
        from samfit.harness.program.inside.reads.reads import Reads
        from samfit.harness.program.inside.refusals import Refusals
        from samfit.harness.program.inside.watch import Watch

        steps, batches = (_limit(name) for name in (STEPS, BATCHES))
        course = Course(self.log, steps, until_evaluated=batches is not None and steps is None)
        course.enough = self.ending.stop
        course.install()
        self._reads = reads = Reads(_policy(), self.ending.stop)
        reads.install()
        course.went_on = reads.went_on
        refusals = Refusals(course)

        def on_cuda() -> None:
            self.log.say(CUDA, str(rank_and_world()[1]))
            start_histories()
            refusals.install()

        torch.cuda._lazy_call(on_cuda)
        # The program's own wish for a history is granted already; nor may it end ours.
        torch.cuda.memory._record_memory_history = lambda *args, **kwargs: None
        Watch(course, batches).install()

        def fill(recording: Recording) -> None:
            recording.histories = course.finish()
            recording.steps = course.steps
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                recording.rank = torch.distributed.get_rank()
            recording.refused, recording.refusals = refusals.count, refusals.last
            recording.reads = [asdict(read) for read in reads.found]
            last = reads.last_unknown
            recording.last_unknown = asdict(last) if last else None
            recording.not_written = self.kept.not_written
            recording.not_removed = self.kept.not_removed
            recording.alloc_conf = _allocator_options()
            recording.visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
            recording.versions = _versions()

        self.ending.fill = fill
        self._follow_forks(course, refusals)

    def _quietly(self) -> AbstractContextManager[object]:
        """What saves a model to memory reads it; these are not values that the program looks at."""
        return self._reads.quietly() if self._reads else nullcontext()

    def _follow_forks(self, course: "Course", refusals: "Refusals") -> None:
        """A forked process has a course of its own; one that loads data, none to be told of."""
        import torch

        def begin_anew() -> None:
            course.begin()
            refusals.begin()
            self.ending.is_aside = lambda: not torch.cuda.is_initialized()

        os.register_at_fork(after_in_child=begin_anew)


def _versions() -> dict[str, str]:
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": str(torch.version.cuda),
        "cudnn": ".".join(map(str, cudnn_version())),
    }


def _allocator_options() -> str:
    """As the program, or the user, has set them."""
    return next((os.environ[name] for name in ALLOCATOR if os.environ.get(name)), "")


def _policy() -> "Policy":
    text = os.environ.get(READS)
    return "zeros" if text == "zeros" else "ones" if text == "ones" else "usual"


def _unfit() -> str | None:
    """Why no card can be stood in for to the program's torch; None if one can."""
    import torch

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
