"""A SAM of any family as adapters see it: its parts by name, and what it computes.

A ``Backbone`` is a view: the model keeps its class, its parameters' names and its checkpoints. What
adapters change there are hooks and overrides, see ``changes.py``.

A family is one file in ``families/``. It can be imported without torch, since a Cell asks for sizes
before anything runs: what needs torch is imported where it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from samfit.adapters.sam.chosen import chosen_blocks
from samfit.adapters.sam.rows import Part, Rows
from samfit.adapters.sam.sizes import Attention, Sizes

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from typing_extensions import Self

    from samfit.adapters.sam.changes import ChangeOutput, Removable


class Need(Enum):
    """What a method may need of a backbone, in words; ``Backbone.lacks`` says what one has not."""

    ONE_GRID = "tokens of one width on one grid in all blocks"
    TOKEN_MAPS = "attention that takes maps of tokens"
    TOKENS_BESIDE = "attention that can take further tokens beside those of the image"
    TOKENS_THROUGH = "blocks that further tokens can pass through"
    META_DECODER = "the mask decoder of segment-anything"
    META_PROMPTS = "the prompt encoder of segment-anything"
    CLASSES = "a mask decoder whose mask tokens can be one a class"
    EMBEDDING_ALONE = "a mask decoder that takes nothing from the encoder but its embedding"


class Embedding(NamedTuple):
    """What the image encoder makes of images.

    Attributes:
        image: (B, C, g, g), which adapters may correct.
        beside: what else the family's mask decoder takes, each (B, ...).
    """

    image: Tensor
    beside: tuple[Tensor, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Block(ABC):
    """One block of the image encoder: X' = X + attention(norm1 X), X'' = X' + mlp(norm2 X').

    X (B, H, W, D) are tokens; X' may be fewer and wider, where a stage of a pyramid begins. The
    sites are modules, to be hooked; the attention sees Bw windows of tokens (Bw, h, w, D), or
    (B, H, W, D) if it is global.

    Attributes:
        whole: X (B, H, W, D) -> X'' (B, H', W', D').
        norm1: X -> (B, H, W, D).
        attention: (Bw, h, w, D) -> (Bw, h', w', D').
        qkv: (Bw, h, w, D) -> (Bw, h, w, 3D'): queries, keys and values, see ``rows``.
        proj: (..., D') -> (..., D').
        norm2: X' -> (B, H', W', D').
        mlp: norm2 X' -> (B, H', W', D').
        lin1, lin2: D' -> 4D' -> D', the layers of the MLP.
        heads: number of heads.
        window: side of a window in tokens; 0 for global attention.
        shortcut: D -> D', where X' is wider than X; else None.
    """

    whole: nn.Module
    norm1: nn.Module
    attention: nn.Module
    qkv: nn.Linear
    proj: nn.Linear
    norm2: nn.Module
    mlp: nn.Module
    lin1: nn.Linear
    lin2: nn.Linear
    heads: int
    window: int
    shortcut: nn.Linear | None = None

    @property
    def width_in(self) -> int:
        """D, the width of the tokens that come in."""
        return self.qkv.in_features

    @property
    def width(self) -> int:
        """D', the width of the tokens that go out."""
        return self.proj.out_features

    def rows(self, part: Part) -> Rows:
        """Those of ``qkv`` that make queries, keys or values, which stand in this order."""
        first = "qkv".index(part) * self.width
        return Rows(first, first + self.width)

    @abstractmethod
    def attention_branch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """X as it goes on beside the attention, and what the attention adds: both (B, H', W', D').

        The same operations in the same order as in the family's code, so that
        ``x = block.join(*block.attention_branch(x))`` and ``x + block.mlp(block.norm2(x))`` are the
        block, bit for bit.
        """

    def join(self, x: Tensor, attended: Tensor) -> Tensor:
        """X' of the two that ``attention_branch`` gives."""
        return x + attended

    def change_attention(self, change: ChangeOutput) -> Removable:
        """Replace the output y of the attention by ``change(x, y)``, x its input, until removed."""
        from samfit.adapters.sam.changes import after

        return after(self.attention, change)

    def change_mlp(self, change: ChangeOutput) -> Removable:
        """Replace the output y of the MLP by ``change(n, y)``, n its input, until removed."""
        from samfit.adapters.sam.changes import after

        return after(self.mlp, change)

    def attend_beside(self, x: Tensor, others: Tensor, kind: Attention) -> Tensor:
        """The attention's output (Bw, h', w', D') for x (Bw, h, w, D), where the keys and values of
        ``others`` (1 or Bw, p, D), normalised tokens without a position, join those of x.

        Of families that do not lack ``Need.TOKENS_BESIDE``.
        """
        raise NotImplementedError

    def replace_attention(self, attend: Any) -> Removable:
        """Let ``attend`` (Bw, h, w, D) -> (Bw, h', w', D') be the attention until removed."""
        from samfit.adapters.sam.changes import override

        return override(self.attention, "forward", attend)


class Backbone(ABC):
    """One family of SAM: how it is built, and a view on a model of it.

    Class attributes:

    * ``title``: how sentences name the family.
    * ``sizes``: its backbones by name.
    * ``model_class``: full name of the class of its models.
    * ``attention``: how its image encoder attends unless told otherwise.
    * ``encoder_name``: the attribute of the model that is the image encoder.
    * ``lacks``: what methods may need and it has not, with the reason as the end of a sentence.

    Attributes:
        model: the SAM itself.
        chosen: indices of the blocks that ``blocks`` has; None for all.
    """

    title: ClassVar[str]
    sizes: ClassVar[Mapping[str, Sizes]]
    model_class: ClassVar[str]
    attention: ClassVar[Attention] = "eager"
    encoder_name: ClassVar[str] = "image_encoder"
    lacks: ClassVar[Mapping[Need, str]] = {}

    def __init__(self, model: nn.Module) -> None:
        self.model: Any = model
        self.chosen: tuple[int, ...] | None = None

    @classmethod
    @abstractmethod
    def build(cls, name: str, image_size: int) -> nn.Module:
        """A SAM with random weights from torch's generator, on torch's current default device.

        Raises:
            UserError: if a library that it needs is not installed.
        """

    @classmethod
    @abstractmethod
    def load(cls, model: nn.Module, path: Path, name: str) -> None:
        """Load a checkpoint's weights into ``model``, a SAM that ``build`` made.

        Raises:
            UserError: if the file cannot be read, or is not one of this backbone.
        """

    @classmethod
    def is_view_of(cls, model: nn.Module) -> bool:
        """Whether ``model`` is of this family."""
        names = (f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__)
        return cls.model_class in names

    # The parts.

    @property
    @abstractmethod
    def every_block(self) -> list[Block]:
        """All blocks of the encoder, in the order in which they run."""

    @property
    def blocks(self) -> list[Block]:
        """The blocks that an adapter changes: all, or those of ``only``."""
        every = self.every_block
        return every if self.chosen is None else [every[index] for index in self.chosen]

    def only(self, blocks: str) -> Self:
        """A view on the same model whose ``blocks`` are some, such as "9-11" or "0,5-7", from 0.

        Raises:
            UserError: if there are no such blocks.
        """
        same = type(self)(self.model)
        same.chosen = chosen_blocks(blocks, len(self.every_block)) if blocks else None
        return same

    @property
    def encoder_parts(self) -> list[nn.Module]:
        """What can be trained in the encoder: all of it, or the chosen blocks and the neck."""
        if self.chosen is None:
            return [self.image_encoder]
        return [*(block.whole for block in self.blocks), *self.neck]

    @property
    def stage(self) -> list[Block]:
        """The blocks whose tokens go out on the grid of the embedding: all, unless in a pyramid."""
        return self.every_block

    @property
    @abstractmethod
    def patch_embed(self) -> nn.Module:
        """Pixels (B, 3, S, S) -> tokens, before any position is added."""

    @property
    @abstractmethod
    def patch_projection(self) -> nn.Conv2d:
        """The convolution of ``patch_embed``, -> (B, D, H, W)."""

    @property
    @abstractmethod
    def neck(self) -> list[nn.Module]:
        """What makes the embedding of the blocks' tokens: operations -> (B, C, ., .)."""

    @property
    @abstractmethod
    def image_size(self) -> int:
        """S, the side of the encoder's input in pixels."""

    @property
    @abstractmethod
    def embed_dim(self) -> int:
        """C, the channels of the image embedding."""

    @property
    @abstractmethod
    def grid(self) -> tuple[int, int]:
        """(g, g), the size of the image embedding."""

    @property
    def image_encoder(self) -> nn.Module:
        """Pixels (B, 3, S, S), normalised -> the embedding."""
        return getattr(self.model, self.encoder_name)

    @image_encoder.setter
    def image_encoder(self, encoder: nn.Module) -> None:
        setattr(self.model, self.encoder_name, encoder)

    @property
    def mask_decoder(self) -> Any:
        """The mask decoder, with ``mask_tokens`` and ``output_hypernetworks_mlps``."""
        return self.model.mask_decoder

    @property
    def prompt_encoder(self) -> Any:
        """The prompt encoder, with ``no_mask_embed``."""
        return self.model.prompt_encoder

    @property
    def device(self) -> torch.device:
        """Where the mask decoder lies; the encoder may have been left elsewhere."""
        return self.mask_decoder.iou_token.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the mask decoder's tokens."""
        return self.mask_decoder.iou_token.weight.dtype

    @property
    def shape(self) -> str:
        """The image encoder's sizes in words: models that differ in it share no adapter file."""
        return f"{self.patch_projection.out_channels} wide, {len(self.every_block)} deep"

    @property
    @abstractmethod
    def coordinate_tables(self) -> list[tuple[nn.Module, str]]:
        """Modules and names of the tables that encode coordinates, which stay in float32."""

    @property
    @abstractmethod
    def normalisation(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, in 0..255, that normalise pixels."""

    def weights(self) -> dict[str, Tensor]:
        """All weights, under the names that they have in the family's own files."""
        return self.model.state_dict()

    # What it computes.

    @abstractmethod
    def preprocess(self, images: Tensor) -> Tensor:
        """Pixels as the encoder takes them, from raw RGB (B, 3, S, S) in 0..255."""

    @abstractmethod
    def encode(self, pixels: Tensor, encoder: nn.Module | None = None) -> Embedding:
        """The image encoder's output for pixels that ``preprocess`` made.

        ``encoder`` is the image encoder if it is no longer in the model.
        """

    @abstractmethod
    def decode(self, embedding: Embedding, boxes: Tensor | None, points: Tensor | None) -> Tensor:
        """Mask logits (B·P, K, S/4, S/4) of the single-mask output, or of each of K classes.

        Args:
            embedding: of B images.
            boxes: (B, P, 4) corners in pixels of the input, or None.
            points: (B, P, n, 3) as x, y and label: 1 inside, 0 outside, -1 for no point; or None.
                Without either P is 1.
        """

    def attend_by(self, kind: Attention) -> Iterator[Removable]:
        """Changes that let the encoder attend eagerly, with N x N matrices, or by a fused kernel;
        none if it does so already."""
        raise NotImplementedError

    @abstractmethod
    def replace_mask_tokens(self, count: int, shared_hypernetwork: bool) -> Removable:
        """Give the mask decoder ``count`` mask tokens in the place of its own, until removed."""

    def unused_by_single_mask(self) -> list[nn.Module]:
        """Modules of the mask decoder that the single-mask output does not depend on."""
        decoder = self.mask_decoder
        return [decoder.iou_prediction_head, *decoder.output_hypernetworks_mlps[1:]]
