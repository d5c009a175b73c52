"""The adapters in a terminal: what ``samfit list`` shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType

from samfit.harness.report.kit.describe import millions
from samfit.harness.report.kit.tables import CaptionedTable

TRAITS = (
    "serial: gradients flow through the frozen image encoder, whose activations are kept; "
    "parallel: they do not. merges: whether, once trained, it can become part of SAM's own "
    "weights. levers: options that save memory without changing what the method computes."
)
PARAMETERS = "For each backbone: of the adapter alone, and of all that is trained with it."


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What each adapter is and can do, and below it how many parameters it has."""
    traits = [
        {
            "adapter": f"{entry['name']}\n{entry['source']}",
            "kind": "serial" if entry["serial"] else "parallel",
            "trains": "\n".join(entry["trains"]),
            "merges": "yes" if entry["mergeable"] else "no",
            "levers": "\n".join(entry["levers"]),
        }
        for entry in entries
    ]
    columns = {"adapter": [entry["name"] for entry in entries]}
    for backbone in entries[0]["params"]:
        counts = [entry["params"][backbone] for entry in entries]
        trained = [millions(count["trainable"]) for count in counts]
        alone = [millions(count["adapter"]) for count in counts]
        width = max(map(len, trained))  # both numbers are aligned
        columns[backbone] = [f"{a} {t:>{width}}" for a, t in zip(alone, trained, strict=True)]
    return Group(
        CaptionedTable(pd.DataFrame(traits), "adapters", TRAITS),
        CaptionedTable(pd.DataFrame(columns), "millions of parameters", PARAMETERS),
    )
