"""What the README says is what samfit predicts."""

import re
from pathlib import Path

import pytest
from exact_levers import with_every_exact_lever

import samfit
from samfit import Cell

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \[\d\] \| ([\d,]+) \| ([\d,]+) \| ([+-][\d.]+)% \|$", README, re.M)
INFERENCE = {"adapter": "decoder", "phase": "infer"}
CADS = {"adapter": "sam_adapter", "settings": {"variant": "cad"}}
# A Cell, the MiB that others published for it, and how far a prediction may be from them.
PUBLISHED = [
    (Cell(**INFERENCE, backbone="vit_b", batch_size=1), 2_789, 0.01),
    (Cell(**INFERENCE, backbone="vit_b", batch_size=8), 19_934, 0.01),
    (Cell(**INFERENCE, backbone="vit_h", batch_size=1), 5_758, 0.01),
    (Cell(**INFERENCE, backbone="vit_h", batch_size=8), 28_806, 0.01),
    (Cell(**CADS, batch_size=1), 7_083, 0.05),
    (Cell(**CADS, batch_size=4), 27_272, 0.05),
    (Cell(adapter="lora"), 7_024, 0.01),
]


@pytest.mark.parametrize(
    ("row", "published"), list(zip(ROWS, PUBLISHED, strict=True)), ids=lambda v: str(v)[:40]
)
def test_predictions_are_near_published_figures_and_the_table_of_them_is_current(row, published):
    (what, others, ours, difference), (cell, mib, tolerance) = row, published
    words = (f"batch {cell.batch_size}", cell.backbone.removeprefix("vit_").upper())
    assert words[0] in what and f"ViT-{words[1]}" in what
    peak_mib = samfit.predict(cell).memory.peak_allocated_bytes / 2**20
    assert peak_mib == pytest.approx(mib, rel=tolerance)
    assert (others, ours) == (f"{mib:,}", f"{peak_mib:,.0f}")
    assert f"{peak_mib / mib - 1:+.1%}" == f"{difference}%"


def test_shows_the_two_commands():
    assert "pip install nox && nox -s bench\npip install nox && nox -s tests" in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link):
    assert (Path(__file__).parents[1] / link).exists()


SENTENCE = README[README.index("They change the picture") :].partition("\n\n")[0]
GIB = 2**30


@pytest.mark.parametrize("name", samfit.adapter_names())
def test_levers_let_every_method_train_on_a_small_card_and_what_is_said_of_them_is_current(name):
    published = Cell(adapter=name, batch_size=4)
    usable = samfit.unnamed_card("8GiB").usable_bytes
    assert samfit.predict(published).memory.peak_allocated_bytes > usable
    memory = samfit.predict(with_every_exact_lever(published)).memory
    assert memory.peak_reserved_bytes < usable
    said = f"{memory.peak_allocated_bytes / GIB:.1f}" in SENTENCE
    assert said or name not in ("lora", "cad", "decoder")
