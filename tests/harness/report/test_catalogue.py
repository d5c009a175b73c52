"""What ``samfit list`` shows in a terminal."""

import pytest
from readable import printed

from samfit.harness.report.catalogue import catalogue_table

ENTRIES = [
    {"name": "cobot_adaptformer", "source": "arXiv 0000.00000", "serial": True, "mergeable": False,
     "trains": ["own parameters", "part of prompt encoder", "mask decoder"],
     "levers": ["checkpointing"],
     "params": {"vit_tiny": {"adapter": 4_000, "trainable": 196_000},
                "vit_h": {"adapter": 637_026_000, "trainable": 641_084_000}},
     "unsupported": {}},
    {"name": "decoder", "source": "baseline", "serial": False, "mergeable": True,
     "trains": ["mask decoder"], "levers": ["attention", "encoder-micro-batch"],
     "params": {"vit_tiny": {"adapter": 0, "trainable": 191_000},
                "vit_h": {"adapter": 0, "trainable": 4_058_000}},
     "unsupported": {}},
]  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_the_catalogue_tells_what_each_adapter_is_and_can_do_in_words_that_it_explains(width):
    text = printed(catalogue_table(ENTRIES), width)
    for part in (
        "serial: gradients flow", "parallel: they do not", "merges: whether",
        "levers: options that save memory without changing what the method computes",
        "of the adapter alone, and of all that is trained",
    ):  # fmt: skip
        assert part in " ".join(text.split())
    lines = text.splitlines()
    names = [line.split(" ")[0] for line in lines]
    first, second = (names.index(entry["name"]) for entry in ENTRIES)
    assert lines[first].split() == [
        "cobot_adaptformer", "serial", "own", "parameters", "no", "checkpointing",
    ]  # fmt: skip
    assert lines[first + 1].split() == ["arXiv", "0000.00000", "part", "of", "prompt", "encoder"]
    assert lines[second].split() == ["decoder", "parallel", "mask", "decoder", "yes", "attention"]
    assert lines[second + 1].split() == ["baseline", "encoder-micro-batch"]
    rows = [line.split() for line in lines]  # parameters of the adapter, and of all that is trained
    assert ["cobot_adaptformer", "0.004", "0.196", "637.026", "641.084"] in rows
    assert ["decoder", "0.000", "0.191", "0.000", "4.058"] in rows


def test_what_does_not_work_is_unsupported_and_the_reason_is_said_once():
    why = "cobot_adaptformer cannot be used with it."
    refused = {**ENTRIES[0], "params": {}, "unsupported": {"vit_tiny": why, "vit_h": why}}
    text = printed(catalogue_table([refused, ENTRIES[1]]), 120)
    row = next(line for line in text.splitlines() if line.count("unsupported") == 2)
    assert row.startswith("cobot_adaptformer")
    assert text.count(f"unsupported: {why}") == 1
