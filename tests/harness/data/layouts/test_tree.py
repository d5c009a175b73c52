"""The files of a folder, by their names alone."""

import pytest
from listed import put
from user_error import user_error

from samfit.harness.data.layouts.tree import is_image_file, stem, walk


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a"),
        ("a.b.JPG", "a.b"),
        ("case_1.nii.gz", "case_1"),
        ("case_1.NII.GZ", "case_1"),
        ("a.tar.gz", "a.tar"),
        ("a", "a"),
    ],
)
def test_a_name_without_its_suffix(name, expected):
    assert stem(name) == expected


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a.png", True),
        ("a.nii.gz", True),
        ("a.NPZ", True),
        ("a.gz", False),
        ("a.json", False),
        (".a.png", False),
        (".a.npy", False),
    ],
)
def test_images_and_masks_are_read_from(name, is_one):
    assert is_image_file(name) == is_one


def test_hidden_files_and_archives_rubbish_are_passed_over(tmp_path):
    tree = walk(put(tmp_path, "b/2.png", "a.txt", ".x/1.png", "__MACOSX/b/2.png", "b/._2.png"))
    assert tree.folders == {(): ["a.txt"], ("b",): ["2.png"]}
    assert [*tree.images()] == [(("b",), ["2.png"])]
    assert [*tree.ending(".txt")] == [((), ["a.txt"])]
    assert tree.path(("b",), "2.png") == tmp_path / "b" / "2.png"


def test_files_of_a_folder_have_names_of_their_own(tmp_path):
    put(tmp_path, "b/1.png", "b/2.nii.gz", "b/2.txt")
    assert walk(tmp_path).by_stem(("b",)) == {
        "1": tmp_path / "b" / "1.png",
        "2": tmp_path / "b" / "2.nii.gz",
    }
    assert walk(tmp_path).by_stem(("c",)) == {}
    with user_error("b/1.jpg", "b/1.png", "same name"):
        walk(put(tmp_path, "b/1.jpg")).by_stem(("b",))
