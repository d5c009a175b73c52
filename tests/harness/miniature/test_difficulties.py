"""Each task is hard in the way of its family."""

import numpy as np
from scipy.ndimage import (
    distance_transform_edt,
    gaussian_filter,
    gaussian_gradient_magnitude,
    label,
)

from samfit.harness.miniature.tasks import shadow, transparent


def outside(mask, nearest=2, farthest=400):
    """What lies so many pixels away from the mask."""
    away = distance_transform_edt(mask == 0)
    return (away > nearest) & (away <= farthest)


def inside(mask, depth=2):
    return distance_transform_edt(mask) > depth


def overlap(one, other):
    """What two samples of grey values have in common: 1 if their histograms are the same."""
    edges = np.linspace(0, 1, 17)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (one, other)]
    return np.minimum(*shares).sum()


def test_camouflage_cannot_be_found_by_its_colours(drawings):
    differences, shared = [], []
    for image, mask in zip(*drawings("camouflage"), strict=True):
        animal, rest = image[inside(mask)], image[outside(mask)]
        differences.append(animal.mean(0) - rest.mean(0))
        shared.append(overlap(animal.mean(1), rest.mean(1)))
    assert np.abs(np.mean(differences, 0)).max() < 0.02
    assert np.abs(differences).max() < 0.12
    assert np.median(shared) > 0.75


def test_camouflage_can_be_found_by_its_texture(drawings):
    """The gradients inside differ from those outside in strength or direction."""
    differ = []
    for image, mask in zip(*drawings("camouflage"), strict=True):
        down, right = np.gradient(gaussian_filter(image.mean(2), 1))
        features = np.array([down**2, right**2, down * right])
        animal, rest = (features[:, where].mean(1) for where in (inside(mask), outside(mask)))
        differ.append(np.abs(animal - rest).sum() / (animal[:2] + rest[:2]).sum())
    assert np.median(differ) > 0.25


def test_a_shadow_is_darker_and_bluer_than_its_surroundings(drawings):
    for image, mask in zip(*drawings("shadow"), strict=True):
        dark, lit = image[inside(mask)].mean(0), image[outside(mask, 2, 12)].mean(0)
        assert dark.mean() < lit.mean() - 0.05
        assert dark[2] / lit[2] > dark[0] / lit[0]


def test_a_shadow_keeps_the_texture_of_the_ground():
    kept = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        lit, cast = shadow.ground(rng), shadow.cast_shadow(rng)
        seen = shadow.in_shadow(rng, lit, cast)
        assert np.array_equal(lit[cast == 0], seen[cast == 0])
        within = cast > 0.999
        if within.sum() > 500:
            kept.append(np.corrcoef(lit[within][:, 1], seen[within][:, 1])[0, 1])
    assert len(kept) > 4
    assert min(kept) > 0.99


def test_other_things_are_as_dark_as_shadows(drawings):
    as_dark = []
    for image, mask in zip(*drawings("shadow"), strict=True):
        grey = image.mean(2)
        as_dark.append((grey[outside(mask, 4)] < grey[inside(mask)].mean()).sum())
    assert np.mean(np.array(as_dark) > 200) > 0.7


def test_a_polyp_has_nearly_the_colour_of_what_surrounds_it(drawings):
    away, spread = [], []
    for image, mask in zip(*drawings("polyp"), strict=True):
        around = image[outside(mask, 2, 16)]
        away.append(np.abs(image[inside(mask)].mean(0) - around.mean(0)).max())
        spread.append(image[outside(mask, 2, 40)].std(0).max())
    assert np.median(away) < 0.1
    assert np.median(away) < np.median(spread)


def test_a_lesion_is_darker_than_skin_but_other_things_are_as_dark(drawings):
    darker, as_dark = [], []
    for image, mask in zip(*drawings("lesion"), strict=True):
        grey = image.mean(2)
        lesion = grey[inside(mask)].mean()
        darker.append(grey[outside(mask, 2, 16)].mean() - lesion)
        as_dark.append((grey[outside(mask, 4)] < lesion).mean())
    assert np.mean(np.array(darker) > 0.02) > 0.9
    assert np.median(as_dark) > 0.01


def test_the_border_of_a_lesion_is_wide(drawings):
    """The step at the border, over the steepest slope there, takes several pixels."""
    widths = []
    for image, mask in zip(*drawings("lesion"), strict=True):
        grey = image.mean(2)
        slope = gaussian_gradient_magnitude(grey, 1)
        border = ~inside(mask, 1) & ~outside(mask, 1)
        step = grey[outside(mask, 2, 12)].mean() - grey[inside(mask, 6)].mean()
        widths.append(step / np.median(slope[border]))
    assert np.median(widths) > 4


def test_leaf_spots_are_many_and_small(drawings):
    sizes = []
    for mask in drawings("leaf_disease")[1]:
        parts, count = label(mask)
        assert count >= 5
        sizes += np.bincount(parts.flat)[1:].tolist()
    assert np.median(sizes) < 16**2


def test_spots_are_brown_on_a_green_leaf_and_so_is_the_soil(drawings):
    images, masks = drawings("leaf_disease")
    for image, mask in zip(images, masks, strict=True):
        green = image[..., 1] - image[..., 0]
        assert green[outside(mask, 2, 8)].mean() > green[mask > 0].mean() + 0.03
    brown = (images[..., 0] > images[..., 1]) & (masks == 0)
    assert brown.mean((1, 2)).min() > 0.1


def test_roads_are_thin_and_connected(drawings):
    masks = drawings("road")[1]
    for mask in masks:
        parts, _ = label(mask, np.ones((3, 3)))
        assert np.bincount(parts.flat)[1:].max() > 0.9 * mask.sum()
    wide = [(distance_transform_edt(mask) > 6).sum() for mask in masks]
    assert sum(wide) < 0.02 * masks.sum()


def test_roofs_are_as_grey_as_roads(drawings):
    alike = []
    for image, mask in zip(*drawings("road"), strict=True):
        away = np.abs(image - np.median(image[mask > 0], axis=0)).max(2)
        alike.append((away[outside(mask, 2, 20)] < 0.06).sum())
    assert np.median(alike) > 100


def test_what_is_behind_glass_shines_through():
    alike = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        room = transparent.room(rng, 0.5)
        pane, cup = transparent.pane(rng), transparent.vessel(rng, 0.5)
        through_pane = transparent.through_pane(rng, room, pane)
        through_cup = transparent.through_vessel(rng, room, cup)
        for glass, seen in ((pane, through_pane), (cup, through_cup)):
            within = glass > 0.999
            alike.append(np.corrcoef(room[within].flat, seen[within].flat)[0, 1])
            assert np.abs(room - seen)[within].mean() > 0.01
    assert np.median(alike) > 0.6


def test_panes_are_straight_and_most_vessels_are_not():
    """How much a shape's width, row by row, departs from a line."""
    rng = np.random.default_rng(0)

    def bend(shape):
        widths = (shape > 0.5).sum(1)
        widths = widths[widths > 0]
        widths = widths[len(widths) // 5 : -(len(widths) // 5)]
        rows = np.arange(len(widths))
        return np.std(widths - np.polyval(np.polyfit(rows, widths, 1), rows))

    panes = [bend(transparent.pane(rng)) for _ in range(20)]
    vessels = [bend(transparent.vessel(rng, 0.6)) for _ in range(20)]
    assert np.median(vessels) > 3 * np.median(panes)
