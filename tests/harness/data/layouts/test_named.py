"""The papers' data sets, in the layouts in which they are distributed."""

import pytest
from user_error import user_error

from samfit.harness.data.layouts import named
from samfit.harness.data.layouts.named import read_named
from samfit.harness.data.layouts.papers import PAPERS, Paper, Part

# Two files of each split that there is: an image and its mask.
FILES = {
    "cod10k": ["Train/Image/a.png", "Train/GT_Object/a.png",
               "Test/Image/b.png", "Test/GT_Object/b.png"],
    "camo": ["Images/Train/a.png", "Images/Test/b.png", "GT/a.png", "GT/b.png"],
    "chameleon": ["Imgs/a.png", "GT/a.png"],
    "istd": ["train/train_A/1.png", "train/train_B/1.png", "train/train_C/1.png",
             "test/test_A/2.png", "test/test_B/2.png", "test/test_C/2.png"],
    "sbu": ["SBUTrain4KRecoveredSmall/ShadowImages/a.png",
            "SBUTrain4KRecoveredSmall/ShadowMasks/a.png",
            "SBU-Test/ShadowImages/b.png", "SBU-Test/ShadowMasks/b.png"],
    "kvasir": ["images/a.png", "masks/a.png",
               "TestDataset/Kvasir/images/b.png", "TestDataset/Kvasir/masks/b.png"],
    "cvc_clinicdb": ["TrainDataset/image/a.png", "TrainDataset/mask/a.png",
                     "TestDataset/CVC-ClinicDB/images/b.png",
                     "TestDataset/CVC-ClinicDB/masks/b.png"],
    "cvc_colondb": ["TestDataset/CVC-ColonDB/images/b.png", "TestDataset/CVC-ColonDB/masks/b.png"],
    "cvc_300": ["TestDataset/CVC-300/images/b.png", "TestDataset/CVC-300/masks/b.png"],
    "etis": ["TestDataset/ETIS-LaribPolypDB/images/b.png",
             "TestDataset/ETIS-LaribPolypDB/masks/b.png"],
    "isic2017": ["ISIC-2017_Training_Data/ISIC_1.jpg",
                 "ISIC-2017_Training_Data/ISIC_1_superpixels.png",
                 "ISIC-2017_Training_Part1_GroundTruth/ISIC_1_segmentation.png",
                 "ISIC-2017_Validation_Data/ISIC_2.jpg",
                 "ISIC-2017_Validation_Part1_GroundTruth/ISIC_2_segmentation.png",
                 "ISIC-2017_Test_v2_Data/ISIC_3.jpg",
                 "ISIC-2017_Test_v2_Part1_GroundTruth/ISIC_3_segmentation.png"],
    "leaf_disease": ["images/a.jpg", "masks/a.png"],
    "roads": ["tiff/train/a.tiff", "tiff/train_labels/a.tif", "tiff/val/b.tiff",
              "tiff/val_labels/b.tif", "tiff/test/c.tiff", "tiff/test_labels/c.tif"],
    "trans10k_v1": ["train/images/1.jpg", "train/masks/1_mask.png",
                    "validation/easy/images/2.jpg", "validation/easy/masks/2_mask.png",
                    "test/hard/images/2.jpg", "test/hard/masks/2_mask.png"],
    "trans10k_v2": ["train/images/1.jpg", "train/masks_12/1_mask.png",
                    "validation/images/2.jpg", "validation/masks_12/2_mask.png",
                    "test/images/3.jpg", "test/masks_12/3_mask.png"],
}  # fmt: skip

PACKED = [
    *("TrainDataset/Imgs/a.png", "TrainDataset/GT/a.png"),
    *("TestDataset/CAMO/Imgs/b.png", "TestDataset/CAMO/GT/b.png"),
    *("TestDataset/COD10K/Imgs/c.png", "TestDataset/COD10K/GT/c.png"),
]


def names(listing):
    return {split: [files.name for files in pairs] for split, pairs in listing.splits.items()}


def test_every_data_set_has_its_files_here():
    assert FILES.keys() == PAPERS.keys()


@pytest.mark.parametrize("layout", PAPERS)
def test_each_is_found_whole_and_its_count_is_remarked_upon(tree, layout):
    listing, paper = read_named(tree(*FILES[layout]), layout), PAPERS[layout]
    splits = {split for split in ("train", "val", "test") if getattr(paper, split)}
    assert listing.splits.keys() == splits
    assert all(len(pairs) == 1 for pairs in listing.splits.values())
    assert (listing.name, listing.classes) == (paper.title, paper.classes)
    assert len(listing.remarks) == len(splits)
    for split in splits:
        assert any(
            remark.startswith(f"images in {split}: 1; published: ") for remark in listing.remarks
        )


@pytest.mark.parametrize(("layout", "test"), [("camo", "b"), ("cod10k", "c")])
def test_one_of_the_sets_that_are_packed_together(tree, layout, test):
    assert names(read_named(tree(*PACKED), layout)) == {"train": ["a"], "test": [test]}


def test_any_case_will_do(tree):
    root = tree("IMGS/a.png", "gt/a.png")
    assert names(read_named(root, "chameleon")) == {"test": ["a"]}


def test_easy_and_hard_are_told_apart_by_name(tree):
    paths = [
        f"test/{kind}/{role}"
        for kind in ("easy", "hard")
        for role in ("images/1.png", "masks/1.png")
    ]
    assert names(read_named(tree(*paths), "trans10k_v1")) == {"test": ["easy/1", "hard/1"]}


def test_the_published_count_needs_no_remark(tree, monkeypatch):
    paper = Paper(title="Tiny", train=(Part("images/*", "masks/*", 2),))
    monkeypatch.setitem(named.PAPERS, "tiny", paper)
    root = tree("images/a.png", "images/b.png", "masks/a.png", "masks/b.png")
    assert not read_named(root, "tiny").remarks


def test_a_missing_split_is_remarked_upon_with_where_it_was_sought(tree):
    listing = read_named(tree("test/test_A/1.png", "test/test_B/1.png"), "istd")
    assert "there is no train in train/train_A/*." in listing.remarks


def test_nothing_at_all_is_an_error_with_where_it_was_sought(tmp_path):
    with user_error(str(tmp_path), "COD10K", "Train/Image/* or TrainDataset/Imgs/*", "--layout"):
        read_named(tmp_path, "cod10k")


def test_images_without_a_folder_of_masks_are_an_error(tree):
    with user_error("train/train_A/*", "train/train_B/*"):
        read_named(tree("train/train_A/1.png"), "istd")


def test_an_image_without_mask_is_named(tree):
    with user_error("train_A/2.png has no mask"):
        read_named(
            tree("train/train_A/1.png", "train/train_A/2.png", "train/train_B/1.png"), "istd"
        )
