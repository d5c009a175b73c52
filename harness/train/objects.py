"""Objects that are prompted one by one: each by its own box or points, each with its own mask."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from torch import Tensor

from samfit.adapters.core.adapted import AdaptedSam
from samfit.adapters.sam.precision import to_float32
from samfit.errors import UserError
from samfit.harness.data.dataset import DataSet
from samfit.harness.data.example import Mask
from samfit.harness.data.together import together
from samfit.harness.record.cell import Cell
from samfit.harness.step.batch import POINTS
from samfit.harness.step.precision import computing_in
from samfit.progress import SILENT, Progress

PER_OBJECT = ("mask_box", "points")  # prompts that say which object is meant
# Prompts decoded at a time: on ViT-B they add 15 MiB to the peak of inference (rehearsed).
AT_A_TIME = 16


def as_prompted(data: DataSet, cell: Cell, progress: Progress = SILENT) -> DataSet:
    """The data set as the prompts of ``cell`` ask for it.

    Without prompts that say which object is meant, the objects of an image are one; that is said.

    Raises:
        UserError: if several prompts are asked for where an image has but one object.
    """
    apart = data.kind == "instances" and cell.prompt in PER_OBJECT
    if cell.prompts_per_image > 1 and not apart:
        raise UserError(
            f"--prompts-per-image {cell.prompts_per_image} is for objects that are prompted one by "
            f"one, and {data.name} has {data.kind} masks and --prompt {cell.prompt}: leave it out, "
            "or give --masks instances and --prompt mask_box."
        )
    if data.kind != "instances":
        return data
    if apart:
        return data
    progress.say(
        f"--prompt {cell.prompt} asks for one mask an image, that of all its objects together: "
        "--prompt mask_box trains each object by its own box."
    )
    return together(data)


class Object(NamedTuple):
    """One object of an image.

    Attributes:
        inside: (h, w), its pixels within ``box``.
        box: rows and columns of the image that it fills.
    """

    inside: NDArray[np.bool_]
    box: tuple[slice, slice]

    def whole(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Its pixels in an image of ``size`` (H, W)."""
        mask = np.zeros(size, np.bool_)
        mask[self.box] = self.inside
        return mask


def objects_of(mask: Mask) -> list[Object]:
    """The objects in layers of ids (L, H, W), as in ``Example``, in the order of their ids."""
    found: dict[int, Object] = {}
    for layer in mask:
        for index, box in enumerate(find_objects(layer)):
            if box is not None:
                found[index + 1] = Object(layer[box] == index + 1, box)
    return [found[each] for each in sorted(found)]


def prompts_of(
    cell: Cell, objects: Sequence[Object], size: tuple[int, int], seed: int
) -> tuple[Tensor | None, Tensor | None]:
    """Boxes (1, P, 4), or points (1, P, n, 3), of objects in an image of ``size`` (H, W).

    In pixels of SAM's input. A box is as tight as it can be, and at least a pixel wide and high:
    also an object that the input does not show is asked for.
    """
    scale = cell.image_size / torch.tensor(size[::-1], dtype=torch.float32)
    if cell.prompt == "points":
        generator = np.random.default_rng(seed)
        return None, torch.stack([_points(each, scale, generator) for each in objects])[None]
    corners = [
        (columns.start, rows.start, columns.stop, rows.stop)
        for rows, columns in (each.box for each in objects)
    ]
    boxes = torch.tensor(corners, dtype=torch.float32) * scale.repeat(2)
    boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes[None], None


def _points(each: Object, scale: Tensor, generator: np.random.Generator) -> Tensor:
    """Points (n, 3) within an object; where it has no room for so many, some stand for nothing."""
    rows, columns = np.nonzero(each.inside)
    chosen = generator.permutation(len(rows))[:POINTS]
    points = torch.tensor([0.0, 0.0, -1.0]).repeat(POINTS, 1)
    corner = [each.box[1].start, each.box[0].start]
    places = torch.from_numpy(np.stack([columns[chosen], rows[chosen]], axis=1) + corner)
    points[: len(chosen), :2] = places * scale
    points[: len(chosen), 2] = 1
    return points


@torch.no_grad()
def masks_of(
    cell: Cell,
    model: AdaptedSam,
    image: Tensor,
    boxes: Tensor | None,
    points: Tensor | None,
    embedding: Tensor | None = None,
) -> Iterator[Tensor]:
    """Logits (1, S/4, S/4) of the mask of each prompt, the image encoded once.

    Args:
        cell: of the model.
        model: is left in eval mode.
        image: (1, 3, S, S) raw RGB.
        boxes, points: (1, P, 4), or (1, P, n, 3), in pixels of the input.
        embedding: of the image, from a cache.
    """
    model.eval()
    device = model.backbone.device
    prompts = boxes if boxes is not None else points
    assert prompts is not None, "objects have prompts"
    with computing_in(cell.precision, device):
        encoded = model.encode(image.to(device), embedding)
    for part in prompts.to(device).split(AT_A_TIME, dim=1):
        given = (part, None) if boxes is not None else (None, part)
        with computing_in(cell.precision, device):
            logits = to_float32(model.decode(encoded, *given))
        yield from logits
