"""What the README says is what samfit predicts."""

import re
from pathlib import Path

import pytest
from exact_levers import with_every_exact_lever
from predictions import predicted_once

import samfit
from samfit import Cell

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


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
    assert predicted_once(published).memory.peak_allocated_bytes > usable
    memory = predicted_once(with_every_exact_lever(published)).memory
    assert memory.peak_reserved_bytes < usable
    said = f"{memory.peak_allocated_bytes / GIB:.1f}" in SENTENCE
    assert said or name not in ("lora", "cad", "decoder")
