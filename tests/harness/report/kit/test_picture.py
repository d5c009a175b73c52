"""A figure under a name of the user's choice."""

import pytest
from matplotlib.figure import Figure
from user_error import user_error

from samfit.harness.report.kit.picture import check_picture, write_picture


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("b.SVG", b"<?xml")])
def test_the_name_of_the_file_decides_the_format(tmp_path, name, start):
    path = tmp_path / "new" / name
    check_picture(path)
    write_picture(Figure(), path)
    assert path.read_bytes().startswith(start)
    before = path.read_bytes()
    write_picture(Figure(), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["picture", "picture.jpg", ".png"])
def test_other_formats_are_refused_before_drawing(tmp_path, name):
    with user_error("--output must end in .png or .svg", name):
        check_picture(tmp_path / name)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with user_error("cannot write to --output", "file/a.png"):
        write_picture(Figure(), tmp_path / "file" / "a.png")
