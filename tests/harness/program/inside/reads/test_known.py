"""What is told as known is what the same operations give on the CPU."""

import contextlib
import functools
import os

import pytest
import torch
from hypothesis import given, settings, strategies as st

from samfit.harness.device.cards import find_card
from samfit.harness.program.inside.reads.reads import Reads
from samfit.harness.standin.library import card_variables


def installed(policy="usual"):
    """Reads of this process, which stands on the stand-in."""
    os.environ.update(card_variables(find_card("RTX 3090")))
    reads = Reads(policy, stuck=print)
    reads.install()
    return reads


def changed_by_data(tensor):
    tensor.data.add_(1)
    return tensor


def exchanged(tensor):
    other = tensor * 0 + 7
    tensor.data = other
    return tensor


def foreach_added(tensor):
    torch._foreach_add_([tensor], 1)
    return tensor


def foreach_copied(tensor):
    torch._foreach_copy_([tensor], [torch.ones(tensor.shape)])
    return tensor


# Each takes a tensor and gives one, which may share its storage. The same is done on the CPU.
OPERATIONS = {
    "first rows": lambda tensor: tensor[:1],
    "every other column": lambda tensor: tensor[:, ::2],
    "transposed": lambda tensor: tensor.t(),
    "flat": lambda tensor: tensor.reshape(-1)[None],
    "detached": lambda tensor: tensor.detach(),
    "data": lambda tensor: tensor.data,
    "add one": lambda tensor: tensor.add_(1),
    "add one to data": changed_by_data,
    "exchange data": exchanged,
    "out": lambda tensor: torch.add(tensor, 1, out=tensor.clone()),
    "into itself": lambda tensor: torch.mul(tensor, 2, out=tensor),
    "fill": lambda tensor: tensor.fill_(3),
    "zero": lambda tensor: tensor.zero_(),
    "add to the first": lambda tensor: tensor[:1].add_(1),
    "assign": lambda tensor: tensor.__setitem__((0, 0), 9) or tensor,
    "copy from the host": lambda tensor: tensor.copy_(torch.full((), 5.0)),
    "copy of itself": lambda tensor: tensor.copy_(tensor.clone()),
    "foreach": foreach_added,
    "foreach copy": foreach_copied,
    "clone": lambda tensor: tensor.clone(),
    "contiguous": lambda tensor: tensor.t().contiguous(),
    "half": lambda tensor: tensor.half().float(),
    "integers": lambda tensor: tensor.long().float(),
    "sorted": lambda tensor: tensor.sort(descending=True)[0],
    "running sum": lambda tensor: tensor.cumsum(0),
    "twice": lambda tensor: torch.cat([tensor, tensor]),
    "largest": lambda tensor: tensor.max()[None, None],
    "sum": lambda tensor: tensor.sum()[None, None],
    "which are three": lambda tensor: (tensor == 3).float(),
    "zeros": lambda tensor: torch.zeros(2, 3, device=tensor.device),
    "full": lambda tensor: torch.full((2, 3), 2.0, device=tensor.device),
    "like": lambda tensor: torch.ones_like(tensor),
    "normalised": lambda tensor: torch.nn.functional.normalize(tensor),
}  # fmt: skip

Steps = list[tuple[str, int]]


def follow(steps: Steps, inference: bool):
    """Do all steps on the card and on the CPU; what is told wrongly, and how much is known."""
    reads = installed()
    wrong, known = [], 0
    with torch.inference_mode() if inference else torch.no_grad():
        host = torch.arange(6.0).reshape(2, 3)
        pairs = [(host.cuda(), host.clone())]
        for name, index in steps:
            there, here = pairs[index % len(pairs)]
            try:
                here = OPERATIONS[name](here)
            except (RuntimeError, IndexError):  # as it does on the card, before anything is written
                continue
            pairs.append((OPERATIONS[name](there), here))
            for number, (there, here) in enumerate(pairs):
                value = reads.known.value(there)
                known += value is not None
                if value is not None and not torch.equal(value, here):
                    wrong.append((name, number, value.tolist(), here.tolist()))
    return wrong, known


