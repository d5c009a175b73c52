"""Tiles cover an image, and what each says of it fades into what the next says."""

import numpy as np
import pytest
import torch
from cracks import cracks
from hypothesis import given, settings, strategies as st
from tiny_task import made, tiny_cell, tiny_data
from user_error import user_error

from samfit import Recipe
from samfit.harness.train.inference import labels, predict_masks, score_masks
from samfit.harness.train.prompts import NOTHING
from samfit.harness.train.tiles import Tiling, in_tiles
from samfit.harness.train.training import Training


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(0, 39))
def test_tiles_cover_every_pixel_and_have_one_size(height, width, side, overlap):
    tiling = Tiling(side, min(overlap, side - 1))
    covered = np.zeros((height, width), int)
    parts = tiling.parts((height, width))
    for part in parts:
        assert covered[part].shape == (min(side, height), min(side, width))
        covered[part] += 1
    assert covered.min() >= 1
    assert len({(part[0].start, part[1].start) for part in parts}) == len(parts)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 40), st.integers(0, 39))
def test_what_all_tiles_agree_on_is_what_comes_of_them(height, width, side, overlap):
    whole = torch.randn(2, height, width)
    tiling = Tiling(side, min(overlap, side - 1))
    blended = tiling.blended((height, width), lambda part: whole[:, part[0], part[1]])
    torch.testing.assert_close(blended, whole)


def test_neighbours_fade_into_each_other():
    tiling = Tiling(8, 4)
    values = iter([0.0, 1.0])
    blended = tiling.blended((8, 12), lambda part: torch.full((1, 8, 8), next(values)))
    middle = blended[0, 4].tolist()
    assert middle[:4] == [0] * 4
    assert middle[8:] == [1] * 4
    assert middle == sorted(middle)
    assert 0 < middle[4] < middle[7] < 1


def test_training_examples_become_their_tiles_and_others_stay():
    data = tiny_data(2, val=1, test=1)
    cut = in_tiles(data, Tiling(40, 8))
    assert (len(cut.train), len(cut.val), len(cut.test)) == (8, 1, 1)
    assert len({tile.name for tile in cut.train}) == 8
    image, mask = data.train[0].read()
    for tile in cut.train[:4]:
        part, truth = tile.read()
        row, column = map(int, tile.name.split("/")[1].split("-"))
        np.testing.assert_array_equal(part, image[row : row + 40, column : column + 40])
        np.testing.assert_array_equal(truth, mask[row : row + 40, column : column + 40])
    assert in_tiles(data, None) is data


@pytest.mark.parametrize(
    ("recipe", "cell", "words"),
    [
        (Recipe(tile=64, overlap=64), tiny_cell(), ["--overlap must be less than --tile 64"]),
        (Recipe(tile=256), tiny_cell(prompt="mask_box"), ["--tile", "--prompt mask_box"]),
        (Recipe(tile=256), tiny_cell(cache_embeddings=True), ["--tile", "--cache-embeddings"]),
    ],
)
def test_what_does_not_go_with_tiles_is_refused(recipe, cell, words):
    with user_error(*words):
        Tiling.of(recipe, cell)
    assert Tiling.of(Recipe(), cell) is None


def test_a_model_is_trained_on_tiles_and_scored_on_whole_images():
    data, recipe = tiny_data(2, val=1), Recipe(epochs=1, tile=32, overlap=8, warmup=0)
    cell = tiny_cell()
    training = Training(cell, recipe, in_tiles(data, Tiling.of(recipe, cell)))
    for _ in training.run():
        pass
    assert training.total == 9
    assert 0 <= training.history.validations[-1]["iou"] <= 1
    example = made(7, height=50, width=90)
    _, (scored,) = score_masks(cell, training.model, [example], keep=1, tiling=training.tiling)
    (logits,) = predict_masks(cell, training.model, example.image, NOTHING, training.tiling)
    np.testing.assert_array_equal(labels(logits), scored)
    assert scored.shape == (50, 90)


def test_recipes_without_tiles_are_told_as_before_there_were_any():
    assert "tile" not in Recipe().told
    assert Recipe(tile=64).told["overlap"] == 128


@pytest.mark.slow
def test_cracks_that_the_input_hides_are_found_in_tiles():
    data, scores = cracks(train=8, test=2), {}
    for tile, epochs in ((256, 3), (0, 48)):  # as many steps
        cell = tiny_cell("full", image_size=256, batch_size=4, loss="balanced_bce",
                         checkpoint="miniature", prompt="none")  # fmt: skip
        recipe = Recipe(epochs=epochs, learning_rate=3e-3, tile=tile, overlap=0)
        tiling = Tiling.of(recipe, cell)
        training = Training(cell, recipe, in_tiles(data, tiling))
        for _ in training.run():
            pass
        assert training.done == 96
        metrics, _ = score_masks(cell, training.model, data.test, tiling=tiling)
        scores[tile] = metrics.summary()["iou"].value
    foreground = np.mean([example.mask.mean() for example in data.test])
    assert scores[256] >= 1.5 * scores[0]
    assert scores[0] > foreground  # it has not merely collapsed
