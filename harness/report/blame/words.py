"""The words of ``samfit blame``: names of what is compared, and the answer, from the figures."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from samfit.harness.memory.holders import bytes_of_alike
from samfit.harness.predict.answers import Blame
from samfit.harness.record.cell import Cell
from samfit.harness.report.kit.describe import (
    describe_memory,
    footnote,
    in_words,
    method_title,
    size,
)
from samfit.harness.report.kit.select import COMPARABLE, memory_of, variant, varying_fields
from samfit.harness.trace.trace import FROZEN, TRAINABLE

NO_MODULE = "outside of modules"
NAMED = 0.1  # of all bytes: a category that has less is left out
MOST = 0.9  # of a category: where so much of it lies, there it is
PROSE = {FROZEN: "frozen weights", TRAINABLE: "trainable weights"}
FIELDS = [f.name for f in dataclasses.fields(Cell) if f.name not in ("adapter", "settings")]


def module_words(module: str) -> str:
    """A module's name as a reader knows it from SAM; what lies outside of modules in words."""
    return module.removeprefix("sam.") or NO_MODULE


def labels(blames: Sequence[Blame]) -> list[str]:
    """The methods' titles with their settings, and what else differs between the Cells."""
    records = [blame.record for blame in blames]
    differing = varying_fields(records, FIELDS)
    return [method_title(record) + variant(record.cell, differing) for record in records]


def heading(blames: Sequence[Blame]) -> str:
    """What is shown: the Cells, and their batch size if it is one."""
    sizes = {blame.record.cell.batch_size for blame in blames}
    batch = f", batch size {sizes.pop()}" if len(sizes) == 1 else ""
    return f"{' against '.join(labels(blames))}{batch}: what holds the memory at the peak"


def source(blames: Sequence[Blame]) -> str:
    """Sentences that say where the figures come from and what they assume."""
    records = [blame.record for blame in blames]
    differ = varying_fields(records, COMPARABLE)
    groups = [[record] for record in records] if differ else [records]
    described = "; against ".join(dict.fromkeys(describe_memory(group) for group in groups))
    return f"{footnote(records)}Source: {described}."


def answer(blame: Blame) -> str:
    """When the peak is reached, what it consists of, and in which modules that lies."""
    parts = []
    for category, nbytes in blame.by_category().most_common():
        if nbytes >= NAMED * blame.peak_bytes:
            held = {h.module: h.nbytes for h in blame.holders if h.category == category}
            parts.append(f"{size(nbytes)} are {_prose(category)}{_where(held)}")
    (name,) = labels([blame])
    peak = f"{name} reaches its peak of {size(blame.peak_bytes)} {moment(blame)}."
    return f"{peak} {'; '.join(parts)}."


def moment(blame: Blame) -> str:
    """When and where the peak is reached."""
    memory = memory_of(blame.record)
    module = module_words(memory.peak_module or "")
    return f"in the {memory.peak_phase} phase, {f'in {module}' if memory.peak_module else module}"


def difference_answer(one: Blame, other: Blame) -> str:
    """Which of the two needs more, by how much, of what, and why if records know it."""
    name, other_name = labels([one, other])
    difference = one.peak_bytes - other.peak_bytes
    if difference:
        peaks = f"{size(one.peak_bytes)} against {size(other.peak_bytes)}"
        sentences = [f"{name} needs {_more(difference)} than {other_name}: {peaks}."]
    else:
        sentences = [f"{name} and {other_name} need the same, {size(one.peak_bytes)}."]
    ours, theirs = one.by_category(), other.by_category()
    changes = {category: ours[category] - theirs[category] for category in ours | theirs}
    least = NAMED * sum(map(abs, changes.values()))
    parts = [
        f"{_more(change)} in {_prose(category)}{_where(_changes_by_module(one, other, category))}"
        for category, change in sorted(changes.items(), key=lambda item: -abs(item[1]))
        if abs(change) >= least > 0
    ]
    if parts:
        sentences.append(f"{'; '.join(parts)}.")
    return " ".join([*sentences, *_reason(one, other)])


def _more(nbytes: int) -> str:
    return f"{size(abs(nbytes))} {'more' if nbytes > 0 else 'less'}"


def _prose(category: str) -> str:
    return PROSE.get(category, in_words(category))


def _changes_by_module(one: Blame, other: Blame, category: str) -> dict[str, int]:
    """Differences in one category, modules that are alike counted together."""
    ours, theirs = bytes_of_alike(one.holders), bytes_of_alike(other.holders)
    return {
        module: ours[module, of] - theirs[module, of]
        for module, of in ours | theirs
        if of == category
    }


def _where(held: Mapping[str, int]) -> str:
    """In brackets, the deepest module with nearly all of these bytes, if there is one."""
    total, inside = sum(held.values()), Counter[str]()
    for name, nbytes in held.items():
        for module in accumulate(name.split("."), "{}.{}".format):
            inside[module] += nbytes
    near = [m for m in inside if m and abs(inside[m] - total) <= (1 - MOST) * abs(total)]
    if not near:
        return ""
    module = min(near, key=lambda name: (-name.count("."), name))
    return f" ({'all' if inside[module] == total else 'nearly all'} in {module_words(module)})"


def _reason(one: Blame, other: Blame) -> list[str]:
    """The cause that records know: whether gradients flow through the encoder."""
    records = [blame.record for blame in (one, other) if blame.record.cell.phase == "train"]
    serial = {record.method.serial: record.method.title for record in records if record.method}
    if len(serial) < 2:
        return []
    flow = "flow through the image encoder, whose activations are kept for them"
    return [f"Gradients of {serial[True]} {flow}; those of {serial[False]} do not."]
