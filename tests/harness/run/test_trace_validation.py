"""Which Cells traces are compared with rehearsals on, and how."""

from itertools import product

import pytest
from user_error import user_error

from samfit import Store, adapter_names
from samfit.harness.run import trace_validation as room
from samfit.harness.run.trace_validation import (
    BATCH_SIZES,
    CAPABILITIES,
    trace_tasks,
    validate_trace,
)


@pytest.fixture(scope="module")
def tasks():
    return trace_tasks()


@pytest.fixture(scope="module")
def cells(tasks):
    return [task.cell for task in tasks[::2]]


def test_at_least_250_cells_are_rehearsed_and_traced_once(tasks, cells):
    assert len({cell.key for cell in cells}) == len(cells) >= 250
    assert [task.how for task in tasks] == ["predict", "trace"] * len(cells)
    assert [task.cell for task in tasks[1::2]] == cells
    assert len({task.key for task in tasks}) == len(tasks)


def test_every_method_is_on_every_card_as_published_and_with_levers(cells):
    for fused in (False, True):
        found = {
            (cell.adapter, cell.compute_capability)
            for cell in cells
            if (cell.attention, cell.precision, cell.phase, cell.backbone)
            == ("sdpa" if fused else "eager", "fp32", "train", "vit_b")
        }
        assert found == set(product(adapter_names(), CAPABILITIES))
    in_bf16 = {(c.adapter, c.compute_capability) for c in cells if c.precision == "bf16"}
    assert in_bf16 == set(product(adapter_names(), CAPABILITIES))
    assert all(cell.device == "cuda" for cell in cells)


@pytest.mark.parametrize("field", ["adapter", "compute_capability"])
def test_batch_sizes_precisions_and_levers_take_turns(cells, field):
    for value in {getattr(cell, field) for cell in cells}:
        of = [cell for cell in cells if getattr(cell, field) == value]
        assert {cell.batch_size for cell in of} == set(BATCH_SIZES)
        bf16 = {cell.attention for cell in of if cell.precision == "bf16"}
        assert bf16 == {"eager", "sdpa"}, value


def test_a_method_has_three_batch_sizes_on_each_card(cells):
    steps = cells[: 3 * len(adapter_names()) * len(CAPABILITIES)]
    found = {(cell.adapter, cell.compute_capability, cell.batch_size) for cell in steps}
    assert len(found) == len(steps)


def test_forward_passes_caches_rarer_precisions_and_larger_backbones_are_among_them(cells):
    assert {cell.compute_capability for cell in cells if cell.phase == "infer"} == {*CAPABILITIES}
    cached = {cell.adapter for cell in cells if cell.cache_embeddings}
    assert cached == {"cad", "decoder", "sam_lst"}
    larger = {(cell.backbone, cell.attention) for cell in cells if cell.backbone != "vit_b"}
    assert larger == set(product(("vit_l", "vit_h"), ("eager", "sdpa")))
    for precision in ("fp16", "bf16-pure"):
        cards = {cell.compute_capability for cell in cells if cell.precision == precision}
        assert cards == {*CAPABILITIES}


def test_a_short_run_has_every_method_and_every_card(cells):
    first = cells[: len(adapter_names())]
    assert {cell.adapter for cell in first} == set(adapter_names())
    assert {cell.compute_capability for cell in first} == {*CAPABILITIES}
    assert {cell.batch_size for cell in first} == {*BATCH_SIZES}


def test_where_one_backbone_is_wanted_all_cells_have_it():
    assert {task.cell.backbone for task in trace_tasks("vit_tiny")} == {"vit_tiny"}


class Instant:
    """An executor whose answers are instant."""

    def __init__(self):
        self.machine, self.rounds = {"gpu": None}, []

    def run(self, tasks, limit_s):
        self.rounds.append(tasks)
        yield from (task.ended("ok", None, self.machine) for task in tasks)


def test_both_records_of_a_cell_are_stored_and_the_same_call_resumes(tasks, monkeypatch, tmp_path):
    monkeypatch.setattr(room, "why_not_rehearsed", lambda cell: None)
    store, first, second = Store(tmp_path / "rehearsed.jsonl"), Instant(), Instant()
    records = list(validate_trace(store, executor=first))
    assert [(r.source, r.cell) for r in records[:2]] == [
        ("predicted", tasks[0].cell), ("traced", tasks[0].cell),
    ]  # fmt: skip
    assert len(store.load()) == len(records) == len(tasks)
    assert max(map(len, first.rounds)) < len(tasks) / 2
    assert [r.key for r in validate_trace(store, executor=second)] == [t.key for t in tasks]
    assert second.rounds == []


def test_where_nothing_can_be_rehearsed_it_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "why_not_rehearsed", lambda cell: "there is no Linux here.")
    with user_error("compared with rehearsals, and here is none: there is no Linux here."):
        next(validate_trace(Store(tmp_path / "rehearsed.jsonl"), executor=Instant()))
