"""The interface of every adapter."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field
from torch import Tensor, nn

from samfit.adapters.sam.backbone import Backbone, Need
from samfit.adapters.sam.changes import Removable
from samfit.adapters.sam.rows import Rows
from samfit.adapters.sam.sizes import Attention
from samfit.errors import UserError

Classes = Annotated[int, Field(ge=1, le=255)]  # 255 itself marks pixels that nobody labelled


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Hyper-parameters that every method has; a method's own are in a subclass.

    Attributes:
        decoder: ``stock`` trains SAM's whole mask decoder (4,058,340 parameters);
            ``single_token`` leaves it only what the single mask needs (3,505,536).
        classes: number of masks per prompt: 1 is SAM's single mask; more are one mask per class,
            background included, each from its own mask token. With ``single_token`` the classes
            share one hypernetwork, with ``stock`` each has its own.
        train_no_mask_embed: train SAM's "no mask" embedding (256 parameters).
        train_prompt_encoder: train the whole prompt encoder (6,220 parameters).
    """

    decoder: Literal["stock", "single_token"] = "stock"
    classes: Classes = 1
    train_no_mask_embed: bool = False
    train_prompt_encoder: bool = False


@dataclass(frozen=True, kw_only=True)
class SerialSettings(Settings):
    """Hyper-parameters that every serial method has beside these.

    Attributes:
        blocks: the encoder's blocks that are adapted, such as 9-11 or 0,5-7, counted from 0; empty
            for all. Memory falls with every block before the first of them: no gradient flows
            there.
    """

    blocks: str = ""


class LowRank(NamedTuple):
    """An update of a layer: ``up`` (e, r) · ``down`` (r, D) is added to ``rows`` of its weight."""

    layer: nn.Linear
    rows: Rows
    down: Tensor
    up: Tensor


class Adapter(nn.Module):
    """One method: new parameters, and how they change a SAM.

    A method is one subclass in one file. Its constructor creates the new parameters from SAM's
    sizes; ``attach`` hooks them into SAM; ``correct`` is for methods that work beside the encoder
    rather than inside it. SAM is given as a ``Backbone``, whatever family it is of; ``needs`` says
    what not every family has. The mask decoder is trained with every method, so few adapters
    mention it.

    Class attributes of a method; those that depend on the settings are set again in its
    constructor:

    * ``Settings``: dataclass of hyper-parameters with the official code's defaults.
    * ``title``, ``source``: how tables name the method, and where it comes from.
    * ``encoder_gradients``: whether gradients flow through the frozen image encoder. True makes a
      method *serial*: the encoder's activations are kept for backward. False makes it *parallel*:
      the encoder runs without a graph. Everything about memory follows from this.
    * ``starts_as_identity``: whether the image embedding equals SAM's before the first step.
    * ``reads_blocks``: whether a parallel method reads the encoder's tokens, not only its
      embedding.
    * ``batch_norm``: whether the images of a batch depend on each other in training, so that a
      batch cannot be cut into parts.
    * ``mergeable``: whether ``merge`` can fold the adapter into SAM's weights; a method without new
      parameters is merged as it is.
    """

    Settings: ClassVar[type[Settings]] = Settings
    title: ClassVar[str]
    source: ClassVar[str]
    encoder_gradients: ClassVar[bool]
    starts_as_identity: bool
    reads_blocks: ClassVar[bool] = False
    batch_norm: ClassVar[bool] = False
    mergeable: bool = False

    def __init__(self, sam: Backbone, settings: Any) -> None:
        super().__init__()
        self.settings = settings
        self._handles: list[Removable] = []

    @classmethod
    def needs(cls, settings: Any) -> Iterator[Need]:
        """What the method, with these settings, needs of a backbone that not every one has."""
        if settings.classes > 1:
            yield Need.CLASSES

    def attach(self, sam: Backbone) -> None:
        """Hook the adapter into ``sam``; keep each handle with ``hold``."""

    def hold(self, *handles: Removable) -> None:
        """Keep the handles of changes, so that ``detach`` can undo them."""
        self._handles.extend(handles)

    def detach(self) -> None:
        """Undo ``attach``: SAM computes what it computed before."""
        for handle in reversed(self._handles):
            handle.remove()
        self._handles.clear()

    def trained_in_sam(self, sam: Backbone) -> Iterator[nn.Parameter]:
        """SAM's own parameters that are trained: the mask decoder, and what the settings add."""
        decoder, prompts = sam.mask_decoder, sam.prompt_encoder
        single = self.settings.decoder == "single_token"
        unused = sam.unused_by_single_mask() if single else []
        left_out = {id(parameter) for module in unused for parameter in module.parameters()}
        yield from (p for p in decoder.parameters() if id(p) not in left_out)
        if self.settings.train_no_mask_embed:
            yield prompts.no_mask_embed.weight
        if self.settings.train_prompt_encoder:
            # Of some families these are parameters, too; they are never trained.
            tables = {id(getattr(module, name)) for module, name in sam.coordinate_tables}
            yield from (p for p in prompts.parameters() if id(p) not in tables)

    def attend_by(self, sam: Backbone, kind: Attention) -> None:
        """Let the encoder's attention run eagerly, with N x N matrices, or by a fused kernel; call
        it once attached."""
        self.hold(*sam.attend_by(kind))

    def load_pretrained(self, path: Path) -> None:
        """Start new parameters from a file of weights that were pretrained elsewhere.

        Raises:
            UserError: if the method has no such part, or the file does not fit it.
        """
        raise UserError(f"{self.title} has no pretrained part: leave out --pretrained.")

    def begin(self) -> None:
        """Forget what an unfinished forward pass may have left; called before each pass."""

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        """Change the image embedding (B, C, g, g), given raw RGB (B, 3, S, S) in 0..255."""
        return embedding

    def levers(self) -> tuple[str, ...]:
        """Options that save memory without changing what the method computes.

        Each method can take SAM's attention without its N x N matrices, and compute activations
        again in backward. A parallel one can encode few images at a time, or, if it reads nothing
        but their embeddings, have these cached. Without batch norm a batch can be cut into parts.
        """
        levers = ["attention", "checkpointing"]
        if not self.encoder_gradients:
            levers.append("encoder-micro-batch")
            if not self.reads_blocks:
                levers.append("cache-embeddings")
        if not self.batch_norm:
            levers.append("gradient-accumulation")
        return tuple(levers)

    def auxiliary_loss(self) -> Tensor | None:
        """A scalar that the last forward pass adds to the task loss; None if there is none, or if
        it was asked for already."""
        return None

    def assume(self) -> str | None:
        """Let memory not depend on data, and say in words what is assumed instead, if anything.

        Called before a run on tensors without data.
        """
        return None

    def check_traceable(self) -> None:
        """Called before a trace, in which tensors have no values that could be looked at.

        Raises:
            UnsupportedError: if the method looks at values, so that it can only be run.
        """

    def merge(self, sam: Backbone) -> None:
        """Fold the adapter into SAM's weights, so that plain SAM computes the same function.

        Raises:
            UserError: if the method's algebra does not allow it.
        """
        raise UserError(
            f"{self.title} cannot be merged into SAM's weights, which have no place for what it "
            "adds: keep it attached."
        )

    def low_rank_updates(self, sam: Backbone) -> Iterator[LowRank]:
        """The method as low-rank updates of layers of ``sam``, if it is nothing else.

        Raises:
            UserError: if it is.
        """
        raise UserError(
            f"{self.title} is more than low-rank updates of layers, and PEFT has no format for it."
        )
