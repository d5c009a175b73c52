"""Masks for images that have none, as files."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from samfit.adapters.core.adapted import AdaptedSam
from samfit.errors import UserError
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Batch
from samfit.harness.train.evaluate import infer, labels, to_size
from samfit.harness.train.samples import Samples, whole_image

Numbers = Sequence[float]


def segment(
    cell: Cell,
    model: AdaptedSam,
    image: NDArray[np.uint8],
    device: torch.device,
    box: Numbers | None = None,
    points: Sequence[Numbers] = (),
) -> NDArray[np.uint8]:
    """The class (H, W) of each pixel of an RGB image (H, W, 3); 0 and 1 if there is one class.

    Args:
        cell: as trained.
        model: with its trained weights.
        image: of any size.
        device: where the model is.
        box: (x0, y0, x1, y1) in pixels of the image, if the model was trained with boxes of masks.
        points: (x, y) within the object, if it was trained with points.

    Raises:
        UserError: if the model wants a prompt that is not there, or is given one that it does not
            know.
    """
    _check_prompt(cell, box, points)
    height, width = image.shape[:2]
    pixels, nothing = Samples((), cell).squash(image, np.zeros((height, width), np.uint8))
    scale = torch.tensor([cell.image_size / width, cell.image_size / height])
    boxes = prompts = None
    if box is not None:
        boxes = (torch.tensor(box) * scale.repeat(2))[None, None]
    elif points:
        inside = torch.ones(len(points), 1)
        prompts = torch.cat([torch.tensor(points) * scale, inside], dim=1)[None]
    elif cell.prompt == "box":
        boxes = whole_image(cell.image_size)
    batch = Batch(pixels[None].contiguous(), boxes, nothing[None].float(), points=prompts)
    logits = infer(cell, model, batch.to(device))[0]
    return labels(to_size(logits, (height, width)))


def _check_prompt(cell: Cell, box: Numbers | None, points: Sequence[Numbers]) -> None:
    wanted = {"mask_box": "--box", "points": "--point"}.get(cell.prompt)
    given = [option for option, value in (("--box", box), ("--point", points)) if value]
    if wanted and given != [wanted]:
        raise UserError(
            f"this model was trained with --prompt {cell.prompt}: give {wanted}, and no other."
        )
    if given and not wanted:
        raise UserError(
            f"this model was trained with --prompt {cell.prompt}: leave out {given[0]}."
        )


def mask_file(mask: NDArray[np.uint8], classes: int) -> bytes:
    """A mask (H, W) as PNG: 0 and 255 for one class, else class indices with a colour each."""
    picture = Image.fromarray(mask if classes > 1 else mask * np.uint8(255))
    if classes > 1:
        picture = picture.convert("P")
        colours = colormaps["tab20"](np.arange(classes - 1) % 20)[:, :3]
        picture.putpalette([0, 0, 0, *(colours * 255).astype(int).flatten().tolist()])
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()
