"""Objects of glass."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from samfit.harness.miniature import textures
from samfit.harness.miniature.light import displaced, over, photograph, shaded, uneven
from samfit.harness.miniature.shapes import Coverage, circle, fill, place, tube
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import SIDE, Picture, Tones, mixed, paint

WALL = Tones(hue=(0.05, 0.2), saturation=(0.02, 0.12), brightness=(0.46, 0.7))
TABLE = Tones(hue=(0.05, 0.1), saturation=(0.12, 0.24), brightness=(0.28, 0.48))
CHINA = (
    Tones(hue=(0.0, 0.14), saturation=(0.02, 0.2), brightness=(0.35, 0.75)),
    Tones(hue=(0.52, 0.62), saturation=(0.02, 0.2), brightness=(0.35, 0.65)),
)
WHITE = np.ones(3, np.float32)
THING, STUFF = 1, 2


def draw(rng: Generator) -> Drawing:
    """A room that shines through a pane, or through cups and bottles, or through both."""
    edge = rng.uniform(0.4, 0.65)
    picture = room(rng, edge)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    panes, things = ((0, 1), (0, 2), (1, 0), (1, 1))[rng.integers(4)]
    for _ in range(panes):
        glass = pane(rng)
        picture = through_pane(rng, picture, glass)
        mask[glass > 0.5] = STUFF
    for _ in range(things):
        glass = vessel(rng, edge)
        picture = through_vessel(rng, picture, glass)
        mask[glass > 0.5] = THING
    picture = uneven(rng, picture, 0.1, 0.3)
    return photograph(rng, picture, 0.5, 0.012), mask


def room(rng: Generator, edge: float) -> Picture:
    """A wall, a table from ``edge`` down, a picture on the one and china on the other."""
    detail = textures.clouds(rng)
    wall = paint(mixed(textures.any_texture(rng), detail, 0.5), WALL.draw(rng))
    table = paint(mixed(textures.any_texture(rng), detail, 0.4), TABLE.draw(rng))
    slope = rng.uniform(-0.05, 0.05)
    top = np.array([[0, edge], [1, edge + slope], [1, 1], [0, 1]])
    picture = over(wall, table, fill([top]))
    if rng.random() < 0.5:
        picture = over(picture, _plain(rng), pane(rng))
    for _ in range(rng.integers(0, 3)):
        china = vessel(rng, edge)
        surface = _plain(rng) * shaded(gaussian_filter(china, 5), 4)[..., None]
        picture = over(_on_table(picture, china), surface, china)
    return picture


def _plain(rng: Generator) -> Picture:
    colour = CHINA[rng.integers(len(CHINA))].draw(rng)[1].astype(np.float32)
    return np.broadcast_to(colour, (SIDE, SIDE, 3))


def _on_table(picture: Picture, standing: Coverage) -> Picture:
    """The table darker around the foot of what stands on it."""
    rows, columns = (standing > 0.5).nonzero()
    foot = np.array([columns[rows > rows.max() - 4].mean(), rows.max()]) / SIDE
    width = np.ptp(columns) / SIDE
    patch = fill([circle() * (width * np.array([0.6, 0.1])) + foot])
    return picture * (1 - 0.5 * gaussian_filter(patch, 3))[..., None]


def pane(rng: Generator) -> Coverage:
    """Four corners, seen a little from the side."""
    half = rng.uniform(0.14, 0.28, 2)
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    corners[:, 1] *= 1 + rng.uniform(-0.25, 0.25) * corners[:, 0]
    centre = rng.uniform(0.25, [0.75, 0.6])
    return fill([place(corners, centre, half, rng.normal(0, 0.08))])


# Half the width of each kind of vessel from its rim (0) to its foot (1).
PROFILES = (
    ((0, 0.42), (1, 0.34)),  # tumbler
    ((0, 0.4), (0.2, 0.44), (0.45, 0.34), (0.55, 0.06), (0.92, 0.05), (1, 0.32)),  # wine glass
    ((0, 0.1), (0.28, 0.1), (0.42, 0.28), (1, 0.28)),  # bottle
    ((0, 0.34), (0.08, 0.34), (0.14, 0.44), (0.9, 0.44), (1, 0.36)),  # jar
)


def vessel(rng: Generator, edge: float) -> Coverage:
    """The outline of a cup, a glass, a bottle or a jar on a table from ``edge`` down."""
    at, half_width = np.array(PROFILES[rng.integers(len(PROFILES))]).T
    down = np.linspace(0, 1, 60)
    width = gaussian_filter(np.interp(down, at, half_width), 1.5, mode="nearest")
    line = np.stack([np.zeros(60), down - 0.5], axis=1)
    outline = tube(line, 2 * rng.uniform(0.85, 1.2) * width)
    size = rng.uniform(0.3, 0.55)
    centre = np.array([rng.uniform(0.15, 0.85), rng.uniform(edge + 0.05, 0.97) - size / 2])
    return fill([place(outline, centre, np.full(2, size), rng.normal(0, 0.03))])


def through_pane(rng: Generator, picture: Picture, glass: Coverage) -> Picture:
    """The picture through a pane: shifted by its thickness, greenish, with a reflection."""
    shift = rng.uniform(2, 6, 2) * rng.choice([-1, 1], 2)
    behind = displaced(picture, *(np.full((SIDE, SIDE), by) for by in shift))
    behind = behind * np.array([0.9, 0.96, 0.93], np.float32)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    bands = np.sin((x + y) * rng.uniform(5, 12) + rng.uniform(0, 2 * np.pi)).clip(0)
    behind = over(behind, WHITE, (rng.uniform(0.06, 0.2) * bands).astype(np.float32))
    return over(over(picture, behind, glass), WHITE, 0.5 * _rim(glass, 1.2))


def through_vessel(rng: Generator, picture: Picture, glass: Coverage) -> Picture:
    """The picture through a vessel: bent as by a lens, with a rim and a highlight."""
    height = gaussian_filter(glass, 6)
    down, right = np.gradient(height)
    bend = rng.uniform(120, 260)
    behind = displaced(_on_table(picture, glass), bend * down, bend * right)
    behind = behind * rng.uniform(0.9, 1, 3).astype(np.float32)
    behind = over(behind, behind * 0.55, 0.8 * (2 - 2 * height).clip(0, 1) ** 2)
    streak = np.exp(-(((height - 0.78) / 0.06) ** 2)) * (right / 0.02).clip(0, 1) ** 2
    behind = over(behind, WHITE, 0.6 * streak)
    return over(over(picture, behind, glass), WHITE, 0.4 * _rim(glass, 1.0))


def _rim(coverage: Coverage, width: float) -> Coverage:
    """1 at the edge, falling off inwards within about ``width`` pixels."""
    return coverage * (2 - 2 * gaussian_filter(coverage, width)).clip(0, 1)


TRANSPARENT = Task(
    name="transparent",
    title="Transparent objects",
    mirrors="Trans10K",
    difficulty="glass looks like what is behind it; two classes that differ in shape",
    draw=draw,
    classes=3,
    class_names=("background", "thing", "stuff"),
)
