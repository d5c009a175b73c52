"""Which objects of which image a user asks for: boxes and points, of options or from a file."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from samfit.errors import UserError
from samfit.harness.record.cell import Cell

Numbers = Sequence[float]

# How the model of a Cell is prompted, and the one option that it takes.
PROMPTS = {
    "box": ("uses the whole image as its box", ""),
    "none": ("was trained without prompts", ""),
    "mask_box": ("was trained with the boxes of objects", "--box"),
    "points": ("was trained with points", "--point"),
}
CORNERS, PLACE = ("x0", "y0", "x1", "y1"), ("x", "y")  # columns of a file of prompts


@dataclass(frozen=True)
class Asked:
    """The objects that are asked for in one image, in pixels of the image as it is shown.

    Attributes:
        boxes: (x0, y0, x1, y1) of each object.
        points: (x, y) of points within each object.
    """

    boxes: Sequence[Numbers] = ()
    points: Sequence[Sequence[Numbers]] = ()

    @property
    def count(self) -> int:
        """How many masks there will be."""
        return len(self.boxes) or len(self.points) or 1

    def check(self, cell: Cell) -> None:
        """Refuse prompts with which the model of ``cell`` was not trained.

        Raises:
            UserError: if it wants others, or none; or for a box that is not four numbers, or has
                its corners the wrong way round, or a point that is not two.
        """
        how, wanted = PROMPTS[cell.prompt]
        flat = [point for points in self.points for point in points]
        kinds = {"--box": (4, self.boxes), "--point": (2, flat)}
        for name, (count, prompts) in kinds.items():
            for numbers in prompts:
                if len(numbers) != count or not np.isfinite(numbers).all():
                    raise UserError(f"{name} takes {count} numbers, got {_shown(numbers)}.")
        for x0, y0, x1, y1 in self.boxes:
            if x0 >= x1 or y0 >= y1:
                raise UserError(
                    f"--box takes X0,Y0,X1,Y1 with X0 below X1 and Y0 below Y1, got "
                    f"{_shown((x0, y0, x1, y1))}."
                )
        given = [name for name, (_, prompts) in kinds.items() if len(prompts)]
        if wanted and given != [wanted]:
            raise UserError(f"this model {how}: give {wanted}, and no other prompt.")
        if given and not wanted:
            raise UserError(f"this model {how} and takes no {given[0]}.")

    def check_inside(self, size: tuple[int, int], image: str = "the image") -> None:
        """Refuse prompts that lie outside of an image of ``size`` (H, W).

        Raises:
            UserError: for the first that does.
        """
        height, width = size
        for x0, y0, x1, y1 in self.boxes:
            if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
                raise UserError(
                    f"--box {_shown((x0, y0, x1, y1))} lies outside of {image}, which has "
                    f"{width} x {height} pixels."
                )
        for x, y in (point for points in self.points for point in points):
            if not (0 <= x < width and 0 <= y < height):
                raise UserError(
                    f"--point {_shown((x, y))} lies outside of {image}, which has "
                    f"{width} x {height} pixels."
                )

    def on_input(self, side: int, size: tuple[int, int]) -> tuple[Tensor | None, Tensor | None]:
        """Boxes (1, P, 4), or points (1, P, n, 3), in pixels of SAM's input of ``side``."""
        scale = side / torch.tensor(size[::-1], dtype=torch.float32)
        if len(self.boxes):
            boxes = torch.tensor(np.array(self.boxes), dtype=torch.float32)
            return (boxes * scale.repeat(2))[None], None
        if not len(self.points):
            return None, None
        most = max(map(len, self.points))
        points = torch.tensor([0.0, 0.0, -1.0]).repeat(len(self.points), most, 1)
        for row, of_object in zip(points, self.points, strict=True):
            row[: len(of_object), :2] = torch.tensor(np.array(of_object), dtype=torch.float32)
            row[: len(of_object), :2] *= scale
            row[: len(of_object), 2] = 1
        return None, points[None]


NOTHING = Asked()  # what models take that see the whole image


def read_prompts(path: Path) -> dict[str, Asked]:
    """What a CSV file asks for, by the name of the image.

    It has the columns ``image``, ``x0``, ``y0``, ``x1``, ``y1`` for boxes, a row each; or
    ``image``, ``x``, ``y`` for points, and ``object`` if an image has several.

    Raises:
        UserError: if it cannot be read, or has other columns or no numbers.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [*csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--prompts {path} is not a readable table: save it as CSV.") from error
    columns = {*(rows[0] if rows else ())}
    wanted = next((each for each in (CORNERS, PLACE) if {"image", *each} <= columns), None)
    if wanted is None:
        raise UserError(
            f"--prompts {path} needs the columns image, x0, y0, x1, y1, or image, x, y (and object "
            "for several objects an image), and a row for each box or point."
        )
    boxes: dict[str, list[Numbers]] = defaultdict(list)
    points: dict[str, dict[str, list[Numbers]]] = defaultdict(lambda: defaultdict(list))
    for line, row in enumerate(rows, 2):
        try:
            numbers = [float(row[column]) for column in wanted]
        except (TypeError, ValueError) as error:
            raise UserError(
                f"--prompts {path} has no numbers in line {line}: complete it."
            ) from error
        if wanted == CORNERS:
            boxes[row["image"]].append(numbers)
        else:
            points[row["image"]][row.get("object") or ""].append(numbers)
    found = {image: Asked(boxes=each) for image, each in boxes.items()}
    return found | {image: Asked(points=[*each.values()]) for image, each in points.items()}


def _shown(numbers: Numbers) -> str:
    return ",".join(f"{number:g}" for number in numbers)
