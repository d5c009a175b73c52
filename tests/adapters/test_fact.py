from functools import partial

import pytest
import torch
from golden_case import golden, relative_error, run_blocks, sam_with_blocks
from small_sam import adapted, shaken, small_batch
from torch import Tensor

from samfit.adapters.core.base import Adapter
from samfit.adapters.fact import Fact, FactSettings
from samfit.adapters.sam.find import view

RANK, WIDTH, SCALE = 3, 128, 2.0
FORMS = pytest.mark.parametrize("form", ["tt", "tk"])


def ours(official):
    """Our parameters: the cores of q, k and v are one tensor; the MLP's layers have SAM's names."""
    found = {"fact.U": official["FacTu.weight"], "fact.V": official["FacTv.weight"]}
    for name, tensor in official.items():
        if "FacT" not in name:
            found[name.replace(".fc1.", ".lin1.").replace(".fc2.", ".lin2.")] = tensor
    for index in range(2):
        qkv = [official[f"blocks.{index}.attn.{part}_FacTs.weight"] for part in "qkv"]
        others = [
            official[f"blocks.{index}.{layer}_FacTs.weight"]
            for layer in ("attn.proj", "mlp.fc1", "mlp.fc2")
        ]
        for place, core in enumerate([torch.cat(qkv), *others]):
            found[f"fact.cores.cores.{4 * index + place}"] = core
    return found


@golden("fact_tt_two_blocks")
def test_blocks_equal_the_official_ones(case):
    sam = sam_with_blocks(case.config)
    settings = FactSettings(rank=case.config["rank"], scale=case.config["scale"], dropout=0)
    fact = Fact(view(sam), settings)
    fact.attach(view(sam))
    x = case.inputs["x"].unflatten(1, case.config["grid"])
    modules = {"blocks": sam.image_encoder.blocks, "fact": fact}
    outputs = case.call(modules, ours, partial(run_blocks, sam, x))
    case.check({"y": outputs["y"].flatten(1, 2)})


def core_of(adapter: Adapter, block: int, matrix: int) -> Tensor:
    """The r x r core of one of the 12 matrices of a block: q, k, v, proj, 4 of lin1, 4 of lin2."""
    cores = adapter.cores
    if adapter.settings.form == "tk":
        weights = cores.mixing[:, 12 * block + matrix]
        return sum(weight * cores.core[:, :, c] for c, weight in enumerate(weights))
    layer, part = [*((0, i) for i in range(3)), (1, 0), *((2, i) for i in range(4))][matrix]
    return cores.cores[4 * block + layer][part * RANK : (part + 1) * RANK]


def updates_of(adapter: Adapter, block: int) -> dict[str, Tensor]:
    """What is added to each weight of a block, matrix by matrix."""

    def update(matrix: int) -> Tensor:
        return SCALE * adapter.V @ core_of(adapter, block, matrix) @ adapter.U

    if adapter.settings.form == "tk":
        lin2 = [update(8 + i) for i in range(4)]
    else:
        wide = adapter.cores.cores[4 * block + 3]
        parts = [wide[:, i * RANK : (i + 1) * RANK] for i in range(4)]
        lin2 = [SCALE * adapter.V @ part @ adapter.U for part in parts]
    return {
        "attn.qkv": torch.cat([update(i) for i in range(3)]),
        "attn.proj": update(3),
        "mlp.lin1": torch.cat([update(4 + i) for i in range(4)]),
        "mlp.lin2": torch.cat(lin2, dim=1),
    }


@FORMS
@torch.no_grad()
def test_merged_weights_are_the_papers_product(form):
    model = shaken("fact", form=form, rank=RANK, scale=SCALE)
    before = {name: p.clone() for name, p in model.sam.image_encoder.named_parameters()}
    merged = model.merge().image_encoder
    changed = {n for n, p in merged.named_parameters() if not torch.equal(p, before[n])}
    expected = {}
    for block in range(6):
        for layer, update in updates_of(model.adapter, block).items():
            expected[f"blocks.{block}.{layer}.weight"] = update
    assert changed == expected.keys()
    for name, update in expected.items():
        assert relative_error(merged.get_parameter(name) - before[name], update) < 1e-4, name


@FORMS
@torch.no_grad()
def test_the_attached_adapter_computes_with_these_weights(form):
    images, _ = small_batch()
    model = shaken("fact", form=form, rank=RANK, scale=SCALE)
    ours = model.encode(images).image
    sam = model.detach()
    for index, block in enumerate(sam.image_encoder.blocks):
        for layer, update in updates_of(model.adapter, index).items():
            block.get_submodule(layer).weight.add_(update)
    assert relative_error(ours, sam.image_encoder(sam.preprocess(images))) < 1e-4


@FORMS
def test_all_blocks_share_their_outer_factors(form):
    adapter = adapted("fact", form=form, rank=RANK).adapter
    shapes = {name: tuple(p.shape) for name, p in adapter.named_parameters()}
    assert shapes.pop("U") == (RANK, WIDTH)
    assert shapes.pop("V") == (WIDTH, RANK)
    if form == "tk":
        assert shapes == {"cores.core": (RANK,) * 3, "cores.mixing": (RANK, 12 * 6)}
    else:
        assert sum(p.numel() for p in adapter.cores.parameters()) == 12 * 6 * RANK**2


def test_dropout_acts_in_training_only():
    images, _ = small_batch()
    model = shaken("fact", dropout=0.5)
    with torch.no_grad():
        assert torch.equal(model.encode(images).image, model.encode(images).image)
        model.train()
        assert not torch.equal(model.encode(images).image, model.encode(images).image)
