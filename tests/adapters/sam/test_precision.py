"""Types of 16 bits: our autocast against CUDA's, which fake tensors run without a GPU."""

from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest
import torch
from segment_anything.modeling import Sam
from small_sam import SIDE, adapted, small_batch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

import samfit
from samfit.adapters.sam.precision import (
    CudaAutocast,
    autocast,
    autocast_dtype,
    contexts_to_compute_again,
    convert,
    hold_frozen_weights,
    in_full_precision,
)
from samfit.harness.trace.kernels import kernels_of

CPU = torch.device("cpu")
WITHOUT_RESULT_OF_THEIR_OWN = {
    "alias", "clone", "contiguous", "detach", "device", "expand", "permute", "select", "slice", "t",
    "transpose", "unsqueeze", "unsqueeze_", "view", "_reshape_alias", "_unsafe_view",
}  # fmt: skip
# In float16 CUDA's is another operator, with an empty tensor more.
NAMES = {"cudnn_batch_norm": "native_batch_norm"}


class Results(TorchDispatchMode):
    """Counts what operators return: their names, types and shapes."""

    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = func._overloadpacket.__name__
        if name not in WITHOUT_RESULT_OF_THEIR_OWN:
            tensors = [t for t in tree_leaves(result) if isinstance(t, torch.Tensor) and t.numel()]
            if tensors:
                self.seen[(NAMES.get(name, name), *((t.dtype, t.shape) for t in tensors))] += 1
        return result


@contextmanager
def cuda_autocast(dtype):
    """``torch.autocast("cuda", dtype)``, which refuses where there is no CUDA."""
    torch.set_autocast_dtype("cuda", dtype)
    torch.set_autocast_enabled("cuda", True)
    try:
        yield
    finally:
        torch.set_autocast_enabled("cuda", False)
        torch.clear_autocast_cache()


def results(device, within, name, **settings) -> Counter:
    with torch.device(device):
        sam: Sam = samfit.build_sam("vit_tiny", SIDE)
        for statistic in ("pixel_mean", "pixel_std"):  # made from lists, which live on the CPU
            setattr(sam, statistic, torch.zeros(3, 1, 1))
        model = samfit.attach(sam, name, **settings).train()
        model.adapter.assume()
        images, boxes = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8), torch.zeros(2, 1, 4)
        with within(), Results() as observed:
            model(images, boxes)
    return observed.seen


def fake_cuda_works() -> bool:
    try:
        with FakeTensorMode():
            torch.empty(1, device="cuda").uniform_()
    except RuntimeError:  # older versions ask the driver for a generator
        return False
    return True


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.skipif(not fake_cuda_works(), reason="this torch fakes CUDA only where there is some")
@pytest.mark.parametrize(
    ("name", "settings"),
    [*((name, {}) for name in samfit.adapter_names()), ("cad", {"lean": True})],
)
def test_results_have_the_types_that_cuda_gives_them(name, settings, dtype, monkeypatch):
    monkeypatch.setattr(
        samfit.Adapter, "to", lambda self, *_: self
    )  # fake tensors cannot move in place
    with kernels_of("cuda"):
        without_device = results("meta", partial(CudaAutocast, dtype), name, **settings)
        with FakeTensorMode():
            on_cuda = results("cuda", partial(cuda_autocast, dtype), name, **settings)
    assert without_device == on_cuda


def test_a_product_runs_in_bfloat16_and_a_norm_in_float32():
    x, weight = torch.randn(2, 8), torch.randn(8, 8)
    with autocast(CPU, torch.bfloat16):
        assert (x @ weight).dtype == torch.bfloat16
        assert F.layer_norm(x.bfloat16(), (8,)).dtype == torch.float32
        assert x.bfloat16().softmax(-1).dtype == torch.float32
        assert (x.double() @ weight.double()).dtype == torch.float64
    assert (x @ weight).dtype == torch.float32


