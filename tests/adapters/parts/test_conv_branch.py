"""CAD's branch, plain and lean, against vectors of its official code; lean against plain."""

import copy
from unittest.mock import patch

import pytest
import torch
from golden_case import GoldenCase, golden, relative_error
from hypothesis import given, settings, strategies as st

from samfit.adapters.parts.conv_branch import ConvBranch
from samfit.adapters.parts.lean import tiles
from samfit.adapters.parts.lean.branch import LeanBranch

in_both_forms = pytest.mark.parametrize("form", [ConvBranch, LeanBranch])


def our_branch_name(official: str) -> str:
    """``conv_block1.bn.weight`` -> ``blocks.0.bn.weight``."""
    for number in (1, 2, 3):
        official = official.replace(f"conv_block{number}.", f"blocks.{number - 1}.")
    return official


def check_branch(form: type[ConvBranch], case: GoldenCase) -> None:
    grid = tuple(case.config.get("pool", (64, 64)))
    branch = form(case.config["in_chans"], case.config["out_chans"], grid)
    case.load(branch.train(case.mode == "train"), our_branch_name)
    y = branch(case.inputs["x"])
    statistics = case.part("output.buffer.")
    assert len(statistics) == (6 if branch.training else 0)
    found = {f"buffer.{name}": branch.get_buffer(our_branch_name(name)) for name in statistics}
    case.check({"y": y, **found})


@golden("cad_adapter_eval", "cad_adapter_train", "cad_adapter_pool64")
def test_branch_equals_the_official_one(case):
    check_branch(ConvBranch, case)


@golden("cad_adapter_eval", "cad_adapter_train")
def test_lean_branch_equals_the_official_one(case):
    height, width = case.config["pool"]
    if case.inputs["x"].shape[1:] != (6, 8 * height, 8 * width):
        pytest.skip("the lean branch is for six channels and sides of 8 times the grid")
    del case.tensors["grad.input.x"]  # it gives images no gradient
    check_branch(LeanBranch, case)


@in_both_forms
def test_channels_are_scaled_by_their_own_maximum(form):
    branch = form(6, 8, (2, 2)).eval()
    x = torch.rand(1, 6, 16, 16) + 0.5
    stretched = x * torch.tensor([1.0, 2, 4, 8, 16, 32])[None, :, None, None]
    torch.testing.assert_close(branch(stretched), branch(x), rtol=1e-4, atol=1e-5)


@in_both_forms
def test_an_empty_channel_is_not_divided_by_zero(form):
    branch = form(6, 8, (2, 2)).eval()
    assert branch(torch.zeros(1, 6, 16, 16)).isfinite().all()
    small, half = (branch(torch.full((1, 6, 16, 16), value)) for value in (1e-5, 1e5))
    assert (small - half).abs().max() > 1e-3  # 1e-5 is scaled to a half, not to one


def random_pair(channels: int, grid: tuple[int, int], dtype: torch.dtype):
    """A plain and a lean branch with the same parameters, none of them at its initial value."""
    plain = ConvBranch(6, channels, grid).to(dtype)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        for block in plain.blocks:
            block.bn.running_mean.normal_()
            block.bn.running_var.uniform_(0.5, 2)
    lean = LeanBranch(6, channels, grid).to(dtype)
    lean.load_state_dict(plain.state_dict())
    return plain, lean


@settings(deadline=None, max_examples=25)
@given(
    batch=st.integers(1, 3),
    grid=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    channels=st.sampled_from([1, 8, 40]),
    train=st.booleans(),
    tile_pixels=st.sampled_from([1, 100, tiles.TILE_PIXELS]),
    kept_bytes=st.sampled_from([1, 10_000, tiles.KEPT_BYTES]),
    seed=st.integers(0, 1000),
)
def test_the_lean_branch_is_the_same_function_with_the_same_gradients(
    batch, grid, channels, train, tile_pixels, kept_bytes, seed
):
    with (
        patch.object(tiles, "TILE_PIXELS", tile_pixels),
        patch.object(tiles, "KEPT_BYTES", kept_bytes),
    ):
        check_function_and_gradients(batch, grid, channels, train, seed)


def check_function_and_gradients(batch, grid, channels, train, seed):
    torch.manual_seed(seed)
    plain, lean = random_pair(channels, grid, torch.float64)
    x = 255 * torch.rand(batch, 6, 8 * grid[0], 8 * grid[1], dtype=torch.float64)
    towards = torch.randn(batch, channels, *grid, dtype=torch.float64)
    outputs = [branch.train(train)(x) for branch in (plain, lean)]
    torch.testing.assert_close(outputs[1], outputs[0], rtol=0, atol=1e-9)
    for output in outputs:
        output.backward(towards)
    expected = dict(plain.named_parameters())
    largest = max(float(p.grad.abs().max()) for p in expected.values())
    for name, parameter in lean.named_parameters():
        if train and name.endswith("conv.bias"):
            assert parameter.grad.count_nonzero() == 0  # the plain one's is rounding
            assert expected[name].grad.abs().max() < 1e-6 * largest
        else:
            error = (parameter.grad - expected[name].grad).abs().max()
            assert error < 1e-8 * largest, name
    for name, statistic in plain.named_buffers():
        torch.testing.assert_close(lean.get_buffer(name), statistic, rtol=1e-12, atol=1e-12)


def test_in_float32_the_lean_branch_is_at_least_as_exact_as_the_plain_one():
    torch.manual_seed(0)
    plain, lean = random_pair(32, (12, 12), torch.float32)
    exact = copy.deepcopy(plain).double()
    x, towards = 255 * torch.rand(2, 6, 96, 96), torch.randn(2, 32, 12, 12)
    exact(x.double()).backward(towards.double())
    for branch in (plain, lean):
        branch(x).backward(towards)
    for name, parameter in exact.named_parameters():
        if not name.endswith("conv.bias"):
            plain_error, lean_error = (
                relative_error(branch.get_parameter(name).grad, parameter.grad)
                for branch in (plain, lean)
            )
            assert lean_error < max(2 * plain_error, 1e-5), name


def test_going_backward_twice_is_refused():
    _, lean = random_pair(8, (2, 2), torch.float32)
    y = lean(torch.rand(1, 6, 16, 16)).sum()
    y.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="backward once"):
        y.backward()
