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
    backbones = dict.fromkeys(name for entry in entries for name in _backbones(entry))
    columns |= {backbone: _parameters(entries, backbone) for backbone in backbones}
    reasons = [f"unsupported: {why}" for entry in entries for why in entry["unsupported"].values()]
    return Group(
        CaptionedTable(pd.DataFrame(traits), "adapters", TRAITS),
        CaptionedTable(pd.DataFrame(columns), "millions of parameters", PARAMETERS),
        *dict.fromkeys(reasons),
    )


def _backbones(entry: Mapping[str, Any]) -> list[str]:
    return [*entry["params"], *entry["unsupported"]]


def _parameters(entries: Sequence[Mapping[str, Any]], backbone: str) -> list[str]:
    """Of each adapter: its own parameters on ``backbone`` and all that are trained, aligned."""
    counts = [entry["params"].get(backbone) for entry in entries]
    trained = [millions(count["trainable"]) if count else "" for count in counts]
    width = max(map(len, trained))
    return [
        f"{millions(count['adapter'])} {text:>{width}}" if count else "unsupported"
        for count, text in zip(counts, trained, strict=True)
    ]
