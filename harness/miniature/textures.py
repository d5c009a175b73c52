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

SIDE = 256  # S, of every generated picture, in pixels

Field = NDArray[np.float32]  # (S, S)
Picture = NDArray[np.float32]  # (S, S, 3) in 0..1
Palette = NDArray[np.float64]  # (n, 3), from dark to light


def even(values: NDArray[np.floating]) -> Field:
    """Spread ``values`` over 0..1: its normal quantiles, equal in brightness and contrast."""
    spread = max(float(values.std()), 1e-6)
    return np.asarray(ndtr((values - values.mean()) / spread), np.float32)


# Vertical and horizontal frequencies of ``rfft2``, in cycles over the picture, and their size.
_DOWN, _ACROSS = np.fft.fftfreq(SIDE, 1 / SIDE)[:, None], np.fft.rfftfreq(SIDE, 1 / SIDE)[None]
_FREQUENCY = np.hypot(_DOWN, _ACROSS)


def _filtered_noise(rng: Generator, gain: NDArray[np.floating]) -> NDArray[np.float64]:
    """White noise with each frequency weighted by ``gain``."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    return np.fft.irfft2(spectrum * gain, (SIDE, SIDE))


def clouds(rng: Generator) -> Field:
    """Noise whose amplitude falls with frequency, as in most photographs."""
    return even(_filtered_noise(rng, _FREQUENCY.clip(1) ** -rng.uniform(1, 2)))


def grain(rng: Generator) -> Field:
    """Noise stretched along one direction, like wood, fur or grass."""
    angle = rng.uniform(0, np.pi)
    along = _DOWN * np.sin(angle) + _ACROSS * np.cos(angle)
    across = _DOWN * np.cos(angle) - _ACROSS * np.sin(angle)
    fine = rng.uniform(15, 40)
    return even(_filtered_noise(rng, np.exp(-((along / 4) ** 2) - (across / fine) ** 2)))


def speckles(rng: Generator) -> Field:
    """Soft spots of one size, like pebbles or an animal's coat."""
    centre = rng.uniform(8, 30)
    ring = np.exp(-(((_FREQUENCY - centre) / (0.25 * centre)) ** 2))
    spots = _filtered_noise(rng, ring)
    return even(np.tanh(2 * spots / spots.std()))


def stripes(rng: Generator) -> Field:
    """Bands that bend a little."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle, count = rng.uniform(0, np.pi), rng.uniform(6, 24)
    bend = rng.uniform(0, 1.5) * (clouds(rng) - 0.5)
    phase = 2 * np.pi * (count * (x * np.cos(angle) + y * np.sin(angle)) + bend)
    return even(np.sin(phase))


def cells(rng: Generator) -> Field:
    """Distances to scattered points, like scales, foam or cracked mud."""
    free = np.ones((SIDE, SIDE), bool)
    count = int(rng.uniform(40, 300))
    free[tuple(rng.integers(0, SIDE, (2, count)))] = False
    return even(np.asarray(distance_transform_edt(free)))


TEXTURES: tuple[Callable[[Generator], Field], ...] = (clouds, grain, speckles, stripes, cells)


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


def any_texture(rng: Generator) -> Field:
    """A field of any kind."""
    return TEXTURES[rng.integers(len(TEXTURES))](rng)


def swells(rng: Generator, waves: float) -> Field:
    """Smooth bumps, about ``waves`` of them across the picture."""
    return even(_filtered_noise(rng, np.exp(-((_FREQUENCY / waves) ** 2))))


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
