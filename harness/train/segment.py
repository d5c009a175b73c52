"""Write the masks of images that have none."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from samfit.errors import UserError
from samfit.files import write_whole, writing_to
from samfit.harness.data.check import check_images
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.picture import ORIENTATION
from samfit.harness.data.files.raster import as_stored
from samfit.harness.data.files.read import is_picture, probe
from samfit.harness.data.masked import masked
from samfit.harness.data.source import Source
from samfit.harness.train.inference import labels
from samfit.harness.train.prompts import NOTHING, Asked
from samfit.harness.train.run import Run
from samfit.harness.train.samples import Mask
from samfit.progress import SILENT, Progress


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written of each mask.

    Attributes:
        threshold: probability above which a pixel belongs to the object, for one class.
        overlay: also a picture of the masks over their image, NAME_overlay.png.
        probability: also the probability as levels of 16 bits, NAME_probability.png; for one class.
    """

    threshold: float = 0.5
    overlay: bool = False
    probability: bool = False


MASKS = Output()


def segment(
    run: Run | Path | str,
    images: Path | str | Sequence[Path | str],
    folder: Path | str,
    *,
    asked: Asked | Mapping[str, Asked] = NOTHING,
    output: Output = MASKS,
    progress: Progress = SILENT,
) -> list[Path]:
    """Write the masks of images, as PNG files that are as large as the images, and turned alike.

    Args:
        run: a run, or its folder.
        images: one or several; a folder stands for all images in it and below.
        folder: for the masks, named after their images; it is made.
        asked: the objects that are meant, in each image; or by the images' names, such as
            ``a.jpg``.
        output: what is written of each.
        progress: is told how far it is.

    Returns:
        the masks' files, in the order of the images; of several objects in an image NAME_0.png,
        NAME_1.png and so on. They hold 0 and 255 for one class, else class indices with a colour
        each.

    Raises:
        UserError: if there is no run, an image cannot be used, a prompt does not fit the model or
            an image, memory runs out, or ``folder`` cannot be written. Nothing is written before
            all images and prompts were looked at.
    """
    run = run if isinstance(run, Run) else Run(run)
    several = [images] if isinstance(images, Path | str) else images
    files = _images([Path(image) for image in several], Path(folder))
    if run.cell.classes > 1 and (output.probability or output.threshold != 0.5):
        raise UserError(
            "--probability and --threshold are for masks of one object, and this model tells "
            f"{run.cell.classes} classes apart: leave them out."
        )
    prompts = _by_image(asked, [*files], progress)
    _check_names(files, prompts, output)
    for each in prompts.values():
        each.check(run.cell)
    check_images(files, progress)
    contents = {image: probe(Source(image)) for image in files}
    for image, each in prompts.items():
        each.check_inside(contents[image].upright_size, str(image))
    made = list[Path]()
    for image, file in progress.track(files.items(), len(files), "segmenting"):
        found = run.logits(image, prompts[image])
        made += _write(run, image, file, contents[image], found, prompts[image].count, output)
    return made


def _by_image(
    asked: Asked | Mapping[str, Asked], images: Sequence[Path], progress: Progress
) -> dict[Path, Asked]:
    """What is asked for in each image; a name may have folders before it, or no suffix."""
    if isinstance(asked, Asked):
        return dict.fromkeys(images, asked)
    used = dict[Path, str]()
    for image in images:
        names = [str(image), *("/".join(image.parts[-n:]) for n in (3, 2, 1)), image.stem]
        used[image] = next((name for name in names if name in asked), "")
        if not used[image]:
            raise UserError(f"--prompts has no row for {image}: add {image.name}, or leave it out.")
    if left := [name for name in asked if name not in used.values()]:
        progress.say(f"--prompts has rows for {len(left)} images that were not given: {left[0]}.")
    return {image: asked[name] for image, name in used.items()}


