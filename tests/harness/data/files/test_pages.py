"""Pages of an image and of its mask are pairs; what does not agree is a sentence."""

import numpy as np
import tifffile
from user_error import user_error

from samfit.harness.data.files.pages import pages_of
from samfit.harness.data.listing import Files
from samfit.harness.data.source import ALL_PAGES, Source


def stack(path, pages, **options):
    shape = (pages, 6, 5) if pages > 1 else (6, 5)
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="minisblack", **options)
    return Source(path)


def test_a_single_page_stays_as_it_is(tmp_path):
    files = Files(stack(tmp_path / "a.tif", 1), (stack(tmp_path / "b.tif", 1),), "a")
    assert pages_of([files]) == [files]


def test_each_page_has_its_own_mask(tmp_path):
    image, mask = stack(tmp_path / "a.tif", 12), stack(tmp_path / "b.tif", 12)
    pages = pages_of([Files(image, (mask,), "a")])
    assert [page.name for page in pages] == [f"a/{index:02}" for index in range(12)]
    assert [page.image.page for page in pages] == [page.masks[0].page for page in pages]
    assert [page.image.page for page in pages] == [*range(12)]


def test_pages_that_nobody_named_are_channels_if_there_is_one_mask(tmp_path):
    image, mask = stack(tmp_path / "a.tif", 4), stack(tmp_path / "b.tif", 1)
    (page,) = pages_of([Files(image, (mask,), "a")])
    assert page.image.page == ALL_PAGES


def test_pages_that_do_not_agree_are_named(tmp_path):
    image, mask = stack(tmp_path / "a.tif", 4), stack(tmp_path / "b.tif", 3)
    with user_error("a.tif has 4 pages", "mask has 3 pages"):
        pages_of([Files(image, (mask,), "a")])
    slices = stack(tmp_path / "c.tif", 4, imagej=True, metadata={"axes": "ZYX"})
    with user_error("c.tif has 4 pages", "mask has 1 page:"):
        pages_of([Files(slices, (stack(tmp_path / "d.tif", 1),), "c")])


def test_an_axis_is_taken_along(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((7, 8, 9)))
    np.save(tmp_path / "b.npy", np.zeros((7, 8, 9), np.uint8))
    files = Files(Source(tmp_path / "a.npy"), (Source(tmp_path / "b.npy"),), "a")
    assert len(pages_of([files])) == 9
    assert len(pages_of([files], axis=1)) == 8
