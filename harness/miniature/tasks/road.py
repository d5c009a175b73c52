"""Roads seen from the air."""

import numpy as np
from numpy.random import Generator

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import cast, over, photograph
from samfit.harness.miniature.shapes import Coverage, Points, curve, fill, patch, strokes, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import SIDE, Field, Picture, Tones, mixed, paint

MEADOW = Tones(hue=(0.18, 0.25), saturation=(0.07, 0.16), brightness=(0.28, 0.44))
FIELDS = (
    MEADOW,
    Tones(hue=(0.09, 0.14), saturation=(0.07, 0.16), brightness=(0.42, 0.56)),  # stubble
    Tones(hue=(0.06, 0.1), saturation=(0.06, 0.14), brightness=(0.3, 0.42)),  # earth
    Tones(hue=(0.2, 0.27), saturation=(0.08, 0.17), brightness=(0.24, 0.36)),  # crop
)
GREY = Tones(hue=(0.05, 0.6), saturation=(0.0, 0.04), brightness=(0.46, 0.6))
TILES = Tones(hue=(0.01, 0.05), saturation=(0.1, 0.25), brightness=(0.3, 0.48))
LEAVES = Tones(hue=(0.23, 0.31), saturation=(0.12, 0.25), brightness=(0.12, 0.3))

Line = tuple[Points, float]  # with its width as a share of the side


def draw(rng: Generator) -> Drawing:
    """Fields, streets that meet, houses and car parks as grey as these, and trees."""
    detail = mixed(textures.clouds(rng), textures.grain(rng), 0.4)
    picture = _fields(rng, detail)
    roads = _network(rng)
    coverage = strokes(roads)
    asphalt = paint(detail, GREY.draw(rng))
    # Car parks and drives, which are no roads.
    yards = [_beside(rng, roads, (0.02, 0.07), 0.01) for _ in range(rng.integers(1, 4))]
    picture = over(picture, asphalt, 0.9 * fill(yards))
    for tones in (GREY, TILES):
        count = rng.integers(6, 20)
        houses = [_beside(rng, roads, (0.012, 0.034), 0.015, 0.015) for _ in range(count)]
        free = fill(houses) * (1 - coverage)
        picture = _standing(picture, free, paint(detail, tones.draw(rng)))
    picture = over(picture, asphalt, coverage)
    picture = _standing(picture, _trees(rng), paint(detail, LEAVES.draw(rng)))
    return photograph(rng, picture, 0.6, 0.015), within(coverage)


def _fields(rng: Generator, soil: Field) -> Picture:
    """Parcels: each pixel belongs to the nearest of a few points."""
    count = rng.integers(4, 10)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    points = rng.uniform(-0.1, 1.1, (count, 2, 1, 1)).astype(np.float32)
    owner = np.hypot(x - points[:, 0], y - points[:, 1]).argmin(0)
    picture = paint(soil, MEADOW.draw(rng))
    for parcel in range(1, count):
        tones = FIELDS[rng.integers(len(FIELDS))]
        here = owner == parcel
        picture[here] = paint(soil[here], tones.draw(rng))
    return picture


def _network(rng: Generator) -> list[Line]:
    """A main road across the picture, streets that branch off, and lanes that branch off these."""
    angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.022, 0.035)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([-ahead[1], ahead[0]])
    middle = np.full(2, 0.5) + rng.uniform(-0.25, 0.25) * aside
    main = curve(rng, middle - ahead, middle + ahead, 0.12)
    roads = [(main, width)]
    for _ in range(rng.integers(2, 6)):
        start = main[rng.integers(14, 34)]
        heading = aside * rng.choice([-1, 1]) + rng.uniform(-0.3, 0.3) * ahead
        end = start + rng.uniform(0.4, 1.2) * heading
        street = curve(rng, start, end, 0.08)
        roads.append((street, width * rng.uniform(0.8, 0.95)))
        if rng.random() < 0.5:
            corner = street[rng.integers(15, 40)]
            lane = curve(rng, corner, corner + rng.uniform(-0.7, 0.7) * ahead, 0.05)
            roads.append((lane, 0.018))
    return roads


SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


def _beside(
    rng: Generator, roads: list[Line], sides: tuple[float, float], gap: float, scatter: float = 0
) -> Points:
    """A rectangle along a road, ``gap`` away from it or, with ``scatter``, more."""
    size = rng.uniform(*sides, 2)
    distance = gap + size.max() + (rng.exponential(scatter) if scatter else 0)
    line, width = roads[rng.integers(len(roads))]
    at = rng.integers(1, len(line) - 1)
    along = line[at + 1] - line[at - 1]
    aside = np.array([-along[1], along[0]]) / np.linalg.norm(along).clip(1e-9)
    point = line[at] + rng.choice([-1, 1]) * (width / 2 + distance) * aside
    return shapes.place(SQUARE, point, size, np.arctan2(along[1], along[0]))


def _trees(rng: Generator) -> Coverage:
    """Single ones, and woods."""
    outlines = []
    for _ in range(rng.integers(2, 8)):
        wood, spread = rng.uniform(0, 1, 2), rng.uniform(0.01, 0.12)
        for _ in range(rng.integers(2, 14)):
            tree = wood + rng.normal(0, spread, 2)
            outlines.append(patch(rng, tree, rng.uniform(0.008, 0.025), 0.15))
    return fill(outlines)


def _standing(picture: Picture, things: Coverage, surface: Picture) -> Picture:
    """Things of this surface, on their shadows."""
    shadow = cast(things, 2, 0.7)
    return over(picture * (1 - 0.5 * shadow)[..., None], surface, things)


ROAD = Task(
    name="road",
    title="Road",
    mirrors="Massachusetts Roads",
    difficulty="thin connected lines, one or two mask pixels wide and as grey as the roofs",
    draw=draw,
)
