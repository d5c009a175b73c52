"""Masks that come back from records, and those that do not."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from synthetic_records import scored

from samfit.harness.report.accuracy.masks import mask_of, picture

CAMOUFLAGE, TRANSPARENT = picture("camouflage", 0), picture("transparent", 0)


def encoded(pixels, **how):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", **how)
    return base64.b64encode(content.getvalue()).decode()


def keeping(text, record):
    """A record whose first mask is ``text``."""
    return replace(record, accuracy=replace(record.accuracy, masks_png=[text]))


@pytest.mark.parametrize("shown", [CAMOUFLAGE, TRANSPARENT], ids=lambda shown: shown.task)
def test_a_mask_comes_back_with_its_score(shown):
    mask, score = mask_of(scored(task=shown.task, masks=[9]), shown)
    np.testing.assert_array_equal(mask, np.roll(shown.truth, 9, axis=1))
    assert 0.1 < score < 0.95
    assert mask_of(scored(task=shown.task, masks=[0]), shown)[1] == pytest.approx(1)


def test_a_record_may_keep_fewer_masks_than_are_asked_for():
    assert mask_of(scored(masks=[9]), picture("camouflage", 1)) is None
    assert mask_of(scored(), CAMOUFLAGE) is None


TRUTH = CAMOUFLAGE.truth * np.uint8(255)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("no base64", id="text"),
        pytest.param(base64.b64encode(b"no picture").decode(), id="bytes"),
        pytest.param(encoded(TRUTH)[:400], id="torn"),
        pytest.param(encoded(TRUTH[:128]), id="smaller"),
        pytest.param(encoded(np.stack(3 * [TRUTH], axis=2)), id="colours"),
        pytest.param(encoded(TRUTH.astype(np.uint16)), id="16 bits"),
    ],
)
def test_what_is_no_mask_is_left_out(text):
    perfect = scored(masks=[0])
    assert mask_of(keeping(encoded(TRUTH), perfect), CAMOUFLAGE)
    assert mask_of(keeping(text, perfect), CAMOUFLAGE) is None


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300))
def test_no_damage_to_a_file_is_an_error(noise, start):
    content = bytearray(base64.b64decode(encoded(TRUTH)))
    content[start : start + len(noise)] = noise
    mask_of(keeping(base64.b64encode(content).decode(), scored(masks=[9])), CAMOUFLAGE)


def test_a_class_that_the_task_does_not_have_is_no_mask_nor_is_that_of_another_image():
    perfect = scored(task="transparent", masks=[0])
    assert mask_of(keeping(encoded(TRANSPARENT.truth), perfect), TRANSPARENT)
    assert mask_of(keeping(encoded(3 * TRANSPARENT.truth), perfect), TRANSPARENT) is None
    assert mask_of(scored(masks=[9]), CAMOUFLAGE)
    elsewhere = picture("camouflage", 1)._replace(number=0)
    assert mask_of(scored(masks=[9]), elsewhere) is None
