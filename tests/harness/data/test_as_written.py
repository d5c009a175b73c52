"""What is read is what was written, whatever kind, depth, format and layout, or asked about."""

import json

import numpy as np
import pytest
from data_sets import bands, discs, ids, photograph, write
from hypothesis import given, settings, strategies as st

import samfit
from samfit.errors import UserError
from samfit.harness.data.files.intensity import to_pixels

MASKS = {
    "binary": lambda name: discs(name),
    "classes": lambda name: bands(name, 4),
    "instances": lambda name: ids(30 + len(name)),
}
SCALES = {"binary": (1, 255, 7, 128), "classes": (1,), "instances": (1,)}
IMAGES = {
    "8 bits": lambda image: image,
    "12 bits in 16": lambda image: image.astype(np.uint16) * np.uint16(16),
    "16 bits": lambda image: image.astype(np.uint16) * np.uint16(257),
    "signed": lambda image: image.astype(np.int16) * np.int16(9) - np.int16(1000),
    "shares": lambda image: image.astype(np.float32) / np.float32(255),
}
SUFFIXES = {"8 bits": ("png", "tif", "npy"), "12 bits in 16": ("png", "tif", "npy"),
            "16 bits": ("png", "tif", "npy"), "signed": ("tif", "npy"),
            "shares": ("tif", "npy")}  # fmt: skip
# Where the image and the mask of number {0} lie.
LAYOUTS = {
    "folders": ("images/{0}", "masks/{0}"),
    "splits": ("train/images/{0}", "train/labels/{0}"),
    "mmseg": ("img_dir/train/{0}", "ann_dir/train/{0}"),
    "nnunet": ("imagesTr/case_{0}_0000", "labelsTr/case_{0}"),
    "beside": ("{0}_image", "{0}_mask"),
    "table": ("a/photo{0}", "b/truth{0}"),
    "medsam": ("imgs/{0}", "gts/{0}"),
}


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from([*MASKS]),
    depth=st.sampled_from([*IMAGES]),
    layout=st.sampled_from([*LAYOUTS]),
    channels=st.sampled_from([1, 3]),
    pages=st.sampled_from([1, 1, 3]),
    data=st.data(),
)
def test_it_is_read_as_written_or_asked_about(
    tmp_path_factory, kind, depth, layout, channels, pages, data
):
    root = tmp_path_factory.mktemp("written") / "data"
    suffix = data.draw(st.sampled_from(SUFFIXES[depth]))
    stored_as = data.draw(st.sampled_from(["png", "tif", "npy"]))
    pages = pages if {suffix, stored_as} == {"tif"} and channels == 1 else 1
    scale = data.draw(st.sampled_from(SCALES[kind]))
    images, truths, rows = [], [], []
    for number in range(3):
        truth = [MASKS[kind](f"{number} {page}") for page in range(pages)]
        truth = [mask.astype(np.uint16 if kind == "instances" else np.uint8) for mask in truth]
        image = [IMAGES[depth](photograph(mask, f"{number}", channels)) for mask in truth]
        places = [place.format(number) for place in LAYOUTS[layout]]
        files = [f"{places[0]}.{suffix}", f"{places[1]}.{stored_as}"]
        masks = [mask * mask.dtype.type(scale) for mask in truth]
        for file, values in zip(files, (image, masks), strict=True):
            write(root / file, np.stack(values) if pages > 1 else values[0])
        images, truths, rows = [*images, *image], [*truths, *truth], [*rows, ",".join(files)]
    if layout == "table":
        (root / "train.csv").write_text("\n".join(["image,mask", *rows]) + "\n")
    try:
        opened = samfit.open_data(root)
    except UserError as error:
        assert "--" in str(error), error  # the option that settles it
        return
    assert opened.kind == kind
    assert len(opened.train) == len(truths)
    for example, image, truth in zip(opened.train, images, truths, strict=True):
        pixels, mask = example.read()
        np.testing.assert_array_equal(pixels, to_pixels(image, opened.intensity))
        np.testing.assert_array_equal(mask[0] if kind == "instances" else mask, truth)
        if depth == "8 bits":
            np.testing.assert_array_equal(pixels[..., 0], image if channels == 1 else image[..., 0])
    summary = samfit.summarise(opened)
    assert summary.pages == pages
    share = np.mean([(truth > 0).mean() for truth in truths])
    assert summary.foreground_share == pytest.approx(share)
    json.dumps(vars(summary))
