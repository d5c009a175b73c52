"""Every picture is read once before work starts, so that a bad one does not end it later."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED, Example
from samfit.harness.data.pair import read_image
from samfit.harness.data.parallel import in_threads
from samfit.progress import SILENT, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What reading the examples showed.

    Attributes:
        count: of examples.
        smallest, largest: (height, width) of the images with the fewest and the most pixels.
        empty_masks: masks in which nothing is foreground.
    """

    count: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    empty_masks: int


class _Seen(NamedTuple):
    size: tuple[int, int]
    empty: bool


def check(examples: Sequence[Example], progress: Progress = SILENT) -> Summary:
    """Read all examples.

    Raises:
        UserError: on the first example that cannot be read, and how many more there are; or if no
            mask has any foreground.
    """
    seen = _read_all(_look, examples, progress, "checking images and masks")
    empty = sum(each.empty for each in seen)
    if empty == len(seen):
        raise UserError(
            f"none of the {len(seen):,} masks has any foreground: check --classes, which is 1 for "
            "masks in black and white, and that the masks are the right ones."
        )
    sizes = sorted((each.size for each in seen), key=lambda size: size[0] * size[1])
    return Summary(count=len(seen), smallest=sizes[0], largest=sizes[-1], empty_masks=empty)


def check_images(paths: Collection[Path], progress: Progress = SILENT) -> None:
    """Read all images.

    Raises:
        UserError: on the first that cannot be read, and how many more there are.
    """
    _read_all(_can_be_read, paths, progress, "checking images")


def _read_all(
    read: Callable[[Item], Result], items: Collection[Item], progress: Progress, what: str
) -> list[Result]:
    """What ``read`` gives for each of ``items``; the first error of a user is raised at the end."""

    def attempt(item: Item) -> Result | UserError:
        try:
            return read(item)
        except UserError as error:
            return error

    found, faults = list[Result](), list[UserError]()
    for result in progress.track(in_threads(attempt, items), len(items), what):
        if isinstance(result, UserError):
            faults.append(result)
        else:
            found.append(result)
    if faults:
        more = f" (one of {len(faults):,} such faults)" if len(faults) > 1 else ""
        raise UserError(f"{str(faults[0]).removesuffix('.')}{more}.") from faults[0]
    return found


def _can_be_read(path: Path) -> bool:
    return bool(read_image(path).size)


def _look(example: Example) -> _Seen:
    image, mask = example.read()
    height, width = image.shape[:2]
    return _Seen(size=(height, width), empty=not ((mask > 0) & (mask != IGNORED)).any())
