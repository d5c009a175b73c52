"""Every picture is read once before work starts, so that a bad one does not end it later."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED, Example
from samfit.harness.data.pair import read_image
from samfit.harness.data.pixels import THREADS
from samfit.progress import SILENT, Progress

Item = TypeVar("Item")


def check(examples: Collection[Example], progress: Progress = SILENT) -> None:
    """Read all examples.

    Raises:
        UserError: on the first example that cannot be read, and how many more there are; or if no
            mask has any foreground.
    """
    if not any(_read_all(_has_foreground, examples, progress, "checking images and masks")):
        raise UserError(
            f"none of the {len(examples):,} masks has any foreground: check --classes, which is 1 "
            "for masks in black and white, and that the masks are the right ones."
        )


def check_images(paths: Collection[Path], progress: Progress = SILENT) -> None:
    """Read all images.

    Raises:
        UserError: on the first that cannot be read, and how many more there are.
    """
    _read_all(lambda path: bool(read_image(path).size), paths, progress, "checking images")


def _read_all(
    look: Callable[[Item], bool], items: Collection[Item], progress: Progress, what: str
) -> list[bool]:
    """What ``look`` says of each; all are looked at before the first fault is raised."""

    def attempt(item: Item) -> bool | UserError:
        try:
            return look(item)
        except UserError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(progress.track(pool.map(attempt, items), len(items), what))
    faults = [each for each in found if isinstance(each, UserError)]
    if faults:
        more = f" (one of {len(faults):,} such faults)" if len(faults) > 1 else ""
        raise UserError(f"{str(faults[0]).removesuffix('.')}{more}.") from faults[0]
    return [each is True for each in found]


def _has_foreground(example: Example) -> bool:
    _, mask = example.read()
    return bool(((mask > 0) & (mask != IGNORED)).any())
