"""How Cells, modules and categories are called where a Blame is shown, and where it comes from."""

import dataclasses
from collections.abc import Sequence

from samfit.harness.predict.answers import Blame
from samfit.harness.record.cell import Cell
from samfit.harness.report.kit.describe import describe_memory, footnote
from samfit.harness.report.kit.select import COMPARABLE, VARIANT_DEFAULTS

NO_MODULE = "outside of modules"


def module_words(module: str) -> str:
    """A module's name as a reader knows it from SAM; what lies outside of modules in words."""
    return module.removeprefix("sam.") or NO_MODULE


def labels(blames: Sequence[Blame]) -> list[str]:
    """The methods' titles with their settings, and what else differs between the Cells."""
    cells = [blame.record.cell for blame in blames]
    differing = [
        field.name
        for field in dataclasses.fields(Cell)
        if field.name not in ("adapter", "settings")
        and len({getattr(cell, field.name) for cell in cells}) > 1
    ]
    return [_label(blame, differing) for blame in blames]


def _label(blame: Blame, differing: Sequence[str]) -> str:
    cell, method = blame.record.cell, blame.record.method
    assert method is not None
    named = dict(cell.settings)
    for name in differing:
        value = getattr(cell, name)
        if name not in VARIANT_DEFAULTS or value != VARIANT_DEFAULTS[name]:
            named[name] = value
    text = ", ".join(f"{name}={value}" for name, value in named.items())
    return method.title + (f" ({text})" if text else "")


def heading(blames: Sequence[Blame]) -> str:
    """What is shown: the Cells, and their batch size if it is one."""
    sizes = {blame.record.cell.batch_size for blame in blames}
    batch = f", batch size {sizes.pop()}" if len(sizes) == 1 else ""
    return f"{' against '.join(labels(blames))}{batch}: what holds the memory at the peak"


def source(blames: Sequence[Blame]) -> str:
    """Sentences that say where the figures come from and what they assume."""
    records = [blame.record for blame in blames]
    cells = [record.cell for record in records]
    same_conditions = all(len({getattr(cell, name) for cell in cells}) == 1 for name in COMPARABLE)
    groups = [records] if same_conditions else [[record] for record in records]
    described = "; against ".join(dict.fromkeys(describe_memory(group) for group in groups))
    return f"{footnote(records)}Source: {described}."
