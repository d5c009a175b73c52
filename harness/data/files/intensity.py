"""From the values of images, whatever their range and channels, to RGB in 0..255."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.files.raster import Values
from samfit.typed import Typed


@dataclass(frozen=True, kw_only=True)
class Intensity(Typed):
    """How the values of images become RGB.

    Attributes:
        low, high: the values that become 0 and 255; between them it is linear.
        channels: three that become red, green and blue, or one that becomes all; empty for the
            first ones.
    """

    low: float = 0.0
    high: float = 255.0
    channels: tuple[int, ...] = ()

    @property
    def is_of_bytes(self) -> bool:
        """Whether values of 8 bits stay as they are."""
        return (self.low, self.high) == (0.0, 255.0)


def to_pixels(values: Values, intensity: Intensity) -> NDArray[np.uint8]:
    """RGB (H, W, 3) in 0..255 of values (H, W) or (H, W, C).

    Raises:
        PictureError: if they have too few channels.
    """
    chosen = _in_three(values, intensity.channels)
    if chosen.dtype == np.bool_:
        return chosen.astype(np.uint8) * np.uint8(255)
    if chosen.dtype == np.uint8 and intensity.is_of_bytes:
        return np.require(chosen, requirements=["C", "W"])
    low, scale = np.float32(intensity.low), np.float32(255 / (intensity.high - intensity.low))
    wanted = chosen.astype(np.float32)
    finite = np.nan_to_num(wanted, nan=intensity.low, neginf=intensity.low, posinf=intensity.high)
    scaled = (finite - low) * scale
    return np.clip(scaled.round(), 0, 255).astype(np.uint8)


def _in_three(values: Values, channels: Sequence[int]) -> Values:
    """(H, W, 3) of (H, W) or (H, W, C): the channels that are wanted, or else the first."""
    planes = values if values.ndim == 3 else values[..., None]
    count = planes.shape[2]
    if channels:
        if max(channels) >= count:
            raise PictureError(
                f"has {count} channels, of which --channels asks for number {max(channels)}, "
                "counted from 0"
            )
        planes = planes[..., list(channels)]
    if planes.shape[2] == 1:
        return np.repeat(planes, 3, axis=2)
    if planes.shape[2] == 2:
        return np.concatenate([planes, np.zeros_like(planes[..., :1])], axis=2)
    return planes[..., :3]


def check_range(values: Values, intensity: Intensity) -> None:
    """Refuse an image that has another range of values than those of the training.

    Raises:
        PictureError: if all of it would be black, or white; if it has more bits; or if it holds
            shares of 1 in place of bytes.
    """
    if not values.size:
        return
    least, most = float(values.min()), float(values.max())
    if intensity.is_of_bytes:
        other = most > 255 or (values.dtype.kind == "f" and most <= 1)
    else:
        other = most <= intensity.low or least >= intensity.high
    if other:
        raise PictureError(
            f"holds values from {least:g} to {most:g}, but those of the training images, "
            f"{intensity.low:g} to {intensity.high:g}, become black to white: give images of the "
            "same range"
        )


def parsed_range(text: str) -> tuple[float, float]:
    """What ``--intensity`` says.

    Raises:
        UserError: if it is not LOW:HIGH.
    """
    low, colon, high = text.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        colon = ""
    if not colon or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise UserError(f"--intensity takes LOW:HIGH, such as 0:4095, got {text!r}.")
    return ends


def parsed_channels(text: str) -> tuple[int, ...]:
    """What ``--channels`` says.

    Raises:
        UserError: if it is not one or three numbers.
    """
    parts = text.split(",") if text else []
    if not all(part.strip().isdecimal() for part in parts) or len(parts) not in (0, 1, 3):
        raise UserError(
            f"--channels takes one or three numbers from 0, such as 2,0,1, got {text!r}."
        )
    return tuple(map(int, parts))
