"""Readers of files that anyone may have written: they answer, or say in one sentence what is wrong.

Each begins with a good file, of which bytes are changed, cut out, repeated or cut off.
"""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image
from safetensors.torch import save_file
from small_sam import adapted
from synthetic_records import measured, on_cards, predicted, scored

from samfit import Record, Store, UserError, build_sam, compare
from samfit.adapters.sam.checkpoint.load import load_checkpoint
from samfit.harness.data.files.read import glance, read_pixels, read_values
from samfit.harness.data.layouts.layouts import list_files
from samfit.harness.data.reading import Reading
from samfit.harness.data.source import Source
from samfit.harness.report.page.page import Section, report_page
from samfit.harness.report.write import report_tables
from samfit.harness.run.profiles import load_profile
from samfit.harness.train.run_folder import RunFolder


def damages_within(share, *kinds):
    """Places below this share of a file, and what is done to it there."""
    places, noise = st.floats(0, share, exclude_max=True), st.binary(min_size=1, max_size=8)
    damage = st.tuples(places, st.sampled_from(kinds), noise)
    return st.lists(damage, min_size=1, max_size=4)


DAMAGES = damages_within(1, "replace", "insert", "delete", "repeat", "end")
IN_HEADER = damages_within(0.02, "replace", "insert", "delete")
bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def damaged(content: bytes, damages) -> bytes:
    for where, how, noise in damages:
        at = int(where * len(content))
        head, tail = content[:at], content[at:]
        if how == "replace":
            content = head + noise + tail[len(noise) :]
        elif how == "insert":
            content = head + noise + tail
        elif how == "delete":
            content = head + tail[len(noise) :]
        elif how == "repeat":
            content = head + tail[:64] * 2 + tail[64:]
        else:
            content = head
    return content


OF_PYDANTIC = ("Input should", "Value error", "unable to parse", "another value")


def answers_or_says_why(read, path: Path) -> None:
    """No other exception may leave ``read``, and what it says names the file in one line."""
    try:
        read(path)
    except UserError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        assert not any(words in str(error) for words in OF_PYDANTIC)


def picture(suffix: str, mode: str) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (24, 31, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).convert(mode).save(file, suffix)
    return file.getvalue()


@bounded
@given(
    st.sampled_from([("png", "RGB"), ("png", "P"), ("jpeg", "L"), ("tiff", "L"), ("bmp", "RGB")]),
    DAMAGES,
)
def test_images_and_masks(tmp_path, kind, damages):
    path = tmp_path / f"image.{kind[0]}"
    path.write_bytes(damaged(picture(*kind), damages))
    for read in (read_pixels, read_values, glance):
        answers_or_says_why(lambda file, read=read: read(Source(file)), path)


@bounded
@given(DAMAGES)
def test_tables_of_pairs(tmp_path, damages):
    (tmp_path / "one.png").write_bytes(picture("png", "L"))
    path = tmp_path / "pairs.csv"
    path.write_bytes(
        damaged(b'image,mask,note\none.png,one.png,"a, b"\none.png,one.png,\n', damages)
    )
    try:
        list_files(path, Reading())
    except UserError as error:  # an image that is named wrongly is named, not the table
        assert str(tmp_path) in str(error) and "\n" not in str(error)


LINES = [json.dumps(record.to_json()) for record in (predicted(), measured())]


@bounded
@given(DAMAGES)
def test_results(tmp_path, damages):
    path = tmp_path / "results.jsonl"
    path.write_bytes(damaged("\n".join([*LINES, ""]).encode(), damages))
    answers_or_says_why(lambda file: Store(file).latest(), path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def any_other(value):
    return JSON


def with_another_value(document, draw, other=any_other):
    """``document``, with one value in it, at any depth, replaced by what ``other`` gives for it."""
    inner = isinstance(document, (dict, list)) and bool(document)
    if not inner or draw(st.integers(0, 7)) == 0:
        return draw(other(document))
    keys = list(document) if isinstance(document, dict) else range(len(document))
    key, changed = draw(st.sampled_from(list(keys))), type(document)(document)
    changed[key] = with_another_value(document[key], draw, other)
    return changed


@settings(bounded, max_examples=200)
@given(st.data())
def test_results_with_other_values(tmp_path, data):
    record = with_another_value(json.loads(LINES[1]), data.draw)
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(record) + "\n")
    answers_or_says_why(lambda file: Store(file).latest(), path)


