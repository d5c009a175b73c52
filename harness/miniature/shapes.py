"""Outlines of objects, drawn without jagged edges.

A shape is a coverage (S, S) in 0..1: how much of each pixel lies within.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from samfit.harness.miniature.textures import SIDE

Coverage = NDArray[np.float32]  # (S, S)
Points = NDArray[np.float64]  # (n, 2): x and y as shares of the side

FINER = 3  # drawn this many times larger, then reduced
FINE_SIDE = FINER * SIDE


def fill(outlines: Iterable[Points]) -> Coverage:
    """What lies within any of the outlines."""
    canvas = Image.new("L", (FINE_SIDE, FINE_SIDE))
    draw = ImageDraw.Draw(canvas)
    for outline in outlines:
        draw.polygon([*map(tuple, outline * FINE_SIDE)], fill=255)
    return _reduced(canvas)


def strokes(lines: Iterable[tuple[Points, float]]) -> Coverage:
    """What lies within any of the lines, each given with its width as a share of the side."""
    canvas = Image.new("L", (FINE_SIDE, FINE_SIDE))
    draw = ImageDraw.Draw(canvas)
    for line, width in lines:
        corners = [*map(tuple, line * FINE_SIDE)]
        draw.line(corners, fill=255, width=max(1, round(width * FINER * SIDE)), joint="curve")
    return _reduced(canvas)


def _reduced(canvas: Image.Image) -> Coverage:
    return np.asarray(np.asarray(canvas.reduce(FINER), np.float32) / 255, np.float32)


def circle(points: int = 96) -> Points:
    """The unit circle around 0."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def place(outline: Points, centre: Points, size: Points, angle: float) -> Points:
    """Scale an outline around 0 by ``size`` in x and y, turn it, and move it to ``centre``."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (outline * size) @ turn.T + centre


def curve(rng: Generator, start: Points, end: Points, bend: float, points: int = 48) -> Points:
    """A cubic Bézier curve between two points, whose handles lie up to ``bend`` aside."""
    t = np.linspace(0, 1, points)[:, None]
    handles = [start + (end - start) * s + rng.uniform(-bend, bend, 2) for s in (1 / 3, 2 / 3)]
    return (
        (1 - t) ** 3 * start
        + 3 * (1 - t) ** 2 * t * handles[0]
        + 3 * (1 - t) * t**2 * handles[1]
        + t**3 * end
    )


def blob(rng: Generator, roughness: float = 0.25) -> Points:
    """A circle whose radius swings: low tones more than high ones."""
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    tones = np.arange(2, 7)
    swing = rng.normal(0, roughness, len(tones)) / tones**0.8
    shift = rng.uniform(0, 2 * np.pi, len(tones))
    waves = swing * np.cos(angle[:, None] * tones + shift)
    radius = np.exp(waves.sum(1))
    return circle(120) * (radius / radius.max())[:, None]


def polygon(rng: Generator) -> Points:
    """Three to seven corners around the centre."""
    count = rng.integers(3, 8)
    angle = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
    return rng.uniform(0.7, 1, (count, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def star(rng: Generator) -> Points:
    """Four to eight rays."""
    count = 2 * rng.integers(4, 9)
    angle = np.arange(count) * 2 * np.pi / count
    radius = np.where(np.arange(count) % 2, rng.uniform(0.35, 0.7), 1)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def creature(rng: Generator) -> list[Points]:
    """A body with a head, legs and a tail, as outlines that overlap."""
    body = blob(rng, 0.1) * [0.6, 0.36]
    head = blob(rng, 0.1) * [0.26, 0.22] + [0.68, -0.25]
    legs = [
        circle(24) * [0.07, rng.uniform(0.2, 0.34)] + [x, 0.3] for x in (-0.42, -0.18, 0.2, 0.42)
    ]
    tail = np.array([[-0.5, 0], [-0.95, rng.uniform(-0.5, 0.3)], [-0.45, 0.14]])
    return [body, head, *legs, tail]


SHAPES: tuple[Callable[[Generator], Points | list[Points]], ...] = (blob, polygon, star, creature)


def any_object(rng: Generator, size: tuple[float, float]) -> Coverage:
    """An object of any shape, somewhere, whose half-length is within ``size`` of the side."""
    outlines = SHAPES[rng.integers(len(SHAPES))](rng)
    half = rng.uniform(*size)
    extent = half * np.array([1, rng.uniform(0.5, 1)])
    if rng.random() < 0.5:
        extent[0] *= -1
    centre = rng.uniform(min(half, 0.5), max(1 - half, 0.5), 2)
    angle = rng.uniform(0, 2 * np.pi)
    parts = outlines if isinstance(outlines, list) else [outlines]
    return fill([place(part, centre, extent, angle) for part in parts])


def patch(rng: Generator, centre: Points, size: float, roughness: float) -> Points:
    """A blob of half-length ``size``, more or less round, turned any way."""
    extent = size * np.array([1, rng.uniform(0.6, 1)])
    return place(blob(rng, roughness), centre, extent, rng.uniform(0, np.pi))


def scattered(
    rng: Generator, count: tuple[int, int], size: tuple[float, float], roughness: float
) -> Coverage:
    """Patches all over the picture, their number and their sizes drawn from these ranges."""
    centres = rng.uniform(0, 1, (rng.integers(*count), 2))
    return fill([patch(rng, centre, rng.uniform(*size), roughness) for centre in centres])


def tube(line: Points, width: NDArray[np.float64]) -> Points:
    """The outline of a line that is ``width`` (n,) wide at each of its points."""
    along = np.gradient(line, axis=0)
    aside = along[:, ::-1] * [-1, 1] / np.linalg.norm(along, axis=1, keepdims=True).clip(1e-9)
    offset = aside * width[:, None] / 2
    return np.concatenate([line + offset, (line - offset)[::-1]])


def softened(outline: Points, times: int = 3) -> Points:
    """The outline with its corners cut off, and those that this leaves again."""
    for _ in range(times):
        ahead = np.roll(outline, -1, axis=0)
        cut = [0.75 * outline + 0.25 * ahead, 0.25 * outline + 0.75 * ahead]
        outline = np.stack(cut, axis=1).reshape(-1, 2)
    return outline


def within(coverage: Coverage) -> NDArray[np.uint8]:
    """The mask of the pixels that are mostly covered: 0 or 1."""
    return np.asarray(coverage > 0.5, np.uint8)
