"""Every image is read once before work starts, so that a bad one does not end it later."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from samfit.errors import UserError
from samfit.harness.data.each import each
from samfit.harness.data.example import IGNORED, Example
from samfit.harness.data.files.read import glance
from samfit.harness.data.pair import Pair
from samfit.harness.data.source import Source
from samfit.progress import SILENT, Progress


def check(examples: Sequence[Example], progress: Progress = SILENT) -> None:
    """Read all examples.

    Raises:
        UserError: on the first example that cannot be read, and how many more there are; or if no
            mask has any foreground.
    """
    if not any(each(_has_foreground, examples, "checking images", progress)):
        raise UserError(
            f"none of the {len(examples):,} masks has any foreground: check that the masks are the "
            "right ones, and --classes or --ignore if you gave them."
        )


def check_images(paths: Iterable[Path], progress: Progress = SILENT) -> None:
    """Read all images.

    Raises:
        UserError: on the first that cannot be read, and how many more there are.
    """
    each(lambda path: glance(Source(path)), [*paths], "checking images", progress)


def _has_foreground(example: Example) -> bool:
    if isinstance(example, Pair):  # its mask was read when the data set was opened
        example.glance()
        return example.measured.foreground > 0
    _, mask = example.read()
    return bool(((mask > 0) & (mask != IGNORED)).any())
