"""Every file of pictures becomes the values that were written, and damage becomes a sentence."""

from contextlib import contextmanager

import cv2
import nibabel
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.files import picture
from samfit.harness.data.files.intensity import Intensity, to_pixels
from samfit.harness.data.files.read import glance, is_picture, probe, read_pixels, read_values
from samfit.harness.data.source import ALL_PAGES, Source

ENDINGS = {
    "1": ["png", "tif", "bmp", "pbm"],
    "L": ["png", "tif", "bmp", "gif", "pgm", "jpg", "webp", "jp2"],
    "LA": ["png", "tif"],
    "P": ["png", "tif", "bmp", "gif"],
    "RGB": ["png", "tif", "bmp", "ppm", "jpg", "webp", "jp2"],
    "RGBA": ["png", "tif", "webp"],
    "CMYK": ["tif", "jpg"],
    "YCbCr": ["jpg"],
    "I;16": ["png", "tif"],
}
WHITE = {"CMYK": (0, 0, 0, 0), "YCbCr": (255, 128, 128), "I;16": 65535}
CASES = [(mode, ending) for mode, endings in ENDINGS.items() for ending in endings]
NOISE = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)

small = array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7)
bytes_of = arrays(np.uint8, small)


@contextmanager
def read_or_refused(file):
    """The block succeeds, or ends with one sentence that names the file."""
    try:
        yield
    except UserError as error:
        assert file.name in str(error)
        assert "\n" not in str(error)
        assert str(error).endswith(".")


def values(file, **where):
    return read_values(Source(file, **where)).upright()


def pixels(file, **where):
    return read_pixels(Source(file, **where)).upright()


@pytest.mark.parametrize(("mode", "ending"), CASES)
def test_every_mode_is_read(tmp_path, mode, ending):
    file = tmp_path / f"a.{ending}"
    Image.new(mode, (5, 3), WHITE.get(mode, "white")).save(file)
    high = 65535 if mode == "I;16" else 255
    rgb = to_pixels(pixels(file), Intensity(high=high))
    assert rgb.shape == (3, 5, 3)
    assert rgb.dtype == np.uint8
    assert (rgb >= 250).all()
    assert rgb.flags.writeable
    assert is_picture(file.name)
    found = probe(Source(file))
    assert (found.size, found.pages) == ((3, 5), 1)
    if ending not in ("gif", "webp"):  # which store no grey
        assert found.channels == (1 if mode in ("1", "L", "LA", "I;16") else 3)
    glance(Source(file))


@settings(deadline=None, max_examples=40)
@given(
    values_=arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.int64, np.float32]),
        array_shapes(min_dims=2, max_dims=2, min_side=5, max_side=8),
        elements=st.integers(0, 100),
    ),
    ending=st.sampled_from(["png", "tif", "npy", "npz", "nii.gz"]),
    pages=st.sampled_from([1, 3, 6]),
)
def test_what_is_written_is_read(tmp_path_factory, values_, ending, pages):
    stack = np.stack([values_ + page for page in range(pages)])
    stored = stack if pages > 1 else values_
    file = tmp_path_factory.mktemp("written") / f"a.{ending}"
    key, axis = "", -1
    match ending:
        case "png":
            if values_.dtype not in (np.uint8, np.uint16) or pages > 1:
                return
            Image.fromarray(values_).save(file)
        case "tif":
            tifffile.imwrite(file, stored, photometric="minisblack")
        case "npy":
            np.save(file, stored)
            axis = 0 if pages > 1 else -1
        case "npz":
            np.savez(file, a=stored)
            key, axis = "a", 0 if pages > 1 else -1
        case _:
            if values_.dtype == np.int64:
                return
            nibabel.save(nibabel.Nifti1Image(np.moveaxis(stack, 0, -1), np.eye(4)), file)
    found = probe(Source(file, key=key, axis=axis))
    assert (found.pages, found.size, found.dtype) == (pages, values_.shape, str(values_.dtype))
    for page in range(pages):
        read = values(file, key=key, axis=axis, page=page)
        np.testing.assert_array_equal(read, stack[page])
        assert read.dtype == values_.dtype


