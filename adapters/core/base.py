"""The interface of every adapter."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from segment_anything.modeling import Sam
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from adapters.core.errors import UserError


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of a method that has none."""


class Adapter(nn.Module):
    """One method: new parameters, and how they change a SAM.

    A method is one subclass in one file. Its constructor creates the new parameters from SAM's
    sizes; ``attach`` hooks them into SAM; ``correct`` is for methods that work beside the encoder
    rather than inside it. The mask decoder is trained with every method, so no adapter mentions it.

    Class attributes of a method:

    * ``Settings``: dataclass of hyper-parameters with the paper's defaults.
    * ``title``, ``source``: how tables name the method, and where it comes from.
    * ``encoder_gradients``: whether gradients flow through the frozen image encoder. True makes a
      method *serial*: the encoder's activations are kept for backward. False makes it *parallel*:
      the encoder runs without a graph. Everything about memory follows from this.
    * ``starts_as_identity``: whether the adapted SAM equals SAM before the first step.
    * ``mergeable``: whether ``merge`` can fold the adapter into SAM's weights; a method without new
      parameters is merged as it is.
    """

    Settings: ClassVar[type] = NoSettings
    title: ClassVar[str]
    source: ClassVar[str]
    encoder_gradients: ClassVar[bool]
    starts_as_identity: ClassVar[bool]
    mergeable: ClassVar[bool] = False

    def __init__(self, sam: Sam, settings: Any) -> None:
        super().__init__()
        self.settings = settings
        self._handles: list[RemovableHandle] = []

    def attach(self, sam: Sam) -> None:
        """Hook the adapter into ``sam``; keep each handle with ``hold``."""

    def hold(self, *handles: RemovableHandle) -> None:
        """Keep the handles of hooks, so that ``detach`` can undo them."""
        self._handles.extend(handles)

    def detach(self) -> None:
        """Undo ``attach``: SAM computes what it computed before."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def trained_in_sam(self, sam: Sam) -> Iterator[nn.Parameter]:
        """SAM's own parameters outside the mask decoder that this method trains."""
        yield from ()

    def correct(self, embedding: Tensor, images: Tensor) -> Tensor:
        """Change the image embedding (B, C, g, g), given raw RGB (B, 3, S, S) in 0..255."""
        return embedding

    def auxiliary_loss(self) -> Tensor | None:
        """A scalar to add to the task loss, or None."""
        return None

    def merge(self, sam: Sam) -> None:
        """Fold the adapter into SAM's weights, so that plain SAM computes the same function.

        Raises:
            UserError: if the method's algebra does not allow it.
        """
        raise UserError(f"{self.title} cannot be merged into SAM's weights: keep it attached.")
