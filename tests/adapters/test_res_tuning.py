from functools import partial

import torch
from golden_case import golden, relative_error, sam_with_blocks
from small_sam import adapted, shaken, small_batch
from torch import Tensor, nn
from torch.nn import functional as F

from samfit.adapters.res_tuning import ResTuning, ResTuningSettings, Tuner
from samfit.adapters.sam.find import view

OURS = {"lateral_tuner": "lateral", "vertical_tuner": "vertical", "ln1": "down", "ln2": "up"}


def our_name(official: str) -> str:
    _, index, kind, _, layer, parameter = official.split(".")
    return f"{OURS[kind]}.{index}.{OURS[layer]}.{parameter}"


@golden("res_tuning_bypass")
def test_a_bypass_equals_the_official_one(case):
    """On tokens that are given: each block leaves them, whatever enters it."""
    config, stems = case.config, case.inputs["stems"]
    depth = len(stems)
    sam = sam_with_blocks({**config, "window": [0] * depth, "heads": 2, "mlp_ratio": 1})
    sam.image_encoder.neck = nn.Sequential()
    adapter = ResTuning(view(sam), ResTuningSettings(width=config["width"]))
    adapter.attach(view(sam))
    case.load(adapter, our_name)
    x = case.inputs["root"][:, None]  # any grid: tokens do not see each other
    for block, left in zip(sam.image_encoder.blocks, stems, strict=True):
        block.forward = partial(lambda given, _: given, left[:, None])
        x = block(x)
    y = adapter.correct(x, x)
    case.check({"y": y.permute(0, 2, 3, 1)[:, 0]})


def tuned(tuner: Tuner, x: Tensor) -> Tensor:
    hidden = F.gelu(x @ tuner.down.weight.T + tuner.down.bias)
    return x + hidden @ tuner.up.weight.T + tuner.up.bias


@torch.no_grad()
def test_computes_the_equations_of_the_docstring():
    images, _ = small_batch()
    model = shaken("res_tuning")
    adapter, encoder = model.adapter, model.sam.image_encoder
    ours = model.encode(images).image
    adapter.detach()
    x = encoder.patch_embed(model.sam.preprocess(images)) + encoder.pos_embed
    y = x
    for index, block in enumerate(encoder.blocks):
        x = block(x)
        y = tuned(adapter.lateral[index], x) + tuned(adapter.vertical[index], y)
    assert relative_error(ours, encoder.neck(y.permute(0, 3, 1, 2))) < 1e-5
    assert relative_error(ours, encoder.neck(x.permute(0, 3, 1, 2))) > 0.01


@torch.no_grad()
def test_images_may_pass_the_encoder_in_parts():
    images, _ = small_batch(3)
    model = adapted("res_tuning")
    whole = model.encode(images).image
    model.encoder_micro_batch = 2
    assert relative_error(model.encode(images).image, whole) < 1e-5


def test_starts_at_the_values_of_the_official_code():
    adapter = adapted("res_tuning").adapter
    for tuner in (*adapter.lateral, *adapter.vertical):
        for layer in (tuner.down, tuner.up):
            assert layer.bias.any() and layer.bias.abs().max() < 1e-5
            bound = (6 / (128 + 32)) ** 0.5
            assert 0.9 * bound < layer.weight.abs().max() <= bound
