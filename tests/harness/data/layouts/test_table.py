"""Tables of pairs, as AutoGluon packs its data sets."""

import pytest
from hypothesis import given, settings, strategies as st
from user_error import user_error

from samfit.errors import UserError
from samfit.harness.data.layouts.layouts import list_files
from samfit.harness.data.reading import Reading

HEAD = "image,label\n"


def read_table(path, **reading):
    return list_files(path, Reading(**reading))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def names(listing):
    return {split: [files.name for files in pairs] for split, pairs in listing.splits.items()}


def test_one_table_is_for_training(tmp_path):
    table = write(tmp_path / "pairs.csv", HEAD + "images/a.jpg,masks/b.png\nimages/x/c.jpg,d.png\n")
    listing = read_table(table)
    assert names(listing) == {"train": ["a", "x/c"]}
    assert listing.name == f"{tmp_path.name} pairs"
    assert listing.splits["train"][0].image.path == tmp_path / "images" / "a.jpg"
    assert listing.splits["train"][0].masks[0].path == tmp_path / "masks" / "b.png"


def test_tables_are_splits(tmp_path):
    for split in ("train", "val", "test"):
        write(tmp_path / f"{split}.csv", f"{HEAD}{split}/1.jpg,{split}/2.png\n")
    listing = read_table(tmp_path)
    assert names(listing) == {"train": ["1"], "val": ["1"], "test": ["1"]}
    assert listing.name == tmp_path.name
    assert not listing.remarks


def test_several_test_tables_are_joined_and_remarked_upon(tmp_path):
    for subset in ("Kvasir", "CVC-ClinicDB"):
        write(tmp_path / f"test_{subset}.csv", HEAD + "1.jpg,1.png\n")
    listing = read_table(tmp_path)
    assert names(listing) == {"test": ["CVC-ClinicDB/1", "Kvasir/1"]}
    (remark,) = listing.remarks
    assert "test_Kvasir.csv (1)" in remark


def test_a_folder_without_tables_of_pairs_names_the_columns_found(tmp_path):
    write(tmp_path / "train.csv", "id,run_lengths\n1,1 3\n")
    with user_error("train.csv has the columns id, run_lengths", "--columns"):
        read_table(tmp_path)


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    assert read_table(write(tmp_path / "a.csv", f"\ufeff{HEAD}a.jpg,a.png\n"))


def test_other_columns_backslashes_and_absolute_paths(tmp_path):
    content = ",label,image\r\n0,masks\\a.png,images\\a.png\r\n1,/m/b.png,/i/b.png\r\n"
    (first, second) = read_table(write(tmp_path / "a.csv", content)).splits["train"]
    assert first.masks[0].path == tmp_path / "masks" / "a.png"
    assert str(second.image.path) == "/i/b.png"


def test_names_stay_below_the_folder_of_the_images(tmp_path):
    table = write(tmp_path / "a.csv", HEAD + "../images/a.jpg,a.png\n../images/b.jpg,b.png\n")
    assert names(read_table(table)) == {"train": ["a", "b"]}


def test_another_head_is_named(tmp_path):
    with user_error("a.csv has the columns before, after", "--columns"):
        read_table(write(tmp_path / "a.csv", "before,after\na.jpg,a.png\n"))


@pytest.mark.parametrize("row", ["a.jpg", "a.jpg,", ",a.png"])
def test_a_row_that_is_not_complete_is_named(tmp_path, row):
    with user_error("a.csv", "line 3"):
        read_table(write(tmp_path / "a.csv", f"{HEAD}b.jpg,b.png\n{row}\n"))


def test_one_name_for_two_images_is_refused(tmp_path):
    with user_error("a.csv", "two images", "x"):
        read_table(write(tmp_path / "a.csv", HEAD + "x.jpg,1.png\nx.png,2.png\n"))


def test_a_table_without_rows_is_refused(tmp_path):
    with user_error("a.csv", "no images"):
        read_table(write(tmp_path / "a.csv", HEAD))


@settings(deadline=None)
@given(content=st.binary(max_size=100), head=st.sampled_from([b"", HEAD.encode()]))
def test_random_bytes_are_read_or_refused(tmp_path_factory, content, head):
    table = tmp_path_factory.mktemp("table") / "a.csv"
    table.write_bytes(head + content)
    try:
        listing = read_table(table)
    except UserError as error:
        assert "a.csv" in str(error)
    else:
        assert all(files.name for files in listing.splits["train"])
