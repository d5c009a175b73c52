"""Load SAM's weights from a file, safely, and name in one sentence what is wrong with it."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from segment_anything.modeling import Sam
from torch import Tensor
from torch.nn import functional as F

from samfit.adapters.sam.checkpoint.causes import USE_METAS, cause_of_names, cause_of_rest
from samfit.adapters.sam.checkpoint.names import StateDict
from samfit.adapters.sam.checkpoint.read import read_file
from samfit.adapters.sam.checkpoint.unwrap import POSITIONS, Found, unwrap
from samfit.adapters.sam.families.segment_anything import VITS, VitSizes
from samfit.errors import Remark, UserError

# Of SAM's input, Kirillov et al., arXiv 2304.02643; some programs store them.
NORMALISATION = {"pixel_mean": (123.675, 116.28, 103.53), "pixel_std": (58.395, 57.12, 57.375)}
LOADED_FROM = "samfit_checkpoint"  # attribute of a Sam: the name of the file with its weights


def load_checkpoint(sam: Sam, path: Path, backbone: str) -> None:
    """Load the weights of a SAM checkpoint into ``sam``, in its own precision.

    For another image size than the checkpoint's, position tables are interpolated, with a
    ``Remark``.

    Raises:
        UserError: as ``read_checkpoint``, and if the weights do not fit.
    """
    state = read_checkpoint(path, backbone)
    sam.load_state_dict(fitted(state, sam.state_dict(), path, VITS[backbone], backbone))
    setattr(sam, LOADED_FROM, path.name)


def fitted(
    state: StateDict, wanted: StateDict, path: Path, sizes: VitSizes, backbone: str
) -> StateDict:
    """``state``, what ``read_checkpoint`` gave, with the names and shapes of ``wanted``.

    Both are under Meta's names; position tables are interpolated if they must be.

    Raises:
        UserError: if the weights do not fit.
    """
    _check_names(state, wanted, path, backbone)
    _resize_positions(state, wanted, path, sizes)
    _check_shapes(state, wanted, path, backbone)
    return state


def read_checkpoint(
    path: Path, backbone: str, known: Mapping[str, VitSizes] | None = None
) -> StateDict:
    """The weights in a SAM checkpoint of ``backbone``, under Meta's names, in float32.

    ``known`` are the backbones of its family by name; ``vit_b`` and its like if not given.

    Reads the files that Meta publishes (``sam_vit_b_01ec64.pth``), safetensors files, what training
    programs save (nested in ``model`` or ``state_dict``, prefixed with ``module.`` or ``model.``,
    beside an optimizer), and Hugging Face's ``SamModel``, as a file or a folder of
    ``save_pretrained``. Nothing in a file is executed.

    Raises:
        UserError: if the file is missing, truncated, not a SAM checkpoint (named by its cause where
            it is known), or of another backbone.
    """
    found = unwrap(read_file(path))
    state = found.state
    if not state or state[POSITIONS].ndim != 4:
        raise UserError(_not_a_sam(path, found))
    if cause := cause_of_rest(found.beside):
        raise UserError(f"{path} is not a SAM checkpoint: it {cause}.")
    if found.others:
        first, *others = (place or "the top level" for place in (found.place, *found.others))
        _remark(f"{path} holds several SAMs: {first} is used, not {', '.join(others)}.")
    if found.beside:
        _remark(f"{path} holds more than a SAM, and {several(found.beside)} beside it left out.")
    _check_backbone(state, path, backbone, known or VITS)
    if wrong := [name for name, t in state.items() if not t.is_floating_point()]:
        kind = str(state[wrong[0]].dtype).removeprefix("torch.")
        raise UserError(
            f"{path} is quantised ({wrong[0]} is {kind}): give the weights it was made from."
        )
    return {name: tensor.float() for name, tensor in state.items()}


def _not_a_sam(path: Path, found: Found) -> str:
    cause = cause_of_names(found.names)
    if cause:
        return f"{path} is not a SAM checkpoint: it {cause}."
    example = f"{found.names[0]!r}" if found.names else "no tensors"
    return (
        f"{path} is not a SAM checkpoint (it holds {example}, not image_encoder.pos_embed): "
        f"{USE_METAS}."
    )


def backbone_of(state: StateDict, known: Mapping[str, VitSizes] = VITS) -> str | None:
    """Which of the backbones ``known`` it is that ``state``, under Meta's names, is of; or None."""
    names = {(sizes.width, sizes.depth): name for name, sizes in known.items()}
    return names.get(_width_and_depth(state))


