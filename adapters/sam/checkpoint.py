"""Load SAM's weights from a file, safely, and name in one sentence what is wrong with it."""

import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from segment_anything.modeling import Sam
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.sam.sizes import BACKBONES
from samfit.errors import UserError

StateDict = dict[str, Tensor]


def load_checkpoint(sam: Sam, path: Path, backbone: str) -> None:
    """Load the weights of a SAM checkpoint into ``sam``.

    For another image size than the checkpoint's, position tables are interpolated.

    Raises:
        UserError: if the file is missing, truncated, not a SAM checkpoint, or of another backbone.
    """
    state = read_checkpoint(path, backbone)
    try:
        _resize_positions(state, sam)
        sam.load_state_dict(state)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip().rstrip(".")
        raise UserError(f"{path} does not fit {backbone}: {detail}.") from error


def read_checkpoint(path: Path, backbone: str) -> StateDict:
    """The weights in a SAM checkpoint of ``backbone``.

    Reads the files that Meta publishes (``sam_vit_b_01ec64.pth``) and safetensors files with the
    same names. Files are only ever unpickled with ``weights_only=True``, which executes nothing.

    Raises:
        UserError: if the file is missing, truncated, not a SAM checkpoint, or of another backbone.
    """
    state = _read(path)
    if "image_encoder.pos_embed" not in state:
        example = next(iter(state), "nothing")
        raise UserError(
            f"{path} is not a SAM checkpoint (it holds {example!r}, not image_encoder.pos_embed): "
            "use one of Meta's files, such as sam_vit_b_01ec64.pth."
        )
    found = _backbone_of(state)
    if found != backbone:
        hint = f"use --backbone {found}" if found else f"give a checkpoint of {backbone}"
        raise UserError(
            f"{path} is a checkpoint of {found or 'an unknown backbone'}, not {backbone}: {hint}."
        )
    return state


def _read(path: Path) -> StateDict:
    if not os.path.isfile(path):  # noqa: PTH113 - the method raises for names that are too long
        raise UserError(f"there is no checkpoint file {path}: check --checkpoint.")
    try:
        state = _unpickle(path) if path.suffix != ".safetensors" else load_file(path)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is truncated or holds more than tensors, and is not loaded: loading it could "
            "run code; download it again or convert it to safetensors."
        ) from error
    except Exception as error:  # a damaged file makes torch.load raise almost anything
        raise UserError(
            f"{path} is truncated or not a checkpoint file: download it again."
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise UserError(
            f"{path} is not a SAM checkpoint (not a plain dictionary of tensors): "
            "use one of Meta's files, such as sam_vit_b_01ec64.pth."
        )
    return state


def _unpickle(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's remarks on old formats
        return torch.load(path, map_location="cpu", weights_only=True)


def _backbone_of(state: StateDict) -> str | None:
    """The backbone whose width and depth these weights have."""
    width = state["image_encoder.pos_embed"].shape[-1:]
    depth = sum(name.endswith(".norm1.weight") for name in state if "image_encoder" in name)
    for name, sizes in BACKBONES.items():
        if (sizes.width, sizes.depth) == (*width, depth):
            return name
    return None


def _resize_positions(state: StateDict, sam: Sam) -> None:
    """Interpolate position tables made for another image size, as SAMed (arXiv 2304.13785) does."""
    wanted = sam.state_dict()
    positions = "image_encoder.pos_embed"
    grid = wanted[positions].shape[1:3]
    if state[positions].ndim == 4 and state[positions].shape[1:3] != grid:
        nchw = state[positions].permute(0, 3, 1, 2)
        resized = F.interpolate(nchw, grid, mode="bilinear", align_corners=False)
        state[positions] = resized.permute(0, 2, 3, 1)
    for name, table in state.items():
        if ".rel_pos_" in name and name in wanted and table.ndim == 2:
            rows = len(wanted[name])
            if len(table) != rows:
                state[name] = F.interpolate(table.T[None], rows, mode="linear")[0].T
