import pytest
import torch
from golden_case import golden, relative_error, run_blocks, sam_with_blocks
from small_sam import adapted, shaken, small_batch
from torch import nn
from torch.nn import functional as F

from samfit import Cell
from samfit.adapters.dtl import Dtl, DtlSettings
from samfit.adapters.sam.find import view
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import SAVED

TOKENS = 16 * 16 * 128 * 4  # bytes of the tokens of one image of vit_tiny


def our_name(official: str) -> str:
    name = official.replace(".fc1.", ".lin1.").replace(".fc2.", ".lin2.")
    return name.replace("lora_dict.", "mappings.").replace("lora_", "")


@golden("dtl_four_blocks")
def test_blocks_equal_the_official_ones(case):
    sam = sam_with_blocks(case.config)
    settings = {key: case.config[key] for key in ("rank", "beta", "fed_back")}
    dtl = Dtl(view(sam), DtlSettings(**settings))
    dtl.attach(view(sam))
    both = nn.ModuleDict({"blocks": sam.image_encoder.blocks, "mappings": dtl.mappings})
    case.load(both, our_name)
    x = case.inputs["x"].unflatten(1, case.config["grid"])
    y = run_blocks(sam, x)["y"].flatten(1, 2)
    case.check({"y": y[:, 1:].mean(1)})  # the first is their class token


@pytest.mark.parametrize("plus", [False, True])
@torch.no_grad()
def test_computes_the_papers_equations(plus):
    images, _ = small_batch()
    model = shaken("dtl", rank=4, beta=3.0, plus=plus)
    adapter, encoder = model.adapter, model.sam.image_encoder
    ours = model.encode(images).image
    adapter.detach()
    x = encoder.patch_embed(model.sam.preprocess(images)) + encoder.pos_embed
    h = torch.zeros_like(x)
    for index, block in enumerate(encoder.blocks):
        mapping = adapter.mappings[index]
        h = h + x @ mapping.A.T @ mapping.B.T
        x = block(x)
        if index >= 3:  # the last half of six
            active = h / (1 + torch.exp(-3.0 * h))
            if plus:
                kernels, padded = adapter.conv.weight, F.pad(active, (0, 0, 1, 1, 1, 1))
                shifts = [(i, j) for i in range(3) for j in range(3)]
                active = sum(
                    padded[:, i : i + 8, j : j + 8] * kernels[:, 0, i, j] for i, j in shifts
                )
            x = x + active
    assert relative_error(ours, encoder.neck(x.permute(0, 3, 1, 2))) < 1e-5


def test_no_gradient_flows_before_the_blocks_that_are_fed_back():
    model = adapted("dtl").train()
    seen = []
    for block in model.sam.image_encoder.blocks:
        for part in (block.attn, block.mlp):
            part.register_forward_hook(lambda _, __, y: seen.append(y.requires_grad))
    model(*small_batch())
    assert seen == 2 * 4 * [False] + 2 * 2 * [True]  # the fourth is the first that is fed back


def test_of_the_blocks_before_only_their_tokens_are_kept():
    step = build_step_without_data(Cell(adapter="dtl", backbone="vit_tiny"))
    with kernels_of("cuda"):
        allocations = step.trace().allocations
    kept = [(a.module, a.nbytes) for a in allocations if a.category == SAVED]
    before = [(m, size) for m, size in kept if any(f".blocks.{i}" in m for i in range(4))]
    assert before == 2 * [(f"sam.image_encoder.blocks.{i}", TOKENS) for i in range(3)]  # two steps
    assert sum(".blocks.4." in module for module, _ in kept) > 2 * 8


@pytest.mark.parametrize(("share", "first"), [(1, 0), (0.5, 3), (1 / 6, 5), (0, 5)])
def test_the_share_of_blocks_that_are_fed_back_is_a_setting(share, first):
    assert adapted("dtl", fed_back=share).adapter.first_fed_back == first
