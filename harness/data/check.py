"""Every example is read once before training starts, so that a bad one does not end it later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.example import IGNORED, Example
from samfit.harness.data.parallel import in_threads


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


def check(examples: Sequence[Example], progress: Callable[[], None] = lambda: None) -> Summary:
    """Read all examples; ``progress`` is called after each.

    Raises:
        UserError: on the first example that cannot be read, and how many more there are; or if no
            mask has any foreground.
    """
    seen, faults = list[_Seen](), list[UserError]()
    for result in in_threads(_look, examples):
        if isinstance(result, UserError):
            faults.append(result)
        else:
            seen.append(result)
        progress()
    if faults:
        more = f" (one of {len(faults):,} such faults)" if len(faults) > 1 else ""
        raise UserError(f"{str(faults[0]).removesuffix('.')}{more}.") from faults[0]
    empty = sum(each.empty for each in seen)
    if empty == len(seen):
        raise UserError(
            f"none of the {len(seen):,} masks has any foreground: check --classes, which is 1 for "
            "masks in black and white, and that the masks are the right ones."
        )
    sizes = sorted((each.size for each in seen), key=lambda size: size[0] * size[1])
    return Summary(count=len(seen), smallest=sizes[0], largest=sizes[-1], empty_masks=empty)


def _look(example: Example) -> _Seen | UserError:
    try:
        image, mask = example.read()
    except UserError as error:
        return error
    height, width = image.shape[:2]
    return _Seen(size=(height, width), empty=not ((mask > 0) & (mask != IGNORED)).any())
