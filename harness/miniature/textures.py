"""Procedural textures: fields of numbers, and colours for them.

A field is (S, S) in 0..1 and takes every value about equally often, whatever its kind: two fields
in the same colours differ in nothing but their texture.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtr

Field = NDArray[np.float32]  # (S, S)
Picture = NDArray[np.float32]  # (S, S, 3) in 0..1
Palette = NDArray[np.float64]  # (n, 3), from dark to light


def even(values: NDArray[np.floating]) -> Field:
    """Spread ``values`` over 0..1: its normal quantiles, equal in brightness and contrast."""
    spread = max(float(values.std()), 1e-6)
    return np.asarray(ndtr((values - values.mean()) / spread), np.float32)


def _frequencies(side: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Vertical and horizontal frequencies of ``rfft2``, in cycles over the picture."""
    return np.fft.fftfreq(side, 1 / side)[:, None], np.fft.rfftfreq(side, 1 / side)[None]


def _filtered_noise(rng: Generator, side: int, gain: NDArray[np.floating]) -> NDArray[np.float64]:
    """White noise with each frequency weighted by ``gain``."""
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    return np.fft.irfft2(spectrum * gain, (side, side))


def clouds(rng: Generator, side: int) -> Field:
    """Noise whose amplitude falls with frequency, as in most photographs."""
    rows, columns = _frequencies(side)
    return even(_filtered_noise(rng, side, np.hypot(rows, columns).clip(1) ** -rng.uniform(1, 2)))


def grain(rng: Generator, side: int) -> Field:
    """Noise stretched along one direction, like wood, fur or grass."""
    rows, columns = _frequencies(side)
    angle = rng.uniform(0, np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    fine = rng.uniform(15, 40)
    return even(_filtered_noise(rng, side, np.exp(-((along / 4) ** 2) - (across / fine) ** 2)))


def speckles(rng: Generator, side: int) -> Field:
    """Soft spots of one size, like pebbles or an animal's coat."""
    rows, columns = _frequencies(side)
    centre = rng.uniform(8, 30)
    ring = np.exp(-(((np.hypot(rows, columns) - centre) / (0.25 * centre)) ** 2))
    spots = _filtered_noise(rng, side, ring)
    return even(np.tanh(2 * spots / spots.std()))


def stripes(rng: Generator, side: int) -> Field:
    """Bands that bend a little."""
    y, x = np.mgrid[:side, :side] / side
    angle, count = rng.uniform(0, np.pi), rng.uniform(6, 24)
    bend = rng.uniform(0, 1.5) * (clouds(rng, side) - 0.5)
    phase = 2 * np.pi * (count * (x * np.cos(angle) + y * np.sin(angle)) + bend)
    return even(np.sin(phase))


def cells(rng: Generator, side: int) -> Field:
    """Distances to scattered points, like scales, foam or cracked mud."""
    free = np.ones((side, side), bool)
    count = int(rng.uniform(40, 300))
    free[tuple(rng.integers(0, side, (2, count)))] = False
    return even(np.asarray(distance_transform_edt(free)))


TEXTURES: tuple[Callable[[Generator, int], Field], ...] = (clouds, grain, speckles, stripes, cells)


def palette(rng: Generator, contrast: float = 0.5, colours: int = 3) -> Palette:
    """Neighbouring hues from dark to light, ``contrast`` apart in brightness."""
    middle = rng.uniform(0.25, 0.75)
    brightness = middle + contrast * np.linspace(-0.5, 0.5, colours)
    hue = rng.uniform(0, 1) + rng.uniform(-0.12, 0.12, colours)
    saturation = rng.uniform(0.05, 0.45)
    return shades(hue, saturation, brightness)


def shades(
    hue: NDArray[np.float64] | float, saturation: float, brightness: NDArray[np.float64]
) -> Palette:
    """RGB of hues (in turns), one for each brightness: (n, 3), clipped to 0..1."""
    turns = np.asarray(hue)[..., None] - np.array([0, 1 / 3, 2 / 3])
    tint = np.cos(2 * np.pi * turns)
    return (brightness[:, None] * (1 + saturation * tint)).clip(0, 1)


def paint(field: Field, colours: Palette) -> Picture:
    """Colour a field: 0 takes the first colour, 1 the last."""
    steps = np.linspace(0, 1, len(colours))
    channels = [np.interp(field, steps, colours[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def any_texture(rng: Generator, side: int) -> Field:
    """A field of any kind."""
    return TEXTURES[rng.integers(len(TEXTURES))](rng, side)


def swells(rng: Generator, side: int, waves: float) -> Field:
    """Smooth bumps, about ``waves`` of them across the picture."""
    rows, columns = _frequencies(side)
    return even(_filtered_noise(rng, side, np.exp(-((np.hypot(rows, columns) / waves) ** 2))))


def mixed(one: Field, other: Field, share: float) -> Field:
    """A field that is ``share`` of ``other``, the rest of ``one``."""
    return even((1 - share) * one + share * other)


def equalised(values: Field, where: NDArray[np.bool_]) -> Field:
    """Spread ``values`` so that those of the pixels ``where`` take every value equally often."""
    levels = np.linspace(0, 1, 65)
    return np.interp(values, np.quantile(values[where], levels), levels).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Tones:
    """Colours of one kind of thing, as ranges to draw palettes from.

    Attributes:
        hue: in turns; 0 is red, 1/6 yellow, 1/3 green.
        saturation: 0 for greys.
        brightness: of the darkest and the lightest colour.
    """

    hue: tuple[float, float]
    saturation: tuple[float, float]
    brightness: tuple[float, float]

    def draw(self, rng: Generator) -> Palette:
        """Three neighbouring colours, from dark to light."""
        hue = rng.uniform(*self.hue) + rng.uniform(-0.012, 0.012, 3)
        exposure = rng.uniform(0.85, 1.15)
        return shades(
            hue, rng.uniform(*self.saturation), exposure * np.linspace(*self.brightness, 3)
        )
