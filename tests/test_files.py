"""Files that are there in full or not at all."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from user_error import user_error

from samfit import files
from samfit.files import only_writer, write_whole, writing_to


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(old=st.none() | st.binary(), content=st.binary())
def test_a_file_holds_what_was_written_last_and_nothing_lies_beside_it(tmp_path, old, content):
    path = tmp_path / "file.bin"
    path.unlink(missing_ok=True)
    if old is not None:
        write_whole(path, old)
    write_whole(path, content)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", ".", "inner"])
def test_a_folder_is_not_replaced(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    with pytest.raises(OSError):
        write_whole(Path(name), b"content")
    assert [path.name for path in tmp_path.rglob("*")] == ["inner"]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_what_fails_leaves_the_file_before_and_nothing_else(moment, tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    write_whole(path, b"before")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    owner = files.os if moment == "fsync" else type(path)
    monkeypatch.setattr(owner, moment, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_its_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "file.bin", []
    monkeypatch.setattr(files.os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    write_whole(path, b"12345")
    assert synced == [5]


def test_writers_at_the_same_time_leave_one_of_theirs(tmp_path):
    path = tmp_path / "file.bin"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_whole(path, content), contents * 3))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write_whole(path, b"content")
    assert path.read_bytes() == b"content"


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file.bin", b"")


@pytest.mark.parametrize(
    ("advice", "end"), [("", "No space left on device."), ("free some", "device; free some.")]
)
def test_what_cannot_be_written_is_named_with_the_reason(advice, end):
    with user_error("cannot write to x.csv: No space left", end), writing_to("x.csv", advice):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_only_one_writes_and_the_next_may_after_an_error(tmp_path):
    target, lock = tmp_path / "new" / "results", tmp_path / "new" / "lock"
    with pytest.raises(ZeroDivisionError), only_writer(target, lock):
        with user_error(f"another samfit is writing to {target}"), only_writer(target, lock):
            pass
        raise ZeroDivisionError
    with only_writer(target, lock):
        pass
    sentence = f"cannot write to {target}: Not a directory; mend that"
    with user_error(sentence), only_writer(target, lock / "not" / "a folder", "mend that"):
        pass
