"""Which files hold the weights that a path stands for. Needs no torch."""

from pathlib import Path

TRAINED_WITH = "trained_with"  # the metadata of an adapter file, by which it is recognised
IN_A_FOLDER = ("model*.safetensors", "pytorch_model*.bin")  # as save_pretrained writes


def weight_files(path: Path) -> list[Path]:
    """``path`` itself, or the files of weights in a folder of Hugging Face's; none if it has none.

    Raises:
        OSError: if the path cannot be looked at.
    """
    if not path.is_dir():
        return [path]
    found = (sorted(path.glob(pattern)) for pattern in IN_A_FOLDER)
    return next(filter(None, found), [])
