"""Tables of pairs, as AutoGluon packs its data sets."""

import pytest
from hypothesis import given, settings, strategies as st
from listed import listed, put
from user_error import user_error

from samfit.errors import UserError

HEAD = "image,label\n"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def names(listing):
    return {split: [files.name for files in pairs] for split, pairs in listing.splits.items()}


def test_one_table_is_for_training(tmp_path):
    table = write(tmp_path / "pairs.csv", HEAD + "images/a.jpg,masks/b.png\nimages/x/c.jpg,d.png\n")
    listing = listed(table)
    assert names(listing) == {"train": ["a", "x/c"]}
    assert listing.name == f"{tmp_path.name} pairs"
    assert listing.splits["train"][0].image.path == tmp_path / "images" / "a.jpg"
    assert listing.splits["train"][0].masks[0].path == tmp_path / "masks" / "b.png"


def test_tables_are_splits(tmp_path):
    for split in ("train", "val", "test"):
        write(tmp_path / f"{split}.csv", f"{HEAD}{split}/1.jpg,{split}/2.png\n")
    listing = listed(tmp_path)
    assert names(listing) == {"train": ["1"], "val": ["1"], "test": ["1"]}
    assert listing.name == tmp_path.name
    assert not listing.remarks


def test_several_test_tables_are_joined_and_remarked_upon(tmp_path):
    for subset in ("Kvasir", "CVC-ClinicDB"):
        write(tmp_path / f"test_{subset}.csv", HEAD + "1.jpg,1.png\n")
    listing = listed(tmp_path)
    assert names(listing) == {"test": ["CVC-ClinicDB/1", "Kvasir/1"]}
    (remark,) = listing.remarks
    assert "test_Kvasir.csv (1)" in remark


def test_a_folder_without_tables_of_pairs_names_the_columns_found(tmp_path):
    write(tmp_path / "train.csv", "id,run_lengths\n1,1 3\n")
    with user_error("train.csv has the columns id, run_lengths", "--columns"):
        listed(tmp_path)


def test_a_table_saved_by_a_spreadsheet(tmp_path):
    assert listed(write(tmp_path / "a.csv", f"\ufeff{HEAD}a.jpg,a.png\n"))


def test_other_columns_backslashes_and_absolute_paths(tmp_path):
    content = ",label,image\r\n0,masks\\a.png,images\\a.png\r\n1,/m/b.png,/i/b.png\r\n"
    (first, second) = listed(write(tmp_path / "a.csv", content)).splits["train"]
    assert first.masks[0].path == tmp_path / "masks" / "a.png"
    assert str(second.image.path) == "/i/b.png"


def test_names_stay_below_the_folder_of_the_images(tmp_path):
    table = write(tmp_path / "a.csv", HEAD + "../images/a.jpg,a.png\n../images/b.jpg,b.png\n")
    assert names(listed(table)) == {"train": ["a", "b"]}


def test_another_head_is_named(tmp_path):
    with user_error("a.csv has the columns before, after", "--columns"):
        listed(write(tmp_path / "a.csv", "before,after\na.jpg,a.png\n"))


@pytest.mark.parametrize("row", ["a.jpg", "a.jpg,", ",a.png"])
def test_a_row_that_is_not_complete_is_named(tmp_path, row):
    with user_error("a.csv", "line 3"):
        listed(write(tmp_path / "a.csv", f"{HEAD}b.jpg,b.png\n{row}\n"))


def test_one_name_for_two_images_is_refused(tmp_path):
    with user_error("a.csv", "two images", "x"):
        listed(write(tmp_path / "a.csv", HEAD + "x.jpg,1.png\nx.png,2.png\n"))


