"""What every method of PEFT promises."""

import pytest
import torch
from small_sam import SIDE, adapted, small_batch, small_sam
from torch import Tensor
from torch.nn import functional as F
from user_error import user_error

import samfit
from samfit import AdaptedSam
from samfit.adapters.core.registry import peft_names

NAMES = peft_names()
FITTING = {"peft_c3a": {"block_size": 64}, "peft_vblora": {"vector_length": 32}}  # a small SAM
STEPS = 2


def small(name: str, seed: int = 0, **settings: object) -> AdaptedSam:
    return adapted(name, seed, **FITTING.get(name, {}), **settings)


def loss_of(model: AdaptedSam) -> Tensor:
    images, boxes = small_batch()
    target = torch.zeros(2, 1, SIDE // 4, SIDE // 4)
    target[..., : SIDE // 8] = 1
    loss = F.binary_cross_entropy_with_logits(model(images, boxes), target)
    auxiliary = model.adapter.auxiliary_loss()
    return loss if auxiliary is None else loss + auxiliary


def train(model: AdaptedSam) -> None:
    """Two steps; the gradients are finite, and only what is trained has any."""
    optimizer = torch.optim.AdamW(model.train().trainable().values(), lr=1e-2)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(model).backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                assert parameter.requires_grad and parameter.grad.isfinite().all(), name
        optimizer.step()
    model.eval()


def masks(model: AdaptedSam) -> Tensor:
    with torch.no_grad():
        return model(*small_batch())


def everything(model: AdaptedSam) -> dict[str, Tensor]:
    """Parameters and buffers, those that layers share once."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def encoded(sam) -> Tensor:
    with torch.no_grad():
        return sam.image_encoder(sam.preprocess(small_batch()[0]))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_of_peft_keeps_its_promises(name, tmp_path):
    """It starts as it says, trains what it declares, is saved, loaded, merged and removed."""
    untouched = small_sam()
    model = small(name)
    with torch.no_grad():
        start = model.encode(small_batch()[0]).image
    assert torch.equal(start, encoded(untouched)) == model.adapter.starts_as_identity

    before = {key: tensor.clone() for key, tensor in everything(model).items()}
    train(model)
    moved = {key for key, now in everything(model).items() if not torch.equal(now, before[key])}
    own = {key for key in model.trainable() if not key.startswith("sam.mask_decoder")}
    assert own and own <= moved <= model.trainable().keys()
    assert all(key.startswith("adapter.") for key in own)

    trained = masks(model)
    model.save(tmp_path / "trained.safetensors")
    fresh = small(name, seed=1)
    fresh.load(tmp_path / "trained.safetensors")
    assert torch.equal(masks(fresh), trained)

    if model.adapter.mergeable:
        with torch.no_grad():
            adapted_embedding = model.encode(small_batch()[0]).image
        merged = encoded(model.merge())
        changed = (adapted_embedding - encoded(untouched)).abs().max()
        assert (merged - adapted_embedding).abs().max() < 0.05 * changed
    else:
        with user_error("cannot be merged"):
            model.merge()

    detached = fresh.detach()
    assert torch.equal(encoded(detached), encoded(untouched))
    assert detached.state_dict().keys() == untouched.state_dict().keys()


def test_there_are_many_and_they_are_no_methods_of_ours():
    assert len(NAMES) >= 25
    assert {"peft_lora", "peft_dora", "peft_adalora", "peft_ia3", "peft_oft"} <= set(NAMES)
    assert not set(NAMES) & set(samfit.adapter_names())


def test_a_method_that_looks_at_values_is_rehearsed_and_not_traced():
    settings = FITTING["peft_vblora"]
    cell = samfit.Cell(adapter="peft_vblora", backbone="vit_tiny", settings=settings)
    with user_error("PEFT VBLoRA", "--instrument rehearsal"):
        samfit.predict(cell, "trace")
    if not samfit.why_not_rehearsed(cell):
        assert samfit.predict(cell).memory.instrument == "rehearsal"
    cell = samfit.Cell(adapter="peft_loha", backbone="vit_tiny", image_size=64)
    assert samfit.predict(cell, "trace").memory.peak_allocated_bytes > 0