@pytest.mark.parametrize(
    ("shape", "options", "pages", "channels"),
    [
        ((3, 9, 8), {"imagej": True, "metadata": {"axes": "CYX"}}, 1, 3),
        ((5, 9, 8), {"imagej": True, "metadata": {"axes": "ZYX"}}, 5, 1),
        ((5, 2, 9, 8), {"imagej": True, "metadata": {"axes": "ZCYX"}}, 5, 2),
        ((2, 5, 9, 8), {"ome": True, "metadata": {"axes": "CZYX"}}, 5, 2),
        ((4, 9, 8), {"ome": True, "metadata": {"axes": "TYX"}}, 4, 1),
        ((9, 8, 3), {"photometric": "rgb"}, 1, 3),
        ((2, 9, 8, 3), {"photometric": "rgb"}, 2, 3),
        ((3, 9, 8), {"photometric": "rgb", "planarconfig": "separate"}, 1, 3),
        ((9, 8, 5), {"photometric": "minisblack", "planarconfig": "contig"}, 1, 5),
        ((6, 9, 8), {"photometric": "minisblack", "compression": "zlib"}, 6, 1),
    ],
)
def test_axes_of_a_tiff_are_told_by_their_names(tmp_path, shape, options, pages, channels):
    stack = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, stack, **options)
    found = probe(Source(file))
    assert (found.pages, found.channels, found.size) == (pages, channels, (9, 8))
    read = np.stack([np.atleast_3d(pixels(file, page=page)) for page in range(pages)])
    assert read.shape == (pages, 9, 8, channels)
    assert {*read.ravel().tolist()} == {*range(stack.size)}
    axes = options.get("metadata", {}).get("axes")
    if axes == "CZYX":
        np.testing.assert_array_equal(read, np.moveaxis(stack, 0, -1))


def test_files_of_one_channel_each_are_one_picture(tmp_path):
    channels = np.random.default_rng(0).integers(0, 999, (4, 5, 6), dtype=np.uint16)
    paths = [tmp_path / f"a_{n}.tif" for n in range(4)]
    for path, channel in zip(paths, channels, strict=True):
        tifffile.imwrite(path, channel)
    source = Source(paths[0], more=tuple(paths[1:]))
    glance(source)
    assert (probe(source).size, probe(source).channels) == ((5, 6), 4)
    np.testing.assert_array_equal(read_pixels(source).values, np.moveaxis(channels, 0, -1))
    tifffile.imwrite(paths[2], channels[0, :4])
    with user_error("a_2.tif is not one channel", "a_0.tif"):
        probe(source)


def test_a_volume_that_is_scaled_has_the_type_of_what_is_read(tmp_path):
    volume = nibabel.Nifti1Image(np.arange(210, dtype=np.uint8).reshape(5, 6, 7), np.eye(4))
    volume.header.set_slope_inter(100, 0)
    nibabel.save(volume, tmp_path / "a.nii.gz")
    source = Source(tmp_path / "a.nii.gz")
    assert probe(source).dtype == str(read_pixels(source).values.dtype) == "float64"
    assert read_pixels(source).values.max() > 255


