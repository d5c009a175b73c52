"""Values become a mask, or the file that holds one without a meaning is refused."""

import numpy as np
import pytest

from samfit.harness.data.example import IGNORED
from samfit.harness.data.files.fault import PictureError
from samfit.harness.data.masks.meaning import Meaning

BINARY = Meaning(told="binary", table=((0, 0), (255, 1)))
CLASSES = Meaning(told="classes", classes=3, ignored=(-1, IGNORED))
CODED = Meaning(told="coded", classes=3, table=((0xFF0000, 1), (0, 0), (7, 2)), colours=True)
IDS = Meaning(told="instances", ignored=(9,))
SOFT = Meaning(told="soft", threshold=0.5)
ANY = Meaning(told="binary", table=((0, 0),), others=1)


@pytest.mark.parametrize(
    ("meaning", "values", "mask"),
    [
        (BINARY, np.uint8([[0, 255]]), [[0, 1]]),
        (BINARY, np.array([[0.0, 255.0]]), [[0, 1]]),
        (CLASSES, np.int64([[-1, 255, 2, 0]]), [[IGNORED, IGNORED, 2, 0]]),
        (CLASSES, np.float32([[1, 2, 255]]), [[1, 2, IGNORED]]),
        (CODED, np.uint8([[[255, 0, 0], [0, 0, 0], [0, 0, 7]]]), [[1, 0, 2]]),
        (CODED, np.uint8([[0, 0]]), [[0, 0]]),
        (IDS, np.uint16([[0, 300, 9, 65535]]), [[[0, 300, 0, 65535]]]),
        (IDS, np.uint64([[0, 2**63, 9, 3]]), [[[0, 2, 0, 1]]]),
        (IDS, np.array([[True, False]]), [[[1, 0]]]),
        (SOFT, np.float32([[0.5, 0.51, 1]]), [[0, 1, 1]]),
        (ANY, np.int32([[-3, 0, 70_000]]), [[1, 0, 1]]),
    ],
)
def test_it_is_applied(meaning, values, mask):
    found = meaning.apply(values)
    assert found.dtype == (np.int32 if meaning is IDS else np.uint8)
    assert found.tolist() == mask


@pytest.mark.parametrize(
    ("meaning", "values", "words"),
    [
        (BINARY, np.uint8([[0, 254]]), "holds 254"),
        (CLASSES, np.uint8([[0, 3]]), "class 3"),
        (CLASSES, np.int8([[0, -2]]), "class -2"),
        (CLASSES, np.float32([[0, 1.5]]), "holds 1.5"),
        (CODED, np.uint8([[[255, 0, 1]]]), "ff0001"),
        (CODED, np.uint8([[255]]), "ffffff"),
        (IDS, np.int32([[-4]]), "below 0"),
        (IDS, np.float64([[0.25]]), "0.25"),
        (IDS, np.uint8([[[1, 2, 3]]]), "in colours"),
        (SOFT, np.float32([[np.nan]]), "no numbers"),
        (BINARY, np.float32([[np.inf]]), "no numbers"),
    ],
)
def test_what_has_no_meaning_is_refused(meaning, values, words):
    with pytest.raises(PictureError, match=words):
        meaning.apply(values)
