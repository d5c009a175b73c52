"""``samfit blame`` as a user meets it, on real steps of the miniature SAM."""

import pytest

from samfit import Cell, blame, predict
from samfit.harness.trace.trace import FROZEN, SAVED, TRAINABLE

TINY = ("--backbone", "vit_tiny")


@pytest.mark.parametrize(
    "fields",
    [
        {"adapter": "lora", "batch_size": 2},
        {"adapter": "full", "device": "cpu"},
        {"adapter": "lora", "alloc_conf": "roundup_power2_divisions:2"},
        {"adapter": "cad", "phase": "infer"},
        {"adapter": "cad", "phase": "infer", "device": "cpu"},
    ],
    ids=str,
)
def test_holders_sum_to_the_predicted_peak_and_breakdown(fields):
    cell = Cell(backbone="vit_tiny", **fields)
    found, memory = blame(cell), predict(cell).memory
    assert found.peak_bytes == memory.peak_allocated_bytes
    sums = dict.fromkeys(memory.breakdown_bytes, 0)
    for holder in found.holders:
        sums[holder.category] += holder.nbytes
    assert sums == memory.breakdown_bytes


def test_weights_are_held_by_the_modules_that_own_them():
    holders = blame(Cell(adapter="lora", backbone="vit_tiny")).holders
    sizes = {(holder.module, holder.category): holder.nbytes for holder in holders}
    block = "sam.image_encoder.blocks.0"
    assert sizes[f"{block}.mlp.lin1", FROZEN] == 4 * 128 * (4 * 128) + 4 * (4 * 128)
    owners = {module for module, category in sizes if category == TRAINABLE}
    assert any(module.startswith("adapter.") for module in owners)
    assert any(module.startswith("sam.mask_decoder.") for module in owners)
    assert not any(module.startswith("sam.image_encoder") for module in owners)


def test_saved_activations_lie_in_the_blocks():
    holders = blame(Cell(adapter="lora", backbone="vit_tiny", batch_size=2)).holders
    saved = [holder for holder in holders if holder.category == SAVED]
    inside = [h.nbytes for h in saved if h.module.startswith("sam.image_encoder.blocks.")]
    assert sum(inside) > 0.8 * sum(holder.nbytes for holder in saved)


def test_the_table_and_the_answer_are_printed(said):
    out = said("blame", "lora", *TINY)
    assert "image_encoder.blocks.*.attn" in out
    assert "LoRA reaches its peak of" in " ".join(out.split())


def test_json_sums_to_the_peak(answer):
    document = answer("blame", "cad", *TINY, "--phase", "infer")
    assert Cell.from_json(document["cell"]).phase == "infer"
    total = sum(holder["bytes"] for holder in document["holders"])
    assert total == document["peak_allocated_bytes"] > 0


def test_json_of_a_difference_has_both_cells(answer):
    against = ("--against", "cad --batch-size 2")
    document = answer("blame", "lora", *TINY, "--set", "rank=8", *against)
    one, other = (Cell.from_json(document[name]["cell"]) for name in ("one", "against"))
    assert (one.adapter, one.batch_size, one.settings) == ("lora", 1, {"rank": 8})
    assert (other.adapter, other.batch_size, other.settings) == ("cad", 2, {})
    assert other.backbone == "vit_tiny"
    differences = [entry["difference_bytes"] for entry in document["differences"]]
    peaks = [document[name]["peak_allocated_bytes"] for name in ("one", "against")]
    assert sum(differences) == document["difference_bytes"] == peaks[0] - peaks[1]


def test_a_picture_is_drawn_where_it_is_asked_for_and_nowhere_else(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said("blame", "decoder", *TINY)
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "folder" / "why.png"
    out = said("blame", "decoder", *TINY, "--against", "--batch-size 2", "--output", path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert out.rstrip().endswith(str(path))
