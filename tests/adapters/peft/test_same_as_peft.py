"""PEFT's methods compute what others compute: our own LoRA, and PEFT applied by hand."""

import peft
import pytest
import torch
from exact_levers import with_every_exact_lever
from golden_case import relative_error
from small_sam import adapted, small_batch, small_sam
from torch import Tensor, nn
from user_error import user_error

import samfit
from samfit import AdaptedSam, Cell
from samfit.adapters.core.leaving import in_peft_format
from samfit.adapters.peft.layers import layers_of
from samfit.harness.step.step import build_step

LAST_BLOCKS = "4-5"


def shaken(model: AdaptedSam) -> AdaptedSam:
    """No new parameter stays at zero."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in filter(lambda each: each.requires_grad, model.adapter.parameters()):
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def test_lora_is_our_fused_lora():
    """With the same A and B: the same masks, and the same gradients of both."""
    ours = shaken(adapted("lora", fused=True, rank=4, alpha=8))
    theirs = adapted("peft_lora", r=4, lora_alpha=8)
    pairs = [
        (updates["qkv"], layer)
        for updates, (_, _, layer) in zip(
            ours.adapter.updates, layers_of(theirs.adapter.tuner), strict=True
        )
    ]
    assert len(pairs) == 6
    with torch.no_grad():
        for update, layer in pairs:
            layer.lora_A["default"].weight.copy_(update.A)
            layer.lora_B["default"].weight.copy_(update.B)
    masks = [model(*small_batch()) for model in (ours, theirs)]
    assert relative_error(masks[1], masks[0]) < 1e-5
    for each in masks:
        each.square().mean().backward()
    for update, layer in pairs:
        assert relative_error(layer.lora_A["default"].weight.grad, update.A.grad) < 1e-4
        assert relative_error(layer.lora_B["default"].weight.grad, update.B.grad) < 1e-4


class Flattened(nn.Module):
    """A layer of PEFT's on tokens (B, h·w, D), as it knows them."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        batch, *grid, width = x.shape
        return self.layer(x.reshape(batch, -1, width)).reshape(batch, *grid, -1)


def by_hand(config: peft.PeftConfig) -> tuple[nn.Module, dict[str, nn.Parameter]]:
    """Meta's Sam with PEFT's own layers put into its image encoder by PEFT, and what they train."""
    sam = small_sam()
    for part in (sam.prompt_encoder, sam.mask_decoder):
        part.requires_grad_(False)
    tuned = peft.get_peft_model(sam.image_encoder, config).base_model
    trained = {n: p for n, p in tuned.model.named_parameters() if p.requires_grad}
    for block in sam.image_encoder.blocks:
        if isinstance(block.attn.qkv, peft.tuners.tuners_utils.BaseTunerLayer):
            block.attn.qkv = Flattened(block.attn.qkv)
        if isinstance(block.mlp.lin2, peft.tuners.tuners_utils.BaseTunerLayer):
            block.mlp.lin2 = Flattened(block.mlp.lin2)
    return sam, trained


CASES = {
    "lora": (peft.LoraConfig(r=4, target_modules=["qkv", "lin2"]), {"r": 4}),
    "dora": (peft.LoraConfig(use_dora=True, target_modules=["qkv", "lin2"]), {}),
    "pissa": (peft.LoraConfig(init_lora_weights="pissa", target_modules=["qkv", "lin2"]), {}),
    "ia3": (peft.IA3Config(target_modules=["qkv", "lin2"], feedforward_modules=["lin2"]), {}),
    "oft": (peft.OFTConfig(target_modules=["qkv", "lin2"]), {}),
    "loha": (peft.LoHaConfig(target_modules=["qkv", "lin2"]), {}),
    "lokr": (peft.LoKrConfig(target_modules=["qkv", "lin2"]), {}),
    "fourierft": (peft.FourierFTConfig(target_modules=["qkv", "lin2"]), {}),
    "vera": (peft.VeraConfig(target_modules=["qkv", "lin2"]), {}),
}


@pytest.mark.parametrize("method", CASES)
def test_a_method_is_what_peft_makes_of_the_encoder(method):
    """The same parameters are trained; with the same values, embeddings and gradients are equal."""
    config, settings = CASES[method]
    sam, theirs = by_hand(config)
    model = shaken(adapted(f"peft_{method}", target_modules="qkv,lin2", **settings))
    ours = dict(model.adapter.tuner.model.named_parameters())
    ours = {name: parameter for name, parameter in ours.items() if parameter.requires_grad}

    def our_name(name: str) -> str:
        """blocks.0.attn.qkv.lora_A.default.weight -> 0.qkv.lora_A.default.weight."""
        _, index, _, rest = name.split(".", 3)
        return f"{index}.{rest}"

    assert ours.keys() == {our_name(name) for name in theirs}
    with torch.no_grad():
        for name, parameter in theirs.items():
            parameter.copy_(ours[our_name(name)])
    images, _ = small_batch()
    expected = sam.image_encoder(sam.preprocess(images))
    found = model.encode(images).image
    assert relative_error(found, expected) < 1e-5
    for embedding in (expected, found):
        embedding.square().mean().backward()
    for name, parameter in theirs.items():
        assert relative_error(ours[our_name(name)].grad, parameter.grad) < 1e-4, name


