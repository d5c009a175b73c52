"""Pictures that Pillow reads: PNG, JPEG and their like."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.files.raster import Raster, Values, as_stored

# Pillow's names for them. It knows more formats, some of which start other programs.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")
LOSSY = ("JPEG", "MPO", "WEBP", "JPEG2000")

# Pillow's own limit turns away photographs that telephones take today, of 200 million pixels.
Image.MAX_IMAGE_PIXELS = None
MOST_PIXELS = 2**28

ORIENTATION = 0x0112  # EXIF's tag
GLANCE = 1024  # pixels of a side that are enough for a look
WHITE_THEN_BLACK = [255, 255, 255, 0, 0, 0]  # the head of a palette
PNG = b"\x89PNG\r\n\x1a\n"  # how such files begin
DEEP_COLOURS = (2, 4, 6)  # PNG's colour types of several channels


def contents(path: Path) -> Contents:
    """What a picture contains."""
    with _opened(path) as image:
        bands = [band for band in image.getbands() if band not in "Aa"]
        colour = image.mode in ("P", "PA") or len(bands) > 1
        deep = image.mode.startswith("I") or _is_deep_colour(path)
        pages = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
        return Contents(
            image.height,
            image.width,
            3 if colour else 1,
            "float32" if image.mode == "F" else "uint16" if deep else "uint8",
            pages,
            orientation=_orientation(image, path),
        )


def pixels(path: Path, page: int) -> Raster:
    """The values of an image: grey (H, W), or RGB (H, W, 3). Transparency is dropped."""
    if _is_deep_colour(path):
        return _deep_colour(path)
    with _opened(path) as image:
        return _as_stored(image, path, page, _grey_or_rgb)


def _grey_or_rgb(image: Image.Image) -> Values:
    if image.mode == "1":
        return np.asarray(image, np.uint8) * np.uint8(255)
    if image.mode in ("L", "F") or image.mode.startswith("I"):
        return np.asarray(image)
    if image.mode in ("LA", "La"):
        return np.asarray(image.getchannel(0))
    if image.mode in ("P", "PA"):  # Pillow warns if their transparency is dropped at once
        return np.asarray(image.convert("RGBA"))[..., :3]
    return np.asarray(image.convert("RGB"))


def values(path: Path, page: int) -> Raster:
    """The values of a mask: grey levels (H, W), of a palette its indices; or colours (H, W, 3).

    What is transparent is 0: a mask may be white paint on nothing.
    """
    if _is_deep_colour(path):
        return without_colour(_deep_colour(path))
    with _opened(path) as image:
        return without_colour(_as_stored(image, path, page, _indices_or_colours))


def _as_stored(
    image: Image.Image, path: Path, page: int, values_of: Callable[[Image.Image], Values]
) -> Raster:
    """A page as it is in its file: Pillow turns pages of TIFF when it loads them, and no others."""
    image.seek(page)
    orientation = _orientation(image, path)
    image.load()
    turned = orientation != _orientation(image, path)
    values = values_of(image)
    stored = as_stored(values, orientation) if turned else values
    return Raster(stored, orientation, image.format in LOSSY)


def _indices_or_colours(image: Image.Image) -> Values:
    if image.mode == "P" and _is_inverted(image):
        return np.asarray(image.convert("L"))
    if image.mode == "1":
        return np.asarray(image, np.uint8)
    if image.mode in ("L", "P", "F", "RGB") or image.mode.startswith("I"):
        return np.asarray(image)
    painted = np.asarray(image.convert("RGBA"))
    return painted[..., :3] * (painted[..., 3:] > 127)


def glance(path: Path) -> None:
    """Decode a picture, a JPEG at a fraction of its size, to see whether it can be."""
    with _opened(path) as image:
        image.draft(image.mode, (GLANCE, GLANCE))
        image.load()


def by_pillow(path: Path, pages: int) -> NDArray[Any]:
    """The first ``pages`` pages of a TIFF, as Pillow decodes them: (P, H, W) or (P, H, W, C)."""
    with _opened(path) as image:
        found = [_as_stored(image, path, page, _without_ink).values.copy() for page in range(pages)]
    return np.stack(found)


def _without_ink(image: Image.Image) -> Values:
    return np.asarray(image.convert("RGB") if image.mode in ("CMYK", "YCbCr") else image)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    if not path.stat().st_size:
        raise PictureError("is an empty file: replace or remove it")
    # Opened here, because Pillow leaves files of some damaged pictures open.
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        if not 0 < image.width * image.height <= MOST_PIXELS:
            raise PictureError(
                f"has {image.width} x {image.height} pixels: give pictures of 1 to {MOST_PIXELS:,}"
            )
        yield image


def _orientation(image: Image.Image, path: Path) -> int:
    try:
        # Of a PNG, Pillow decodes everything before it says that there is no EXIF data.
        if image.format == "PNG" and not _has_exif(path):
            return 1
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # with damaged EXIF data it is still a picture
        return 1


def _has_exif(path: Path) -> bool:
    """Whether a PNG has EXIF data, told by the heads of its chunks."""
    with path.open("rb") as file:
        file.seek(len(PNG))
        while len(head := file.read(8)) == 8:
            if head[4:] == b"eXIf":
                return True
            file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


def _is_deep_colour(path: Path) -> bool:
    """Whether this is a PNG of 16 bits and several channels, of which Pillow would keep 8 bits."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[:8] == PNG and head[24] == 16 and head[25] in DEEP_COLOURS


def _deep_colour(path: Path) -> Raster:
    import cv2  # late: it takes a while to import

    flags = cv2.IMREAD_UNCHANGED
    bgr = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    if bgr is None:
        raise PictureError("is damaged or not a picture: replace or remove it")
    with _opened(path) as image:
        orientation = _orientation(image, path)
    grey = image.mode in ("LA", "La")
    return Raster(bgr[..., 0] if grey else bgr[..., 2::-1], orientation)


def without_colour(raster: Raster) -> Raster:
    """Grey levels (H, W) where all channels are equal."""
    colours = raster.values
    grey = colours.ndim == 3 and (colours == colours[..., :1]).all()
    return raster._replace(values=colours[..., 0]) if grey else raster


def _is_inverted(image: Image.Image) -> bool:
    """Some programs store black and white as a palette with white first."""
    head = (image.getpalette() or [])[: len(WHITE_THEN_BLACK)]
    return head == WHITE_THEN_BLACK and bool(np.asarray(image).max() <= 1)
