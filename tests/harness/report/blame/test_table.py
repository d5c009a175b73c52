"""What ``samfit blame`` shows in a terminal, without colour."""

import pytest
from readable import printed
from synthetic_blames import blamed, parallel_blame, serial_blame
from synthetic_records import GIB, MIB

from samfit.harness.report.blame.table import blame_summary, difference_summary
from samfit.harness.trace.trace import OPTIMIZER, SAVED


def cells(text):
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_a_row_says_where_what_how_much_and_of_how_many(width):
    text = printed(blame_summary(serial_blame()), width)
    for row in (
        "image_encoder.blocks.*.attn saved activations 15,360 82.0 12 × 1,024–4,096",
        "image_encoder.blocks.11.attn temporaries 3,072 16.4",
        "sum 18,742 100",
    ):
        assert row.split() in cells(text)
    assert "300" in text and "…" not in text


def test_long_names_are_broken_after_a_dot():
    module = "sam.mask_decoder.transformer.layers.0.cross_attn_token_to_image.out_proj"
    lines = cells(printed(blame_summary(blamed((module, SAVED, GIB)))))
    assert ["mask_decoder.transformer.", "saved", "activations", "1,024", "100.0"] in lines
    assert ["layers.0."] in lines
    assert ["cross_attn_token_to_image."] in lines
    assert ["out_proj"] in lines


def test_a_difference_is_by_category_and_by_module():
    rows = cells(printed(difference_summary(serial_blame(), parallel_blame())))
    for row in (
        "what it is Lora, MiB Cad, MiB difference, MiB",
        "saved activations 15,360 0 +15,360",
        "weights frozen 300 300 0",
        "optimizer state 10 20 -10",
        "image_encoder.blocks.*.attn saved activations 15,360 0 +15,360",
    ):
        assert row.split() in rows
    assert rows.count(["sum", "18,742", "3,392", "+15,350"]) == 2


def test_small_differences_have_decimals():
    def rows(more):
        one, other = (blamed(("", SAVED, GIB), ("", OPTIMIZER, n)) for n in (MIB + more, MIB))
        return cells(printed(difference_summary(one, other)))

    assert ["optimizer", "state", "3.5", "1.0", "+2.5"] in rows(5 * MIB // 2)
    assert ["optimizer", "state", "1.500", "1.000", "+0.500"] in rows(MIB // 2)


def test_settings_in_brackets_are_text_not_markup():
    one = serial_blame(settings={"targets": ["b", "i"], "note": "[bold]"})
    assert "[bold]" in printed(blame_summary(one), 120)
    assert "[bold]" in printed(difference_summary(one, serial_blame()), 120)
