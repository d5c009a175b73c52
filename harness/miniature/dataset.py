"""The generated tasks as data sets, and any data set by the text that stands for it."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from samfit.errors import UserError, spelling_hint
from samfit.harness.data.dataset import IMAGE_SIZE, DataSet, Origin, open_folder
from samfit.harness.data.files.intensity import Intensity
from samfit.harness.data.reading import Reading
from samfit.harness.miniature.tasks import TASKS
from samfit.harness.miniature.tasks.task import Drawing
from samfit.progress import SILENT, Progress

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


def open_data(
    path: Path | str,
    *,
    image_size: int = IMAGE_SIZE,
    trained_on: Intensity | None = None,
    progress: Progress = SILENT,
    **options: Any,
) -> DataSet:
    """The data set in a folder, in a file, or of a task that comes with samfit.

    Args:
        path: of the folder or file, or ``miniature:TASK``.
        image_size, trained_on, progress: as for ``open_folder``.
        options: how files are to be read, where that does not follow from them: the fields of
            ``Reading``, such as ``classes="255:0,128:1,0:2"``.

    Raises:
        UserError: as ``open_folder``, or for an unknown task or option.
    """
    for number in {"classes", "ignore"} & options.keys():
        options[number] = str(options[number])
    name, reading = str(path), Reading(**options)
    if name.startswith(GENERATED):
        data = miniature(name.removeprefix(GENERATED))
    else:
        data = open_folder(
            Path(path), reading, image_size=image_size, trained_on=trained_on, progress=progress
        )
    return replace(data, origin=Origin(path=name, reading=reading))
