"""The generated tasks as data sets, and any data set by the text that stands for it."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from samfit.errors import UserError, spelling_hint
from samfit.harness.data.dataset import DataSet, Origin, open_folder
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.miniature.tasks.task import Drawing

GENERATED = "miniature:"  # how the name of a task begins where a folder could stand
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
    return DataSet(
        name=f"miniature {name}",
        classes=TASKS[name].classes,
        class_names=TASKS[name].class_names,
        train=tuple(Drawn(name, "train", index) for index in range(train)),
        val=tuple(Drawn(name, "val", index) for index in range(val)),
        test=tuple(Drawn(name, "test", index) for index in range(test)),
    )


def open_data(path: Path | str, layout: str = "auto", classes: int = 0) -> DataSet:
    """The data set in a folder, in a CSV file, or of a task that comes with samfit.

    Args:
        path: of the folder or file, or ``miniature:TASK``.
        layout, classes: as for ``open_folder``.

    Raises:
        UserError: as ``open_folder``, or if there is no such task.
    """
    name = str(path)
    if name.startswith(GENERATED):
        data = miniature(name.removeprefix(GENERATED))
    else:
        data = open_folder(Path(path), layout, classes)
    return replace(data, origin=Origin(path=name, layout=layout, classes=classes))
