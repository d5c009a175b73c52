"""Shadows on the ground."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import over, photograph, shaded, uneven
from samfit.harness.miniature.shapes import Coverage, Points, fill, place, tube, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import Picture, Tones, cells, clouds, grain, paint, speckles

GROUNDS = (
    (Tones(hue=(0.55, 0.65), saturation=(0.0, 0.05), brightness=(0.42, 0.7)), clouds),  # asphalt
    (Tones(hue=(0.08, 0.12), saturation=(0.08, 0.18), brightness=(0.5, 0.82)), clouds),  # sand
    (Tones(hue=(0.18, 0.24), saturation=(0.1, 0.2), brightness=(0.3, 0.6)), grain),  # grass
    (Tones(hue=(0.04, 0.09), saturation=(0.06, 0.2), brightness=(0.42, 0.74)), cells),  # paving
    (Tones(hue=(0.06, 0.1), saturation=(0.12, 0.25), brightness=(0.38, 0.68)), grain),  # planks
    (Tones(hue=(0.06, 0.14), saturation=(0.02, 0.1), brightness=(0.4, 0.72)), speckles),  # gravel
)
THINGS = Tones(hue=(0.03, 0.2), saturation=(0.02, 0.12), brightness=(0.12, 0.34))
STAIN = np.array([0.6, 0.56, 0.51], np.float32)  # wet ground is a little brown
SKY = np.array([0.92, 0.98, 1.1], np.float32)  # the light that reaches a shadow is bluish


def draw(rng: Generator) -> Drawing:
    """Ground, dark things on it, and a shadow over both."""
    shadow = cast_shadow(rng)
    picture = in_shadow(rng, ground(rng), shadow)
    picture = uneven(rng, picture, 0, 0.3)
    return photograph(rng, picture, rng.uniform(0.4, 0.7), 0.015), within(shadow)


def ground(rng: Generator) -> Picture:
    """Ground in full light, with stains and stones."""
    tones, texture = GROUNDS[rng.integers(len(GROUNDS))]
    field = textures.mixed(texture(rng), clouds(rng), rng.uniform(0.3, 0.6))
    picture = paint(field, tones.draw(rng))
    for _ in range(rng.integers(1, 4)):
        picture = _with_dark_thing(rng, picture)
    return picture


def in_shadow(rng: Generator, picture: Picture, shadow: Coverage) -> Picture:
    """The picture with as much light taken from it as a shadow takes."""
    return over(picture, picture * rng.uniform(0.42, 0.68) * SKY, shadow)


def cast_shadow(rng: Generator) -> Coverage:
    """Of something outside the picture; softer, the farther that is away."""
    outlines = CASTERS[rng.integers(len(CASTERS))](rng)
    angle, centre = rng.uniform(0, 2 * np.pi), np.full(2, 0.5)
    turned = [place(part - 0.5, centre, np.ones(2), angle) for part in outlines]
    return gaussian_filter(fill(turned), rng.uniform(0.8, 2.5))


def _with_dark_thing(rng: Generator, picture: Picture) -> Picture:
    """A stain, or a stone: as dark as a shadow."""
    spot = shapes.patch(rng, rng.uniform(0.1, 0.9, 2), rng.uniform(0.06, 0.17), 0.15)
    coverage = fill([spot])
    if rng.random() < 0.5:
        return over(picture, picture * STAIN, gaussian_filter(coverage, 1.5))
    shape = shaded(gaussian_filter(coverage, 4), 4)
    stone = paint(clouds(rng), THINGS.draw(rng)) * shape[..., None]
    return over(picture, stone, coverage)


def _building(rng: Generator) -> list[Points]:
    """A straight edge with a step in it."""
    edge, step = rng.uniform(0.15, 0.4), rng.uniform(-0.15, 0.15)
    at = rng.uniform(0.2, 0.8)
    roof = [[-1, edge], [at, edge], [at, edge + step], [2, edge + step], [2, -1], [-1, -1]]
    return [np.array(roof)]


def _person(rng: Generator) -> list[Points]:
    """A long figure with legs, a trunk, arms and a head."""
    x, y, long = rng.uniform(0.35, 0.65), rng.uniform(0.85, 1.0), rng.uniform(0.7, 0.95)
    wide = rng.uniform(0.8, 1.3)

    def limb(x0: float, y0: float, x1: float, y1: float, *widths: float) -> Points:
        ends = np.array([[x + wide * x0, y - long * y0], [x + wide * x1, y - long * y1]])
        return tube(ends, wide * np.array(widths))

    head = shapes.blob(rng, 0.05) * (wide * np.array([0.06, 0.08])) + [x, y - 0.9 * long]
    stride, swing = rng.uniform(0.02, 0.12), rng.uniform(0.12, 0.2)
    return [
        head,
        limb(0, 0.45, 0, 0.84, 0.15, 0.19),
        limb(0.04, 0.48, stride, 0, 0.09, 0.06),
        limb(-0.04, 0.48, -stride, 0, 0.09, 0.06),
        limb(0.07, 0.8, swing, 0.48, 0.06, 0.045),
        limb(-0.07, 0.8, -swing, 0.48, 0.06, 0.045),
    ]


def _tree(rng: Generator) -> list[Points]:
    """A trunk that branches into a crown of leaves."""
    foot, fork = np.array([rng.uniform(0.3, 0.7), 1.1]), np.array([rng.uniform(0.4, 0.6), 0.5])
    parts = [tube(shapes.curve(rng, foot, fork, 0.05), np.linspace(0.09, 0.06, 48))]
    for _ in range(rng.integers(7, 12)):
        tip = fork + rng.uniform([-0.4, -0.42], [0.4, 0.05])
        parts.append(tube(shapes.curve(rng, fork, tip, 0.05), np.linspace(0.04, 0.01, 48)))
        parts.append(shapes.patch(rng, tip, rng.uniform(0.09, 0.2), 0.4))
    return parts


def _fence(rng: Generator) -> list[Points]:
    """Two rails and posts."""
    top, gap, thick = rng.uniform(0.2, 0.4), rng.uniform(0.2, 0.3), rng.uniform(0.035, 0.06)
    rails = [np.array([[-0.5, y], [1.5, y]]) for y in (top, top + gap)]
    posts = [
        np.array([[x, top - 0.1], [x + 0.1, 1.5]])
        for x in np.arange(-0.4, 1.4, rng.uniform(0.2, 0.35))
    ]
    return [tube(bar, np.full(2, thick)) for bar in rails + posts]


CASTERS = (_building, _person, _tree, _fence)

SHADOW = Task(
    name="shadow",
    title="Shadow",
    mirrors="ISTD, SBU",
    difficulty="a shadow keeps the texture it falls on, and other things are as dark",
    draw=draw,
)
