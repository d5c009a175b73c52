"""A rehearsal is PyTorch's own doing: what samfit says of it agrees with what PyTorch counts."""

import pytest
from rehearsed import both_allocators

import samfit
from samfit import Cell, UserError
from samfit.harness.device.cards import CARDS
from samfit.harness.rehearse import rehearsal
from samfit.harness.standin.library import unavailable

TINY = {"backbone": "vit_tiny"}


def test_it_can_be_done_here():
    """Where tests run, PyTorch has CUDA and the library is built; nothing falls back in silence."""
    assert unavailable() is None
    assert samfit.predict(Cell(adapter="decoder", **TINY)).memory.instrument == "rehearsal"


@pytest.mark.parametrize(
    "fields",
    [
        {"adapter": "lora"},
        {"adapter": "lora", "backbone": "vit_b", "compute_capability": "8.6"},
        {"adapter": "cad", "batch_size": 4, "attention": "sdpa", "backbone": "vit_b"},
        {"adapter": "sam_adapter", "attention": "sdpa", "precision": "bf16", "checkpointing": True},
        {"adapter": "conv_lora", "optimizer": "adamw_fused", "compute_capability": "12.0"},
        {"adapter": "decoder", "phase": "infer", "batch_size": 3},
        {"adapter": "full", "alloc_conf": "expandable_segments:True"},
        {"adapter": "lora", "gradient_accumulation": 2, "batch_size": 4, "alloc_conf":
            "roundup_power2_divisions:4"},
    ],
    ids=str,
)  # fmt: skip
def test_the_model_of_the_allocator_is_pytorchs_and_the_witness_disturbs_nothing(stage, fields):
    peaks = stage.run(both_allocators, Cell(**{**TINY, **fields}).to_json())
    assert peaks["model"] == peaks["pytorch"] == peaks["witnessed"]


@pytest.mark.parametrize("adapter", samfit.adapter_names())
def test_every_method_is_rehearsed_and_every_byte_has_a_category(adapter):
    found = samfit.blame(Cell(adapter=adapter, **TINY))
    memory = found.record.memory
    assert memory.instrument == "rehearsal"
    assert sum(memory.breakdown_bytes.values()) == memory.peak_allocated_bytes == found.peak_bytes
    assert min(memory.breakdown_bytes.values()) >= 0


def test_softmax_backward_holds_one_more_matrix():
    """12 heads of 4,096 x 4,096 floats: what a trace of operators alone does not see."""
    held = samfit.blame(Cell(adapter="lora")).record.memory.breakdown_bytes
    assert held["library_workspace"] > 12 * 4096 * 4096 * 4


def test_a_card_that_is_too_small_is_a_result_that_says_by_how_much():
    record = samfit.predict(Cell(adapter="full", batch_size=2, gpu="rtx 3060"))
    assert record.status == "oom"
    assert record.memory is None
    assert record.oom.allocated_bytes < record.oom.reserved_bytes < 12 * 2**30
    assert record.oom.requested_bytes > record.oom.free_bytes
    assert record.oom.module.startswith("sam.image_encoder.blocks.")
    for words in ("RTX 3060", "tried to allocate", "MiB more", "--batch-size"):
        assert words in record.message


def test_workspaces_are_soft():
    """PyTorch takes the next engine of cuDNN when a workspace does not fit."""
    cell = Cell(adapter="cad", batch_size=4, attention="sdpa")
    reserved = samfit.predict(cell).memory.peak_reserved_bytes
    on_a_card = samfit.predict(Cell(**{**cell.to_json(), "gpu": "RTX 3080 10GB",
                                       "compute_capability": ""}))  # fmt: skip
    assert on_a_card.status == "ok"
    assert on_a_card.memory.peak_reserved_bytes < 10 * 2**30 < reserved


def test_nothing_is_left_of_a_rehearsal_in_the_next():
    cell = Cell(adapter="lora", **TINY)
    first = samfit.predict(cell).memory
    samfit.predict(Cell(adapter="cad", batch_size=2, compute_capability="9.0", **TINY))
    assert samfit.predict(cell).memory == first


def test_the_trace_is_there_when_it_is_asked_for():
    record = samfit.predict(Cell(adapter="lora", **TINY), "trace")
    assert record.memory.instrument == "trace+replay"


def test_a_rehearsal_of_a_cpu_is_refused():
    with pytest.raises(UserError, match="--device"):
        samfit.predict(Cell(adapter="lora", device="cpu", **TINY), "rehearsal")


@pytest.mark.parametrize("capability", sorted({card.compute_capability for card in CARDS}))
def test_every_kind_of_card_can_be_stood_in_for(capability):
    """Full fine-tuning sorts and adds on the card, by kernels that ask which card they run on."""
    record = samfit.predict(Cell(adapter="full", compute_capability=capability, **TINY))
    assert record.memory.instrument == "rehearsal"
    words = " ".join(record.memory.unknown)
    assert ("has no kernels" in words) == (float(capability) < 7.5)


def test_a_library_that_lacks_what_torch_needs_is_said_before_anything_runs(monkeypatch):
    monkeypatch.setattr(rehearsal, "lacking", lambda: "torch needs cudaFutureCall.")
    with pytest.raises(UserError, match="cudaFutureCall"):
        rehearsal.Prepared(Cell(adapter="lora", **TINY))
