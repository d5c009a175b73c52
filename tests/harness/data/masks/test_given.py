"""What --classes and --ignore may say."""

import pytest
from user_error import user_error

from samfit.harness.data.masks.given import Table, classes_given, values_given

CAMVID = "name,r,g,b\nRoad,128,64,128\nSky, 128, 128, 128\nVoid,0,0,0\n"
LABELMAP = (
    "# label:color_rgb:parts:actions\ncar:0,0,255::\nbackground:0,0,0::\nroad:128, 64,128::\n"
)


@pytest.mark.parametrize(
    ("text", "classes", "colours"),
    [
        ("255:0,128:1, 0:2", {255: 0, 128: 1, 0: 2}, False),
        ("-1:0,2:1,3:1", {-1: 0, 2: 1, 3: 1}, False),
        ("0.5:1,0:0", {0.5: 1, 0: 0}, False),
        ("000000:0,FF0000:1,#00ff00:1", {0: 0, 0xFF0000: 1, 0x00FF00: 1}, True),
        (",".join(f"{i:06x}:{i % 40}" for i in range(80)), {i: i % 40 for i in range(80)}, True),
    ],
)
def test_pairs(text, classes, colours):
    assert classes_given(text) == Table(classes, (), colours)


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("1", 1), ("21", 21)])
def test_a_number(text, number):
    assert classes_given(text) == number


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        (
            "class_dict.csv",
            CAMVID,
            Table({0x804080: 0, 0x808080: 1, 0: 2}, ("Road", "Sky", "Void"), True),
        ),
        (
            "labelmap.txt",
            LABELMAP,
            Table({0: 0, 0x0000FF: 1, 0x804080: 2}, ("background", "car", "road"), True),
        ),
        ("a.csv", "value,class\n255,0\n0,1\n", Table({255: 0, 0: 1})),
        ("a.csv", "\ufeffValue;Class;Name\n\n7;1;cell\n0;0;\n", Table({7: 1, 0: 0}, ("0", "cell"))),
        (
            "a.csv",
            "class,color\nsea,#0000ff\nland,00ff00\n",
            Table({255: 0, 0xFF00: 1}, ("sea", "land"), True),
        ),
        (
            "a.tsv",
            "red\tgreen\tblue\tid\n1\t2\t3\t0\n4\t5\t6\t1\n",
            Table({0x010203: 0, 0x040506: 1}, (), True),
        ),
    ],
)
def test_files_that_come_with_data_sets(tmp_path, name, text, table):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert classes_given(str(tmp_path / name)) == table


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("none.csv", None, ("no such file",)),
        ("a.csv", "", ("needs a header",)),
        ("a.csv", "value,class\n", ("needs a header",)),
        ("a.csv", "file,class\nx,1\n", ("needs a header", "r, g, b")),
        ("a.csv", "value,class\n0,0\n1,one\n", ("no class number in row 2",)),
        ("a.csv", "r,g,b\n0,0,0\n300,0,0\n", ("300,0,0", "neither a number nor a colour")),
        ("a.csv", "r,g,b\n0,0\n1,2,3\n", ("neither a number nor a colour",)),
        ("a.csv", "value,class\n0,0\n5,2\n", ("without a gap", "0, 2")),
        ("a.txt", b"\xff\xfe\x00", ("not readable text",)),
    ],
)
def test_files_that_do_not_say_it(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with user_error("--classes", name, *words):
        classes_given(str(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-3", ("1 to 254", "-3")),
        ("255", ("1 to 254",)),
        ("many", ("'many'", "255:0,128:1")),
        ("0:0,x", ("'x'",)),
        ("0:0,red:1", ("'red'", "ff0000")),
        ("0:0,nan:1", ("'nan'",)),
        ("0:0,ff0000:1", ("mixes",)),
        ("0:0,0:1", ("twice",)),
        ("0:1,1:2", ("without a gap", "1, 2")),
        ("0:0", ("without a gap",)),
        ("x" * 400, ("none of these",)),
    ],
)
def test_what_is_none_of_these(text, words):
    with user_error("--classes", *words):
        classes_given(text)


def test_values_to_ignore():
    assert values_given("") == ([], False)
    assert values_given("0, 255,-1") == ([0, 255, -1], False)
    assert values_given("#ff0000,000000") == ([0xFF0000, 0], True)
    with user_error("--ignore", "mixes"):
        values_given("255,ff0000")
    with user_error("--ignore", "'grey'"):
        values_given("grey")
