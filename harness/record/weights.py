"""Names that ``--checkpoint`` takes beside files: weights that come with samfit. Needs no torch."""

from pathlib import Path

MINIATURE = "miniature"  # vit_tiny, pretrained on generated scenes
RANDOM_ENCODER = "miniature-random-encoder"  # the same, but its image encoder knows nothing

WEIGHTS = Path(__file__).parents[1] / "miniature" / "weights" / "vit_tiny.safetensors"


def checkpoint_file(checkpoint: str) -> Path:
    """The file that ``--checkpoint`` means."""
    return WEIGHTS if checkpoint in (MINIATURE, RANDOM_ENCODER) else Path(checkpoint)
