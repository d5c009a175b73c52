"""The generated tasks as data sets."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from samfit.errors import UserError, spelling_hint
from samfit.harness.data.dataset import DataSet
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.miniature.tasks.task import Drawing

KEPT = 512  # drawings in memory, at 256 KiB each: training reads the same ones again and again


@dataclass(frozen=True)
class Drawn:
    """An example that is drawn, not read; its name is its seed, so that it is always the same."""

    task: str
    split: str
    index: int

    @property
    def name(self) -> str:
        """Such as ``camouflage/train/007``."""
        return f"{self.task}/{self.split}/{self.index:03}"

    def read(self) -> Drawing:
        """The image (256, 256, 3) RGB and the mask (256, 256), both uint8."""
        image, mask = _drawn(self.task, self.name)
        return image.copy(), mask.copy()


@lru_cache(KEPT)
def _drawn(task: str, name: str) -> Drawing:
    return TASKS[task].draw(np.random.default_rng([*name.encode()]))


def miniature(name: str, train: int = 192, val: int = 16, test: int = 48) -> DataSet:
    """The generated task ``name`` with so many images in each split.

    Raises:
        UserError: if there is no such task.
    """
    if name not in TASKS:
        raise UserError(f"there is no miniature task {name!r}: {spelling_hint(name, TASKS)}")
    task = TASKS[name]

    def split(called: str, count: int) -> tuple[Drawn, ...]:
        return tuple(Drawn(name, called, index) for index in range(count))

    return DataSet(
        name=f"miniature {name}",
        classes=task.classes,
        class_names=task.class_names,
        train=split("train", train),
        val=split("val", val),
        test=split("test", test),
    )