OF_A_TYPE = {
    bool: st.booleans(),
    int: st.integers(0, 2**63 - 1),
    float: st.floats(min_value=0),
    str: st.text(max_size=20) | st.sampled_from(["$x_{$", "<b>", "[bold]", "a\nb"]),
}


def of_its_type(value):
    """Another value of the type of ``value``, or None; of lists and objects the empty one."""
    empty = st.just(type(value)() if isinstance(value, (dict, list)) else [])
    return OF_A_TYPE.get(type(value), empty) | st.none()


RECORDS = [predicted(), on_cards(predicted("lora"), "RTX 3060"), measured(), scored(masks=(2,))]


@settings(bounded, max_examples=100)
@given(st.data())
def test_whatever_is_read_can_be_shown(data):
    odd = data.draw(st.integers(0, len(RECORDS) - 1))
    document = RECORDS[odd].to_json()
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = with_another_value(document[field], data.draw, of_its_type)
    try:
        record = Record.from_json(document)
    except UserError:
        return
    records = [*RECORDS[:odd], record, *RECORDS[odd + 1 :]]
    assert report_page(records, [Section("all", report_tables(records), [])], "")
    assert json.dumps(compare(RECORDS, records).to_json())


DESCRIPTION = {
    "cell": {"adapter": "cad", "settings": {"lean": True, "classes": 2}},
    "recipe": {"epochs": 3},
    "data": {
        "path": "x", "layout": "auto", "classes": 1, "hold_out": 0.1, "name": "x",
        "class_names": [], "train_images": 9, "val_images": 1, "names_sha256": "0",
    },
    "pretrained": None,
}  # fmt: skip


@settings(bounded, max_examples=200)
@given(st.data())
def test_descriptions_with_other_values(tmp_path, data):
    description = with_another_value(DESCRIPTION, data.draw)
    (tmp_path / "run.json").write_text(json.dumps(description))
    answers_or_says_why(lambda folder: RunFolder(folder).description(), tmp_path)


@bounded
@given(DAMAGES)
def test_profiles_of_a_sweep(tmp_path, damages):
    path = tmp_path / "profile.json"
    good = b'{"predict": [{"adapter": ["cad", "lora"], "batch_size": [1, 4], "backbone": "vit_b"}]}'
    path.write_bytes(damaged(good, damages))
    try:
        load_profile(str(path))
    except UserError as error:
        assert "\n" not in str(error)


@pytest.fixture(scope="module")
def model():
    return adapted("lora")


@pytest.fixture(scope="module")
def adapter_file(model, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("adapter") / "lora.safetensors"
    model.save(path)
    return path.read_bytes()


@bounded
@given(IN_HEADER | DAMAGES)
def test_adapter_files(tmp_path, model, adapter_file, damages):
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(damaged(adapter_file, damages))
    answers_or_says_why(model.load, path)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, bytes]:
    state, folder = build_sam("vit_tiny", 64).state_dict(), tmp_path_factory.mktemp("sam")
    torch.save(state, folder / "sam.pth")
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, folder / "sam.safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(bounded, max_examples=25)
@given(IN_HEADER | DAMAGES)
def test_checkpoints(tmp_path, checkpoints, damages):
    for name, content in checkpoints.items():
        path = tmp_path / name
        path.write_bytes(damaged(content, damages))
        answers_or_says_why(lambda file: load_checkpoint(SAM, file, "vit_tiny"), path)


SAM = build_sam("vit_tiny", 64)
