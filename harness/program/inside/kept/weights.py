"""Which files hold weights, and which belong to them."""

import os
from pathlib import Path
from typing import Any

# Data sets and caches, which programs read back, often end in .bin, .pkl, .npz and .h5: a new file
# of these is written as always. One that torch.save has written is known by its first bytes.
SUFFIXES = (
    *(".pt", ".pth", ".pt2", ".ckpt"),
    *(".pt.tar", ".pth.tar", ".ckpt.tar"),
    *(".safetensors", ".distcp", ".onnx", ".onnx.data"),
)
OF_ALL_PARTS = ".metadata"  # torch.distributed.checkpoint's file about those that end in .distcp
DESCRIBES = ".json"
NOT_FINISHED = (".tmp", ".temp")  # behind the suffix of a file that is renamed when complete

_ZIP, _NAME_AT = b"PK\x03\x04", 30  # of a zip file's first entry: its length two bytes, at 26
_OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before 1.6


def absolute(path: Any, folder: int | None = None) -> Path:
    """Where a path leads: bytes, a string or an object; perhaps from an opened folder."""
    named = Path(os.fsdecode(path))
    if not named.is_absolute():
        start = Path.cwd() if folder is None else Path(f"/proc/self/fd/{folder}").readlink()
        named = start / named
    return Path(os.path.normpath(named))


def hold_weights(path: Path) -> bool:
    """Whether a file holds weights by its name, there or not, or by what it begins with."""
    leads_to_one = path.is_symlink() and _is_name(path.resolve().name)
    return _is_name(path.name) or leads_to_one or _begins_so(path)


def belongs_to_weights(path: Path) -> bool:
    """Whether a file is there that describes the weights beside it: they are of no use alone."""
    beside = path.suffix == DESCRIBES and path.is_file()
    return beside and any(map(_is_name, os.listdir(path.parent)))  # noqa: PTH208


def _is_name(name: str) -> bool:
    name = name.lower()
    for end in NOT_FINISHED:
        name = name.removesuffix(end)
    return name == OF_ALL_PARTS or name.endswith(SUFFIXES)


def _begins_so(path: Path) -> bool:
    if not path.is_file():  # none, or a pipe: reading it would wait
        return False
    with path.open("rb") as file:
        start = file.read(512)
    name = start[_NAME_AT : _NAME_AT + int.from_bytes(start[26:28], "little")]
    return start.startswith(_OLD) or (start.startswith(_ZIP) and name.endswith(b"/data.pkl"))