def _write(
    run: Run,
    image: Path,
    file: Path,
    contents: Contents,
    found: Iterator[Tensor],
    count: int,
    output: Output,
) -> list[Path]:
    """Write all that is wanted of an image's masks; the masks' files."""
    classes, made = run.cell.classes, _mask_files(file, count)
    ids = np.zeros(contents.upright_size, np.int32)
    for number, (path, logits) in enumerate(zip(made, found, strict=True)):
        mask = labels(logits)
        if classes == 1:
            probability = logits[0].sigmoid().cpu().numpy()
            mask = (probability > output.threshold).astype(np.uint8)
            if output.probability:
                levels = (probability * 65535).round().astype(np.uint16)
                _save(_beside(path, "probability"), Image.fromarray(levels), contents)
        ids[mask > 0] = mask[mask > 0] if classes > 1 else number + 1
        _save(path, mask_picture(mask, classes), contents)
    if output.overlay:
        picture = masked(run.pixels(image), ids, classes > 1)
        _save(_beside(file, "overlay"), Image.fromarray(picture), contents)
    return made


def _beside(file: Path, what: str) -> Path:
    return file.with_stem(f"{file.stem}_{what}")


def _save(file: Path, upright: Image.Image, contents: Contents) -> None:
    """Write a picture as its image is stored, with the same EXIF orientation."""
    stored = Image.fromarray(
        np.ascontiguousarray(as_stored(np.asarray(upright), contents.orientation))
    )
    if upright.mode == "P":
        stored.putpalette(upright.getpalette() or [])
    with writing_to(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, _png(stored, contents.orientation))


def mask_file(mask: Mask, classes: int) -> bytes:
    """A mask (H, W) as PNG: 0 and 255 for one class, else class indices with a colour each."""
    return _png(mask_picture(mask, classes))


def mask_picture(mask: NDArray[np.uint8], classes: int) -> Image.Image:
    """A mask (H, W) as a picture: 0 and 255, or class indices with a palette."""
    if classes == 1:
        return Image.fromarray(mask * np.uint8(255))
    picture = Image.fromarray(mask).convert("P")
    colours = colormaps["tab20"](np.arange(classes - 1) % 20)[:, :3]
    picture.putpalette([0, 0, 0, *(colours * 255).astype(int).flatten().tolist()])
    return picture


def _png(picture: Image.Image, orientation: int = 1) -> bytes:
    content, exif = io.BytesIO(), Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
    picture.save(content, format="PNG", **({"exif": exif} if orientation != 1 else {}))
    return content.getvalue()


def _images(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """The images that are meant, and for each the file that its masks are named after.

    Raises:
        UserError: if there is none.
    """
    found: dict[Path, Path] = {}
    for path in images:
        is_folder = path.is_dir()
        inside = sorted(p for p in path.rglob("*") if is_picture(p.name)) if is_folder else [path]
        root = path if is_folder else path.parent
        found |= {file: folder / file.relative_to(root).with_suffix(".png") for file in inside}
    if not found:
        raise UserError(f"there are no images in {', '.join(map(str, images))}.")
    return found


def _mask_files(file: Path, count: int) -> list[Path]:
    """The files of an image's masks: ``file`` itself, or several named after it."""
    return [file] if count == 1 else [_beside(file, str(number)) for number in range(count)]


def _check_names(files: Mapping[Path, Path], prompts: Mapping[Path, Asked], output: Output) -> None:
    """Refuse to write a file twice, or over an image.

    Raises:
        UserError: if two images would share a file, or one would replace an image.
    """
    given = {image.resolve() for image in files}
    taken: dict[Path, Path] = {}
    for image, file in files.items():
        masks = _mask_files(file, prompts[image].count)
        beside = [_beside(each, "probability") for each in masks] if output.probability else []
        beside += [_beside(file, "overlay")] if output.overlay else []
        for path in (*masks, *beside):
            if path in taken:
                raise UserError(
                    f"{taken[path]} and {image} would both get the mask {path}: rename one of them."
                )
            if path.resolve() in given:
                raise UserError(
                    f"the mask of {image} would replace {path}: choose another --output."
                )
            taken[path] = image