steps = st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 9)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(steps, st.booleans())
def test_what_is_told_as_known_is_right(stage, found, inference):
    wrong, _ = stage.run(follow, found, inference)
    assert not wrong


KNOWN_AFTER = (
    *("first rows", "every other column", "transposed", "flat", "detached", "data", "fill", "zero"),
    *("assign", "copy from the host", "half", "integers"),
)
AND_WHERE_RESULTS_HAVE_VERSIONS = (
    *("clone", "contiguous", "twice", "largest", "sum", "which are three", "zeros", "full", "like"),
    "running sum",
)


def all_known(names: list[str], inference: bool):
    """The operations after which something is not known."""
    return [name for name in names if follow([(name, 0)], inference)[1] < 2]


@pytest.mark.parametrize("inference", [False, True])
def test_what_can_be_known_is_known(stage, inference):
    names = KNOWN_AFTER if inference else KNOWN_AFTER + AND_WHERE_RESULTS_HAVE_VERSIONS
    assert stage.run(all_known, names, inference) == []


def after_kernels():
    """Whether tensors are known after what writes to them without a change of their version."""
    reads = installed()
    known = {}

    @contextlib.contextmanager
    def noted(name):
        tensor = torch.arange(3.0).cuda()
        assert reads.known.value(tensor) is not None
        yield tensor
        known[name] = reads.known.value(tensor) is not None

    with noted("batch norm") as mean:
        one = torch.ones(3).cuda()
        norm = functools.partial(torch.nn.functional.batch_norm, training=True)
        norm(torch.rand(2, 3, 4, 4).cuda(), mean, one)
    with noted("graph") as tensor:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            tensor.add_(1)
        tensor.copy_(torch.ones(3))
        graph.replay()
    kept = torch.autograd._unsafe_preserve_version_counter
    with noted("kept version") as tensor, kept(tensor):
        tensor.add_(1)
    with noted("another storage") as tensor:
        torch.empty(0).cuda().set_(tensor.untyped_storage()).add_(1)
    with noted("optimizer") as tensor:
        parameter = torch.nn.Parameter(tensor)
        optimizer = torch.optim.SGD([parameter], 1.0)
        parameter.sum().backward()
        optimizer.step()
    with noted("average pooling") as tensor:
        image = torch.rand(1, 1, 7, 7).cuda().requires_grad_()
        torch.nn.functional.adaptive_avg_pool2d(image, 3).sum().backward()
        known["gradient of zeros"] = reads.known.value(image.grad) is not None
    return known


def test_what_is_written_unseen_is_not_known(stage):
    known = stage.run(after_kernels)
    assert known.pop("average pooling") is True
    assert set(known.values()) == {False}, known


def lives():
    """Bytes that are allocated when what was known is gone; and how many storages are kept."""
    reads = installed()
    tensor = torch.arange(3.0).cuda()
    view = tensor[1:].data
    before = torch.cuda.memory_allocated()
    assert view is not None
    del tensor, view
    return before, torch.cuda.memory_allocated(), len(reads.known._storages)


def test_nothing_is_kept_alive(stage):
    before, after, kept = stage.run(lives)
    assert before > 0
    assert (after, kept) == (0, 0)


class OfItsOwn(torch.optim.Optimizer):
    """Its kernel writes to parameters, and PyTorch is not told."""

    def step(self, closure=None):
        pass


def stepped():
    """Whether a parameter is known before an optimizer's step, and after it."""
    reads = installed()
    parameter = torch.nn.Parameter(torch.ones(3).cuda())
    optimizer = OfItsOwn([parameter], {})
    before = reads.known.value(parameter) is not None
    optimizer.step()
    return before, reads.known.value(parameter) is not None


def test_what_an_optimizer_may_have_written_is_unknown(stage):
    assert stage.run(stepped) == [True, False]
