"""SSF: a scale and a shift for every channel after every frozen operation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from samfit.adapters.core.base import Adapter, SerialSettings
from samfit.adapters.sam.backbone import Backbone
from samfit.adapters.sam.changes import after
from samfit.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SsfSettings(SerialSettings):
    """Hyper-parameters of SSF.

    Attributes:
        neck: also after the four operations of the encoder's neck (2,048 parameters more).
    """

    neck: bool = False


class ScaleShift(nn.Module):
    """y -> scale · y + shift, channel by channel.

    ``dim`` is the channels' dimension: -1 for tokens (..., C), -3 for images (B, C, H, W). Scales
    start at N(1, 0.02), shifts at N(0, 0.02).
    """

    def __init__(self, channels: int, dim: int = -1) -> None:
        super().__init__()
        self.shape = (channels, *(1,) * (-1 - dim))
        self.scale = nn.Parameter(torch.empty(channels))
        self.shift = nn.Parameter(torch.empty(channels))
        nn.init.normal_(self.scale, mean=1, std=0.02)
        nn.init.normal_(self.shift, std=0.02)

    def forward(self, y: Tensor) -> Tensor:
        return torch.addcmul(self.shift.view(self.shape), y, self.scale.view(self.shape))

    def merge_into(self, operation: nn.Module) -> None:
        """Let ``operation`` compute its scaled and shifted output itself."""
        weight, bias = operation.get_parameter("weight"), operation.get_parameter("bias")
        weight.mul_(self.scale.view(-1, *(1,) * (weight.dim() - 1)))
        bias.mul_(self.scale).add_(self.shift)


class Ssf(Adapter):
    """y = scale · op(x) + shift after the patch embedding and, in every block, after norm1, qkv,
    proj, norm2, lin1 and lin2.

    The shift of norm1 comes before the window padding, which stays zero; that of lin1 before GELU.
    The scale's gradient needs the operation's output, so 11D values a token and block are kept: far
    more than LoRA keeps. New parameters: 22DL + 2D: 204,288 (ViT-B), 542,720 (ViT-L), 903,680
    (ViT-H).

    Source: Lian et al., arXiv 2210.08823. The official ViT also scales its last norm; SAM has none.
    """

    Settings = SsfSettings
    title = "SSF"
    source = "arXiv 2210.08823"
    encoder_gradients = True
    starts_as_identity = False
    mergeable = True

    def __init__(self, sam: Backbone, settings: SsfSettings) -> None:
        super().__init__(sam, settings)
        operations = [*self._operations(sam)]
        self.mergeable = all(_has_bias(operation) for operation, _, _ in operations)
        self.affines = nn.ModuleList(ScaleShift(channels, dim) for _, channels, dim in operations)

    def attach(self, sam: Backbone) -> None:
        for (operation, _, _), affine in zip(self._operations(sam), self.affines, strict=True):
            self.hold(after(operation, _applied(affine)))

    @torch.no_grad()
    def merge(self, sam: Backbone) -> None:
        if not self.mergeable:
            where = "with neck=true" if self.settings.neck else f"on {sam.title}"
            raise UserError(
                f"{self.title} {where} cannot be merged: it shifts the output of convolutions that "
                "have no bias to take the shift; keep it attached."
            )
        for (operation, _, _), affine in zip(self._operations(sam), self.affines, strict=True):
            assert isinstance(affine, ScaleShift)
            affine.merge_into(operation)

    def _operations(self, sam: Backbone) -> Iterator[tuple[nn.Module, int, int]]:
        """Each frozen operation with the number and the dimension of its output's channels."""
        if sam.chosen is None:
            yield sam.patch_projection, sam.patch_projection.out_channels, -3
        for block in sam.blocks:
            yield block.norm1, block.width_in, -1
            if block.shortcut is not None:
                yield block.shortcut, block.width, -1
            yield block.qkv, 3 * block.width, -1
            yield block.proj, block.width, -1
            yield block.norm2, block.width, -1
            yield block.lin1, block.lin1.out_features, -1
            yield block.lin2, block.width, -1
        if self.settings.neck:
            yield from ((operation, sam.embed_dim, -3) for operation in sam.neck)


def _has_bias(operation: nn.Module) -> bool:
    return getattr(operation, "bias", None) is not None


def _applied(affine: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda _, y: affine(y)
