"""Whatever a folder holds, each image is listed once with its own masks, or it is said why not."""

import re
from itertools import chain

from hypothesis import given, settings, strategies as st
from listed import below, listed, put

from samfit.errors import UserError

FORMS = {  # an image and one of its masks, by split, name and number
    "images/{split}/{name}.jpg": "masks/{split}/{name}.png",
    "{split}/imgs/{name}.png": "{split}/gts/{name}.png",
    "{split}/images/{name}.tif": "{split}/labels/{name}_seg.tif",
    "img_dir/{split}/{name}.jpg": "ann_dir/{split}/{name}_{number}.png",
    "{split}/image/{name}.jpg": "{split}/mask/{name}/{number}.png",
    "{split}/{name}/images/{name}.png": "{split}/{name}/masks/part{number}x.png",
    "{split}/{name}.png": "{split}/{name}_mask_{number}.png",
    "{split}/{name}_sat.jpg": "{split}/{name}_mask.png",
    "JPEGImages/{name}.jpg": "SegmentationClass/{name}.png",
    "imagesTr/{name}_0000.nii.gz": "labelsTr/{name}.nii.gz",
    "leftImg8bit/{split}/u/{name}_leftImg8bit.png": "gtFine/{split}/u/{name}_gtFine_labelIds.png",
}
STRAY = ("{name}.png", "notes.txt", "extra/{name}.tif", "extra/{name}.h5", "images/{name}_2.jpg",
         "masks/{name}_9.png", "train/x.dcm", "masks/{name}_cup.png")  # fmt: skip

names = st.sets(
    st.text("abcé01 -", min_size=1, max_size=4).map(lambda name: f"q{name}z"),
    min_size=1,
    max_size=4,
)


@st.composite
def trees(draw):
    """Files of a form, and each image with its masks."""
    image, mask = draw(st.sampled_from(list(FORMS.items())))
    split = draw(st.sampled_from(["train", "val", "test"]))
    masks_of = {}
    for name in draw(names):
        count = draw(st.integers(1, 3)) if "{number}" in mask else 1
        said = {"split": split, "name": name}
        masks_of[image.format(**said)] = [
            mask.format(**said, number=n) for n in range(1, count + 1)
        ]
    return masks_of


@settings(deadline=None, max_examples=80)
@given(masks_of=trees())
def test_each_image_is_listed_once_with_all_its_masks(tmp_path_factory, masks_of):
    root = put(tmp_path_factory.mktemp("data"), *masks_of, *chain(*masks_of.values()))
    listing = listed(root)
    found = [pair for pairs in below(root, listing).values() for pair in pairs.values()]
    assert sorted(found) == sorted(masks_of.items())
    several = any(len(masks) > 1 for masks in masks_of.values())
    assert listing.kind == ("instances" if several else None)
    assert not any(remark.startswith("not used") for remark in listing.remarks)


@settings(deadline=None, max_examples=120)
@given(masks_of=trees(), stray=st.sets(st.sampled_from(STRAY), max_size=3), data=st.data())
def test_what_is_not_listed_is_said(tmp_path_factory, masks_of, stray, data):
    files = [*masks_of, *chain(*masks_of.values())]
    lost = data.draw(st.sets(st.sampled_from(files), max_size=2))
    name = data.draw(st.sampled_from(["q", "qaz", "other"]))
    files = {*files, *(each.format(name=name) for each in stray)} - lost
    root = put(tmp_path_factory.mktemp("data"), *files)
    try:
        listing = listed(root)
    except UserError:
        return
    used = [
        path
        for pairs in below(root, listing).values()
        for image, masks in pairs.values()
        for path in (image, *masks)
    ]
    assert len({*used}) == len(used)
    told = {str(path.relative_to(root)) for path in listing.accounted} & files
    (remark,) = [each for each in listing.remarks if each.startswith("not used")] or [""]
    said = sum(int(count) for count in re.findall(r"(\d+) \S+(?: volume)? files?", remark))
    assert len(told | {*used}) + said == len([each for each in files if each != "notes.txt"])
