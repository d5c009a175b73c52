"""What every registered method promises; a new method is covered without an edit here.

That includes methods of other packages: install yours, and run this file with ``-k <its name>``.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from golden_case import relative_error
from safetensors import safe_open
from safetensors.torch import load_file
from small_sam import SIDE, adapted, shaken, small_batch, small_sam
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from user_error import user_error
from variants import METHODS, VARIANTS, Variant

import samfit
from samfit import AdaptedSam, Cell, attach
from samfit.adapters.sam.families.segment_anything import VITS
from samfit.harness.predict.traced import build_step_without_data
from samfit.harness.step.levers import run_with_levers
from samfit.harness.trace.kernels import kernels_of
from samfit.harness.trace.trace import SAVED
from samfit.harness.trace.tracer import Tracer

TESTS = Path(__file__).parents[1]
ENOUGH_STEPS = 100  # for a router to send something to each of its experts


@pytest.fixture(params=VARIANTS, ids=str)
def variant(request) -> Variant:
    return request.param


@pytest.fixture(params=METHODS, ids=str)
def method(request) -> str:
    return request.param.name


def loss_of(model: AdaptedSam) -> Tensor:
    """The loss on one batch whose masks are the images' left halves."""
    images, boxes = small_batch()
    target = torch.zeros(2, 1, SIDE // 4, SIDE // 4)
    target[..., : SIDE // 8] = 1
    loss = F.binary_cross_entropy_with_logits(model(images, boxes).float(), target)
    auxiliary = model.adapter.auxiliary_loss()
    return loss if auxiliary is None else loss + auxiliary


def training(model: AdaptedSam, rate: float = 1e-3) -> Iterator[float]:
    """Train on one batch, the same every time; the loss before each step. Gradients are left."""
    optimizer = AdamW(model.train().trainable().values(), lr=rate)
    while True:
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        yield loss.item()


def train(model: AdaptedSam, steps: int = 2, rate: float = 1e-3) -> list[float]:
    """The losses of ``steps`` steps; the model is left in evaluation mode."""
    losses = [loss for _, loss in zip(range(steps), training(model, rate), strict=False)]
    model.eval()
    return losses


def masks(model: AdaptedSam, prompts: int = 1) -> Tensor:
    with torch.no_grad():
        return model(*small_batch(2, prompts))


def is_unused(name: str) -> bool:
    """Whether this parameter plays no part in the single mask of a box prompt."""
    used = ("point_embeddings.2", "point_embeddings.3", "no_mask_embed")
    unused_prompt = ".prompt_encoder." in name and not any(part in name for part in used)
    return unused_prompt or "iou_prediction_head" in name


def has_no_effect(name: str) -> bool:
    """Whether this parameter's gradient is zero, or zero but for rounding, by SAM's own algebra."""
    of_multimask = any(f"hypernetworks_mlps.{index}." in name for index in (1, 2, 3))
    return is_unused(name) or of_multimask or name.endswith("k_proj.bias")


def test_starts_as_sam_bit_for_bit_or_says_that_it_does_not(variant):
    images, _ = small_batch()
    sam, model = small_sam(), variant.adapt()
    with torch.no_grad():
        same = torch.equal(model.encode(images).image, sam.image_encoder(sam.preprocess(images)))
    assert same == model.adapter.starts_as_identity
    if same:
        settings = {"decoder": model.adapter.settings.decoder}
        assert torch.equal(masks(model), masks(adapted("decoder", **settings)))


def test_every_declared_parameter_is_trained_and_nothing_else_moves(variant):
    model = variant.adapt()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    waiting = {name for name in model.trainable() if not has_no_effect(name)}
    for _, _ in zip(range(ENOUGH_STEPS), training(model), strict=False):
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                assert parameter.requires_grad and parameter.grad.isfinite().all(), name
                assert not is_unused(name) or not parameter.grad.any(), name
                if parameter.grad.any():
                    waiting.discard(name)
        if not waiting:
            break
    assert not waiting
    after, trained = model.state_dict(), model.trained_state().keys()
    assert after.keys() == before.keys()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert moved <= trained
    assert {name for name in model.trainable() if not has_no_effect(name)} <= moved


def test_a_few_steps_lower_the_loss(variant):
    losses = train(variant.adapt(), steps=6, rate=5e-3)
    assert losses[-1] < 0.98 * losses[0]


def test_the_same_seed_gives_the_same_training(variant):
    states = []
    for seed in (0, 0, 1):
        model = variant.adapt(seed)
        torch.manual_seed(5)
        train(model)
        states.append(model.trained_state())
    first, again, other = states
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())
    draws = any(p.any() and len(p.unique()) > 2 for p in variant.adapt().adapter.parameters())
    if draws:
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


def test_trains_in_bfloat16_autocast(variant):
    """The loss is the same up to bfloat16's three digits, and gradients are finite."""
    model = variant.adapt().train()
    torch.manual_seed(0)
    expected = loss_of(model).item()
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(model)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=0.05)
    gradients = [p.grad for p in model.trainable().values() if p.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)


