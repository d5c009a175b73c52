"""``samfit fit``, as a user meets it; its processes are those of tests/harness/run/test_fit.py."""

import pytest

from samfit import unnamed_card

TINY = ("--backbone", "vit_tiny", "--up-to", "1")
pytestmark = pytest.mark.usefixtures("workers_here")


@pytest.fixture
def fits(answer):
    """Runs fit for one card; gives what each method answers."""
    return lambda *given: answer("fit", *given, *TINY, "--memory", "8GiB")["fits"]


def test_fit_answers_with_batches_and_levers(answer, tmp_path):
    picture = tmp_path / "plots" / "fit.png"
    options = ("--backbone", "vit_tiny", "--up-to", 2, "--output", picture)
    found = answer("fit", "lora", "cad", *options, "--memory", "8GiB", "--gpu", "rtx3060")
    assert [card["name"] for card in found["cards"]] == ["8GiB", "RTX 3060"]
    assert len(found["fits"]) == 4
    for fit in found["fits"]:
        assert fit["as_published"]["batch_size"] == fit["as_published"]["searched_up_to"] == 2
        assert fit["every_lever"]["cell"]["attention"] == "sdpa"
    assert found["environment"]["packages"]["torch"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_fit_prints_a_table_for_each_card(said):
    out = said("fit", "decoder", *TINY, "--memory", "8GiB")
    assert f"8GiB: {unnamed_card('8GiB').usable_bytes / 2**30:.2f} GiB for PyTorch" in out
    assert "none needed" in out


def test_fit_takes_every_option_that_describes_a_step(fits):
    (answer,) = fits("cad", "--alloc-conf", "expandable_segments:True", "--phase", "infer")
    cell = answer["as_published"]["cell"]
    assert (cell["alloc_conf"], cell["phase"]) == ("expandable_segments:True", "infer")
    assert answer["every_lever"]["levers"] == ["set lean=true", "attention", "encoder-micro-batch"]


def test_settings_and_levers_that_are_given_are_the_starting_point_of_each_method(fits):
    settings = ("--set", "decoder=single_token", "--attention", "sdpa")
    for answer in fits("lora", "decoder", *settings):
        cell = answer["as_published"]["cell"]
        assert (cell["settings"], cell["attention"]) == ({"decoder": "single_token"}, "sdpa")
        assert "attention" not in answer["every_lever"]["levers"]


def test_the_heading_says_what_was_asked(said):
    options = ("--memory", "8GiB", "--phase", "infer", "--precision", "bf16", "--prompt", "none")
    words = " ".join(said("fit", "decoder", *TINY, *options).split())
    assert "vit_tiny, 256 × 256, bf16, one forward pass, --prompt none" in words
    assert "asked" in words and "published" not in words
