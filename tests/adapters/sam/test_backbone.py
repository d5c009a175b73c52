"""Settings that choose blocks: what is trained, and what memory before them is spared."""

import pytest
import torch
from small_sam import adapted, small_batch
from user_error import user_error

from samfit import Cell, adapter_names
from samfit.adapters.core.base import SerialSettings
from samfit.adapters.core.registry import adapter_class
from samfit.adapters.sam.chosen import chosen_blocks
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import SAVED

SERIAL = [
    name for name in adapter_names() if issubclass(adapter_class(name).Settings, SerialSettings)
]


@pytest.mark.parametrize(
    ("text", "indices"),
    [("4-5", (4, 5)), ("0,3-5", (0, 3, 4, 5)), ("5", (5,)), ("0 - 1, 4", (0, 1, 4)), ("2-2", (2,))],
)
def test_blocks_are_named_by_numbers_and_ranges(text, indices):
    assert chosen_blocks(text, 6) == indices


@pytest.mark.parametrize(
    "text",
    [
        "6",
        "5-6",
        "3-2",
        "4,1",
        "1,1",
        "1-3,3",
        "-1",
        "x",
        "1-",
        ",",
        " ",
        "0,9-99",
        "0-999999999999",
    ],
)
def test_others_are_refused_in_one_sentence(text):
    with user_error("blocks", "0 to 5", repr(text)):
        adapted("lora", blocks=text)


@pytest.mark.parametrize("name", SERIAL)
def test_only_the_chosen_blocks_are_adapted(name):
    """No gradient flows before them, and one half and the other have all blocks' parameters."""
    model = adapted(name, blocks="3-5").train()
    seen = []
    for block in model.sam.image_encoder.blocks:
        block.attn.proj.register_forward_hook(lambda _, __, y: seen.append(y.requires_grad))
    model(*small_batch())
    assert seen[:3] == 3 * [False] and seen[5]
    of_half, of_all = (
        adapted(name, blocks=blocks).parameter_counts()["adapter"] for blocks in ("3-5", "")
    )
    assert 0 < of_half < of_all


def test_parameters_are_those_of_the_chosen_blocks():
    of_all = adapted("lora").parameter_counts()["adapter"]
    for blocks, count in (("3-5", 3), ("0,4", 2), ("5", 1)):
        model = adapted("lora", blocks=blocks)
        assert model.parameter_counts()["adapter"] == of_all * count // 6
    trained = {name for name in adapted("full", blocks="5").trainable() if "image_encoder" in name}
    assert {name.split(".")[2] for name in trained} == {"blocks", "neck"}
    assert {name.split(".")[3] for name in trained if ".blocks." in name} == {"5"}


@pytest.mark.parametrize("name", ["lora", "adaptformer", "ssf", "full"])
def test_blocks_before_the_chosen_keep_nothing_for_backward(name):
    cell = Cell(adapter=name, settings={"blocks": "4-5"}, backbone="vit_tiny")
    step = build_step_without_data(cell)
    with kernels_of("cuda"):
        allocations = step.trace().allocations
    kept = [a.module for a in allocations if a.category == SAVED and "image_encoder" in a.module]
    numbers = [module.split("blocks.")[1].split(".")[0] for module in kept if "blocks." in module]
    # What leaves block 3 enters block 4, and is kept for it.
    assert [number for number in numbers if number in "0123"] in ([], 2 * ["3"])
    assert "4" in numbers and numbers.count("5") > 2 * 8


def test_a_chosen_half_computes_what_the_adapter_of_all_blocks_does_there():
    images, _ = small_batch()
    torch.manual_seed(0)
    half, whole = adapted("lora", blocks="3-5"), adapted("lora")
    with torch.no_grad():
        for update in half.adapter.parameters():
            update += 0.1 * torch.randn_like(update)
        whole.adapter.updates[3:].load_state_dict(half.adapter.updates.state_dict())
        assert not torch.equal(half.encode(images).image, adapted("decoder").encode(images).image)
        assert torch.equal(half.encode(images).image, whole.encode(images).image)
