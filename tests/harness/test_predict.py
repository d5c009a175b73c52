"""Predictions against published and independently traced figures, and their properties."""

import pytest

from adapters.core.errors import UserError
from harness.cell import Cell
from harness.predict import predict

MIB = 2**20


def peak_mib(adapter, **fields):
    return predict(Cell(adapter=adapter, **fields)).memory.peak_allocated_bytes / MIB


@pytest.mark.parametrize(
    ("backbone", "batch_size", "published"),
    [("vit_b", 1, 2_789), ("vit_b", 8, 19_934), ("vit_h", 1, 5_758), ("vit_h", 8, 28_806)],
)
def test_encoder_inference_as_published_for_an_a100(backbone, batch_size, published):
    """Source: pytorch-labs/segment-anything-fast, experiments/results.csv, technique fp32."""
    found = peak_mib("decoder", backbone=backbone, batch_size=batch_size, phase="infer")
    assert found == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(("batch_size", "traced"), [(1, 7_083), (4, 27_272)])
def test_sam_adapter_as_its_code_was_traced(batch_size, traced):
    """The re-implementation by CAD's authors, official code followed on fake tensors."""
    found = peak_mib("sam_adapter", settings={"variant": "cad"}, batch_size=batch_size)
    assert found == pytest.approx(traced, rel=0.05)


def test_lora_and_decoder_as_others_were_traced():
    assert peak_mib("lora") == pytest.approx(7_024, rel=0.01)
    assert peak_mib("decoder") == pytest.approx(2_790, rel=0.01)


def test_cad_needs_less_than_the_official_code():
    """The official branch runs before the encoder and keeps its activations meanwhile."""
    assert peak_mib("cad", batch_size=4) < 0.75 * 15_698


def test_record_says_what_was_traced_and_sums_up():
    record = predict(Cell(adapter="lora", backbone="vit_tiny", batch_size=2))
    assert (record.status, record.source) == ("ok", "predicted")
    assert "training step" in record.traced
    assert sum(record.memory.breakdown_bytes.values()) == record.memory.peak_allocated_bytes
    assert record.memory.peak_reserved_bytes >= record.memory.peak_allocated_bytes
    assert record.timing.step_ms is None
    assert record.compute.flops_per_image > 0
    assert record.environment["packages"]["torch"]


def test_memory_for_a_cpu_has_no_allocator():
    memory = predict(Cell(adapter="lora", backbone="vit_tiny", device="cpu")).memory
    assert memory.instrument == "trace"
    assert memory.peak_reserved_bytes is None
    assert memory.breakdown_bytes["library_workspace"] == 0


def test_more_prompts_need_more_memory():
    one, three = (
        peak_mib("decoder", backbone="vit_tiny", prompts_per_image=count) for count in (1, 3)
    )
    assert three > one


def test_operations_per_image_do_not_depend_on_the_batch():
    one, four = (
        predict(Cell(adapter="lora", backbone="vit_tiny", batch_size=count)).compute
        for count in (1, 4)
    )
    assert one.flops_per_image == pytest.approx(four.flops_per_image, rel=1e-3)


def test_a_wrong_checkpoint_is_noticed():
    with pytest.raises(UserError, match="no checkpoint file"):
        predict(Cell(adapter="lora", backbone="vit_tiny", checkpoint="missing.pth"))
