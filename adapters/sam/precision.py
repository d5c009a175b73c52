"""Types of 16 bits: by autocast, CUDA's own or the same lists of operators for tensors of any
device, or of a whole model.

A prediction runs on tensors without a device, for which torch has no autocast, and torch's autocast
for the CPU follows other lists. ``CudaAutocast`` applies CUDA's there, so that what is predicted or
tested without a GPU has the types, and so the sizes, of what runs on one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

# CUDA's lists, ATen/autocast_mode.h, as far as these functions occur in SAM and its adapters.
IN_16_BITS = {
    "addmm", "bmm", "conv2d", "conv_transpose2d", "einsum", "linear", "matmul", "__matmul__",
    "__rmatmul__", "mm", "scaled_dot_product_attention",
}  # fmt: skip
IN_FLOAT32 = {
    "__pow__", "__rpow__", "exp", "group_norm", "layer_norm", "log", "norm", "pow", "reciprocal",
    "rsqrt", "softplus",
}  # fmt: skip
INTO_FLOAT32 = {"cumsum", "log_softmax", "prod", "softmax", "sum"}  # by their argument dtype
IN_THE_WIDEST = {"addcmul", "addcdiv"}
HELD_IN_16_BITS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """A forward pass within it runs matrix products and convolutions in ``dtype``.

    ``dtype`` is bfloat16 or float16.
    """
    if device.type == "cuda":
        return torch.autocast("cuda", dtype)
    return CudaAutocast(dtype)


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """The type in which matrix products on ``device`` run now; None without autocast."""
    if CudaAutocast.active is not None:
        return CudaAutocast.active
    kind = _kind(device)
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None


@contextmanager
def in_full_precision(device: torch.device) -> Iterator[None]:
    """Suspend autocast."""
    with torch.autocast(_kind(device), enabled=False), CudaAutocast.suspended():
        yield


def contexts_to_compute_again() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """``context_fn`` of ``torch.utils.checkpoint``, which resumes torch's autocast but not ours."""
    active = CudaAutocast.active
    return nullcontext(), nullcontext() if active is None else CudaAutocast(active)


def hold_frozen_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Convert the frozen weights that autocast in ``dtype`` would convert each time they are used.

    Norms and position tables stay as they are, so this changes nothing in what is computed.
    """
    for module in model.modules():
        if isinstance(module, HELD_IN_16_BITS):
            for parameter in module.parameters(recurse=False):
                if not parameter.requires_grad:
                    parameter.data = parameter.data.to(dtype)


def convert(
    model: nn.Module, dtype: torch.dtype, coordinates: Sequence[tuple[nn.Module, str]]
) -> None:
    """Convert all of ``model``, as ``model.to(dtype)`` does, but the tables of ``coordinates``.

    SAM's code multiplies float32 coordinates by these 256 numbers; in 16 bits they would lose their
    place.
    """
    tables = [getattr(module, name) for module, name in coordinates]
    kept = [table.data for table in tables]
    model.to(dtype)
    for (module, name), table, values in zip(coordinates, tables, kept, strict=True):
        table.data = values  # a parameter was converted in place, a buffer replaced
        setattr(module, name, table)


class CudaAutocast(TorchFunctionMode):
    """What ``torch.autocast("cuda", dtype)`` does, to tensors of any device.

    Attributes:
        active: the type of the autocast that is on now, or None.
    """

    active: torch.dtype | None = None

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __enter__(self) -> "CudaAutocast":
        self._before, CudaAutocast.active = CudaAutocast.active, self.dtype
        # As autocast does: a trained weight is converted once, however often it is used.
        self._converted: dict[int, Tensor] = {}
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        CudaAutocast.active = self._before
        self._converted.clear()
        super().__exit__(*error)

    @classmethod
    @contextmanager
    def suspended(cls) -> Iterator[None]:
        """Within it the mode changes nothing."""
        before, cls.active = cls.active, None
        try:
            yield
        finally:
            cls.active = before

    def __torch_function__(
        self, func: Callable, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if self.active is not None:
            args, kwargs = self._converted_for(func, args, kwargs)
        return func(*args, **kwargs)

    def _converted_for(self, func: Callable, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        name = getattr(func, "__name__", "")
        if name in IN_16_BITS:
            return self._all_to_16_bits(args, kwargs)
        if name in IN_FLOAT32 or (name == "interpolate" and INTERPOLATES_IN_FLOAT32):
            return tree_map_only(Tensor, to_float32, (args, kwargs))
        if name in INTO_FLOAT32 and _has_16_bits(args[0]) and kwargs.get("dtype") is None:
            return args, kwargs | {"dtype": torch.float32}
        if name in IN_THE_WIDEST and len({t.dtype for t in _floating(args)}) > 1:
            return tree_map_only(Tensor, to_float32, (args, kwargs))
        return args, kwargs

    def _all_to_16_bits(self, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The last first, as in torch: C++ compilers choose that order for arguments."""
        kwargs = tree_map_only(Tensor, self._to_16_bits, kwargs)
        return tree_map_only(Tensor, self._to_16_bits, args[::-1])[::-1], kwargs

    def _to_16_bits(self, t: Tensor) -> Tensor:
        if t.dtype != torch.float32:
            return t
        # Of a trained weight only: a view of one ends, and its id may be another's next.
        if not (t.is_leaf and t.requires_grad) or t._is_view():
            return t.to(self.dtype)
        if id(t) not in self._converted:
            self._converted[id(t)] = t.to(self.dtype)
        return self._converted[id(t)]


# Newer versions of torch have added interpolation to the list.
INTERPOLATES_IN_FLOAT32 = torch._C._dispatch_has_kernel_for_dispatch_key(
    "aten::upsample_bilinear2d", "AutocastCUDA"
)


def _kind(device: torch.device) -> str:
    """A kind of device that torch has an autocast for."""
    return "cpu" if device.type == "meta" else device.type


def to_float32(t: Tensor) -> Tensor:
    """``t`` in float32 if it has a type of 16 bits, else as it is."""
    return t.float() if _has_16_bits(t) else t


def _has_16_bits(t: Any) -> bool:
    return isinstance(t, Tensor) and t.dtype in (torch.bfloat16, torch.float16)


def _floating(args: Any) -> list[Tensor]:
    return [t for t in tree_leaves(args) if isinstance(t, Tensor) and t.is_floating_point()]
