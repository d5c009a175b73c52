"""What a Cell must know of a backbone before anything is built. Needs no torch."""

from dataclasses import dataclass
from typing import Literal

Attention = Literal["eager", "sdpa"]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of one backbone; a family adds its own in a subclass.

    Attributes:
        image_size: side of the encoder's input in pixels, as pretrained.
        multiple: of which an image size must be a multiple.
        stride: pixels, along one side, of one place of the image embedding.
        embedding: channels of the image embedding and the mask decoder.
    """

    image_size: int = 1024
    multiple: int = 16
    stride: int = 16
    embedding: int = 256
