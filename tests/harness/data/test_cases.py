"""Data as people have it is read right, or refused in a sentence that says what settles it."""

import numpy as np
import pytest
from data_sets import CASES
from user_error import user_error

import samfit

SAMPLES = sorted(CASES)


@pytest.mark.parametrize("name", SAMPLES)
def test_it_reads_right_or_says_what_settles_it(tmp_path, name):
    right = CASES[name](tmp_path / name)
    if right.refused:
        with user_error(*right.refused):
            samfit.open_data(tmp_path / name)
    data = samfit.open_data(tmp_path / name, **right.settled)
    summary = samfit.summarise(data)
    found = {**vars(summary), **summary.masks}
    assert {key: found[key] for key in right.says} == right.says
    for words in right.remarks:
        assert any(words in remark for remark in summary.remarks), summary.remarks
    for example, truth in zip(data.train, right.masks, strict=True):
        image, mask = example.read()
        assert image.shape == (*mask.shape[-2:], 3)
        read = (mask > 0).any(0) if data.kind == "instances" else mask
        assert (read == ((truth > 0) if data.kind == "instances" else truth)).all(), example.name
    share = np.mean([(truth > 0).mean() for truth in right.masks])
    assert summary.foreground_share == pytest.approx(share, abs=0.02)
