"""Predictions against published and independently traced figures, and their properties."""

import gc
from dataclasses import replace

import pytest

from samfit import Cell, UserError, predict
from samfit.harness.device.cards import card_of_capability, context_of
from samfit.harness.memory.replay import replay
from samfit.harness.predict.traced import build_step_without_data

MIB = 2**20


def peak_mib(adapter, **fields):
    return predict(Cell(adapter=adapter, **fields)).memory.peak_allocated_bytes / MIB


def test_the_decoder_alone_as_others_traced_it():
    """test_readme.py has what else others published."""
    assert peak_mib("decoder") == pytest.approx(2_790, rel=0.01)


def test_cad_needs_less_than_the_official_code():
    """The official branch runs before the encoder and keeps its activations meanwhile."""
    assert peak_mib("cad", batch_size=4) < 0.75 * 15_698


def test_memory_for_a_cpu_has_no_allocator():
    memory = predict(Cell(adapter="lora", backbone="vit_tiny", device="cpu")).memory
    assert memory.instrument == "trace"
    assert memory.peak_reserved_bytes is None
    assert memory.breakdown_bytes["library_workspace"] == 0


def test_more_prompts_need_more_memory():
    tiny = {"adapter": "decoder", "backbone": "vit_tiny"}
    assert peak_mib(**tiny, prompts_per_image=3) > peak_mib(**tiny)


@pytest.mark.parametrize("phase", ["train", "infer"])
def test_prompts_from_masks_need_what_such_prompts_need(phase):
    peaks = {
        prompt: peak_mib("lora", backbone="vit_tiny", prompt=prompt, phase=phase)
        for prompt in ("box", "mask_box", "points", "none")
    }
    assert peaks["mask_box"] == peaks["box"]
    assert peaks["points"] >= peaks["none"] > 0


@pytest.mark.parametrize("adapter", ["decoder", "conv_lora"])
def test_classes_are_trained_and_need_memory(adapter):
    one = Cell(adapter=adapter, backbone="vit_tiny", image_size=64)
    several = predict(replace(one, settings={"classes": 3}, loss="samed"))
    assert several.status == "ok"
    assert several.params.trainable != predict(one).params.trainable
    assert several.memory.peak_allocated_bytes > 0


def test_operations_per_image_do_not_depend_on_the_batch():
    one, four = (
        predict(Cell(adapter="lora", backbone="vit_tiny", batch_size=count)).compute
        for count in (1, 4)
    )
    assert one.flops_per_image == pytest.approx(four.flops_per_image, rel=1e-3)


def test_weights_that_come_with_samfit_are_no_file_that_is_missing():
    cell = Cell(adapter="decoder", backbone="vit_tiny", checkpoint="miniature")
    plain = predict(replace(cell, checkpoint=None))
    assert predict(cell).memory == plain.memory
    with pytest.raises(UserError, match="vit_b"):
        predict(replace(cell, backbone="vit_b"))


def test_a_prediction_says_what_it_assumes_where_memory_depends_on_data():
    assert "evenly" in predict(Cell(adapter="conv_lora", backbone="vit_tiny")).assumption
    assert predict(Cell(adapter="lora", backbone="vit_tiny")).assumption is None


@pytest.mark.parametrize("expert", [0, 7])
def test_no_routing_is_further_than_a_hundredth_from_the_assumed_one(expert):
    cell = Cell(adapter="conv_lora", batch_size=2)
    step = build_step_without_data(cell)
    for update in step.model.adapter.updates:
        update.counts = lambda rows: [len(rows) if i == expert else 0 for i in range(8)]
    trace = step.trace(card_of_capability(cell.compute_capability))
    peak = replay(trace).peak_allocated_bytes
    assumed = predict(cell, "trace").memory.peak_allocated_bytes
    assert 0 < abs(peak / assumed - 1) < 0.01


def test_garbage_is_collected_again_after_a_prediction():
    assert gc.isenabled()
    predict(Cell(adapter="decoder", backbone="vit_tiny"))
    assert gc.isenabled()


def test_what_nvidia_smi_will_show_adds_the_context_to_what_is_reserved():
    context, _ = context_of("8.6")
    memory = predict(Cell(adapter="decoder", backbone="vit_tiny", compute_capability="8.6")).memory
    assert memory.process_bytes == memory.peak_reserved_bytes + context
    cpu = predict(Cell(adapter="decoder", backbone="vit_tiny", device="cpu")).memory
    assert cpu.process_bytes is None