def test_all_pages_may_be_channels(tmp_path):
    stack = np.arange(4 * 9 * 8, dtype=np.uint8).reshape(4, 9, 8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    found = probe(Source(tmp_path / "a.tif"))
    assert (found.pages, found.unnamed) == (4, True)
    source = Source(tmp_path / "a.tif", ALL_PAGES)
    assert (probe(source).pages, probe(source).channels) == (1, 4)
    np.testing.assert_array_equal(read_pixels(source).values, np.moveaxis(stack, 0, -1))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", None])
def test_compressed_pages_are_read_one_by_one(tmp_path, compression):
    pages = [Image.fromarray(NOISE + np.uint8(page)) for page in range(3)]
    file = tmp_path / "a.tif"
    pages[0].save(file, save_all=True, append_images=pages[1:], compression=compression)
    assert probe(Source(file)).pages == 3
    for page in range(3):
        np.testing.assert_array_equal(values(file, page=page), NOISE + np.uint8(page))


def test_pictures_of_other_sizes_in_a_tiff_are_counted(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(NOISE)
        file.write(NOISE[:4, :4])
    assert probe(Source(tmp_path / "a.tif")).others == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_16_bits_in_several_channels_keep_all_of_them(tmp_path, mode):
    deep = np.random.default_rng(0).integers(0, 4096, (5, 4, 3), dtype=np.uint16)
    file = tmp_path / "a.png"
    alpha = np.full((5, 4, 1), 65535, np.uint16)
    stored = np.concatenate([deep, alpha], axis=2) if mode == "RGBA" else deep
    order = [2, 1, 0, 3][: stored.shape[2]]
    assert cv2.imwrite(str(file), stored[..., order])
    assert probe(Source(file)).dtype == "uint16"
    np.testing.assert_array_equal(pixels(file), deep)


@settings(deadline=None, max_examples=25)
@given(levels=bytes_of)
def test_a_palette_is_colours_in_an_image_and_indices_in_a_mask(tmp_path_factory, levels):
    file = tmp_path_factory.mktemp("palette") / "a.png"
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    image = Image.fromarray(levels)
    image.putpalette(palette.tobytes())
    image.save(file)
    np.testing.assert_array_equal(values(file), levels)
    np.testing.assert_array_equal(pixels(file), palette[levels])


@pytest.mark.parametrize("white_first", [False, True])
def test_a_palette_of_black_and_white_means_its_colours(tmp_path, white_first):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    black, white = [0, 0, 0], [255, 255, 255]
    image.putpalette([*white, *black] if white_first else [*black, *white])
    image.save(tmp_path / "a.png")
    assert (values(tmp_path / "a.png") > 0).tolist() == [[white_first, not white_first]]


def test_a_transparent_palette_is_read_without_warning(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png", transparency=b"\x00\x80")
    assert pixels(tmp_path / "a.png")[0, 0].tolist() == [10, 20, 30]


def test_transparency_is_dropped_from_images_and_is_background_in_masks(tmp_path):
    for ending in ("png", "tif"):
        file = tmp_path / f"a.{ending}"
        white_on_nothing = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
        white_on_nothing.putpixel((1, 0), (255, 255, 255, 255))
        white_on_nothing.save(file)
        assert pixels(file).min() == 255
        assert values(file).tolist() == [[0, 255]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_a_mask_may_have_equal_channels_or_colours(tmp_path, mode):
    Image.fromarray(NOISE).convert(mode).save(tmp_path / "a.png")
    np.testing.assert_array_equal(values(tmp_path / "a.png"), NOISE)
    Image.new("RGB", (2, 2), "red").save(tmp_path / "b.png")
    assert values(tmp_path / "b.png").shape == (2, 2, 3)


def test_white_may_be_zero_in_a_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", NOISE, photometric="miniswhite")
    np.testing.assert_array_equal(values(tmp_path / "a.tif"), 255 - NOISE)


def test_what_numpy_pickled_is_never_loaded(tmp_path):
    for file in (tmp_path / "a.npy", tmp_path / "a.npz"):
        save = np.save if file.suffix == ".npy" else np.savez
        save(file, np.array([{}, 1], dtype=object))
        for read in (probe, read_values):
            with user_error(file.name):
                read(Source(file, key="arr_0"))


def test_damaged_exif_data_leave_the_picture(tmp_path):
    file = tmp_path / "a.jpg"
    Image.new("RGB", (6, 4)).save(file, exif=b"Exif\x00\x00nothing of the kind")
    assert pixels(file).shape == (4, 6, 3)


@settings(deadline=None, max_examples=60)
@given(
    head=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"BM", b"GIF89a", b"P5 3 3 255 "]
    ),
    tail=st.binary(max_size=200),
)
def test_random_bytes_are_read_or_refused_in_one_sentence(tmp_path_factory, head, tail):
    file = tmp_path_factory.mktemp("bytes") / "a.png"
    file.write_bytes(head + tail)
    for read in (probe, read_pixels, read_values, glance):
        with read_or_refused(file):
            read(Source(file))


@settings(deadline=None, max_examples=60)
@given(
    ending=st.sampled_from(["png", "jpg", "tif", "bmp", "gif", "webp", "npy", "npz"]),
    data=st.data(),
)
def test_damage_anywhere_is_read_or_refused_in_one_sentence(tmp_path_factory, ending, data):
    file = tmp_path_factory.mktemp("damage") / f"a.{ending}"
    match ending:
        case "npy":
            np.save(file, NOISE)
        case "npz":
            np.savez(file, NOISE)
        case _:
            Image.fromarray(NOISE).save(file)
    content = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    for read in (probe, read_pixels, read_values, glance):
        with read_or_refused(file):
            read(Source(file, key="arr_0"))


def test_what_is_no_whole_picture_is_named(tmp_path):
    file = tmp_path / "a.png"
    with user_error("a.png", "No such file"):
        values(file)
    Image.fromarray(NOISE).save(file)
    for content, words in ((file.read_bytes()[:-100], "damaged"), (b"", "empty")):
        file.write_bytes(content)
        with user_error("a.png", words):
            values(file)
    with user_error(str(tmp_path)):
        values(tmp_path)


def test_a_photograph_of_200_million_pixels_is_read(tmp_path):
    file = tmp_path / "a.pbm"
    file.write_bytes(b"P4 16320 12240\n" + bytes(16320 // 8 * 12240))  # Pillow alone refuses it
    assert values(file).shape == (12240, 16320)


def test_what_would_fill_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "MOST_PIXELS", 11)
    Image.new("L", (4, 3)).save(tmp_path / "a.png")
    with user_error("a.png", "4 x 3", "11"):
        values(tmp_path / "a.png")


@pytest.mark.parametrize("name", [".a.png", "._a.png", "Thumbs.db", "a.txt", "png", ".png"])
def test_rubbish_is_no_picture(name):
    assert not is_picture(name)
