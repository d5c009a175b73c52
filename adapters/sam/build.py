"""Build a SAM of any family and size."""

from pathlib import Path
from typing import Any

from samfit.adapters.sam.find import backbone_sizes, family_of


def build_sam(backbone: str, image_size: int = 0, checkpoint: Path | str | None = None) -> Any:
    """Build a SAM in eval mode on the CPU: an object of its family's own class.

    Args:
        backbone: such as ``vit_b``; ``samfit list`` shows all.
        image_size: side of the input in pixels; 0 for the backbone's own.
        checkpoint: file with the weights; None leaves them random, from torch's generator.

    Raises:
        UserError: for an unknown backbone, a checkpoint that cannot be used, or a library that the
            family needs and that is not installed.
    """
    family = family_of(backbone)
    sam = family.build(backbone, image_size or backbone_sizes(backbone).image_size)
    if checkpoint is not None:
        family.load(sam, Path(checkpoint), backbone)
    return sam.eval()
