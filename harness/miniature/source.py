"""Generated images with many objects: what the miniature SAM is pretrained on."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import over, photograph, shaded, uneven
from samfit.harness.miniature.shapes import Coverage
from samfit.harness.miniature.textures import Picture, paint

LEAST_VISIBLE = 0.7  # share of an object that no other may hide


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How many objects are hard to see.

    Attributes:
        textured: share of objects that differ from their ground in texture alone.
        tinted: share that differ in colour and brightness alone, with soft edges.
        soft: share of all others whose edges are soft.
    """

    textured: float
    tinted: float
    soft: float


PLAIN = Mix(textured=0.3, tinted=0, soft=0)
SUBTLE = Mix(textured=0.4, tinted=0.3, soft=0.25)
CAMOUFLAGED = Mix(textured=0.65, tinted=0.2, soft=0.25)


@dataclass(frozen=True)
class Scene:
    """A picture and the objects in it.

    Attributes:
        image: (S, S, 3) RGB.
        masks: (n, S, S) 0 or 1, the visible part of each object; n at least 1.
    """

    image: NDArray[np.uint8]
    masks: NDArray[np.uint8]


def draw_scene(rng: Generator, mix: Mix) -> Scene:
    """A textured ground with one to four textured objects on it, some partly behind others."""
    ground = textures.palette(rng, rng.uniform(0.15, 0.6))
    kinds = [textures.TEXTURES[index] for index in rng.permutation(len(textures.TEXTURES))]
    picture = paint(kinds[0](rng), ground)
    whole: list[NDArray[np.bool_]] = []  # each object as if it were alone
    visible: list[NDArray[np.bool_]] = []
    for _ in range(rng.integers(1, 5)):
        coverage = shapes.any_object(rng, (0.22, 0.45))
        inside = coverage > 0.5
        left = [mask & ~inside for mask in visible]
        if any(v.sum() < LEAST_VISIBLE * w.sum() for v, w in zip(left, whole, strict=True)):
            continue
        whole, visible = [*whole, inside], [*left, inside]
        kind = rng.random()
        if kind < mix.textured:
            surface = paint(kinds[rng.integers(1, len(kinds))](rng), ground)
        elif kind < mix.textured + mix.tinted:
            surface = picture * _tint(rng)
            coverage = _softened(rng, coverage)
        else:
            colours = textures.palette(rng, rng.uniform(0.1, 0.6))
            surface = paint(kinds[rng.integers(len(kinds))](rng), colours)
            relief = rng.random()
            if relief < 0.5:
                height = gaussian_filter(coverage, rng.uniform(3, 8))
                surface = surface * shaded(height, -4)[..., None]
            elif relief > 1 - mix.soft:
                coverage = _softened(rng, coverage)
        picture = over(picture, surface, coverage)
    picture = uneven(rng, picture, 0, 0.4)
    image = photograph(rng, picture, rng.uniform(0.3, 1), rng.uniform(0, 0.04))
    return Scene(image, np.array(visible, np.uint8))


def _tint(rng: Generator) -> Picture:
    """What a stain or a shadow leaves of each colour, or what light adds to it."""
    brightness = rng.uniform(0.15, 0.6) * rng.choice([-1, 1])
    return np.exp(brightness + rng.uniform(-0.15, 0.15, 3)).astype(np.float32)


def _softened(rng: Generator, coverage: Coverage) -> Coverage:
    return np.asarray(gaussian_filter(coverage, rng.uniform(1, 4)), np.float32)


def box_of(mask: NDArray[np.uint8], rng: Generator, jitter: float = 0) -> NDArray[np.float32]:
    """The box (x0, y0, x1, y1) around ``mask``, each side moved by up to ``jitter`` pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    tight = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    moved = tight + rng.uniform(-jitter, jitter, 4)
    return np.asarray(moved.clip(0, np.array(mask.shape[::-1] * 2)), np.float32)
