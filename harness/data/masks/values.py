"""The values of all masks together."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from samfit.harness.data.example import IGNORED
from samfit.harness.data.masks.look import Look

TOPS = (1, 255, 65535)  # white
NEAR = 0.06  # of white: so near black or white is what JPEG leaves of them
FEWEST_LEVELS = 3  # between black and white, of edges that were smeared
WHITE = 0.75  # of white: where the largest value is below, levels of grey are not meant
MOSTLY_BLACK_AND_WHITE = 0.5  # share of pixels, at least
EDGES_ARE_FLAT = 0.5  # share of pixels in between whose neighbour holds the same, at most


class Values:
    """The values of all masks of a data set.

    Attributes:
        ignored: values of pixels that nobody labelled, as the user says.
        colours: whether they are colours, 0xRRGGBB.
        pixels: how many have each value.
        used: all values but those that are ignored, from the least.
    """

    def __init__(self, looks: Sequence[Look], ignored: tuple[float, ...] = ()) -> None:
        self.looks, self.ignored = looks, ignored
        self.colours = any(look.colours for look in looks)
        self.pixels = Counter[float]()
        for look in looks:
            grey = self.colours and not look.colours
            self.pixels.update({v * 0x010101 if grey else v: n for v, n in look.pixels.items()})
        self.used = sorted(self.pixels.keys() - {*ignored})
        self.fractions = any(look.fractions for look in looks)
        self.lossy = any(look.lossy for look in looks)

    @property
    def labels(self) -> list[float]:
        """What may be classes or ids: values but 0, and but 255, which may be unlabelled."""
        return [value for value in self.used if value not in (0, IGNORED)]

    @property
    def black_and_white(self) -> bool:
        """Whether each mask has 0 and 1, or 0 and white."""
        allowed = [{0, top} for top in TOPS]
        ignored = {*self.ignored}
        return not self.colours and all(
            any(look.values - ignored <= each for each in allowed) for look in self.looks
        )

    @property
    def white(self) -> int:
        """The value that is white, in the type that these values most likely have."""
        return next((top for top in TOPS if self.used[-1] <= top), TOPS[-1])

    @cached_property
    def soft(self) -> bool:
        """Whether they are levels from black to white: edges that were smeared."""
        if self.colours or self.used[0] < 0 or self.used[-1] < WHITE * self.white:
            return False
        near = NEAR * self.white
        if len(self.used) < 2 + FEWEST_LEVELS and not (self.lossy or self.fractions):
            return False  # a few values are more likely codes
        ends = sum(n for v, n in self.pixels.items() if min(v, abs(self.white - v)) <= near)
        if ends < MOSTLY_BLACK_AND_WHITE * self.pixels.total():
            return False
        return self.lossy or self.fractions or self.flat < EDGES_ARE_FLAT

    @property
    def flat(self) -> float:
        """Share of the pixels that are not of the least or largest value of their mask whose
        neighbour holds the same."""
        flats = [look.flat for look in self.looks if len(look.pixels) > 2]
        return sum(flats) / len(flats) if flats else 1.0

    @property
    def alone(self) -> float:
        """Share of the values in masks that form a single region."""
        regions = sum(look.regions for look in self.looks)
        return sum(look.alone for look in self.looks) / regions if regions else 0.0

    @cached_property
    def _labels_of_masks(self) -> list[set[float]]:
        labels = {*self.labels}
        return [look.values & labels for look in self.looks if look.values & labels]

    @property
    def filled(self) -> float:
        """Of the numbers up to the largest label of each mask, the share that is there."""
        return sum(map(len, self._labels_of_masks)) / sum(map(max, self._labels_of_masks))

    @property
    def counts_differ(self) -> bool:
        """Whether the labels of each mask count from 1, and some masks have more than others."""
        counts = {len(each) for each in self._labels_of_masks}
        return len(counts) > 1 and all(len(each) == max(each) for each in self._labels_of_masks)
