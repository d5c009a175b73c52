import pytest
import torch
from golden_case import relative_error
from hypothesis import given, settings, strategies as st
from small_sam import SIDE, adapted, small_batch

from samfit.adapters.conv_lora import ConvLoraSettings, ConvLoraUpdate
from samfit.adapters.core.registry import adapter_names
from samfit.bench.naive import mixture, naive_masks, naive_step, single_images
from samfit.harness.record.cell import Cell
from samfit.harness.step.step import Batch, Step, random_batch

IMAGES, PROMPTS = 3, 2
# Batch norm, noise, dropout: these agree in evaluation mode.
OTHER_IN_TRAINING = ("cad", "sam_lst", "conv_lora", "adaptformer", "cobot_adaptformer")


def make_step(name: str, phase: str = "train", boxes: bool = True) -> Step:
    """A step of a small SAM; no part of the adapter is left at zero."""
    cell = Cell(
        adapter=name,
        backbone="vit_tiny",
        image_size=SIDE,
        batch_size=IMAGES,
        prompts_per_image=PROMPTS if boxes else 1,
        prompt="box" if boxes else "none",
        phase=phase,
        device="cpu",
    )
    model = adapted(name)
    with torch.no_grad():
        for parameter in model.trainable().values():
            parameter += 0.02 * torch.randn_like(parameter)
    images, prompts = small_batch(IMAGES, PROMPTS)
    return Step(cell, model, Batch(images, prompts if boxes else None, random_batch(cell).masks))


@torch.no_grad()
def both_masks(step: Step) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the batch, and of its images one by one."""
    single = [naive_masks(step.model, one.images, one.boxes) for one in single_images(step.batch)]
    return step.model(step.batch.images, step.batch.boxes), torch.cat(single)


@pytest.mark.parametrize("name", adapter_names())
def test_masks_agree_in_evaluation(name):
    assert relative_error(*both_masks(make_step(name, "infer"))) < 1e-5


@pytest.mark.parametrize("name", ["decoder", "conv_lora"])
def test_masks_without_a_prompt_agree(name):
    assert relative_error(*both_masks(make_step(name, "infer", boxes=False))) < 1e-5


@pytest.mark.parametrize("name", adapter_names())
def test_losses_and_gradients_of_a_step_agree(name):
    batched, naive = make_step(name), make_step(name)
    if name in OTHER_IN_TRAINING:
        batched.model.eval()
        naive.model.eval()
    losses = batched.run(), naive_step(naive)
    if name != "conv_lora":  # its balance loss, without a gradient here, counts a batch's windows
        assert relative_error(*losses) < 1e-6
    trained = naive.model.trainable()
    largest = max(float(p.grad.abs().max()) for p in trained.values() if p.grad is not None)
    for key, parameter in batched.model.trainable().items():
        gradient, reference = parameter.grad, trained[key].grad
        if gradient is None:
            assert reference is None or not reference.any(), key
        elif reference.abs().max() < 1e-6 * largest:  # zero but for rounding
            assert gradient.abs().max() < 1e-6 * largest, key
        else:
            assert relative_error(gradient, reference) < 1e-4, key


@st.composite
def dispatches(draw) -> tuple[ConvLoraUpdate, torch.Tensor, torch.Tensor]:
    """An update, rows h (N, r, H, W) that want a gradient, and the expert of each."""
    rank, rows = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    scales = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=8)))
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    indices = st.integers(0, len(scales) - 1)
    expert = draw(st.lists(indices, min_size=rows, max_size=rows))
    torch.manual_seed(draw(st.integers(0, 2**16)))
    update = ConvLoraUpdate(8, 8, ConvLoraSettings(rank=rank, scales=scales))
    h = torch.randn(rows, rank, height, width, dtype=torch.float64, requires_grad=True)
    return update.double(), h, torch.tensor(expert)


@settings(deadline=None)
@given(dispatches())
def test_dispatching_computes_the_mixture_of_the_paper(case):
    update, h, expert = case
    weight = torch.randn_like(h)
    leaves = [h, *update.experts.parameters()]
    results = []
    for y in (update.dispatch(h, expert), mixture(update, h, expert)):
        assert y.shape == h.shape
        gradients = torch.autograd.grad((y * weight).sum(), leaves, allow_unused=True)
        results.append([y, *gradients])
    for batched, naive in zip(*results, strict=True):
        if batched is None:  # of an expert that gets no row
            assert not naive.any()
        else:
            torch.testing.assert_close(batched, naive)


def test_the_experts_loop_ends_with_the_naive_step():
    step = make_step("conv_lora")
    naive_step(step)
    assert all("dispatch" not in vars(update) for update in step.model.adapter.updates)
