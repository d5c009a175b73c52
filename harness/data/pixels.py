"""Picture files as arrays, whatever modes and bit depths they have."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from samfit.errors import UserError

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm",
    ".pgm", ".pbm", ".pnm", ".jp2",
}  # fmt: skip
# Pillow's names for them. It knows more formats, some of which start other programs.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")

# Pillow's own limit turns away photographs that telephones take today, of 200 million pixels.
Image.MAX_IMAGE_PIXELS = None
MOST_PIXELS = 2**28

THREADS = 8  # decoding lets other threads run; more would hold many large pictures at once

WHITE_THEN_BLACK = [255, 255, 255, 0, 0, 0]  # the head of a palette


class PictureError(Exception):
    """Why a picture cannot be used, as the end of a sentence that begins with its file's name."""


def is_picture(name: str) -> bool:
    """Whether a file of this name is read: a picture by its suffix, and not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong with ``path`` in this block becomes one sentence that names it.

    Raises:
        UserError: with that sentence.
    """
    try:
        yield
    except PictureError as error:
        raise UserError(f"{path} {error}.") from error
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
        raise UserError(f"{path} is damaged or not a picture: replace or remove it.") from error


def load(path: Path) -> Image.Image:
    """The decoded picture in a file, as stored; of several frames, the first."""
    if not path.stat().st_size:
        raise PictureError("is an empty file: replace or remove it")
    # Opened here, because Pillow leaves files of some damaged pictures open.
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        if not 0 < image.width * image.height <= MOST_PIXELS:
            raise PictureError(
                f"has {image.width} x {image.height} pixels: give pictures of 1 to {MOST_PIXELS:,}"
            )
        image.load()
    if image.mode == "F" or (image.mode == "I" and not _has_16_bits(image)):
        raise PictureError("holds values that are not whole numbers of 8 or 16 bits: convert it")
    return image


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF data says."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # with damaged EXIF data it is still a picture
        return image


def rgb(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) in 0..255. Transparency is dropped: the colours below it count."""
    if image.mode.startswith("I"):
        return np.repeat(eight_bits(np.asarray(image))[..., None], 3, axis=2)
    if image.mode in ("P", "PA"):  # Pillow warns if their transparency is dropped at once
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def grey(image: Image.Image) -> NDArray[np.integer]:
    """(H, W): grey levels as stored, of 8 or 16 bits; of a palette, the indices.

    What is transparent is 0: a mask may be white paint on nothing.
    """
    if image.mode == "P" and _is_inverted(image):
        image = image.convert("L")
    if image.mode == "1":
        return np.array(image, dtype=np.uint8)
    if image.mode in ("L", "P") or image.mode.startswith("I"):
        return np.array(image)
    pixels = np.asarray(image.convert("RGBA"))
    if (pixels[..., :3] != pixels[..., :1]).any():
        raise PictureError(
            "holds colours: save masks as grey levels or class indices in one channel"
        )
    return pixels[..., 0] * (pixels[..., 3] > 127)


def eight_bits(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Values of 8 or 16 bits in 0..255; if none is above 255, they are of 8 bits in any file."""
    if values.max() > 255:
        values = (values.astype(np.uint32) + 128) // 257
    return values.astype(np.uint8)


def _has_16_bits(image: Image.Image) -> bool:
    least, most = np.asarray(image).min(), np.asarray(image).max()
    return bool(least >= 0 and most < 2**16)


def _is_inverted(image: Image.Image) -> bool:
    """Some programs store black and white as a palette with white first."""
    head = (image.getpalette() or [])[: len(WHITE_THEN_BLACK)]
    return head == WHITE_THEN_BLACK and bool(np.asarray(image).max() <= 1)
