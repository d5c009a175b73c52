"""The picture of the worst masks."""

import numpy as np
import pytest
from matplotlib.text import Text

from samfit.harness.record.shown import Shown
from samfit.harness.report.accuracy.gallery import MISSED, RIGHT
from samfit.harness.report.accuracy.worst import draw_worst


def shown(name="a", height=40, width=60, classes=1):
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2] = classes - 1 or 1
    image = np.full((height, width, 3), 90, np.uint8)
    return Shown(name=name, score=0.125, image=image, truth=mask, mask=0 * mask)


def texts(figure):
    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_image_has_three_tiles_with_its_name_and_score(count):
    figure = draw_worst([shown(f"image {index}") for index in range(count)], "photos, test", 1)
    (axes,) = figure.axes
    assert len(axes.images) == 3 * count
    assert [text for text in texts(figure) if text.startswith("image ")] == [
        f"image {index}" for index in range(count)
    ]
    assert texts(figure).count("0.125") == count
    assert any("photos, test with the lowest IoU" in text for text in texts(figure))


def test_what_is_missed_is_in_its_colour_and_no_image_is_distorted():
    figure = draw_worst([shown()], "photos", 1)
    _, truth, mask = (image.get_array() for image in figure.axes[0].images)
    assert mask.shape == (60, 60, 3)
    assert (np.asarray(mask)[:10] == 1).all()
    for picture, colour in ((truth, RIGHT), (mask, MISSED)):
        edge = np.round(255 * picture[29, 30]).astype(int)  # the lower end of the object
        assert "#{:02X}{:02X}{:02X}".format(*edge) == colour


def test_classes_are_named_and_long_names_cut():
    figure = draw_worst([shown("x" * 99, classes=3)], "maps", 3, ("ground", "tree", "house"))
    assert {"tree", "house", "…" + "x" * 26} <= set(texts(figure))
    assert "class_2" in texts(draw_worst([shown(classes=3)], "maps", 3))
