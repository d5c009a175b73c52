"""Camouflaged animals."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import over, photograph, shaded, uneven
from samfit.harness.miniature.shapes import Coverage, Points, circle, fill, place, tube, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import Field, Tones, mixed, paint

HABITATS = (
    Tones(hue=(0.05, 0.11), saturation=(0.15, 0.35), brightness=(0.14, 0.56)),  # dead leaves
    Tones(hue=(0.18, 0.27), saturation=(0.1, 0.24), brightness=(0.14, 0.5)),  # moss
    Tones(hue=(0.07, 0.12), saturation=(0.1, 0.25), brightness=(0.42, 0.8)),  # sand
    Tones(hue=(0.05, 0.15), saturation=(0.02, 0.1), brightness=(0.22, 0.64)),  # bark and stone
    Tones(hue=(0.45, 0.58), saturation=(0.06, 0.18), brightness=(0.18, 0.55)),  # sea floor
)
GROUNDS = (textures.clouds, textures.grain, textures.cells)
COATS = (textures.speckles, textures.stripes)


def draw(rng: Generator) -> Drawing:
    """An animal in the colours of its surroundings, spread equally inside and outside of it."""
    coverage = _animal(rng)
    inside = coverage > 0.5
    colours = HABITATS[rng.integers(len(HABITATS))].draw(rng)
    ground, coat = _unlike(rng)
    glow = textures.clouds(rng)  # falls on both
    surroundings, animal = (
        paint(textures.equalised(mixed(field, glow, 0.15), where), colours)
        for field, where in ((ground, ~inside), (coat, inside))
    )
    bulge = shaded(gaussian_filter(coverage, 4), 2)
    picture = over(surroundings, animal * bulge[..., None], coverage)
    picture = uneven(rng, picture, 0, 0.2)
    return photograph(rng, picture, rng.uniform(0.5, 0.8), 0.015), within(coverage)


def _unlike(rng: Generator) -> tuple[Field, Field]:
    """The textures of the ground and of a coat: they differ in kind, or in direction alone."""
    if rng.random() < 0.1:
        field = textures.grain(rng)
        return field, np.rot90(field)
    ground, coat = (kinds[rng.integers(len(kinds))] for kinds in (GROUNDS, COATS))
    return ground(rng), coat(rng)


def _animal(rng: Generator) -> Coverage:
    outlines = ANIMALS[rng.integers(len(ANIMALS))](rng)
    half = rng.uniform(0.3, 0.42)
    centre = rng.uniform(0.7 * half, 1 - 0.7 * half, 2)
    mirror = np.array([rng.choice([-1, 1]), 1])
    angle = rng.uniform(0, 2 * np.pi)
    return fill([place(part, centre, half * mirror, angle) for part in outlines])


def _fish(rng: Generator) -> list[Points]:
    """A spindle with a forked tail and fins."""
    height = rng.uniform(0.5, 0.9)
    spine = np.stack([np.linspace(-0.75, 1, 40), np.zeros(40)], axis=1)
    body = tube(spine, height * np.sin(np.pi * np.linspace(0.06, 1, 40)) ** 0.7)
    fork = rng.uniform(0.28, 0.45)
    tail = np.array([[-0.6, 0], [-1.1, -fork], [-0.95, 0], [-1.1, fork]])
    top = np.array([[-0.3, -0.15 * height], [-0.35, -0.75 * height], [0.4, -0.4 * height]])
    belly = np.array([[-0.2, 0.2 * height], [-0.3, 0.65 * height], [0.25, 0.4 * height]])
    return [body, tail, top, belly]


def _moth(rng: Generator) -> list[Points]:
    """Four wings around a body."""
    fore = np.array([[0, -0.15], [0.35, -0.6], [1.05, -0.85], [1.0, -0.3], [0.6, 0.1], [0, 0.1]])
    hind = np.array([[0, 0], [0.55, 0.05], [0.8, 0.35], [0.6, 0.85], [0.25, 0.75], [0, 0.3]])
    wings = [shapes.softened(wing * rng.uniform(0.75, 1.1, 2)) for wing in (fore, hind)]
    body = circle(32) * [0.1, 0.42] + [0, 0.05]
    return [*wings, *(wing * [-1, 1] for wing in wings), body]


def _lizard(rng: Generator) -> list[Points]:
    """A head, a body and a long tail along a bent line, and four legs."""
    line = shapes.curve(rng, np.array([1.0, 0.0]), np.array([-1.1, 0.0]), 0.6)
    at = np.linspace(0, 1, len(line))
    head, belly = np.exp(-(((at - 0.08) / 0.07) ** 2)), np.exp(-(((at - 0.33) / 0.18) ** 2))
    parts = [tube(line, 0.36 * head + 0.55 * belly + 0.22 * (1 - at))]
    for share, forwards in ((0.22, 0.15), (0.45, -0.15)):
        hip = line[int(share * len(line))]
        for side in (-1, 1):
            knee = hip + np.array([forwards, side * rng.uniform(0.22, 0.3)])
            foot = knee + np.array([rng.uniform(-0.2, 0.2), side * rng.uniform(0.1, 0.2)])
            parts.append(tube(np.array([hip, knee, foot]), np.array([0.2, 0.16, 0.12])))
    return parts


def _flatfish(rng: Generator) -> list[Points]:
    """A flat oval with a tail."""
    body = shapes.blob(rng, 0.06) * [0.85, rng.uniform(0.5, 0.65)]
    tail = np.array([[-0.65, -0.1], [-1.1, -0.25], [-1.05, 0.25], [-0.65, 0.1]])
    return [body, tail]


ANIMALS = (_fish, _moth, _lizard, _flatfish, shapes.creature)

CAMOUFLAGE = Task(
    name="camouflage",
    title="Camouflage",
    mirrors="COD10K, CAMO, CHAMELEON",
    difficulty="an animal in the colours of its surroundings, which only its texture gives away",
    draw=draw,
)
