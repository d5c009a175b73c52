from dataclasses import replace

from readable import made
from synthetic_records import predicted

from samfit.harness.report.backbones.plot import MOST, memory_vs_backbone
from samfit.harness.report.backbones.table import across_backbones, backbones_table
from samfit.harness.report.kit.tables import MISSING


def unsupported(adapter: str, **fields):
    """A record without figures, as a sweep keeps it."""
    record = predicted(adapter, **fields)
    why = "it needs what this backbone has not."
    return replace(record, status="unsupported", message=why, memory=None, params=None)


RECORDS = [
    predicted("cad", peak_gib=9, backbone="vit_h"),
    predicted("lora", peak_gib=60, backbone="vit_h", serial=True),
    predicted("cad", peak_gib=5),
    predicted("lora", peak_gib=29, serial=True),
    predicted("cad", peak_gib=2, batch_size=1),
    predicted("cad", peak_gib=3, backbone="vit_l", attention="sdpa"),  # a lever is pulled
]


def table(records) -> list[list[str]]:
    frame = backbones_table(across_backbones(records)).frame
    return [frame.columns.tolist(), *frame.to_numpy().tolist()]


def test_methods_are_rows_and_backbones_columns_the_lightest_first():
    assert table(RECORDS) == [
        ["method", "kind", "vit_b", "vit_h"],
        ["Cad", "parallel", "5.00", "9.00"],
        ["Lora", "serial", "29.00", "60.00"],
    ]


def test_where_there_are_more_backbones_these_are_rows():
    more = [predicted("cad", peak_gib=6, backbone="vit_l"), *RECORDS]
    assert table(more) == [
        ["backbone", "Cad", "Lora"],
        ["vit_b", "5.00", "29.00"],
        ["vit_l", "6.00", MISSING],
        ["vit_h", "9.00", "60.00"],
    ]


def test_what_is_not_supported_stands_in_the_table_with_its_reason():
    records = [*RECORDS, unsupported("vpt", backbone="vit_h"), predicted("vpt", peak_gib=28)]
    assert table(records)[-1] == ["Vpt", "parallel", "28.00", "unsupported"]
    caption = backbones_table(across_backbones(records)).caption
    assert "Vpt on vit_h: it needs what this backbone has not." in caption


def test_one_backbone_is_not_compared():
    assert across_backbones([predicted("cad"), predicted("lora")]) is None
    assert across_backbones([]) is None


def test_the_plot_has_a_row_for_each_backbone_and_a_mark_for_each_method():
    axes = made(memory_vs_backbone, RECORDS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["vit_b", "vit_h"]
    marks = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in axes.lines
        if line.get_marker() != "None"
    ]
    assert marks == [(5, 0), (29, 0), (9, 1), (60, 1)]


def test_more_methods_than_can_be_told_apart_are_left_to_the_table():
    many = [
        predicted(f"method_{index}", backbone=backbone)
        for index in range(MOST + 1)
        for backbone in ("vit_b", "vit_l")
    ]
    assert memory_vs_backbone(across_backbones(many)) is None
    assert len(table(many)) == MOST + 2