def test_only_the_chosen_blocks_and_layers_are_changed():
    model = adapted("peft_lora", blocks=LAST_BLOCKS, target_modules="proj,lin1")
    blocks = model.sam.image_encoder.blocks
    changed = [
        (index, name)
        for index, block in enumerate(blocks)
        for name, module in block.named_modules()
        if "forward" in vars(module)
    ]
    assert changed == [(i, n) for i in (4, 5) for n in ("attn.proj", "mlp.lin1")]


def test_the_biases_that_peft_trains_are_those_of_the_changed_layers():
    model = adapted("peft_lora", bias="lora_only", blocks=LAST_BLOCKS)
    trained = {name for name in model.trainable() if "image_encoder" in name}
    assert trained == {f"sam.image_encoder.blocks.{i}.attn.qkv.bias" for i in (4, 5)}


def test_what_peft_adds_to_the_loss_is_added():
    """AdaLoRA's: the mean of ||P^T P - I|| and ||Q Q^T - I|| over all layers, times 0.5."""
    model = shaken(adapted("peft_adalora", init_r=3))
    distances = [
        torch.linalg.matrix_norm(matrix @ matrix.T - torch.eye(3))
        for _, _, layer in layers_of(model.adapter.tuner)
        for matrix in (layer.lora_A["default"], layer.lora_B["default"].T)
    ]
    found, expected = model.adapter.auxiliary_loss(), 0.5 * torch.stack(distances).mean()
    assert found.requires_grad and torch.allclose(found, expected)
    assert adapted("peft_lora").adapter.auxiliary_loss() is None


def test_sam_keeps_its_own_weights_where_peft_starts_from_others():
    """PiSSA takes its update out of the layer; the layer that it is taken out of is a copy."""
    model, untouched = adapted("peft_pissa"), small_sam()
    weights = model.sam.state_dict()
    assert all(torch.equal(weights[name], own) for name, own in untouched.state_dict().items())
    images, _ = small_batch()
    with torch.no_grad():
        expected = untouched.image_encoder(untouched.preprocess(images))
        assert relative_error(model.encode(images).image, expected) < 1e-4
    own = weights["image_encoder.blocks.0.attn.qkv.weight"]
    _, _, layer = next(layers_of(model.adapter.tuner))
    assert not torch.equal(layer.base_layer.weight, own)


@pytest.mark.parametrize("name", ["peft_lora", "peft_vera", "peft_pissa", "peft_fourierft"])
def test_a_model_moves_to_another_type_and_back(name):
    model = adapted(name)
    images, boxes = small_batch()
    with torch.no_grad():
        expected = model(images, boxes)
        model.to(torch.float64)
        assert model.encode(images).image.dtype == torch.float64
        assert relative_error(model.to(torch.float32)(images, boxes), expected) < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(images, boxes).float().square().mean()
    loss.backward()
    gradients = [p.grad for p in model.adapter.parameters() if p.requires_grad]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", ["peft_lora", "peft_dora", "peft_fourierft"])
def test_levers_change_no_gradient(name):
    """The step as published, and with fused attention and checkpointing."""
    cell = Cell(adapter=name, backbone="vit_tiny", image_size=64, device="cpu")
    found = []
    for each in (cell, with_every_exact_lever(cell)):
        step = build_step(each, torch.device("cpu"))
        shaken(step.model)
        loss = step.run()
        gradients = [p.grad for n, p in step.model.trainable().items() if n.startswith("adapter.")]
        found.append([loss, *gradients])
    assert all(relative_error(there, here) < 1e-4 for here, there in zip(*found, strict=True))


def test_no_weight_of_sam_is_counted_twice():
    sam = small_sam()
    own = sum(parameter.numel() for parameter in sam.parameters())
    model = samfit.attach(sam, "peft_lora")
    counts = model.parameter_counts()
    assert counts["adapter"] == 6 * 8 * (128 + 3 * 128)
    assert counts["total"] == own + counts["adapter"]


def test_a_lora_is_exported_as_what_it_is():
    model = shaken(adapted("peft_rslora", r=4, lora_alpha=8, blocks=LAST_BLOCKS))
    config, tensors = in_peft_format(model)
    assert config["r"] == 4
    for index, (_, _, layer) in zip((4, 5), layers_of(model.adapter.tuner), strict=True):
        name = f"base_model.model.vision_encoder.layers.{index}.attn.qkv"
        down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        assert torch.equal(tensors[f"{name}.lora_A.weight"], down)
        assert torch.equal(tensors[f"{name}.lora_B.weight"], up * 8 / 4**0.5)
    with user_error("PEFT PiSSA", "--format hf"):
        in_peft_format(adapted("peft_pissa"))
