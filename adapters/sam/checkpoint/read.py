"""What a file of weights holds, read without running anything in it."""

import argparse
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from samfit.adapters.sam.checkpoint.causes import cause_of_class
from samfit.adapters.sam.checkpoint.files import TRAINED_WITH, weight_files
from samfit.errors import UserError

# How a file begins that is no file of weights at all, and what to do about it.
BEGINNINGS = (
    (
        (b"version https://git-lfs",),
        "is a pointer of Git LFS and not the weights: fetch them with git lfs pull",
    ),
    (
        (b"<!doctype", b"<html", b"<?xml"),
        "is a web page, saved in place of the weights (of a login, or of a warning before the "
        "download): open the link in a browser and download the file itself",
    ),
    ((b"\x1f\x8b", b"7z\xbc\xaf", b"rar!"), "is a packed archive: unpack it"),
)


def read_file(path: Path) -> Any:
    """The content of a file that torch or safetensors wrote, or of a folder of Hugging Face's.

    Files are only ever unpickled with ``weights_only=True``, which executes nothing.

    Raises:
        UserError: if there is no such file, or it is something else, damaged, or needs code.
    """
    try:
        files = weight_files(path)
        if not files:
            raise _folder_without_weights(path)
        contents = [_read_one(file) for file in files]
    except UserError:
        raise
    except PermissionError as error:
        raise UserError(f"cannot read the checkpoint file {path}: {error.strerror}.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"there is no checkpoint file {path}: check --checkpoint.") from error
    if len(contents) == 1:
        return contents[0]
    shards = (shard for shard in contents if isinstance(shard, dict))
    return {name: value for shard in shards for name, value in shard.items()}


def _folder_without_weights(path: Path) -> UserError:
    if (path / "adapter_config.json").exists():
        what = "an adapter in PEFT's format, not a SAM: merge it into its base with PEFT first"
    elif (path / "run.json").exists():
        what = "a run of samfit, not a SAM: samfit merge writes one"
    else:
        what = "a folder without weights (no model.safetensors in it)"
    return UserError(f"{path} is {what}; --checkpoint takes a file, such as sam_vit_b_01ec64.pth.")


def _read_one(path: Path) -> Any:
    with path.open("rb") as file:
        head = file.read(512)
    for beginnings, what in BEGINNINGS:
        if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(beginnings):
            raise UserError(f"{path} {what}.")
    try:
        return _reader(path, head)(path)
    except UserError:
        raise
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} {_why_not_unpickled(str(error))}.") from error
    except Exception as error:  # a damaged file makes torch.load raise almost anything
        if "TorchScript" in str(error):
            what = "is a TorchScript program, which would run code: save its state_dict"
            raise UserError(f"{path} {what}.") from error
        what = "is truncated or not a checkpoint file" if head else "is empty (truncated)"
        raise UserError(f"{path} {what}: download it again.") from error


def _reader(path: Path, head: bytes) -> Callable[[Path], Any]:
    """By content; where that does not tell, by how the file is called."""
    if head[8:9] == b"{" or (path.suffix == ".safetensors" and not head.startswith(b"PK")):
        return _tensors
    return _unpickle


def _tensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as file:
        if TRAINED_WITH in (file.metadata() or {}):
            raise UserError(
                f"{path} is an adapter file of samfit, not SAM's weights: give those that it was "
                "trained on."
            )
    return load_file(path)


def _unpickle(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's remarks on old formats
        # Programs store their options beside the weights; Namespace is a plain bag of values.
        with torch.serialization.safe_globals([argparse.Namespace]), path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)


def _why_not_unpickled(error: str) -> str:
    """In words, by the class that torch refused to make."""
    found = re.search(r"GLOBAL ([\w.]+)", error)
    needed = found.group(1) if found else ""
    if cause := cause_of_class(needed):
        return cause
    what = f"objects of {needed}" if needed else "more than tensors"
    return (
        f"is truncated or holds more than tensors ({what}), and is not loaded: loading it could "
        "run code; download it again or convert it to safetensors"
    )
