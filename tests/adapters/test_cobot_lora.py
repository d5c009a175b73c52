import re
from functools import partial

import pytest
import torch
from golden_case import golden, relative_error, run_blocks, sam_with_blocks
from small_sam import adapted, shaken, small_batch, small_sam
from user_error import user_error

from samfit.adapters.cobot_lora import CobotLora, CobotLoraSettings
from samfit.adapters.sam.find import view

HALVES = {"q": ("query", 1), "v": ("value", 2)}


def ours(first_columns, official):
    """Our parameters: gamma is one for each of q and v, a quaternion matrix one tensor, and the
    relation has only the columns that the blocks use: two each."""
    columns = [column for first in first_columns for column in (first, first + 1)]
    found = {}
    for name, tensor in official.items():
        _, index, rest = name.split(".", 2)
        if ".attn.qkv." not in name or ".qkv.qkv." in name:
            found[f"blocks.{index}.{rest.replace('.qkv.qkv.', '.qkv.')}"] = tensor
    found["cobot.relation.C"] = official["blocks.0.attn.qkv.FacT_c"]
    found["cobot.relation.P"] = official["blocks.0.attn.qkv.FacT_p"][:, columns]
    for index in range(len(first_columns)):
        at = f"blocks.{index}.attn.qkv"
        gammas = official[f"{at}.gamma"].chunk(2)
        for (letter, (half, number)), gamma in zip(HALVES.items(), gammas, strict=True):
            to = f"cobot.{half}.{index}"
            found[f"{to}.A"] = official[f"{at}.linear_a_{letter}.weight"]
            found[f"{to}.B"] = official[f"{at}.linear_b_{letter}.weight"]
            found[f"{to}.mixing.gamma"] = gamma
            mixer = f"{at}.FacT_d{number}"
            if f"{mixer}.weight" in official:
                found[f"{to}.mixing.mixer.weight"] = official[f"{mixer}.weight"]
            else:
                parts = [official[f"{mixer}.{part}_weight"] for part in "rijk"]
                found[f"{to}.mixing.mixer.parts"] = torch.stack(parts)
    return found


@golden("cobot_lora_two_blocks", "cobot_lora_quaternion_two_blocks")
def test_blocks_equal_the_official_ones(case):
    at = "param.blocks.0.attn.qkv."
    mixer = "linear" if f"{at}FacT_d1.weight" in case.tensors else "quaternion"
    rank = len(case.tensors[f"{at}linear_a_q.weight"])
    sam = sam_with_blocks(case.config)
    cobot = CobotLora(view(sam), CobotLoraSettings(mixer=mixer, rank=rank))
    cobot.attach(view(sam))
    modules = {"blocks": sam.image_encoder.blocks, "cobot": cobot}
    run = partial(run_blocks, sam, case.inputs["x"])
    case.check(case.call(modules, partial(ours, case.config["idx"]), run))


def test_the_relation_starts_at_one_and_every_weight_at_two():
    cobot = adapted("cobot_lora").adapter
    weights = cobot._shared(3) + cobot.value[1].mixing.gamma
    assert torch.equal(weights, torch.full_like(weights, 2))


def test_starts_as_sam_if_asked_to():
    images, _ = small_batch()
    model = adapted("cobot_lora", zero_init_B=True)
    with torch.no_grad():
        same = torch.equal(model.encode(images).image, adapted("decoder").encode(images).image)
    assert same and model.adapter.starts_as_identity


@pytest.mark.parametrize(
    "settings", [{"mixer": "linear", "rank": 3}, {"ibc": False, "ibe": False}], ids=str
)
def test_merged_weights_compute_the_same(settings):
    images, _ = small_batch()
    model = shaken("cobot_lora", **settings)
    with torch.no_grad():
        attached = model.encode(images).image
        sam = model.merge()
        merged = sam.image_encoder(sam.preprocess(images))
    assert relative_error(merged, attached) < 1e-4


def test_without_both_parts_it_is_lora():
    images, _ = small_batch()
    model, lora = adapted("cobot_lora", ibc=False, ibe=False), adapted("lora")
    with torch.no_grad():
        for index, updates in enumerate(lora.adapter.updates):
            for letter, half in (("q", model.adapter.query), ("v", model.adapter.value)):
                updates[letter].A.copy_(half[index].A)
                updates[letter].B.copy_(half[index].B)
        assert relative_error(model.encode(images).image, lora.encode(images).image) < 1e-6


def test_a_rank_that_is_no_multiple_of_four_is_refused():
    with user_error("cobot_lora", "rank", "multiple of 4", "6", "mixer=linear"):
        adapted("cobot_lora", rank=6)


def test_its_own_parameters_are_few():
    """The paper's "around 1K" on ViT-B."""
    with torch.device("meta"):
        names = dict(CobotLora(view(small_sam()), CobotLoraSettings()).named_parameters())
    own = [p.numel() for name, p in names.items() if not re.search(r"\.[AB]$", name)]
    assert sum(own) == 2 * 4 * 6 + 4 * 36 + 2 * 4 * 6 + 16 * 6 // 2