def _width_and_depth(state: StateDict) -> tuple[int, int]:
    depth = sum(name.endswith(".norm1.weight") for name in state if "image_encoder" in name)
    return state[POSITIONS].shape[-1], depth


def _check_backbone(
    state: StateDict, path: Path, backbone: str, known: Mapping[str, VitSizes]
) -> None:
    found = backbone_of(state, known)
    if found == backbone:
        return
    cause = cause_of_names(state)
    if cause and not found:
        raise UserError(f"{path} is not a SAM checkpoint: it {cause}.")
    hint = f"use --backbone {found}" if found else f"give a checkpoint of {backbone}"
    width, depth = _width_and_depth(state)
    what = found or f"an unknown backbone ({width} wide, {depth} deep)"
    raise UserError(f"{path} is a checkpoint of {what}, not {backbone}: {hint}.")


def _check_names(state: StateDict, wanted: StateDict, path: Path, backbone: str) -> None:
    """Take out what says nothing new, and refuse what is missing or too much."""
    for name, ours in NORMALISATION.items():
        theirs = state.pop(name, None)
        if theirs is not None and _differs(theirs, ours):
            raise UserError(
                f"{path} normalises images otherwise than SAM ({name} differs): it cannot be used."
            )
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    cause = cause_of_names(state) if missing or extra else None
    for names, what in ((extra, "has, beyond SAM's,"), (missing, "lacks")):
        if names and cause:
            raise UserError(
                f"{path} is not a SAM checkpoint: it {cause} (it {what} {several(names)})."
            )
        if names:
            raise UserError(
                f"{path} does not fit {backbone}: it {what} {several(names)}; {USE_METAS}."
            )


def _check_shapes(state: StateDict, wanted: StateDict, path: Path, backbone: str) -> None:
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            raise UserError(
                f"{path} does not fit {backbone}: {name} is {tuple(tensor.shape)}, not "
                f"{tuple(wanted[name].shape)}."
            )


def _differs(theirs: Tensor, ours: Sequence[float]) -> bool:
    return theirs.numel() != len(ours) or not np.allclose(theirs.flatten(), ours)


def several(names: Sequence[str]) -> str:
    """``names``, counted, and the first of them."""
    first, *others = names
    return f"{len(names)} tensors ({first} first)" if others else f"1 tensor ({first})"


def _remark(sentence: str) -> None:
    warnings.warn(sentence, Remark, stacklevel=2)


def _resize_positions(state: StateDict, wanted: StateDict, path: Path, sizes: VitSizes) -> None:
    """Interpolate position tables made for another image size, as SAMed (arXiv 2304.13785) does.

    It is said of files for another size than the backbone's own, which nobody asked for.
    """
    grid, theirs = wanted[POSITIONS].shape[1:3], state[POSITIONS].shape[1:3]
    if theirs != grid:
        stride = sizes.stride
        side, ours = (" x ".join(str(stride * n) for n in size) for size in (theirs, grid))
        if stride * theirs[0] != sizes.image_size:
            _remark(
                f"{path} is for images of {side} pixels: its position tables are interpolated to "
                f"{ours}; --image-size sets another size."
            )
        nchw = state[POSITIONS].permute(0, 3, 1, 2)
        resized = F.interpolate(nchw, grid, mode="bilinear", align_corners=False)
        state[POSITIONS] = resized.permute(0, 2, 3, 1)
    for name, table in state.items():
        if ".rel_pos_" in name and name in wanted and table.ndim == 2:
            state[name] = _stretched(table, len(wanted[name]))


def _stretched(table: Tensor, rows: int) -> Tensor:
    """A table (n, c) of relative positions with ``rows`` rows."""
    return table if len(table) == rows else F.interpolate(table.T[None], rows, mode="linear")[0].T
