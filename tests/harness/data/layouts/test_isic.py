"""The ISIC challenges' folders."""

import pytest
from listed import below, listed, put


@pytest.mark.parametrize(
    ("images", "masks", "ending"),
    [
        ("ISBI2016_ISIC_Part1_{}_Data", "ISBI2016_ISIC_Part1_{}_GroundTruth", "Segmentation"),
        ("ISIC-2017_{}_Data", "ISIC-2017_{}_Part1_GroundTruth", "segmentation"),
        ("ISIC2018_Task1-2_{}_Input", "ISIC2018_Task1_{}_GroundTruth", "segmentation"),
    ],
)
def test_images_have_masks_of_their_split(tmp_path, images, masks, ending):
    splits = {"Training": "train", "Validation": "val", "Test": "test"}
    for folder in splits:
        name = f"ISIC_{folder}"
        put(tmp_path, f"{images.format(folder)}/{name}.jpg")
        put(tmp_path, f"{masks.format(folder)}/{name}_{ending}.png")
    assert below(tmp_path, listed(tmp_path)) == {
        split: {
            f"ISIC_{folder}": (
                f"{images.format(folder)}/ISIC_{folder}.jpg",
                [f"{masks.format(folder)}/ISIC_{folder}_{ending}.png"],
            )
        }
        for folder, split in splits.items()
    }


def test_other_tasks_and_superpixels_are_not_used_and_said(tmp_path):
    put(tmp_path, "ISIC2018_Task1-2_Training_Input/ISIC_1.jpg")
    put(tmp_path, "ISIC2018_Task1-2_Training_Input/ISIC_1_superpixels.png")
    put(tmp_path, "ISIC2018_Task1_Training_GroundTruth/ISIC_1_segmentation.png")
    put(tmp_path, "ISIC2018_Task2_Training_GroundTruth_v3/ISIC_1_attribute_globules.png")
    put(tmp_path, "ISIC2018_Task1-2_Test_Input/ISIC_2.jpg")
    listing = listed(tmp_path)
    assert {split: len(pairs) for split, pairs in listing.splits.items()} == {"train": 1}
    assert "test has images (1) but no masks, and is left out." in listing.remarks
    (remark,) = [each for each in listing.remarks if each.startswith("not used")]
    assert "1 PNG file in ISIC2018_Task1-2_Training_Input" in remark
    assert "1 PNG file in ISIC2018_Task2_Training_GroundTruth_v3" in remark
