"""What ``samfit blame`` shows in a terminal, without colour."""

import pytest
from readable import printed
from synthetic_blames import blamed, parallel_blame, serial_blame
from synthetic_records import GIB, MIB

from samfit.harness.report.blame.table import blame_summary, difference_summary
from samfit.harness.trace.trace import OPTIMIZER, SAVED


def cells(text):
    return [line.split() for line in text.splitlines()]


def test_a_row_says_where_what_how_much_and_of_how_many():
    rows = cells(printed(blame_summary(serial_blame())))
    row = ["image_encoder.blocks.*.attn", "saved", "activations", "15,360", "82.0",
           "12", "×", "1,024–4,096"]  # fmt: skip
    assert row in rows
    assert ["image_encoder.blocks.11.attn", "temporaries", "3,072", "16.4"] in rows
    assert ["sum", "18,742", "100"] in rows


@pytest.mark.parametrize("width", [80, 120])
def test_no_figure_is_lost(width):
    text = printed(blame_summary(serial_blame()), width)
    for figure in ("15,360", "3,072", "300", "18,742", "1,024–4,096"):
        assert figure in text
    assert "…" not in text


def test_long_names_are_broken_after_a_dot():
    module = "sam.mask_decoder.transformer.layers.0.cross_attn_token_to_image.out_proj"
    lines = cells(printed(blame_summary(blamed((module, SAVED, GIB)))))
    assert ["mask_decoder.transformer.", "saved", "activations", "1,024", "100.0"] in lines
    assert ["layers.0."] in lines
    assert ["cross_attn_token_to_image."] in lines
    assert ["out_proj"] in lines


def test_a_difference_is_by_category_and_by_module():
    text = printed(difference_summary(serial_blame(), parallel_blame()))
    rows = cells(text)
    assert "what it is         Lora, MiB  Cad, MiB  difference, MiB" in text
    assert ["saved", "activations", "15,360", "0", "+15,360"] in rows
    assert ["weights", "frozen", "300", "300", "0"] in rows
    assert ["optimizer", "state", "10", "20", "-10"] in rows
    where = ["image_encoder.blocks.*.attn", "saved", "activations", "15,360", "0", "+15,360"]
    assert where in rows
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
