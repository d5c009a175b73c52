import torch
from golden_case import golden, relative_error
from small_sam import adapted, shaken
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.mona import MonaSettings, VisualAdapter
from samfit.adapters.sam.find import view

OURS = {
    "gamma": "of_norm",
    "gammax": "of_stream",
    "project1": "down",
    "project2": "up",
    "adapter_conv.conv1": "filters.depthwise.0",
    "adapter_conv.conv2": "filters.depthwise.1",
    "adapter_conv.conv3": "filters.depthwise.2",
    "adapter_conv.projector": "filters.pointwise",
}


def our_name(official: str) -> str:
    module, _, parameter = official.rpartition(".")
    return f"{OURS.get(module, module)}.{parameter}" if module else OURS[parameter]


@golden("mona_adapter")
def test_an_adapter_equals_the_official_one(case):
    adapter = VisualAdapter(case.config["dim"], MonaSettings(width=case.config["width"])).eval()
    case.load(adapter, our_name)
    x = case.inputs["x"].unflatten(1, case.config["grid"])
    case.check({"y": adapter(x).flatten(1, 2)})


def depthwise(z: Tensor, kernels: Tensor, bias: Tensor) -> Tensor:
    """Each channel of z (B, H, W, m) with its own kernel (m, 1, k, k), shift by shift."""
    side, (height, width) = kernels.shape[-1], z.shape[1:3]
    margin = side // 2
    padded = F.pad(z, (0, 0, margin, margin, margin, margin))
    return bias + sum(
        padded[:, i : i + height, j : j + width] * kernels[:, 0, i, j]
        for i in range(side)
        for j in range(side)
    )


def expected_of(adapter: VisualAdapter, x: Tensor) -> Tensor:
    """The paper's equation, in tokens (B, H, W, D) throughout."""
    centred = x - x.mean(-1, keepdim=True)
    normed = centred / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    normed = normed * adapter.norm.weight + adapter.norm.bias
    scaled = adapter.of_norm * normed + adapter.of_stream * x
    z = scaled @ adapter.down.weight.T + adapter.down.bias
    three = [depthwise(z, conv.weight, conv.bias) for conv in adapter.filters.depthwise]
    assert [conv.weight.shape[-1] for conv in adapter.filters.depthwise] == [3, 5, 7]
    z = z + (three[0] + three[1] + three[2]) / 3
    pointwise = adapter.filters.pointwise
    z = z + z @ pointwise.weight[:, :, 0, 0].T + pointwise.bias
    return x + F.gelu(z) @ adapter.up.weight.T + adapter.up.bias


@torch.no_grad()
def test_blocks_compute_the_papers_equations():
    model = shaken("mona")
    x = torch.randn(2, 8, 8, 128)
    for index, block in enumerate(view(model.sam).every_block):
        _, attended = block.attention_branch(x)
        middle = expected_of(model.adapter.after_attention[index], x + attended)
        expected = expected_of(
            model.adapter.after_mlp[index], middle + block.mlp(block.norm2(middle))
        )
        assert relative_error(block.whole(x), expected) < 1e-5


@torch.no_grad()
def test_filters_see_across_windows():
    """Windows of 6 end between columns 5 and 6; without the filters nothing passes there."""
    x = torch.randn(1, 8, 8, 128)
    other = x.clone()
    other[0, 0, 5] += torch.randn(128)
    for name, passes in (("decoder", False), ("mona", True)):
        block = adapted(name).sam.image_encoder.blocks[0]
        beyond = (block(x) - block(other))[0, 0, 6].abs().max() > 1e-4
        assert beyond == passes, name


def test_starts_at_the_values_of_the_official_code():
    adapter = adapted("mona").adapter.after_mlp[0]
    assert torch.equal(adapter.of_norm, torch.full((128,), 1e-6))
    assert torch.equal(adapter.of_stream, torch.ones(128))
    for layer in (adapter.down, adapter.up):
        assert not layer.bias.any()
        assert 0.018 < layer.weight.std() < 0.022


def test_dropout_acts_in_training_only():
    adapter, x = adapted("mona", dropout=0.5).adapter.after_mlp[0], torch.randn(1, 8, 8, 128)
    assert torch.equal(adapter(x), adapter(x))
    adapter.train()
    assert not torch.equal(adapter(x), adapter(x))
