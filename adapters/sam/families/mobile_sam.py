"""MobileSAM: SAM's prompt encoder and mask decoder behind a small TinyViT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from samfit.adapters.sam.backbone import Block, Need
from samfit.adapters.sam.families.segment_anything import MetasDecoder
from samfit.adapters.sam.rows import Part, Rows
from samfit.adapters.sam.sizes import Attention, Sizes
from samfit.errors import UserError

if TYPE_CHECKING:
    from segment_anything.modeling import Sam
    from torch import Tensor, nn

    from samfit.adapters.sam.changes import ChangeOutput, Removable

ENCODER_CLASS = "timm.models.tiny_vit.TinyVit"

# What the parts of the encoder are called here, by timm, and in MobileSAM's code and files.
OURS_AND_THEIRS = (
    ("image_encoder.patch_embed.conv1.", "image_encoder.patch_embed.seq.0."),
    ("image_encoder.patch_embed.conv2.", "image_encoder.patch_embed.seq.2."),
    # A stage begins with what there ends the layer before it.
    *((f"stages.{i}.downsample.", f"layers.{i - 1}.downsample.") for i in (1, 2, 3)),
    ("image_encoder.stages.", "image_encoder.layers."),
    ("image_encoder.head.", "image_encoder.neck."),
    (".conv.weight", ".c.weight"),
)
ANCHOR = "image_encoder.patch_embed.seq.0.c.weight"  # which no other SAM has
# In files, but of no use: the classifier that the encoder was pretrained with, and tables of
# numbers of rows.
LEFT_OUT = (
    *(f"image_encoder.{name}.{of}" for name in ("norm_head", "head") for of in ("weight", "bias")),
    ".attention_bias_idxs",
)


class TinyVitBlock(Block):
    """A block of a TinyViT: X' = conv(X + attention(X)), X'' = X' + mlp(X').

    The norms are the first thing inside the attention and the MLP, and padded tokens are no zeros
    behind them. The attention takes windows as lists of tokens (Bw, h·w, D), of which all sites
    inside of it are given the like; ``conv`` is a depthwise convolution with a batch norm.
    """

    @classmethod
    def of(cls, block: Any) -> TinyVitBlock:
        """The view of timm's ``TinyVitBlock``."""
        attention, mlp = block.attn, block.mlp
        after_norm: Any = partial(_behind_the_norm, mlp)
        return cls(
            whole=block, norm1=attention.norm, attention=attention, qkv=attention.qkv,
            proj=attention.proj, norm2=mlp.norm, mlp=after_norm, lin1=mlp.fc1, lin2=mlp.fc2,
            heads=attention.num_heads, window=block.window_size,
        )  # fmt: skip

    def rows(self, part: Part) -> Rows:
        """Queries, keys and values of one head stand side by side, head after head."""
        width = self.width // self.heads
        first = "qkv".index(part) * width
        return Rows(first, first + width, groups=self.heads)

    def attention_branch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        from segment_anything.modeling.image_encoder import window_partition, window_unpartition

        windows, padded = window_partition(x, self.window)
        y = self.attention(windows.flatten(1, 2)).view_as(windows)
        return x, window_unpartition(y, self.window, padded, x.shape[1:3])

    def join(self, x: Tensor, attended: Tensor) -> Tensor:
        whole: Any = self.whole
        x = whole.local_conv((x + attended).permute(0, 3, 1, 2))
        return x.flatten(2).transpose(1, 2).unflatten(1, x.shape[2:])

    def change_mlp(self, change: ChangeOutput) -> Removable:
        return MlpChange(self, change)

    def attend_beside(self, x: Tensor, others: Tensor, kind: Attention) -> Tensor:
        return attend(self.attention, x, kind, others)


class MlpChange:
    """Replaces the output y of a block's MLP by ``change(n, y)``, n = norm2 X', until removed.

    The MLP is a module from its norm on, so n is what enters its first layer.
    """

    def __init__(self, block: TinyVitBlock, change: ChangeOutput) -> None:
        from samfit.adapters.sam.changes import after, before

        self._change, self._entered = change, []  # type: tuple[ChangeOutput, list[Tensor]]
        self._handles = before(block.lin1, self._enter), after(block.lin2, self._leave)

    def _enter(self, n: Tensor) -> Tensor:
        self._entered = [n]
        return n

    def _leave(self, _: Tensor, y: Tensor) -> Tensor:
        return self._change(self._entered.pop(), y)

    def remove(self) -> None:
        """Undo the change."""
        for handle in self._handles:
            handle.remove()


class MobileSam(MetasDecoder):
    """segment_anything's ``Sam`` with timm's ``TinyVit`` in it (Zhang et al., arXiv 2306.14289; Wu
    et al., arXiv 2207.10666).

    Four stages: convolutions (B, 64, S/4, S/4), then transformer blocks on tokens (B, S/8, S/8,
    128), (B, S/16, S/16, 160) and (B, S/16, S/16, 320): other than in a TinyViT the last stage
    keeps the grid. SAM's neck takes the place of the classifier, ``head``.

    Batch norms stand still, also in training, which in MobileSAM's code they do in evaluation only:
    they always take the statistics that they came with. So no image depends on others of its batch,
    and detaching an adapter gives back the SAM that there was.
    """

    title = "MobileSAM"
    sizes: ClassVar[dict[str, Sizes]] = {"mobile_sam": Sizes()}
    model_class = "segment_anything.modeling.sam.Sam"
    lacks: ClassVar[Mapping[Need, str]] = {
        Need.ONE_GRID: "the stages of its TinyViT differ in width, and the first in grid",
        Need.TOKEN_MAPS: "its attention takes the tokens of a window as a list",
        Need.TOKENS_THROUGH: "its blocks convolve their tokens, so that each needs a place",
    }

    @classmethod
    def build(cls, name: str, image_size: int) -> Sam:
        from segment_anything.modeling import Sam

        from samfit.adapters.sam.decoding import build_mask_decoder, build_prompt_encoder

        sizes = cls.sizes[name]
        prompts = build_prompt_encoder(sizes.embedding, image_size, sizes.stride)
        decoder = build_mask_decoder(sizes.embedding, mlp_dim=2048)
        return Sam(_build_encoder(image_size, sizes.embedding), prompts, decoder)

    @classmethod
    def load(cls, model: nn.Module, path: Path, name: str) -> None:
        from samfit.adapters.sam.checkpoint.load import LOADED_FROM
        from samfit.adapters.sam.checkpoint.read import read_file
        from samfit.adapters.sam.checkpoint.unwrap import unwrap

        content = read_file(path)
        found = unwrap(content, [ANCHOR]).state
        if not found:
            raise _not_a_mobile_sam(content, path, name)
        found = {theirs: t for theirs, t in found.items() if not theirs.endswith(LEFT_OUT)}
        wanted = {_theirs(ours): t for ours, t in model.state_dict().items()}
        _check(found, wanted, path)
        model.load_state_dict({ours: found[_theirs(ours)] for ours in model.state_dict()})
        setattr(model, LOADED_FROM, path.name)

    @classmethod
    def is_view_of(cls, model: nn.Module) -> bool:
        encoder = type(getattr(model, "image_encoder", None))
        return (
            super().is_view_of(model)
            and f"{encoder.__module__}.{encoder.__qualname__}" == ENCODER_CLASS
        )

    def weights(self) -> dict[str, Tensor]:
        return {_theirs(ours): tensor for ours, tensor in self.model.state_dict().items()}

    @property
    def every_block(self) -> list[Block]:
        stages = [*getattr(self.image_encoder, "stages", ())]
        return [TinyVitBlock.of(block) for stage in stages[1:] for block in stage.blocks]

    @property
    def stage(self) -> list[Block]:
        every = self.every_block
        return [block for block in every if block.width == every[-1].width]

    @property
    def patch_embed(self) -> nn.Module:
        return self.model.image_encoder.patch_embed

    @property
    def patch_projection(self) -> nn.Conv2d:
        """The second of two convolutions."""
        return self.model.image_encoder.patch_embed.conv2.conv

    @property
    def neck(self) -> list[nn.Module]:
        return [*self.model.image_encoder.head]

    def attend_by(self, kind: Attention) -> Iterator[Removable]:
        for block in self.every_block if kind == "sdpa" else []:
            yield block.replace_attention(partial(attend, block.attention, kind=kind))


def attend(attention: Any, x: Tensor, kind: Attention, others: Tensor | None = None) -> Tensor:
    """What timm's ``Attention`` makes of windows x (Bw, N, D), by either kind of kernel.

    Keys and values of ``others`` (1 or Bw, p, D), tokens behind the norm and without a place, join
    those of x.
    """
    import torch
    from torch.nn import functional as F

    q, k, v = _project(attention, attention.norm(x))
    bias = attention.get_attention_biases(x.device)
    if others is not None:
        _, *beside = (t.expand(len(x), -1, -1, -1) for t in _project(attention, others))
        k, v = (torch.cat(both, dim=-2) for both in zip(beside, (k, v), strict=True))
        bias = F.pad(bias, (others.shape[1], 0))
    if kind == "sdpa":
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=attention.scale)
    else:
        y = ((q * attention.scale) @ k.transpose(-2, -1) + bias).softmax(dim=-1) @ v
    return attention.proj(y.transpose(1, 2).flatten(2))


