"""The answer of ``samfit blame`` in words, computed from the figures."""

from collections import Counter
from collections.abc import Mapping
from itertools import accumulate

from samfit.harness.memory.holders import bytes_of_alike
from samfit.harness.predict.answers import Blame
from samfit.harness.report.blame.names import labels, module_words
from samfit.harness.report.kit.describe import in_words, size
from samfit.harness.trace.trace import FROZEN, TRAINABLE

NAMED = 0.1  # of all bytes: a category that has less is left out
MOST = 0.9  # of a category: where so much of it lies, there it is
PROSE = {FROZEN: "frozen weights", TRAINABLE: "trainable weights"}


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
    memory = blame.record.memory
    assert memory is not None
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
    parts = []
    for category in sorted(changes, key=lambda category: -abs(changes[category])):
        if abs(changes[category]) >= NAMED * sum(map(abs, changes.values())) > 0:
            where = _where(_changes_by_module(one, other, category))
            parts.append(f"{_more(changes[category])} in {_prose(category)}{where}")
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
    serial = {}
    for blame in (one, other):
        method, cell = blame.record.method, blame.record.cell
        if method is not None and cell.phase == "train":
            serial[method.serial] = method.title
    if len(serial) < 2:
        return []
    flow = "flow through the image encoder, whose activations are kept for them"
    return [f"Gradients of {serial[True]} {flow}; those of {serial[False]} do not."]