def test_a_table_without_rows_is_refused(tmp_path):
    with user_error("a.csv", "no images"):
        listed(write(tmp_path / "a.csv", HEAD))


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("img_path,mask_path", "i.jpg,m.png"),
        ("image_path,label_path", "i.jpg,m.png"),
        ("filename,segmentation", "i.jpg,m.png"),
        ("File Name,Mask File", "i.jpg,m.png"),
        ("GroundTruth,ImageFile", "m.png,i.jpg"),
        ("id,img,patient,seg", "3,i.jpg,anna,m.png"),
    ],
)
def test_usual_names_of_columns(tmp_path, head, row):
    (files,) = listed(write(tmp_path / "a.csv", f"{head}\n{row}\n")).splits["train"]
    assert (files.image.path.name, files.masks[0].path.name) == ("i.jpg", "m.png")


def test_a_label_in_words_is_no_mask_where_a_mask_is_named(tmp_path):
    table = write(tmp_path / "a.csv", "image,label,mask\ni.jpg,cat,m.png\n")
    assert listed(table).splits["train"][0].masks[0].path.name == "m.png"


def test_columns_of_any_name_are_chosen(tmp_path):
    table = write(tmp_path / "a.csv", "before,after,who\ni.jpg,m.png,anna\n")
    (files,) = listed(table, columns="before, after").splits["train"]
    assert (files.image.path.name, files.masks[0].path.name) == ("i.jpg", "m.png")
    with user_error("no column 'then'", "before, after, who"):
        listed(table, columns="before,then")
    with user_error("--columns", "two"):
        listed(table, columns="before")


@pytest.mark.parametrize(("delimiter", "named"), [(";", ";"), ("\t", "tabs"), ("|", "|")])
def test_other_delimiters_are_said(tmp_path, delimiter, named):
    text = f"image{delimiter}label\na.jpg{delimiter}a, or b.png\n"
    listing = listed(write(tmp_path / "a.csv", text))
    assert listing.splits["train"][0].masks[0].path.name == "a, or b.png"
    assert listing.remarks == (f"a.csv separates columns by {named}.",)


def test_a_table_without_names_of_columns_is_known_by_its_files(tmp_path):
    put(tmp_path, "i/a.png", "m/a.png", "i/b.png", "m/b.png")
    table = write(tmp_path / "a.csv", "1,i/a.png,m/a.png\n2,i/b.png,m/b.png\n")
    listing = listed(table)
    assert names(listing) == {"train": ["a", "b"]}
    assert listing.splits["train"][0].masks[0].path == tmp_path / "m" / "a.png"
    assert "names no columns" in listing.remarks[0]
    chosen = listed(table, columns="2,1").splits["train"][0]
    assert chosen.image.path == tmp_path / "m" / "a.png"


def test_a_column_says_the_split(tmp_path):
    text = "image,label,split\na.png,m.png,train\nb.png,n.png,valid\nc.png,o.png,Test\n"
    listing = listed(write(tmp_path / "a.csv", text))
    assert names(listing) == {"train": ["a"], "val": ["b"], "test": ["c"]}


def test_folds_are_no_splits(tmp_path):
    text = "image,label,fold\na.png,m.png,0\nb.png,n.png,1\n"
    assert names(listed(write(tmp_path / "a.csv", text))) == {"train": ["a", "b"]}


def test_a_split_that_is_not_known_is_refused(tmp_path):
    text = "image,label,split\na.png,m.png,train\nb.png,n.png,extra\n"
    with user_error("a.csv", "split", "extra", "line 3"):
        listed(write(tmp_path / "a.csv", text))


def test_paths_are_relative_to_the_folder_above_if_files_are_there(tmp_path):
    put(tmp_path, "images/a.png", "masks/a.png")
    table = tmp_path / "lists" / "a.csv"
    table.parent.mkdir()
    (files,) = listed(write(table, f"{HEAD}images/a.png,masks/a.png\n")).splits["train"]
    assert files.image.path == tmp_path / "images" / "a.png"
    assert files.masks[0].path == tmp_path / "masks" / "a.png"


