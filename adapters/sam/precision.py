"""bfloat16 by autocast: CUDA's own, or the same lists of operators for tensors of any device.

A prediction runs on tensors without a device, for which torch has no autocast, and torch's autocast
for the CPU follows other lists. ``CudaAutocast`` applies CUDA's there, so that what is predicted or
tested without a GPU has the types, and so the sizes, of what runs on one.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

# CUDA's lists, ATen/autocast_mode.h, as far as these functions occur in SAM and its adapters.
IN_BFLOAT16 = {
    "addmm", "bmm", "conv2d", "conv_transpose2d", "einsum", "linear", "matmul", "__matmul__",
    "__rmatmul__", "mm", "scaled_dot_product_attention",
}  # fmt: skip
IN_FLOAT32 = {
    "__pow__", "exp", "group_norm", "layer_norm", "log", "norm", "pow", "reciprocal", "rsqrt",
    "softplus",
}  # fmt: skip
INTO_FLOAT32 = {"cumsum", "log_softmax", "prod", "softmax", "sum"}  # by their argument dtype
IN_THE_WIDEST = {"addcmul", "addcdiv"}
HELD_IN_BFLOAT16 = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """A forward pass within it runs matrix products and convolutions in bfloat16."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return CudaAutocast()


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """The type in which matrix products on ``device`` run now; None without autocast."""
    if CudaAutocast.active:
        return torch.bfloat16
    kind = _kind(device)
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None


@contextmanager
def in_full_precision(device: torch.device) -> Iterator[None]:
    """Suspend autocast."""
    with torch.autocast(_kind(device), enabled=False), CudaAutocast.suspended():
        yield


def contexts_to_compute_again() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """``context_fn`` of ``torch.utils.checkpoint``, which resumes torch's autocast but not ours."""
    return nullcontext(), CudaAutocast() if CudaAutocast.active else nullcontext()


def hold_frozen_weights_in_bfloat16(model: nn.Module) -> None:
    """Convert the frozen weights that autocast would convert each time they are used.

    Norms and position tables stay as they are, so this changes nothing in what is computed.
    """
    for module in model.modules():
        if isinstance(module, HELD_IN_BFLOAT16):
            for parameter in module.parameters(recurse=False):
                if not parameter.requires_grad:
                    parameter.data = parameter.data.to(torch.bfloat16)


class CudaAutocast(TorchFunctionMode):
    """What ``torch.autocast("cuda", torch.bfloat16)`` does, to tensors of any device."""

    active = False

    def __enter__(self) -> "CudaAutocast":
        self._was_active, CudaAutocast.active = CudaAutocast.active, True
        # As autocast does: a trained weight is converted once, however often it is used.
        self._converted: dict[int, Tensor] = {}
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        CudaAutocast.active = self._was_active
        self._converted.clear()
        super().__exit__(*error)

    @classmethod
    @contextmanager
    def suspended(cls) -> Iterator[None]:
        """Within it the mode changes nothing."""
        was_active, cls.active = cls.active, False
        try:
            yield
        finally:
            cls.active = was_active

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if self.active:
            args, kwargs = self._converted_for(func, args, kwargs)
        return func(*args, **kwargs)

    def _converted_for(self, func: Callable, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        name = getattr(func, "__name__", "")
        if name in IN_BFLOAT16:
            return self._all_to_bfloat16(args, kwargs)
        if name in IN_FLOAT32 or (name == "interpolate" and INTERPOLATES_IN_FLOAT32):
            return tree_map_only(Tensor, _to_float32, (args, kwargs))
        if name in INTO_FLOAT32 and _is_bfloat16(args[0]) and kwargs.get("dtype") is None:
            return args, kwargs | {"dtype": torch.float32}
        if name in IN_THE_WIDEST and len({t.dtype for t in _floating(args)}) > 1:
            return tree_map_only(Tensor, _to_float32, (args, kwargs))
        return args, kwargs

    def _all_to_bfloat16(self, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The last first, as in torch: C++ compilers choose that order for arguments."""
        kwargs = tree_map_only(Tensor, self._to_bfloat16, kwargs)
        return tree_map_only(Tensor, self._to_bfloat16, args[::-1])[::-1], kwargs

    def _to_bfloat16(self, t: Tensor) -> Tensor:
        if t.dtype != torch.float32:
            return t
        if not (t.is_leaf and t.requires_grad):
            return t.to(torch.bfloat16)
        if id(t) not in self._converted:
            self._converted[id(t)] = t.to(torch.bfloat16)
        return self._converted[id(t)]


# Newer versions of torch have added interpolation to the list.
INTERPOLATES_IN_FLOAT32 = torch._C._dispatch_has_kernel_for_dispatch_key(
    "aten::upsample_bilinear2d", "AutocastCUDA"
)


def _kind(device: torch.device) -> str:
    """A kind of device that torch has an autocast for."""
    return "cpu" if device.type == "meta" else device.type


def _to_float32(t: Tensor) -> Tensor:
    return t.float() if _is_bfloat16(t) else t


def _is_bfloat16(t: Any) -> bool:
    return isinstance(t, Tensor) and t.dtype == torch.bfloat16


def _floating(args: Any) -> list[Tensor]:
    return [t for t in tree_leaves(args) if isinstance(t, Tensor) and t.is_floating_point()]
