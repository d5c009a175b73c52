"""The range of values that becomes black to white, from all images of the training set."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from samfit.errors import UserError
from samfit.harness.data.each import each
from samfit.harness.data.files.contents import Contents
from samfit.harness.data.files.fault import naming
from samfit.harness.data.files.intensity import (
    Intensity,
    check_range,
    parsed_channels,
    parsed_range,
)
from samfit.harness.data.files.read import read_pixels
from samfit.harness.data.listing import Files
from samfit.harness.data.reading import Reading
from samfit.progress import SILENT, Progress

# Of all values of the training images: what lies outside is black or white. A thousandth at each
# end is what hot pixels and specular lights take; more would cut into what images show.
PERCENTILES = (0.1, 99.9)
SAMPLED = 10_000  # pixels of an image, evenly spaced
CHECKED = 16  # images of a split, whether they have the range of the others
OF_BYTES = ("uint8", "bool")

Remarks = tuple[str, ...]


def choose_intensity(
    splits: Mapping[str, Sequence[Files]],
    contents: Sequence[Contents],
    reading: Reading,
    progress: Progress = SILENT,
) -> tuple[Intensity, Remarks]:
    """How the values of images become RGB, and why.

    Images of 8 bits stay as they are. Of others the training set decides, all its images together,
    so that what is brighter in one of them stays brighter; without one, all images.

    Args:
        splits: the pairs of each split.
        contents: of the images of all splits, in this order.
        reading: what the user says.
        progress: is told how far it is.

    Raises:
        UserError: for options that cannot be, images that cannot be read, or such of 8 bits among
            others.
    """
    channels = parsed_channels(reading.channels)
    remarks = _of_channels(contents, channels)
    if reading.intensity:
        low, high = parsed_range(reading.intensity)
        return Intensity(low=low, high=high, channels=channels), remarks
    if {one.dtype for one in contents} <= {*OF_BYTES}:
        return Intensity(channels=channels), remarks
    images = splits.get("train") or [files for split in splits.values() for files in split]
    samples = each(_sample, images, "looking at intensities", progress)
    low, high, remark = _range(samples)
    return Intensity(low=low, high=high, channels=channels), (*remarks, *remark)


def check_intensity(
    splits: Mapping[str, Sequence[Files]], contents: Sequence[Contents], intensity: Intensity
) -> None:
    """Refuse a split whose images have another range of values than those that decided it.

    Raises:
        UserError: if all of it would be black, or white; or if it has more bits.
    """
    if intensity.is_of_bytes and {one.dtype for one in contents} <= {*OF_BYTES}:
        return
    for split in splits.values():
        few = split[:: math.ceil(len(split) / CHECKED)]
        values = np.concatenate([_sample(files) for files in few])
        with naming(few[0].image.path):
            check_range(values[np.isfinite(values)], intensity)


def _sample(files: Files) -> NDArray[np.generic]:
    """Some pixels of an image, with all their channels, its ends, and what is no number."""
    values = read_pixels(files.image).values
    pixels = values.reshape(values.shape[0] * values.shape[1], -1)
    some = pixels[:: max(1, len(pixels) // SAMPLED)].reshape(-1)
    ends = [np.fmin.reduce(values, None), np.fmax.reduce(values, None), values.max()]
    return np.concatenate([some, np.array(ends, values.dtype)])


def _range(samples: Sequence[NDArray[np.generic]]) -> tuple[float, float, Remarks]:
    """The values that become black and white, and a sentence about them."""
    bytes_ = [sample.dtype in (np.uint8, np.bool_) for sample in samples]
    together = np.concatenate([sample.astype(np.float64) for sample in samples])
    finite = np.isfinite(together)
    unusual = ("images hold values that are no numbers, which are black, or infinite.",)
    left_out = () if finite.all() else unusual
    together = together[finite]
    least, most = (together.min(), together.max()) if together.size else (0.0, 0.0)
    whole = all(sample.dtype.kind in "iub" for sample in samples)
    if whole and least >= 0 and most <= 255:
        return 0.0, 255.0, ()
    if any(bytes_):
        raise UserError(
            f"{sum(bytes_):,} of {len(bytes_):,} images have 8 bits, and others values up to "
            f"{most:g}: give images of one kind, or say with --intensity LOW:HIGH which values "
            "become black and white in all of them."
        )
    if not whole and least >= 0 and 0.5 <= most <= 1:  # darker ones are most likely no shares
        low, high, why = 0.0, 1.0, "since all lie there"
    else:
        low, high = np.percentile(together, PERCENTILES).tolist()
        why = f"{PERCENTILES[0]} and {PERCENTILES[1]} percent of those of the training set"
    if low == high:
        low, high = float(least), float(most) if most > least else float(least) + 1
    sentence = (
        f"the images' values from {low:g} to {high:g} become black to white ({why}); "
        "--intensity LOW:HIGH overrules this."
    )
    return low, high, (sentence, *left_out)


def _of_channels(contents: Sequence[Contents], channels: Sequence[int]) -> Remarks:
    """What is said of images that are neither grey nor in three colours."""
    counts = sorted({one.channels for one in contents} - {1, 3})
    if not counts or channels:
        return ()
    shown = "the first two as red and green" if counts == [2] else "the first three as RGB"
    if len({one.channels for one in contents}) > 1:
        raise UserError(
            f"images have {' or '.join(map(str, sorted({one.channels for one in contents})))} "
            "channels: give images of one kind, or say with --channels which are used."
        )
    return (f"images have {counts[0]} channels: {shown} are used; --channels chooses others.",)