def _project(attention: Any, x: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values (Bw, heads, N, c) of normalised tokens x (Bw, N, D)."""
    return attention.qkv(x).unflatten(-1, (attention.num_heads, 3, -1)).transpose(1, 2).unbind(-2)


def _behind_the_norm(mlp: Any, n: Tensor) -> Tensor:
    """The MLP without its norm."""
    return mlp.fc2(mlp.act(mlp.fc1(n)))


def _build_encoder(image_size: int, channels: int) -> Any:
    """The TinyViT of 5 million parameters with SAM's neck."""
    from segment_anything.modeling.common import LayerNorm2d
    from torch import nn

    from samfit.adapters.sam.libraries import need

    encoder = need("timm", "mobile").models.tiny_vit.TinyVit(
        embed_dims=(64, 128, 160, 320),
        depths=(2, 2, 6, 2),
        num_heads=(2, 4, 5, 10),
        window_sizes=(7, 7, 14, 7),
        drop_path_rate=0.0,
    )
    encoder.stages[3].downsample.conv2.conv.stride = (1, 1)
    encoder.head = nn.Sequential(
        nn.Conv2d(320, channels, kernel_size=1, bias=False),
        LayerNorm2d(channels),
        nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
        LayerNorm2d(channels),
    )
    encoder.img_size = image_size
    for block in (block for stage in encoder.stages[1:] for block in stage.blocks):
        block.attn.fused_attn = False
    encoder.register_forward_pre_hook(_settle)
    return encoder


def _settle(encoder: nn.Module, _: Any) -> None:
    """Let batch norms stand still, and let attention forget biases that it kept in evaluation,
    before which they may have been trained or loaded."""
    from timm.models.tiny_vit import Attention as WithBiases
    from torch import nn

    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.training = False
        elif isinstance(module, WithBiases):
            module.attention_bias_cache = {}


def _theirs(name: str) -> str:
    """What MobileSAM's code calls a tensor of a model that ``build`` made."""
    for ours, theirs in OURS_AND_THEIRS if name.startswith("image_encoder.") else ():
        name = name.replace(ours, theirs)
    return name


def _check(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    """Refuse a file that does not fit."""
    from samfit.adapters.sam.checkpoint.causes import cause_of_rest

    for names, what in ((found.keys() - wanted, "has"), (wanted.keys() - found, "lacks")):
        if names:
            cause = cause_of_rest(names)
            of_what = f"it {cause}" if cause else f"it {what} {len(names)} tensors"
            raise UserError(f"{path} is no MobileSAM: {of_what} ({what} {min(names)}).")
    for name, tensor in found.items():
        ours = wanted[name]
        if tensor.shape != ours.shape or tensor.is_floating_point() != ours.is_floating_point():
            kinds = (f"{tuple(t.shape)} of {t.dtype}" for t in (tensor, ours))
            raise UserError(f"{path} does not fit mobile_sam: {name} is {', not '.join(kinds)}.")


def _not_a_mobile_sam(content: Any, path: Path, name: str) -> UserError:
    from samfit.adapters.sam.checkpoint.causes import cause_of_names
    from samfit.adapters.sam.checkpoint.load import backbone_of
    from samfit.adapters.sam.checkpoint.unwrap import unwrap

    found = unwrap(content)
    other = backbone_of(found.state) if found.state else None
    if other:
        return UserError(f"{path} is a checkpoint of {other}, not {name}: use --backbone {other}.")
    cause = cause_of_names(found.names)
    if cause:
        return UserError(f"{path} is no MobileSAM: it {cause}.")
    example = f"{found.names[0]!r}" if found.names else "no tensors"
    return UserError(
        f"{path} is no MobileSAM (it holds {example}, not {ANCHOR}): give MobileSAM's own file, "
        "mobile_sam.pt."
    )
