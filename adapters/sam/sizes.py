"""The numbers that make a SAM a ViT-B, -L, -H, or the miniature. Needs no torch."""

from dataclasses import dataclass

from samfit.errors import UserError, spelling_hint

PATCH_SIZE = 16


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """Sizes of one SAM.

    Attributes:
        width, depth, heads: sizes of the image encoder.
        global_blocks: 0-based indices of blocks with global attention; the others are windowed.
        window: side of an attention window, in tokens.
        image_size: side of the encoder's input in pixels, as pretrained.
        embedding: channels of the image embedding and the mask decoder.
        decoder_mlp: hidden width in the mask decoder's transformer.
    """

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    window: int = 14
    image_size: int = 1024
    embedding: int = 256
    decoder_mlp: int = 2048


# ViT-B, -L, -H: Kirillov et al., arXiv 2304.02643. vit_tiny: the same classes, 1.6 million
# parameters, with the same mix of padded windows and global blocks, for CPUs and tests.
BACKBONES = {
    "vit_tiny": Backbone(
        width=128, depth=6, heads=4, global_blocks=(2, 5),
        window=6, image_size=256, embedding=64, decoder_mlp=256,
    ),
    "vit_b": Backbone(width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11)),
    "vit_l": Backbone(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23)),
    "vit_h": Backbone(width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31)),
}  # fmt: skip


def backbone_sizes(name: str) -> Backbone:
    """The sizes of the backbone ``name``.

    Raises:
        UserError: if there is no such backbone; it suggests the nearest.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if name == "vit_t":
        raise UserError(
            "there is no backbone 'vit_t', MobileSAM's, which is another architecture: samfit's "
            "miniature is vit_tiny, and SAM's smallest vit_b."
        )
    raise UserError(f"there is no backbone {name!r}: {spelling_hint(name, BACKBONES)}")
