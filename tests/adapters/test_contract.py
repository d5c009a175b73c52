"""What every registered method promises; a new method is covered without an edit here."""

from dataclasses import dataclass, field

import pytest
import torch
from golden_case import relative_error
from safetensors import safe_open
from small_sam import SIDE, adapted, small_batch, small_sam
from torch.nn import functional as F
from torch.optim import AdamW
from user_error import user_error

from adapters.core.adapted import AdaptedSam, attach
from adapters.core.registry import adapter_class, adapter_names
from harness.sam.build import build_sam


@dataclass(frozen=True)
class Variant:
    """A method and the settings that make it another one."""

    name: str
    settings: dict = field(default_factory=dict)

    def adapt(self, seed: int = 0) -> AdaptedSam:
        return adapted(self.name, seed, **self.settings)

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.settings.items())])


VARIANTS = [Variant(name) for name in adapter_names()] + [
    Variant("full", {"train_prompt_encoder": True}),
    Variant("sam_adapter", {"variant": "cad"}),
    Variant("sam_adapter", {"scramble": False}),
    Variant("sam_adapter", {"train_no_mask_embed": False}),
]


@pytest.fixture(params=VARIANTS, ids=str)
def variant(request) -> Variant:
    return request.param


def train(model: AdaptedSam, steps: int = 2, rate: float = 1e-3) -> list[float]:
    """Train on one batch whose masks are the images' left halves; the losses before each step."""
    images, boxes = small_batch()
    target = torch.zeros(2, 1, SIDE // 4, SIDE // 4)
    target[..., : SIDE // 8] = 1
    optimizer = AdamW(model.train().trainable().values(), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(images, boxes), target)
        auxiliary = model.adapter.auxiliary_loss()
        if auxiliary is not None:
            loss = loss + auxiliary
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses


def masks(model: AdaptedSam, prompts: int = 1) -> torch.Tensor:
    with torch.no_grad():
        return model(*small_batch(2, prompts))


def test_starts_as_sam_bit_for_bit_or_says_that_it_does_not(variant):
    images, _ = small_batch()
    sam, model = small_sam(), variant.adapt()
    with torch.no_grad():
        same = torch.equal(model.encode(images), sam.image_encoder(sam.preprocess(images)))
    assert same == model.adapter.starts_as_identity
    if same:
        assert torch.equal(masks(model), masks(adapted("decoder")))


def test_training_changes_the_declared_parameters_and_no_other(variant):
    model = variant.adapt()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    train(model)
    trained = model.trained_state().keys()
    for name, tensor in model.state_dict().items():
        if name not in trained:
            assert torch.equal(tensor, before[name]), name
        elif not is_unused(name):
            assert not torch.equal(tensor, before[name]), name


def is_unused(name: str) -> bool:
    """Whether this parameter plays no part in the single mask of a box prompt."""
    used = ("point_embeddings.2", "point_embeddings.3", "no_mask_embed")
    unused_prompt = ".prompt_encoder." in name and not any(part in name for part in used)
    return unused_prompt or "iou_prediction_head" in name


def test_exactly_the_declared_parameters_get_gradients(variant):
    model = variant.adapt()
    train(model)  # two steps: behind a matrix that starts at zero the first gradient is zero
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad or is_unused(name):
            assert parameter.grad is None, name
        elif any(f"hypernetworks_mlps.{index}." in name for index in (1, 2, 3)):
            assert not parameter.grad.any(), name
        elif not name.endswith("k_proj.bias"):  # zero but for rounding
            assert parameter.grad.any(), name
            assert parameter.grad.isfinite().all(), name


def test_a_few_steps_lower_the_loss(variant):
    losses = train(variant.adapt(), steps=6, rate=5e-3)
    assert losses[-1] < 0.98 * losses[0]


def test_the_same_seed_gives_the_same_training(variant):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(5)
        model = variant.adapt(seed)
        train(model)
        states.append(model.trained_state())
    first, again, other = states
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())
    if list(model.adapter.parameters()):
        assert any(not torch.equal(other[name], tensor) for name, tensor in first.items())


def test_evaluation_is_deterministic(variant):
    model = variant.adapt()
    train(model)
    assert torch.equal(masks(model), masks(model))


def test_a_batch_equals_its_images_one_by_one(variant):
    model = variant.adapt()
    train(model)
    images, boxes = small_batch(2, prompts=3)
    with torch.no_grad():
        single = [model(images[i : i + 1], boxes[i : i + 1]) for i in range(2)]
    assert relative_error(masks(model, prompts=3), torch.cat(single)) < 1e-5


def test_saving_and_loading_is_exact(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    model = variant.adapt()
    train(model)
    model.save(path)
    fresh = variant.adapt(seed=1)
    assert not torch.equal(masks(fresh), masks(model))
    fresh.load(path)
    assert torch.equal(masks(fresh), masks(model))


def test_a_saved_file_holds_only_what_was_trained(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    model = variant.adapt()
    model.save(path)
    with safe_open(path, "pt") as file:
        names = set(file.keys())
    assert names == set(model.trained_state())
    assert {name for name in names if name.startswith("sam.")} <= set(model.trainable())


def test_a_file_of_another_backbone_does_not_load(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    variant.adapt().save(path)
    with torch.device("meta"):
        other = attach(build_sam("vit_b"), variant.name, **variant.settings)
    with user_error(str(path), "128 wide, 6 deep", "768 wide, 12 deep"):
        other.load(path)


def test_a_file_of_garbage_does_not_load(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    path.write_bytes(b"garbage " * 1000)
    with user_error("cannot read", str(path)):
        variant.adapt().load(path)


def test_detaching_restores_sam_bit_for_bit(variant):
    images, _ = small_batch()
    sam = small_sam()
    with torch.no_grad():
        before = sam.image_encoder(sam.preprocess(images))
        assert attach(sam, variant.name, **variant.settings).detach() is sam
        after = sam.image_encoder(sam.preprocess(images))
    assert torch.equal(after, before)
    hooks = [(m._forward_hooks, m._forward_pre_hooks) for m in sam.modules()]
    assert not any(forward or pre for forward, pre in hooks)


def test_merging_is_exact_or_refused(variant):
    model = variant.adapt()
    train(model)
    expected = masks(model)
    if adapter_class(variant.name).mergeable:
        assert relative_error(masks(attach(model.merge(), "decoder").eval()), expected) < 1e-5
    else:
        with user_error(model.adapter.title):
            model.merge()
        assert torch.equal(masks(model), expected)


def test_only_serial_methods_keep_activations_of_the_encoder(variant):
    model, inside, kept = variant.adapt().train(), [], []
    encoder = model.sam.image_encoder
    encoder.register_forward_pre_hook(lambda *_: inside.append(True))
    encoder.register_forward_hook(lambda *_: inside.clear())

    def keep(tensor):
        kept.append(bool(inside))
        return tensor

    images, boxes = small_batch()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images.float().requires_grad_(), boxes)  # not even a wish for gradients changes it
    assert kept
    assert any(kept) == model.adapter.encoder_gradients


def test_nothing_keeps_a_graph_under_no_grad(variant):
    images, boxes = small_batch()
    model = variant.adapt().train()
    with torch.no_grad():
        assert not model.encode(images).requires_grad
    assert model(images, boxes).requires_grad
