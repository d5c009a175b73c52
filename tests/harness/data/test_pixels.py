"""Every kind of picture file that Pillow reads becomes the array that a viewer would show."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data import pixels
from samfit.harness.data.pixels import eight_bits, grey, is_picture, load, reading, rgb, upright

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
    "I": ["tif"],
}
WHITE = {"CMYK": (0, 0, 0, 0), "YCbCr": (255, 128, 128), "I;16": 65535, "I": 65535}
CASES = [(mode, ending) for mode, endings in ENDINGS.items() for ending in endings]
NOISE = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)

small = array_shapes(min_dims=2, max_dims=2, max_side=7)
bytes_of = arrays(np.uint8, small)


@contextmanager
def read_or_refused(file):
    """The block succeeds, or ends with one sentence that names the file."""
    try:
        with reading(file):
            yield
    except UserError as error:
        assert file.name in str(error)
        assert "\n" not in str(error)
        assert str(error).endswith(".")


@pytest.mark.parametrize(("mode", "ending"), CASES)
def test_every_mode_is_read_as_rgb(tmp_path, mode, ending):
    file = tmp_path / f"a.{ending}"
    Image.new(mode, (5, 3), WHITE.get(mode, "white")).save(file)
    pixels = rgb(load(file))
    assert pixels.shape == (3, 5, 3)
    assert pixels.dtype == np.uint8
    assert (pixels >= 250).all()
    assert pixels.flags.writeable
    assert is_picture(file.name)


@settings(deadline=None)
@given(values=bytes_of)
def test_grey_levels_survive(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("grey") / "a.png"
    Image.fromarray(values).save(file)
    np.testing.assert_array_equal(grey(load(file)), values)
    np.testing.assert_array_equal(rgb(load(file)), np.dstack([values] * 3))


@settings(deadline=None)
@given(values=arrays(np.uint16, small))
def test_16_bits_survive_in_a_mask_and_are_scaled_in_an_image(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("grey") / "a.png"
    Image.fromarray(values).save(file)
    np.testing.assert_array_equal(grey(load(file)), values)
    scaled = np.round(values / 257) if values.max() > 255 else values
    np.testing.assert_array_equal(rgb(load(file))[..., 1], scaled)


@settings(deadline=None)
@given(values=bytes_of)
def test_a_palette_is_colours_in_an_image_and_indices_in_a_mask(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("palette") / "a.png"
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    image = Image.fromarray(values)
    image.putpalette(palette.tobytes())
    assert image.mode == "P"
    image.save(file)
    np.testing.assert_array_equal(grey(load(file)), values)
    np.testing.assert_array_equal(rgb(load(file)), palette[values])


@settings(deadline=None)
@given(colours=arrays(np.uint8, small.map(lambda shape: (*shape, 3))))
def test_colours_survive(tmp_path_factory, colours):
    file = tmp_path_factory.mktemp("rgb") / "a.png"
    Image.fromarray(colours).save(file)
    np.testing.assert_array_equal(rgb(load(file)), colours)


@pytest.mark.parametrize("white_first", [False, True])
def test_a_palette_of_black_and_white_means_its_colours(white_first):
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8))
    black, white = [0, 0, 0], [255, 255, 255]
    image.putpalette([*white, *black] if white_first else [*black, *white])
    foreground = grey(image) > 0
    assert foreground.tolist() == [[white_first, not white_first]]


def test_a_palette_that_begins_with_white_and_black_may_have_more_classes():
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
    image.putpalette([255, 255, 255, 0, 0, 0, 255, 0, 0])
    assert grey(image).tolist() == [[0, 1, 2]]


def test_a_transparent_palette_is_read_without_warning(tmp_path):
    file = tmp_path / "a.png"
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(file, transparency=b"\x00\x80")
    assert rgb(load(file))[0, 0].tolist() == [10, 20, 30]


def test_transparency_is_dropped_from_images_and_is_background_in_masks():
    white_on_nothing = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    white_on_nothing.putpixel((1, 0), (255, 255, 255, 255))
    assert rgb(white_on_nothing).min() == 255
    assert grey(white_on_nothing).tolist() == [[0, 255]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@settings(deadline=None, max_examples=20)
@given(values=bytes_of)
def test_a_mask_may_have_equal_channels(mode, values):
    np.testing.assert_array_equal(grey(Image.fromarray(values).convert(mode)), values)


def test_a_mask_in_colours_is_refused(tmp_path):
    with user_error("a.png", "colours"), reading(tmp_path / "a.png"):
        grey(Image.new("RGB", (2, 2), "red"))


def test_8_bits_in_a_file_for_16_are_8_bits():
    assert eight_bits(np.array([0, 255], dtype=np.uint16)).tolist() == [0, 255]
    assert eight_bits(np.array([0, 256, 65535], dtype=np.uint16)).tolist() == [0, 1, 255]


def test_exif_turns_a_picture(tmp_path):
    file = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    Image.new("RGB", (6, 4)).save(file, exif=exif)
    assert upright(load(file)).size == (4, 6)


def test_damaged_exif_data_leave_the_picture(tmp_path):
    file = tmp_path / "a.jpg"
    Image.new("RGB", (6, 4)).save(file, exif=b"Exif\x00\x00nothing of the kind")
    assert upright(load(file)).size == (6, 4)


@settings(deadline=None, max_examples=200)
@given(
    head=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"BM", b"GIF89a", b"P5 3 3 255 "]
    ),
    tail=st.binary(max_size=200),
)
def test_random_bytes_are_read_or_refused_in_one_sentence(tmp_path_factory, head, tail):
    file = tmp_path_factory.mktemp("bytes") / "a.png"
    file.write_bytes(head + tail)
    with read_or_refused(file):
        for array in (rgb(upright(load(file))), grey(load(file))):
            assert array.size


@settings(deadline=None, max_examples=100)
@given(ending=st.sampled_from(["png", "jpg", "tif", "bmp", "gif", "webp"]), data=st.data())
def test_damage_anywhere_is_read_or_refused_in_one_sentence(tmp_path_factory, ending, data):
    file = tmp_path_factory.mktemp("damage") / f"a.{ending}"
    Image.fromarray(NOISE).save(file)
    content = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with read_or_refused(file):
        assert rgb(upright(load(file))).size


def test_what_is_no_whole_picture_is_named(tmp_path):
    file = tmp_path / "a.png"
    with user_error("a.png", "No such file"), reading(file):
        load(file)
    Image.fromarray(NOISE).save(file)
    for content, words in ((file.read_bytes()[:-100], "damaged"), (b"", "empty")):
        file.write_bytes(content)
        with user_error("a.png", words), reading(file):
            load(file)
    with user_error(str(tmp_path)), reading(tmp_path):
        load(tmp_path)


@pytest.mark.parametrize("values", [[0.5], [-1], [70000]])
def test_values_beyond_16_bits_are_refused(tmp_path, values):
    file = tmp_path / "a.tif"
    kind = np.float32 if isinstance(values[0], float) else np.int32
    Image.fromarray(np.array([values], dtype=kind)).save(file)
    with user_error("a.tif", "16 bits"), reading(file):
        load(file)


def test_a_photograph_of_200_million_pixels_is_read(tmp_path):
    file = tmp_path / "a.pbm"
    file.write_bytes(b"P4 16320 12240\n" + bytes(16320 // 8 * 12240))  # Pillow alone refuses it
    assert load(file).size == (16320, 12240)


def test_what_would_fill_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "MOST_PIXELS", 11)
    file = tmp_path / "a.png"
    Image.new("L", (4, 3)).save(file)
    with user_error("a.png", "4 x 3", "11"), reading(file):
        load(file)


@pytest.mark.parametrize("name", [".a.png", "._a.png", "Thumbs.db", "a.txt", "png", ".png"])
def test_rubbish_is_no_picture(name):
    assert not is_picture(name)
