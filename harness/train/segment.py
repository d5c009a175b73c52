"""Write the masks of images that have none."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from PIL import Image

from samfit.errors import UserError
from samfit.files import write_whole, writing_to
from samfit.harness.data.check import check_images
from samfit.harness.data.files.read import is_picture
from samfit.harness.train.inference import Numbers, check_prompt
from samfit.harness.train.run import Run
from samfit.harness.train.samples import Mask
from samfit.progress import SILENT, Progress


def segment(
    run: Run | Path | str,
    images: Path | str | Sequence[Path | str],
    folder: Path | str,
    *,
    box: Numbers | None = None,
    points: Sequence[Numbers] = (),
    progress: Progress = SILENT,
) -> list[Path]:
    """Write a mask for each image, as a PNG file of the image's size.

    Args:
        run: a finished run, or its folder.
        images: one or several; a folder stands for all images in it and below.
        folder: for the masks, named after their images; it is made.
        box, points: the prompt, as for ``Run.mask``.
        progress: is told how far it is.

    Returns:
        the masks' files, in the order of the images. They hold 0 and 255 for one class, else class
        indices with a colour each.

    Raises:
        UserError: if there is no finished run, an image cannot be used, the prompt does not fit the
            model, memory runs out, or ``folder`` cannot be written.
    """
    run = run if isinstance(run, Run) else Run(run)
    if run.remark:
        progress.say(run.remark)
    several = [images] if isinstance(images, Path | str) else images
    files = _mask_files([Path(image) for image in several], Path(folder))
    check_prompt(run.cell, box, points)
    check_images(files, progress)
    for image, file in progress.track(files.items(), len(files), "segmenting"):
        mask = run.mask(image, box, points)
        with writing_to(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, mask_file(mask, run.cell.classes))
    return [*files.values()]


def mask_file(mask: Mask, classes: int) -> bytes:
    """A mask (H, W) as PNG: 0 and 255 for one class, else class indices with a colour each."""
    picture = Image.fromarray(mask if classes > 1 else mask * np.uint8(255))
    if classes > 1:
        picture = picture.convert("P")
        colours = colormaps["tab20"](np.arange(classes - 1) % 20)[:, :3]
        picture.putpalette([0, 0, 0, *(colours * 255).astype(int).flatten().tolist()])
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()


def _mask_files(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """The images that are meant, and for each the file of its mask.

    Raises:
        UserError: if there is none, two would share a mask, or a mask would replace an image.
    """
    found: dict[Path, Path] = {}
    for path in images:
        is_folder = path.is_dir()
        inside = sorted(p for p in path.rglob("*") if is_picture(p.name)) if is_folder else [path]
        root = path if is_folder else path.parent
        found |= {file: folder / file.relative_to(root).with_suffix(".png") for file in inside}
    if not found:
        raise UserError(f"there are no images in {', '.join(map(str, images))}.")
    given = {image.resolve() for image in found}
    taken: dict[Path, Path] = {}
    for image, file in found.items():
        if file in taken:
            raise UserError(
                f"{taken[file]} and {image} would both get the mask {file}: rename one of them."
            )
        if file.resolve() in given:
            raise UserError(f"the mask of {image} would replace {file}: choose another --output.")
        taken[file] = image
    return found