def test_a_saved_file_holds_what_was_trained_and_gives_it_back(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    model = variant.adapt()
    train(model)
    model.save(path)
    with safe_open(path, "pt") as file:
        names = set(file.keys())
    assert names == set(model.trained_state())
    assert {name for name in names if name.startswith("sam.")} <= set(model.trainable())
    fresh = variant.adapt(seed=1)
    assert not torch.equal(masks(fresh), masks(model))
    fresh.load(path)
    assert torch.equal(masks(fresh), masks(model))


LOAD_ALL = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
torch.set_num_threads(1)
from test_conformance import VARIANTS, masks
for index, variant in enumerate(VARIANTS):
    path = Path(sys.argv[1]) / f"{index}.safetensors"
    model = variant.adapt(seed=1)
    model.load(path)
    save_file({"masks": masks(model).contiguous()}, path.with_suffix(".masks"))
"""


def test_a_fresh_process_loads_every_file_exactly(tmp_path):
    expected = []
    for index, variant in enumerate(VARIANTS):
        model = variant.adapt()
        train(model, steps=1)
        model.save(tmp_path / f"{index}.safetensors")
        expected.append(masks(model))
    paths = f"import sys; sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / 'adapters')!r}]\n"
    subprocess.run([sys.executable, "-c", paths + LOAD_ALL, str(tmp_path)], check=True)
    for index, variant in enumerate(VARIANTS):
        found = load_file(tmp_path / f"{index}.masks")["masks"]
        assert torch.equal(found, expected[index]), variant


def test_a_file_of_another_backbone_does_not_load(variant, tmp_path):
    path = tmp_path / "trained.safetensors"
    variant.adapt().save(path)
    with torch.device("meta"):
        other = attach(samfit.build_sam("vit_b"), variant.name, **variant.settings)
    with user_error(str(path), "128 wide, 6 deep", "768 wide, 12 deep"):
        other.load(path)


def test_detaching_restores_sam_bit_for_bit(variant):
    images, _ = small_batch()
    sam = small_sam()
    attributes = {module: set(vars(module)) for module in sam.modules()}
    state = {name: tensor.clone() for name, tensor in sam.state_dict().items()}
    with torch.no_grad():
        before = sam.image_encoder(sam.preprocess(images))
        model = attach(sam, variant.name, **variant.settings)
        for parameter in model.adapter.parameters():
            parameter += 0.1
        model(*small_batch())
        assert model.detach() is sam
        after = sam.image_encoder(sam.preprocess(images))
    assert torch.equal(after, before)
    assert sam.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in sam.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in sam.modules())
    left = {name for m, names in attributes.items() for name in set(vars(m)) - names}
    assert left <= {"samfit_adapter"}


def test_a_second_adapter_is_refused_until_the_first_is_gone(method):
    sam = small_sam()
    model = attach(sam, method)
    with user_error(method, "detach"):
        attach(sam, "decoder")
    assert attach(model.detach(), "decoder").sam is sam


def test_merging_is_exact_or_refused(variant):
    model = shaken(variant.name, **variant.settings)
    train(model)
    expected = masks(model)
    if model.adapter.mergeable:
        settings = {"decoder": model.adapter.settings.decoder}
        merged = attach(model.merge(), "decoder", **settings).eval()
        assert relative_error(masks(merged), expected) < 1e-4
    else:
        with user_error(model.adapter.title):
            model.merge()
        assert torch.equal(masks(model), expected)


def test_the_declared_gradient_path_is_true(variant):
    """Only serial methods keep activations of the encoder for backward, as the tracer sees it.

    A parallel method may keep the encoder's result, and, if it reads the blocks, the tokens it
    reads: what enters the first block and what leaves each.
    """
    cell = Cell(adapter=variant.name, settings=variant.settings, backbone="vit_tiny")
    step = build_step_without_data(cell)
    with kernels_of("cuda"):
        allocations = step.trace().allocations
    saved = [a for a in allocations if a.category == SAVED and "image_encoder" in a.module]
    inside = [a for a in saved if ".neck." not in a.module]
    if step.model.adapter.encoder_gradients:
        assert len(inside) > 2 * 20
    elif step.model.adapter.reads_blocks:
        tokens = 16 * 16 * 128 * 4
        assert [a.nbytes for a in inside] == 2 * (6 + 1) * [tokens]
    else:
        assert not inside
        assert len(saved) <= 2


def test_a_parallel_method_needs_no_gradient_even_where_the_images_want_one(variant):
    model = variant.adapt().train()
    images, boxes = small_batch()
    images = images.float().requires_grad_()
    seen = []
    model.sam.image_encoder.register_forward_hook(lambda _, __, y: seen.append(y.requires_grad))
    assert model(images, boxes).requires_grad
    assert seen == [model.adapter.encoder_gradients]
    model.adapter.auxiliary_loss()
    with torch.no_grad():
        assert not model.encode(images).image.requires_grad


def test_no_tensor_of_a_pass_is_kept_nor_disturbs_the_next(variant):
    model = variant.adapt().train()
    for checkpointing in (False, "checkpointing" in model.adapter.levers()):
        cell = Cell(adapter=variant.name, backbone="vit_tiny", checkpointing=checkpointing)
        run_with_levers(model, cell)
        loss_of(model).backward()
        for module in model.adapter.modules():
            for name, value in vars(module).items():
                values = value if isinstance(value, list) else [value]
                assert not any(isinstance(v, Tensor | list) and len(v) for v in values), name
    model = variant.adapt()
    expected = masks(model)
    with torch.no_grad():  # a pass that does not reach its end
        model.sam.image_encoder(torch.randn(1, 3, SIDE, SIDE))
    assert torch.equal(masks(model), expected)


def test_follows_sam_to_its_type(variant):
    images, _ = small_batch()
    model = attach(small_sam().double(), variant.name, **variant.settings).eval()
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    with torch.no_grad():
        assert model.encode(images.double()).image.dtype is torch.float64


def test_a_detached_model_says_so(method):
    model = adapted(method)
    model.detach()
    for use in (model.encode, lambda _: model.detach(), lambda _: model.merge()):
        with user_error(method, "detached"):
            use(small_batch()[0])


@pytest.mark.parametrize("backbone", VITS)
def test_runs_on_every_backbone_without_data(method, backbone):
    step = build_step_without_data(Cell(adapter=method, backbone=backbone))
    with kernels_of("cuda"), Tracer(step.model) as tracer:
        loss = step.run(tracer.enter)
    assert loss.is_meta and loss.shape == ()
    assert tracer.trace.flops > 0


def test_says_what_it_is(method):
    described = type(adapted(method).adapter)
    assert described.title and described.source and adapted(method).adapter.levers()
    for flag in ("encoder_gradients", "starts_as_identity", "mergeable", "reads_blocks"):
        assert isinstance(getattr(described, flag), bool), flag
