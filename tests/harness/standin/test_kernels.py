"""What PyTorch computes with goes through: products, transforms, graphs, random numbers."""

import shutil
import sys

import pytest

PROGRAM = """
import torch
a = torch.rand(64, 64, device="cuda", requires_grad=True)
image = a.view(1, 1, 64, 64)
layer = torch.nn.Linear(64, 64).cuda()
with torch.autocast("cuda", dtype=torch.bfloat16):
    loss = layer(a @ a).softmax(-1).sum()
loss.backward()
torch.optim.AdamW(layer.parameters(), fused=True).step()
told = dict(
    gradient=list(a.grad.shape),
    batched=list(torch.bmm(a[None], a[None]).shape),
    transform=list(torch.fft.rfft2(a).shape),
    attention=list(torch.nn.functional.scaled_dot_product_attention(image, image, image).shape),
    sorted=list(a.sort()[0].shape),
    norm=list(torch.nn.BatchNorm2d(1).cuda()(image).shape),
)
stream = torch.cuda.Stream()
graph = torch.cuda.CUDAGraph()
with torch.cuda.graph(graph, stream=stream):
    b = a.detach() + 1
graph.replay()
told["graph"] = list(b.shape)
"""


def test_they_have_the_right_shapes(card, run_on):
    told, _ = run_on(card(), PROGRAM)
    square = [64, 64]
    image = [1, 1, *square]
    assert told == {
        "gradient": square,
        "batched": [1, *square],
        "transform": [64, 33],
        "attention": image,
        "sorted": square,
        "norm": image,
        "graph": square,
    }


KERNEL = """
import triton
import triton.language as tl

@triton.jit
def add_one(x, size: tl.constexpr):
    at = x + tl.arange(0, size)
    tl.store(at, tl.load(at) + 1)
"""


def test_triton_compiles_and_launches(card, run_anew_on, monkeypatch, tmp_path):
    """It links what it compiles with the driver, for which it looks itself."""
    pytest.importorskip("triton")
    if not shutil.which("gcc"):
        pytest.skip("no compiler here that Triton could use")
    (tmp_path / "kernel.py").write_text(KERNEL)
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *sys.path]))
    program = """
import torch
from kernel import add_one
x = torch.ones(16, device="cuda")
add_one[(1,)](x, 16)
told = x.tolist()
"""
    told, _ = run_anew_on(card(), program, TRITON_CACHE_DIR=str(tmp_path / "cache"))
    assert told == [0.0] * 16
