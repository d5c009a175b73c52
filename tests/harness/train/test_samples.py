"""Samples: what the training step is given for an image and its mask."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from tiny_task import SIDE, Made, made, tiny_cell, tiny_data

from samfit.harness.data.example import IGNORED
from samfit.harness.step.batch import POINTS
from samfit.harness.step.losses import LOSSES
from samfit.harness.train.samples import BOX_JITTER, Samples, load, order

WHOLE = [[[0, 0, SIDE, SIDE]]]
needs_fork = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def sample(example, which=(0, 0), augment="none", **fields):
    """The batch of one example."""
    return Samples([example], tiny_cell(**fields), augment)[which][0]


def with_mask(mask, image=None):
    mask = np.asarray(mask, dtype=np.uint8)
    return Made("x", np.zeros((*mask.shape, 3), np.uint8) if image is None else image, mask)


def rectangle(top, left, bottom, right, side=SIDE):
    mask = np.zeros((side, side), dtype=np.uint8)
    mask[top:bottom, left:right] = 1
    return with_mask(mask)


EMPTY = with_mask(np.zeros((SIDE, SIDE)))

# Images and masks


@pytest.mark.parametrize(("height", "width"), [(SIDE, SIDE), (40, 100), (300, 200), (1, 7)])
def test_images_and_masks_are_squashed_to_a_square(height, width):
    batch = sample(made(1, height=max(height, 2), width=width))
    assert batch.images.shape == (1, 3, SIDE, SIDE)
    assert batch.images.dtype == torch.uint8
    assert batch.images.is_contiguous()
    assert batch.masks.shape == (1, 1, SIDE // 2, SIDE // 2)
    assert batch.masks.dtype == torch.float32
    assert batch.embedding is None


def test_an_image_of_the_right_size_is_taken_as_it_is():
    example = made(1)
    batch = sample(example, loss="structure")
    assert torch.equal(batch.images[0].permute(1, 2, 0), torch.from_numpy(example.image))
    assert torch.equal(batch.masks[0, 0], torch.from_numpy(example.mask).float())


@pytest.mark.parametrize("loss", LOSSES)
def test_masks_have_the_side_that_the_loss_is_taken_at(loss):
    assert sample(made(1), loss=loss).masks.shape[-1] == SIDE // LOSSES[loss].reduction


def test_masks_take_their_nearest_pixels_and_stay_classes():
    coarse = np.random.default_rng(0).choice([0, 1, 2, IGNORED], (8, 4))
    batch = sample(with_mask(coarse), loss="samed", settings={"classes": 3})
    expected = np.kron(coarse, np.ones((2, 4)))
    assert torch.equal(batch.masks[0, 0], torch.from_numpy(expected).float())


def test_of_a_large_mask_the_pixels_nearest_to_the_centres_remain():
    large = np.random.default_rng(0).integers(0, 200, (4 * SIDE, 4 * SIDE))
    batch = sample(with_mask(large), loss="structure")
    assert torch.equal(batch.masks[0, 0], torch.from_numpy(large[2::4, 2::4]).float())


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 200), width=st.integers(1, 200), loss=st.sampled_from([*LOSSES]))
def test_no_class_is_made_up_at_any_size(height, width, loss):
    mask = np.random.default_rng(0).choice([0, 3, IGNORED], (height, width))
    assert set(sample(with_mask(mask), loss=loss).masks.unique().tolist()) <= {0, 3, IGNORED}


def test_what_is_read_is_left_as_it_was():
    example = made(1)
    image, mask = example.image.copy(), example.mask.copy()
    for index in range(8):
        sample(example, (index, 0), "geometric")
    assert (example.image == image).all() and (example.mask == mask).all()


def test_each_example_comes_with_its_mask_at_its_own_size():
    example = made(0, height=50, width=90)
    _, truth = Samples([example], tiny_cell(), "geometric")[0, 0]
    assert (truth == example.mask).all()


# Prompts


def test_no_prompt():
    batch = sample(made(1), prompt="none")
    assert batch.boxes is batch.points is None


@pytest.mark.parametrize("phase", ["train", "infer"])
def test_a_box_is_that_of_the_whole_image(phase):
    batch = sample(made(1), prompt="box", phase=phase)
    assert batch.boxes.tolist() == WHOLE
    assert batch.points is None


def test_in_evaluation_the_box_of_a_mask_is_tight():
    batch = sample(rectangle(8, 16, 24, 56), prompt="mask_box", phase="infer")
    assert batch.boxes.tolist() == [[[16, 8, 56, 24]]]


def test_the_box_of_a_mask_is_in_pixels_of_the_input():
    batch = sample(rectangle(10, 20, 30, 70, side=128), prompt="mask_box", phase="infer")
    assert batch.boxes.tolist() == [[[10, 5, 35, 15]]]


@settings(deadline=None, max_examples=50)
@given(
    rows=st.tuples(st.integers(0, SIDE - 1), st.integers(1, SIDE)),
    columns=st.tuples(st.integers(0, SIDE - 1), st.integers(1, SIDE)),
    epoch=st.integers(0, 1000),
)
def test_in_training_the_box_of_a_mask_is_moved_outwards_by_no_more_than_the_jitter(
    rows, columns, epoch
):
    (top, height), (left, width) = rows, columns
    bottom, right = min(SIDE, top + height), min(SIDE, left + width)
    batch = sample(rectangle(top, left, bottom, right), (epoch, 0), prompt="mask_box")
    x0, y0, x1, y1 = batch.boxes[0, 0].tolist()
    reach = BOX_JITTER * SIDE
    assert max(0, left - reach) <= x0 <= left
    assert max(0, top - reach) <= y0 <= top
    assert right <= x1 <= min(SIDE, right + reach)
    assert bottom <= y1 <= min(SIDE, bottom + reach)


def test_each_epoch_moves_the_box_otherwise():
    found = {
        tuple(sample(rectangle(20, 20, 40, 40), (epoch, 0), prompt="mask_box").boxes.flatten())
        for epoch in range(5)
    }
    assert len(found) == 5


@pytest.mark.parametrize("phase", ["train", "infer"])
def test_points_lie_in_the_object_each_in_another_pixel(phase):
    example = made(3, height=90, width=40)
    inside = sample(example, loss="structure").masks[0, 0]
    seen = set()
    for epoch in range(10):
        batch = sample(example, (epoch, 0), prompt="points", phase=phase)
        assert batch.boxes is None
        assert batch.points.shape == (1, 1, POINTS, 3)
        pixels = {(int(x), int(y)) for x, y, _ in batch.points[0, 0].tolist()}
        assert len(pixels) == POINTS
        assert all(inside[y, x] == 1 for x, y in pixels)
        assert (batch.points[..., 2] == 1).all()
        assert (batch.points[..., :2] % 1 == 0).all()
        seen |= pixels
    assert len(seen) > POINTS


def test_an_object_of_one_pixel_has_one_point_and_the_others_stand_for_nothing():
    batch = sample(rectangle(5, 9, 6, 10), prompt="points")
    assert batch.points.tolist() == [[[[9.0, 5.0, 1], [0, 0, -1], [0, 0, -1]]]]


def test_a_mask_without_an_object_has_the_whole_box_or_no_points():
    assert sample(EMPTY, prompt="mask_box").boxes.tolist() == WHOLE
    assert sample(EMPTY, prompt="points").points.tolist() == [[[[0, 0, -1]] * POINTS]]


def test_pixels_that_nobody_labelled_are_no_object():
    mask = np.full((SIDE, SIDE), IGNORED)
    unlabelled = sample(with_mask(mask), prompt="mask_box", phase="infer")
    assert unlabelled.boxes.tolist() == WHOLE
    mask[4:8, 8:16] = 2
    labelled = sample(with_mask(mask), prompt="mask_box", phase="infer")
    assert labelled.boxes.tolist() == [[[8, 4, 16, 8]]]


# Augmentation

SHAPE = rectangle(4, 10, 20, 50).mask  # it differs from all that it is flipped or turned to
DRAWN = with_mask(SHAPE, np.repeat(SHAPE[..., None] * np.uint8(200), 3, axis=2))


def varied(augment, epochs=60):
    """The images (S, S) and masks (S, S) of ``DRAWN``, whose image shows its mask."""
    for epoch in range(epochs):
        batch = sample(DRAWN, (epoch, 0), augment, loss="structure", prompt="mask_box")
        yield batch.images[0, 0], batch.masks[0, 0], batch.boxes[0, 0]


@pytest.mark.parametrize("augment", ["none", "flip", "geometric"])
def test_images_and_masks_are_moved_together(augment):
    for image, mask, _ in varied(augment):
        assert torch.equal(image, (200 * mask).byte())


@pytest.mark.parametrize("augment", ["flip", "geometric"])
def test_the_prompt_is_that_of_the_mask_that_was_moved(augment):
    for _, mask, (x0, y0, x1, y1) in varied(augment):
        rows, columns = mask.nonzero(as_tuple=True)
        assert x0 <= columns.min() and columns.max() + 1 <= x1
        assert y0 <= rows.min() and rows.max() + 1 <= y1


def test_flips_go_from_left_to_right_every_other_time():
    still = torch.from_numpy(DRAWN.mask).float()
    flipped = [torch.equal(mask, still.flip(1)) for _, mask, _ in varied("flip")]
    stayed = [torch.equal(mask, still) for _, mask, _ in varied("flip")]
    assert 18 <= sum(flipped) <= 42
    assert sum(flipped) + sum(stayed) == 60


def test_the_geometric_recipe_leaves_half_of_the_images_and_turns_flips_and_shifts_the_others():
    still = torch.from_numpy(DRAWN.mask).float()
    masks = [mask for _, mask, _ in varied("geometric")]
    assert 18 <= sum(torch.equal(mask, still) for mask in masks) <= 42
    exact = [still.flip(1), still.flip(0), still.rot90(1), still.rot90(2), still.rot90(3)]
    for moved in exact[:2]:
        assert any(torch.equal(mask, moved) for mask in masks)
    assert any(torch.equal(mask, turned) for mask in masks for turned in exact[2:])
    known = [still, *exact]
    assert any(not any(torch.equal(mask, each) for each in known) for mask in masks)


@pytest.mark.parametrize("augment", ["flip", "geometric"])
def test_a_sample_depends_on_seed_epoch_and_example_alone(augment):
    example = made(1)

    def pictures(examples, index, **fields):
        cell, found = tiny_cell(prompt="mask_box", **fields), []
        for epoch in range(12):
            torch.manual_seed(epoch)
            before = torch.random.get_rng_state()
            batch, _ = Samples(examples, cell, augment)[epoch, index]
            assert torch.equal(torch.random.get_rng_state(), before)
            found.append(torch.cat([batch.images.flatten(), batch.boxes.flatten()]))
        return torch.stack(found)

    first = pictures([example], 0)
    assert torch.equal(pictures([example], 0), first)
    assert not torch.equal(pictures([example], 0, seed=1), first)
    assert not torch.equal(pictures([made(0), example], 1), first)


# Order and loading


@given(count=st.integers(1, 40), batch_size=st.integers(1, 40), seed=st.integers(0, 2**63 - 1))
def test_an_epoch_takes_no_example_twice_and_leaves_out_less_than_a_batch(count, batch_size, seed):
    batch_size = min(batch_size, count)
    per_epoch = count // batch_size
    steps = order(count, batch_size, seed, epochs=3)
    assert len(steps) == 3 * per_epoch
    assert steps[:per_epoch] == order(count, batch_size, seed, epochs=1)
    for epoch in range(3):
        batches = steps[epoch * per_epoch : (epoch + 1) * per_epoch]
        taken = [which for batch in batches for which in batch]
        assert {len(batch) for batch in batches} == {batch_size}
        assert {at for at, _ in taken} == {epoch}
        indices = [index for _, index in taken]
        assert len(set(indices)) == len(indices) == per_epoch * batch_size
        assert set(indices) <= set(range(count))


def test_each_epoch_and_each_seed_has_its_own_order():
    def shuffled(seed):
        return [tuple(i for _, i in batch) for batch in order(20, 20, seed, 3)]

    assert len({*shuffled(0), *shuffled(1)}) == 6


@needs_fork
@pytest.mark.parametrize("prompt", ["mask_box", "points"])
def test_batches_do_not_depend_on_the_number_of_workers(prompt):
    samples = Samples(tiny_data(7).train, tiny_cell(prompt=prompt), "geometric")
    batches = order(7, 3, seed=0, epochs=3)
    alone, helped = ([*load(samples, batches, workers)] for workers in (0, 2))
    assert len(alone) == len(helped) == 6
    for one, other in zip(alone, helped, strict=True):
        assert len(one.tensors()) == len(other.tensors()) == 3
        for ours, theirs in zip(one.tensors(), other.tensors(), strict=True):
            assert len(ours) == 3
            assert torch.equal(ours, theirs)
