"""The values of all masks together."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from samfit.harness.data.example import IGNORED
from samfit.harness.data.masks.look import NEAR, Look

TOPS = (1, 255, 65535)  # white
FEWEST_LEVELS = 3  # between black and white, of edges that were smeared
WHITE = 0.75  # of white: where the largest value is below, levels of grey are not meant
MOSTLY_BLACK_AND_WHITE = 0.5  # share of pixels, at least
# Shares of the pixels between black and white that lie on slopes. Measured: 0.67 and more where
# edges were smeared or resized, 0.06 and less where values are regions.
SMEARED = 0.5
# The same in JPEGs of qualities from 95 to 20: 0.57 and more lie where black meets white if edges
# are sharp; most are on slopes if these were smeared before; regions and lines of grey have at most
# 0.45 where black meets white.
MEETING = 0.5
BLURRED = 0.9
FILLED = 0.8  # share of the numbers up to the largest label that masks hold, if they count objects
ALIKE = 0.8  # share of masks with the same largest label, from which they do not count objects
FEWEST_ALIKE = 3  # masks that show it
OBJECTS = 3  # labels: so few are mostly classes
TOUCHING = 0.25  # share of masks in which labels touch, of objects that lie apart


class Values:
    """The values of all masks of a data set.

    Attributes:
        ignored: values of pixels that nobody labelled, as the user says, as far as there are any.
        colours: whether they are colours, 0xRRGGBB.
        pixels: how many have each value.
        used: all values but those that are ignored, from the least.
    """

    def __init__(self, looks: Sequence[Look], ignored: Sequence[float] = ()) -> None:
        self.looks = looks
        self.colours = any(look.colours for look in looks)
        self.pixels = Counter[float]()
        for look in looks:
            self.pixels.update(self._counts(look))
        self.ignored = tuple(value for value in ignored if value in self.pixels)
        self.used = sorted(self.pixels.keys() - {*ignored})
        self.fractions = any(look.fractions for look in looks)
        self.lossy = any(look.lossy for look in looks)

    def _counts(self, look: Look) -> dict[float, int]:
        """Pixels of one mask by value; where others are in colours, grey is a colour as well."""
        grey = self.colours and not look.colours
        return {v * 0x010101: n for v, n in look.pixels.items()} if grey else look.pixels

    def of(self, look: Look) -> set[float]:
        """The values of one of the masks."""
        return {*self._counts(look)}

    @cached_property
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
        levels = [value for value in self.used if near < value < self.white - near]
        if len(levels) < FEWEST_LEVELS and not self.lossy:
            return False  # a few values are more likely codes
        total = self.pixels.total()
        between = sum(self.pixels[value] for value in levels)
        if total - between < MOSTLY_BLACK_AND_WHITE * total:
            return False
        if self.lossy:
            return not between or self.meetings >= MEETING or self.slopes >= BLURRED
        return self.slopes >= SMEARED

    @property
    def slopes(self) -> float:
        """Share of the pixels between the least and the largest value that lie on slopes."""
        between = sum(look.between for look in self.looks)
        return sum(look.slopes for look in self.looks) / between if between else 0.0

    @property
    def meetings(self) -> float:
        """Share of these pixels that lie where black meets white, of masks in lossy files."""
        between = sum(look.between for look in self.looks)
        return sum(look.meetings for look in self.looks) / between if between else 0.0

    @property
    def alone(self) -> float:
        """Share of the values in masks that form a single region."""
        regions = sum(look.regions for look in self.looks)
        return sum(look.alone for look in self.looks) / regions if regions else 0.0

    @cached_property
    def _of_masks(self) -> list[set[float]]:
        """The labels of each mask that has any."""
        labels = {*self.labels}
        return [look.values & labels for look in self.looks if look.values & labels]

    @property
    def filled(self) -> float:
        """Of the numbers up to the largest label of each mask, the share that is there."""
        return sum(map(len, self._of_masks)) / sum(map(max, self._of_masks))

    @property
    def count(self) -> bool:
        """Whether the labels of masks may count their objects.

        They do if those of each begin at 1 with few gaps and end at different numbers, or if no
        label is in two masks. Classes recur, and mostly all of them. Of few labels more is asked:
        that there is no gap, and that they mostly do not touch, as parts of an object do.
        """
        masks = self._of_masks
        if len(masks) > 1 and sum(map(len, masks)) == len(self.labels):
            return True
        ends = Counter(map(max, masks)).most_common(1)[0][1]
        few = len(masks) < FEWEST_ALIKE
        if max(self.labels) <= OBJECTS:
            apart = sum(look.touching for look in self.looks) < TOUCHING * len(masks)
            return not few and ends < ALIKE * len(masks) and self.filled == 1 and apart
        return (few or ends < ALIKE * len(masks)) and self.filled >= FILLED

    @property
    def unlabelled_ids(self) -> bool:
        """Whether 255 is no id among ids: the numbers before it are in no mask that holds it."""
        holding = [look.values for look in self.looks if IGNORED in look.values]
        return bool(holding) and not any(
            any(IGNORED / 2 < value != IGNORED for value in values) for values in holding
        )