def test_several_masks_of_an_image_are_its_objects(tmp_path):
    listing = listed(write(tmp_path / "a.csv", HEAD + "a.jpg,1.png\nb.jpg,2.png\na.jpg,3.png\n"))
    assert listing.kind == "instances"
    assert [[mask.path.name for mask in files.masks] for files in listing.splits["train"]] == [
        ["1.png", "3.png"],
        ["2.png"],
    ]


def test_a_row_twice_is_refused(tmp_path):
    with user_error("a.csv lists a.jpg again in line 3"):
        listed(write(tmp_path / "a.csv", HEAD + "a.jpg,a.png\na.jpg,a.png\n"))


def test_the_one_table_of_a_folder_is_found_whatever_its_name(tmp_path):
    write(tmp_path / "pairs.csv", HEAD + "a.jpg,a.png\n")
    write(tmp_path / "patients.csv", "name,age\nanna,7\n")
    listing = listed(tmp_path)
    assert names(listing) == {"train": ["a"]}
    assert "not used: 1 CSV file in the folder itself." in listing.remarks
    write(tmp_path / "others.csv", HEAD + "a.jpg,a.png\n")
    with user_error("others.csv", "pairs.csv", "--data"):
        listed(tmp_path)


@pytest.mark.parametrize("content", [b"name,caf\xe9\n", b"a\0,b\n", b""])
def test_a_table_that_cannot_be_read_does_not_hide_folders(tmp_path, content):
    put(tmp_path, "images/a.png", "masks/a.png")
    (tmp_path / "patients.csv").write_bytes(content)
    assert names(listed(tmp_path)) == {"train": ["a"]}


def test_columns_asked_for_are_looked_for_in_every_table_and_nowhere_else(tmp_path):
    put(tmp_path, "images/a.png", "masks/a.png", texts={"a.csv": "x,y\n1,2\n"})
    with user_error("a.csv has no column 'before'"):
        listed(tmp_path, columns="before,after")
    write(tmp_path / "b.csv", "before,after\ni.png,m.png\n")
    assert names(listed(tmp_path, columns="before,after")) == {"train": ["i"]}


def test_tables_may_lie_in_a_folder_of_their_own(tmp_path):
    put(
        tmp_path,
        "images/a.png",
        "masks/a.png",
        texts={"lists/val.csv": HEAD + "images/a.png,masks/a.png\n"},
    )
    listing = listed(tmp_path)
    assert names(listing) == {"val": ["a"]}
    assert not listing.remarks


def test_runs_of_pixels_are_named(tmp_path):
    with user_error("train.csv with the columns ImageId, EncodedPixels", "RLE", "COCO"):
        listed(write(tmp_path / "train.csv", "ImageId,EncodedPixels\na.jpg,1 3 10 4\n"))


def test_an_image_is_not_its_own_mask(tmp_path):
    with user_error("a.csv lists a.png as its own mask in line 2"):
        listed(write(tmp_path / "a.csv", HEAD + "a.png,a.png\n"))


def test_an_empty_table_is_named(tmp_path):
    with user_error("a.csv is empty"):
        listed(write(tmp_path / "a.csv", ""))


def test_a_table_of_words_does_not_hide_folders(tmp_path):
    put(tmp_path, "images/a.png", "masks/a.png")
    write(tmp_path / "train.csv", "image,label\na.png,cat\n")
    listing = listed(tmp_path)
    assert listing.splits["train"][0].masks[0].path == tmp_path / "masks" / "a.png"


@settings(deadline=None)
@given(content=st.binary(max_size=100), head=st.sampled_from([b"", HEAD.encode()]))
def test_random_bytes_are_read_or_refused(tmp_path_factory, content, head):
    table = tmp_path_factory.mktemp("table") / "a.csv"
    table.write_bytes(head + content)
    try:
        listing = listed(table)
    except UserError as error:
        assert "a.csv" in str(error)
    else:
        assert all(files.name for files in listing.splits["train"])
