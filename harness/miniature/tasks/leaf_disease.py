"""Spots of disease on a leaf."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import cast, over, photograph, shaded, uneven
from samfit.harness.miniature.shapes import Coverage, Points, curve, fill, strokes, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import SIDE, Field, Tones, clouds, mixed, paint, swells

SOIL = Tones(hue=(0.05, 0.1), saturation=(0.1, 0.25), brightness=(0.14, 0.5))
GREEN = Tones(hue=(0.21, 0.28), saturation=(0.17, 0.31), brightness=(0.3, 0.52))
DEAD = Tones(hue=(0.05, 0.11), saturation=(0.2, 0.45), brightness=(0.2, 0.58))
YELLOW = np.array([1.7, 1.3, 0.75], np.float32)  # what is left of green when it fades


def draw(rng: Generator) -> Drawing:
    """A leaf on soil, fading here and there, with brown spots that have yellow halos."""
    detail, health = clouds(rng), swells(rng, 4)
    picture = paint(mixed(detail, textures.cells(rng), 0.4), SOIL.draw(rng))
    dead = paint(detail, DEAD.draw(rng))
    litter = shapes.scattered(rng, (8, 25), (0.01, 0.06), 0.3)
    picture = over(picture, dead, litter)
    blade, veins = _leaf(rng)
    inside = fill([blade])
    picture = picture * (1 - 0.5 * cast(inside, 5, 4))[..., None]
    leaf = paint(mixed(health, detail, 0.4), GREEN.draw(rng))
    leaf = over(leaf, leaf * YELLOW, (swells(rng, 3) - rng.uniform(0.6, 0.9)).clip(0))
    spots = _spots(rng, inside, 1 - health)
    halo = gaussian_filter(spots, rng.uniform(2, 4))
    leaf = over(leaf, leaf * YELLOW, (rng.uniform(1, 2.5) * halo).clip(0, 0.8))
    leaf = over(leaf, dead, rng.uniform(0.75, 0.95) * spots)
    ribs = strokes(veins)
    leaf = over(leaf, leaf * 1.25 + 0.04, 0.7 * ribs)
    relief = shaded(gaussian_filter(ribs, 5) - 0.5 * gaussian_filter(inside, 3), -2.5)
    picture = over(picture, leaf * relief[..., None], inside)
    picture = uneven(rng, picture, 0.1, 0.35)
    return photograph(rng, picture, 0.5, 0.012), within(spots)


def _leaf(rng: Generator) -> tuple[Points, list[tuple[Points, float]]]:
    """Its outline, and its veins with their widths."""
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0.42, 0.58, 2)
    reach = rng.uniform(0.48, 0.62) * np.array([np.cos(angle), np.sin(angle)])
    midrib = curve(rng, centre - reach, centre + reach, 0.12)
    at = np.linspace(0, 1, len(midrib))
    width = rng.uniform(0.5, 0.85) * np.sin(np.pi * at**0.8) ** 0.75
    width = width * (1 + 0.02 * np.sin(at * rng.uniform(60, 120)))
    blade = shapes.tube(midrib, width)
    veins = [(midrib, 0.014)]
    left, right = blade[: len(midrib)], blade[: len(midrib) - 1 : -1]
    for i in range(4, len(midrib) - 8, rng.integers(4, 7)):
        tip = min(i + 7, len(midrib) - 1)
        for edge in (left, right):
            end = midrib[tip] + 0.93 * (edge[tip] - midrib[tip])
            veins.append((curve(rng, midrib[i], end, 0.015), 0.006))
    return blade, veins


def _spots(rng: Generator, leaf: Coverage, likely: Field) -> Coverage:
    """Many small ones and a few larger ones, within the leaf, most of them where ``likely``."""
    rows, columns = (leaf > 0.99).nonzero()
    shade = likely[rows, columns].astype(float) ** 2
    chosen = rng.choice(len(rows), rng.integers(14, 60), p=shade / shade.sum())
    centres = np.stack([columns[chosen], rows[chosen]], axis=1) / SIDE
    sizes = np.exp(rng.uniform(np.log(0.013), np.log(0.06), len(chosen)))
    spots = [shapes.patch(rng, *each, 0.18) for each in zip(centres, sizes, strict=True)]
    return fill(spots) * leaf


LEAF_DISEASE = Task(
    name="leaf_disease",
    title="Leaf disease",
    mirrors="leaf disease segmentation",
    difficulty="many small spots with blurred halos, some no larger than a patch of the encoder",
    draw=draw,
)
