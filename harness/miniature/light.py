"""What light and camera do to a picture."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature.shapes import Coverage
from samfit.harness.miniature.textures import SIDE, Field, Picture


def over(picture: Picture, top: Picture, coverage: Coverage) -> Picture:
    """Lay ``top`` over ``picture`` where it covers it."""
    return picture + coverage[..., None] * (top - picture)


def shaded(height: Field, strength: float) -> Field:
    """Brightness of a surface of this height lit from the upper left, around 1."""
    down, right = np.gradient(height)
    return np.asarray(1 + strength * (down + right), np.float32)


def uneven(rng: Generator, picture: Picture, least: float, most: float) -> Picture:
    """``picture`` in a light that falls off across it, by a share from ``least`` to ``most``."""
    strength = rng.uniform(least, most)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = x * np.cos(angle) + y * np.sin(angle)
    brightness = 1 + strength * (slope - rng.uniform(0, 1) * (x**2 + y**2))
    return picture * brightness.astype(np.float32)[..., None]


def photograph(rng: Generator, picture: Picture, blur: float, noise: float) -> NDArray[np.uint8]:
    """``picture`` through a lens and a sensor: slightly blurred, with noise, as RGB in 0..255."""
    seen = gaussian_filter(picture, (blur, blur, 0))
    seen = (seen + rng.normal(0, noise, picture.shape).astype(np.float32)).clip(0, 1)
    return np.asarray((seen * 255).round(), np.uint8)


def cast(things: Coverage, by: int, softness: float) -> Coverage:
    """The shadow of ``things``, ``by`` pixels down and to the right of them."""
    moved = np.pad(things, ((by, 0), (by, 0)))[:-by, :-by]
    return gaussian_filter(moved, softness)


def displaced(picture: Picture, down: Field, right: Field) -> Picture:
    """What is seen through something that bends light, by so many pixels at each of them."""
    side = len(picture)
    rows, columns = np.mgrid[:side, :side]
    rows = (rows + down).round().astype(int).clip(0, side - 1)
    columns = (columns + right).round().astype(int).clip(0, side - 1)
    return picture[rows, columns]
