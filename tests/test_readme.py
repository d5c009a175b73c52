"""What the README says is what samfit predicts."""

import re
from pathlib import Path

import pytest

from samfit.adapters.core.registry import adapter_names
from samfit.harness.device.cards import unnamed_card
from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell
from samfit.harness.step.levers import with_every_exact_lever

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \[\d\] \| ([\d,]+) \| ([\d,]+) \| ([+-][\d.]+)% \|$", README, re.M)
CAD_VARIANT = {"variant": "cad"}
CELLS = [
    Cell(adapter="decoder", backbone="vit_b", phase="infer", batch_size=1),
    Cell(adapter="decoder", backbone="vit_b", phase="infer", batch_size=8),
    Cell(adapter="decoder", backbone="vit_h", phase="infer", batch_size=1),
    Cell(adapter="decoder", backbone="vit_h", phase="infer", batch_size=8),
    Cell(adapter="sam_adapter", settings=CAD_VARIANT, batch_size=1),
    Cell(adapter="sam_adapter", settings=CAD_VARIANT, batch_size=4),
    Cell(adapter="lora"),
]


@pytest.mark.parametrize(
    ("row", "cell"), list(zip(ROWS, CELLS, strict=True)), ids=lambda v: str(v)[:40]
)
def test_the_table_of_predictions_is_current(row, cell):
    what, others, ours, difference = row
    words = (f"batch {cell.batch_size}", cell.backbone.removeprefix("vit_").upper())
    assert words[0] in what and f"ViT-{words[1]}" in what
    peak_mib = predict(cell).memory.peak_allocated_bytes / 2**20
    assert f"{peak_mib:,.0f}" == ours
    assert f"{peak_mib / int(others.replace(',', '')) - 1:+.1%}" == f"{difference}%"


def test_shows_the_two_commands():
    assert "pip install nox && nox -s bench\npip install nox && nox -s tests" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link):
    assert (Path(__file__).parents[1] / link).exists()


SENTENCE = README[README.index("They change the picture") :].partition("\n\n")[0]
GIB = 2**30


@pytest.mark.parametrize("name", ["lora", "cad", "decoder"])
def test_what_is_said_of_levers_is_current(name):
    cell = with_every_exact_lever(Cell(adapter=name, batch_size=4))
    assert f"{predict(cell).memory.peak_allocated_bytes / GIB:.1f}" in SENTENCE


@pytest.mark.parametrize("name", adapter_names())
def test_levers_let_every_method_train_on_a_small_card(name):
    published = Cell(adapter=name, batch_size=4)
    usable = unnamed_card("8GiB").usable_bytes
    assert predict(published).memory.peak_allocated_bytes > usable
    assert predict(with_every_exact_lever(published)).memory.peak_reserved_bytes < usable
