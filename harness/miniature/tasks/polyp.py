"""Polyps in the bowel."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from samfit.harness.miniature import shapes, textures
from samfit.harness.miniature.light import over, photograph, shaded
from samfit.harness.miniature.shapes import Coverage, circle, fill, strokes, within
from samfit.harness.miniature.tasks.task import Drawing, Task
from samfit.harness.miniature.textures import SIDE, Field, Picture, Tones, mixed, paint

MUCOSA = Tones(hue=(0.0, 0.035), saturation=(0.26, 0.4), brightness=(0.5, 0.66))
BLOOD = np.array([0.93, 0.72, 0.72], np.float32)  # what a vessel leaves of the light


def draw(rng: Generator) -> Drawing:
    """Mucosa in folds around a dark lumen, and a bulge on it."""
    pits = textures.swells(rng, 24)
    picture = paint(mixed(textures.swells(rng, 4), pits, 0.3), MUCOSA.draw(rng))
    vessels = gaussian_filter(_vessels(rng), 0.8)
    picture = over(picture, picture * BLOOD, vessels) * _folds(rng)[..., None]
    size = np.exp(rng.uniform(np.log(0.15), np.log(0.32)))
    sharp = fill([shapes.patch(rng, rng.uniform(0.22, 0.78, 2), size, 0.08)])
    polyp = gaussian_filter(sharp, rng.uniform(1.5, 3))
    picture = over(picture, picture * _tint(rng) * (0.94 + 0.12 * pits[..., None]), polyp)
    bulge = shaded(gaussian_filter(sharp, 0.25 * size * SIDE), rng.uniform(0.15, 0.3) * size * SIDE)
    picture = _wet(rng, picture * bulge[..., None], bulge) * _scope(rng)[..., None]
    return photograph(rng, picture, 0.7, 0.012), within(sharp)


def _vessels(rng: Generator) -> Coverage:
    ends = rng.uniform(0, 1, (rng.integers(5, 11), 2, 2))
    lines = [shapes.curve(rng, start, end, 0.2) for start, end in ends]
    return strokes([(line, rng.uniform(0.003, 0.007)) for line in lines])


def _folds(rng: Generator) -> Field:
    """Rings around the lumen, each bright on its crest and dark behind; less light far inside."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - rng.uniform(-0.1, 1.1, (2, 1, 1))
    away = np.hypot(x, y) + 0.2 * (textures.swells(rng, 2) - 0.5)
    rising = (away * rng.uniform(2.5, 4.5) + rng.uniform()) % 1
    crest = gaussian_filter(rising, 3) - 0.5
    return np.asarray((1 + rng.uniform(0.3, 0.6) * crest) * expit((away - 0.02) / 0.09), np.float32)


def _tint(rng: Generator) -> Picture:
    """A little redder or paler than what surrounds it."""
    change = rng.uniform(0.04, 0.13) * rng.choice([-1, 1])
    return np.array([1.04, 1 + change, 1 + change], np.float32)


def _wet(rng: Generator, picture: Picture, bulge: Field) -> Picture:
    """Highlights, most of them where the surface faces the lamp."""
    gloss = textures.swells(rng, 16) + 0.3 * (bulge - 1)
    glints = expit((gloss - rng.uniform(0.99, 1.04)) / 0.012).astype(np.float32)
    return over(picture, np.ones(3, np.float32), 0.85 * glints)


def _scope(rng: Generator) -> Field:
    """The round view of the endoscope, darker towards its rim."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    view = gaussian_filter(fill([circle() * rng.uniform(0.54, 0.66) + 0.5]), 1.5)
    return np.asarray(view * (1.15 - 1.1 * (x**2 + y**2)), np.float32)


POLYP = Task(
    name="polyp",
    title="Polyp",
    mirrors="Kvasir-SEG, CVC-ClinicDB, CVC-ColonDB, CVC-300, ETIS",
    difficulty="a soft-edged bulge, nearly in the colour of the folds around it",
    draw=draw,
)
