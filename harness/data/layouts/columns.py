"""Which columns of a table hold images, masks and splits."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from samfit.errors import UserError
from samfit.harness.data.layouts.sheet import Sheet, folder_of
from samfit.harness.data.layouts.tree import is_image_file

# Names of columns in lower case, their words joined by _; any of them may end as ENDINGS say.
IMAGES = {"image", "images", "img", "imgs", "photo", "picture", "input", "file", "filename", "path"}
MASKS = {
    "mask", "masks", "label", "labels", "seg", "segmentation", "gt", "ground_truth", "groundtruth",
    "annotation", "annotations", "target",
}  # fmt: skip
ENDINGS = re.compile(r"(?<=.)_?(path|file|filename|file_name|filepath|file_path|name|url|png)$")
SPLITS = {"split", "set", "subset", "partition", "phase", "fold", "usage"}


class Columns(NamedTuple):
    """Positions of columns.

    Attributes:
        image, mask: of the two files.
        split: of train, val or test; None if there is none.
    """

    image: int
    mask: int
    split: int | None = None


def choose(sheet: Sheet, said: str) -> Columns | None:
    """The columns of a table; None if it does not tell.

    Args:
        sheet: the table. Of several columns whose names fit, those count that name pictures; if
            no column has a name, the two that name files are the images and the masks.
        said: the names of two columns, with a comma between; or nothing.

    Raises:
        UserError: if what is said is not there.
    """
    plain = [_plain(name) for name in sheet.head]
    split = next((at for at, name in enumerate(plain) if name in SPLITS), None)
    if said:
        image, mask = _said(sheet, said)
        return Columns(image, mask, split)
    if not sheet.head:
        files = [at for at, cell in enumerate(sheet.first) if folder_of(sheet.path, cell)]
        return Columns(*files) if len(files) == 2 else None
    images, masks = (_fitting(sheet, plain, known) for known in (IMAGES, MASKS))
    return Columns(images[0], masks[0], split) if len(images) == len(masks) == 1 else None


def _fitting(sheet: Sheet, plain: Sequence[str], known: set[str]) -> list[int]:
    fitting = [at for at, name in enumerate(plain) if {name, ENDINGS.sub("", name)} & known]
    if len(fitting) < 2:
        return fitting
    return [at for at in fitting if at < len(sheet.first) and is_image_file(sheet.first[at])]


def _said(sheet: Sheet, said: str) -> list[int]:
    head = sheet.head or tuple(str(at) for at in range(len(sheet.first)))
    names = [name.strip() for name in said.split(",")]
    if len(names) != 2:
        raise UserError(f"--columns names two columns, such as img_path,mask_path; got {said!r}.")
    for name in names:
        if name not in head:
            raise UserError(f"{sheet.path} has no column {name!r}: it has {', '.join(head)}.")
    return [head.index(name) for name in names]


def _plain(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[\W_]+", "_", words).strip("_").casefold()
