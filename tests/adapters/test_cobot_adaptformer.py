from functools import partial

import pytest
import torch
from golden_case import golden, run_blocks, sam_with_blocks
from small_sam import adapted, small_batch
from user_error import user_error

from samfit.adapters.cobot_adaptformer import CobotAdaptFormer, CobotAdaptFormerSettings
from samfit.adapters.sam.find import view

PARTS = {"down_proj": "down", "up_proj": "up", "adapter_layer_norm_before": "norm"}


def ours(columns, official):
    """Our parameters: a quaternion matrix is one tensor, and the relation has only the columns
    that the blocks use."""
    found = {
        "cobot.relation.C": official["blocks.0.mlp.FacT_c"],
        "cobot.relation.P": official["blocks.0.mlp.FacT_p"][:, columns],
    }
    for name, tensor in official.items():
        _, index, rest = name.split(".", 2)
        site, part, *kind = rest.split(".")
        if site == "mlp" and part in PARTS:
            found[".".join(["cobot.branches", index, PARTS[part], *kind])] = tensor
        elif site != "mlp" or part == "mlp":
            found[name.replace(".mlp.mlp.", ".mlp.")] = tensor
    for index in range(len(columns)):
        at, to = f"blocks.{index}.mlp", f"cobot.mixings.{index}"
        parts = [official[f"{at}.FacT_d1.{part}_weight"] for part in "rijk"]
        found[f"{to}.gamma"] = official[f"{at}.gamma"]
        found[f"{to}.mixer.parts"] = torch.stack(parts)
    return found


@golden("cobot_adaptformer_two_blocks")
def test_blocks_equal_the_official_ones(case):
    sam, rank = sam_with_blocks(case.config), len(case.tensors["param.blocks.0.mlp.gamma"])
    settings = CobotAdaptFormerSettings(rank=rank, scale=float(case.config["scalar"]), dropout=0)
    cobot = CobotAdaptFormer(view(sam), settings)
    cobot.attach(view(sam))
    modules = {"blocks": sam.image_encoder.blocks, "cobot": cobot}
    run = partial(run_blocks, sam, case.inputs["x"])
    case.check(case.call(modules, partial(ours, case.config["idx"]), run))


@pytest.mark.parametrize(
    "settings", [{"ibc": False}, {"ibe": False}, {"mixer": "linear", "rank": 6}], ids=str
)
def test_every_variant_starts_as_sam(settings):
    images, _ = small_batch()
    model = adapted("cobot_adaptformer", **settings)
    with torch.no_grad():
        assert torch.equal(model.encode(images).image, adapted("decoder").encode(images).image)


def test_a_rank_that_is_no_multiple_of_four_is_refused():
    with user_error("cobot_adaptformer", "rank", "multiple of 4", "10"):
        adapted("cobot_adaptformer", rank=10)
