"""What writes to the card without a change of a tensor's version, made to tell ``Known``."""

import functools
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from samfit.harness.program.inside.reads.aside import aside
from samfit.harness.program.inside.reads.known import Known


def install(known: Known) -> None:
    """Tell ``known`` of what is written unseen from now on."""
    _data(known)
    _graphs(known)
    _kept_versions(known)
    _optimizers(known)


def _data(known: Known) -> None:
    """``Tensor.data`` makes tensors share a storage, each with its own version."""
    original: Any = torch._C.TensorBase.data

    def get(tensor: Tensor) -> Tensor:
        data = original.__get__(tensor)
        if tensor.is_cuda:
            with aside(known):
                known.aliased(data, tensor)
        return data

    def put(tensor: Tensor, data: Tensor) -> None:
        original.__set__(tensor, data)
        if tensor.is_cuda:
            with aside(known):
                known.aliased(tensor, data)

    torch.Tensor.data = property(get, put)  # type: ignore[assignment]


def _graphs(known: Known) -> None:
    """A CUDA graph writes to whatever was written when it was captured."""
    original = torch.cuda.CUDAGraph.replay

    @functools.wraps(original)
    def replay(graph: torch.cuda.CUDAGraph) -> None:
        original(graph)
        known.forget_all()

    torch.cuda.CUDAGraph.replay = replay  # type: ignore[method-assign, assignment]


def _kept_versions(known: Known) -> None:
    """FSDP2 writes to parameters, and sets their versions back."""
    keeper = torch.autograd._unsafe_preserve_version_counter
    original = keeper.__exit__

    @functools.wraps(original)
    def leave(self: Any, *error: Any) -> None:
        original(self, *error)
        with aside(known):
            for tensor in self.tensors:
                if tensor.is_cuda:
                    known.forget(tensor)

    keeper.__exit__ = leave  # type: ignore[method-assign]


def _optimizers(known: Known) -> None:
    """Optimizers with kernels of their own may not tell PyTorch of what they write."""

    def stepped(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        with aside(known):
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if known.may_be(parameter):
                        known.forget(parameter)

    register_optimizer_step_post_hook(stepped)