def test_powers_are_in_float32_whichever_operand_is_a_tensor():
    x = torch.ones(2, dtype=torch.bfloat16)
    with CudaAutocast(torch.bfloat16):
        assert {(x**2).dtype, (2**x).dtype, (x**x).dtype, x.pow(2).dtype} == {torch.float32}


def test_a_trained_weight_is_converted_once_and_gets_its_gradient_in_float32():
    weight, x = nn.Parameter(torch.randn(4, 4)), torch.randn(4, 4)
    with CudaAutocast(torch.bfloat16), Results() as observed:
        y = F.linear(F.linear(x, weight), weight)
    conversions = sum(n for (name, *_), n in observed.seen.items() if name == "_to_copy")
    assert conversions == 2  # x and the weight
    y.sum().backward()
    assert weight.grad.dtype == torch.float32


def test_a_view_of_a_trained_weight_is_not_taken_for_another():
    """Views end, and Python gives their ids to others."""
    weight = nn.Parameter(torch.arange(400.0).view(100, 2, 2))
    with torch.no_grad(), CudaAutocast(torch.bfloat16):
        for index in range(100):
            assert torch.equal(weight[index] @ torch.eye(2), weight[index].bfloat16())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_products_run_in_the_type_that_is_asked_for(dtype):
    x = torch.randn(4, 4)
    with autocast(CPU, dtype):
        assert autocast_dtype(CPU) == (x @ x).dtype == dtype
        assert (x @ x).softmax(-1).dtype == torch.float32


@pytest.mark.parametrize("name", samfit.adapter_names())
def test_a_converted_model_keeps_only_what_encodes_coordinates(name):
    model = adapted(name)
    matrix = model.sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    convert(model, torch.bfloat16, model.backbone.coordinate_tables)
    kept = {n for n, t in model.state_dict().items() if t.dtype == torch.float32}
    assert kept == {"sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"}
    assert model.sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix is matrix
    logits = model(*small_batch())
    assert logits.dtype == torch.bfloat16 and logits.isfinite().all()


def test_full_precision_can_be_asked_for_within():
    x = torch.randn(4, 4)
    with CudaAutocast(torch.bfloat16):
        with in_full_precision(CPU):
            assert (x @ x).dtype == torch.float32
            assert autocast_dtype(CPU) is None
        assert autocast_dtype(CPU) == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert autocast_dtype(CPU) == torch.bfloat16
    assert autocast_dtype(CPU) is None


def test_what_is_computed_again_in_backward_has_the_same_types():
    weight, seen = nn.Parameter(torch.randn(4, 4)), []

    def product(x):
        y = F.linear(x, weight)
        seen.append(y.dtype)
        return y.sin()

    with CudaAutocast(torch.bfloat16):
        y = checkpoint(
            product, torch.randn(2, 4), use_reentrant=False, context_fn=contexts_to_compute_again
        )
    y.sum().backward()
    assert seen == [torch.bfloat16, torch.bfloat16]


@pytest.mark.parametrize("name", samfit.adapter_names())
def test_holding_frozen_weights_in_bfloat16_changes_nothing(name):
    logits = []
    for hold in (False, True):
        model = adapted(name)
        if hold:
            hold_frozen_weights(model.sam, torch.bfloat16)
            assert all(p.dtype == torch.float32 for p in model.trainable().values())
        with autocast(CPU, torch.bfloat16):
            logits.append(model(*small_batch()))
    assert torch.equal(*logits)


def test_holding_them_halves_what_they_take():
    model = adapted("lora")
    hold_frozen_weights(model.sam, torch.bfloat16)
    held = [p for p in model.parameters() if p.dtype == torch.bfloat16]
    assert not any(p.requires_grad for p in held)
    blocks = sum(p.numel() for p in model.sam.image_encoder.blocks.parameters())
    assert sum(p.numel() for p in held) > 0.9 * blocks
