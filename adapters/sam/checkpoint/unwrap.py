"""Find SAM's tensors in what training programs save: nested, prefixed, beside an optimizer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from samfit.adapters.sam.checkpoint.names import StateDict, with_meta_names

POSITIONS = "image_encoder.pos_embed"  # which every SAM has, and only an encoder like SAM's
ANCHORS = (POSITIONS, "vision_encoder.pos_embed")
# What wrappers of modules add to names, wherever they stand: DistributedDataParallel, compile,
# activation checkpointing, FSDP. SAM's own names have no such parts.
WRAPPERS = {"module", "_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"}
DEPTH = 4  # of nested dictionaries


class Found(NamedTuple):
    """A SAM in a file.

    Attributes:
        state: its tensors under Meta's names, or what ``rename`` made of them; empty if there is
            none.
        beside: names of tensors next to SAM's in the same dictionary, outside of SAM.
        others: where in the file further SAMs are.
        place: where in the file this one is, "" at its top.
        names: of all tensors in the file.
    """

    state: StateDict
    beside: list[str]
    others: list[str]
    place: str
    names: list[str]


def unwrap(
    content: Any,
    anchors: Iterable[str] = ANCHORS,
    rename: Callable[[StateDict], StateDict] = with_meta_names,
) -> Found:
    """The SAM in ``content``, however it is nested and prefixed: ``model``, ``state_dict``,
    ``module.``, ``sam.``, and others.

    Args:
        content: of a file.
        anchors: a tensor with one of these names is in every SAM of the family.
        rename: gives the tensors the names that ``Found.state`` has.
    """
    tables = dict(_tables(content))
    names = [f"{where}{name}" for where, table in tables.items() for name in table]
    found = [
        (where, name[: -len(anchor)])
        for where, table in tables.items()
        for name in table
        for anchor in anchors
        if name == anchor or name.endswith(f".{anchor}")
    ]
    if not found:
        return Found({}, [], [], "", names)
    (where, prefix), *others = found
    table = tables[where]
    inside = {name[len(prefix) :]: t for name, t in table.items() if name.startswith(prefix)}
    beside = [name for name in table if not name.startswith(prefix)]
    return Found(
        rename(inside),
        beside,
        [f"{where}{prefix}".rstrip(".") for where, prefix in others],
        f"{where}{prefix}".rstrip("."),
        names,
    )


def _tables(content: Any, where: str = "", depth: int = DEPTH) -> Iterator[tuple[str, StateDict]]:
    """The dictionaries in ``content`` that hold tensors, by where they are, outermost first."""
    if not isinstance(content, Mapping):
        return
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    if table := {_plain(n): value for n, value in named.items() if isinstance(value, Tensor)}:
        yield where, table
    if depth:
        for name, value in content.items():
            yield from _tables(value, f"{where}{name}.", depth - 1)


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)
