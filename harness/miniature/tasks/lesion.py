"""Pigmented lesions of the skin."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import over, photograph, uneven
from samfit.harness.miniature.shapes import Coverage, circle, fill, strokes, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import SIDE, Field, Picture, Tones, mixed, paint

SKIN = Tones(hue=(0.03, 0.07), saturation=(0.14, 0.28), brightness=(0.64, 0.76))
PIGMENT = Tones(hue=(0.02, 0.06), saturation=(0.25, 0.5), brightness=(0.16, 0.52))
HAIR = Tones(hue=(0.04, 0.1), saturation=(0.1, 0.4), brightness=(0.08, 0.2))


def draw(rng: Generator) -> Drawing:
    """Skin with freckles, a lesion that fades into it, and hairs over both."""
    detail = textures.clouds(rng)
    skin = paint(mixed(detail, textures.cells(rng), 0.3), SKIN.draw(rng))
    pigment = paint(mixed(textures.swells(rng, 8), detail, 0.5), PIGMENT.draw(rng))
    paleness = rng.uniform(0.15, 0.4)
    freckles = gaussian_filter(shapes.scattered(rng, (0, 14), (0.01, 0.035), 0.2), 2)
    picture = over(skin, pigment, paleness * freckles)
    lesion = _lesion(rng, detail)
    picture = over(picture, pigment, rng.uniform(0.35, 0.8) * lesion)
    picture = over(picture, HAIR.draw(rng)[1].astype(np.float32), 0.8 * _hairs(rng))
    if rng.random() < 0.3:
        picture = over(picture, np.full(3, 0.15, np.float32), 0.8 * _ruler(rng))
    picture = uneven(rng, picture, 0.1, 0.4)
    if rng.random() < 0.4:
        picture = picture * _tube(rng)
    return photograph(rng, picture, rng.uniform(0.5, 0.8), 0.012), within(lesion)


def _lesion(rng: Generator, detail: Field) -> Coverage:
    """An ellipse whose border wanders, sharp in one lesion and fuzzy in the next."""
    size = np.exp(rng.uniform(np.log(0.12), np.log(0.32)))
    centre = rng.uniform(0.2, 0.8, (2, 1, 1))
    y, x = (np.mgrid[:SIDE, :SIDE] / SIDE - centre) / size
    angle, flat = rng.uniform(0, np.pi), rng.uniform(0.65, 1)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    wander = rng.uniform(0.5, 0.9) * (textures.swells(rng, 1.2 / size) - 0.5)
    fray = 0.14 * (detail - 0.5)
    depth = 1 - np.hypot(along, across / flat) + wander + fray
    return expit(depth / rng.uniform(0.04, 0.16)).astype(np.float32)


def _hairs(rng: Generator) -> Coverage:
    """Mostly in one direction."""
    lines = []
    direction = rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(0, 22)):
        angle, start = direction + rng.normal(0, 0.5), rng.uniform(-0.1, 1.1, 2)
        end = start + rng.uniform(0.3, 0.9) * np.array([np.cos(angle), np.sin(angle)])
        lines.append((shapes.curve(rng, start, end, 0.12), rng.uniform(0.003, 0.008)))
    return strokes(lines)


def _ruler(rng: Generator) -> Coverage:
    """Ticks along one edge."""
    gap = rng.uniform(0.035, 0.06)
    ticks = [
        (np.array([[x, 1.0], [x, 0.93 if i % 5 else 0.89]]), 0.006)
        for i, x in enumerate(np.arange(gap, 1, gap))
    ]
    return np.rot90(strokes(ticks), int(rng.integers(4)))


def _tube(rng: Generator) -> Picture:
    """The dark corners of a dermatoscope."""
    centre, radius = rng.uniform(0.47, 0.53, 2), rng.uniform(0.55, 0.65)
    return gaussian_filter(fill([circle() * radius + centre]), 6)[..., None]


LESION = Task(
    name="lesion",
    title="Skin lesion",
    mirrors="ISIC 2017",
    difficulty="a border that fades into the skin, under hairs and among freckles",
    draw=draw,
)
