"""The results file: append, resume, and every way in which it can be broken."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from samfit import Cell, Record, Store, UserError
from samfit.harness.memory.figures import Memory, Timeline
from samfit.harness.record.record import Spread, Timing

FULL = Path("/dev/full")

RECORD = Record(
    cell=Cell(adapter="cad", settings={"scale": 0.2}),
    status="ok",
    source="predicted",
    memory=Memory(
        instrument="trace",
        peak_allocated_bytes=7,
        timeline=Timeline(live_bytes=[1, 7], phase_starts={"forward": 0}),
    ),
    timing=Timing(step_ms=Spread(median=1.0, p10=0.5, p90=2.0, n=3)),
)


def record(batch_size):
    return Record(cell=Cell(adapter="cad", batch_size=batch_size), status="ok", source="predicted")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "new" / "results.jsonl")


def test_a_missing_file_holds_nothing(store):
    assert store.load() == []


def test_records_come_back_and_are_plain_json(store):
    with store.writing():
        store.append(RECORD)
        store.append(record(2))
    assert store.load() == [RECORD, record(2)]
    document = json.loads(store.path.read_text().splitlines()[0])
    assert (document["key"], document["cell"]["settings"]) == (RECORD.key, {"scale": 0.2})


def test_the_latest_record_of_a_key_is_what_counts(store):
    with store.writing():
        for message in ("old", "new"):
            store.append(Record(**{**vars(record(1)), "message": message}))
    (latest,) = store.latest()
    assert latest.message == "new"


@settings(deadline=None, max_examples=25)
@given(kept=st.integers(0, 3), share=st.floats(0.0, 0.999))
def test_a_kill_while_writing_loses_only_the_torn_line(tmp_path_factory, kept, share):
    store = Store(tmp_path_factory.mktemp("torn") / "results.jsonl")
    with store.writing():
        for batch_size in range(1, kept + 2):
            store.append(record(batch_size))
    lines = store.path.read_bytes().splitlines(keepends=True)
    record_bytes = len(lines[-1]) - 1  # all of them would make a record that lacks its line end
    torn = b"".join(lines[:-1]) + lines[-1][: int(share * record_bytes)]
    store.path.write_bytes(torn)
    assert store.load() == [record(size) for size in range(1, kept + 1)]
    with store.writing():
        store.append(record(99))
    assert store.load()[-1] == record(99)
    assert len(store.load()) == kept + 1


def test_two_writers_are_not_let_in(store):
    sentence = "another samfit is writing"
    with store.writing(), pytest.raises(UserError, match=sentence), Store(store.path).writing():
        pass


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("garbage", "line 1 of .* is not a samfit record"),
        ("[1, 2]", "is not a samfit record"),
        ('{"a": 1}', "is not a samfit record"),
        ('{"schema": 99}', "has schema 99"),
        ('{"schema": 1, "cell": {}}', "is a broken samfit record"),
        ("\x00\xff\x00", "is not a samfit record"),
    ],
)
def test_a_foreign_file_is_named(store, line, sentence):
    store.path.parent.mkdir()
    store.path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        store.load()


@pytest.mark.parametrize("text", ["my notes", "line one\nmy last line", '{"other": 1}'])
def test_a_foreign_file_is_left_as_it_is(store, text):
    store.path.parent.mkdir()
    store.path.write_text(text)
    with pytest.raises(UserError, match="is not a samfit record"), store.writing():
        pass
    assert store.path.read_text() == text


def test_a_record_without_its_line_end_counts(store):
    with store.writing():
        store.append(record(1))
    store.path.write_bytes(store.path.read_bytes().rstrip())
    assert store.load() == [record(1)]
    with store.writing():
        store.append(record(2))
    assert store.load() == [record(1), record(2)]


def test_a_folder_is_no_results_file(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        Store(tmp_path).load()


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_device_is_no_results_file_and_a_full_disk_is_named():
    with pytest.raises(UserError, match="it is not a file"):
        Store(FULL).load()
    with pytest.raises(UserError, match="No space left on device; mend that"):
        Store(FULL).append(RECORD)


def test_a_disk_that_fills_up_amid_a_record_keeps_those_before(store):
    resource = pytest.importorskip("resource", reason="limits of a process are POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with store.writing():
        store.append(record(1))
        room = store.path.stat().st_size + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(UserError, match="File too large; mend that"):
                store.append(record(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.path.stat().st_size == room, "it was cut off amid the second record"
    assert store.load() == [record(1)]
    with store.writing():
        store.append(record(3))
    assert store.load() == [record(1), record(3)]
