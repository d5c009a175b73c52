"""The one list of levers: that what it says is so, and that the page on levers says the same."""

import shlex
from pathlib import Path

import pytest
from small_sam import adapted

from samfit import Cell, adapter_names
from samfit.harness.record.lever import (
    LEVERS,
    as_options,
    changed_fields,
    has_exact_levers_only,
    lever_of_setting,
)

PAGE = (Path(__file__).parents[3] / "docs" / "levers.md").read_text(encoding="utf-8")
CELL = Cell(adapter="cad", batch_size=4)


def option(lever):
    """The option as it is typed; N stands for a number, whichever is chosen."""
    value = True if "settings" in lever.fields else lever.fields[lever.field]
    return f"--{lever.name}" + ("" if value is True else " N" if value in (1, 2) else f" {value}")


def test_the_page_on_levers_has_the_list():
    rows = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| `--")]
    assert [(first.strip(), *(text.strip() for text in rest)) for first, _, *rest in rows] == [
        (f"`{option(lever)}`", lever.loses or "nothing", lever.time, lever.users)
        for lever in (*LEVERS, lever_of_setting("lean"))
    ]


def test_adapters_use_what_is_on_the_list_and_the_list_says_who():
    adapters = {name: adapted(name).adapter for name in adapter_names()}
    shallow = adapted("vpt", deep=False).adapter
    users = {
        "all": set(adapters),
        "all but shallow VPT": set(adapters),
        "parallel methods": {n for n, a in adapters.items() if not a.encoder_gradients},
        "methods without batch norm": {n for n, a in adapters.items() if not a.batch_norm},
        "parallel methods that read no block: CAD, SAM-LST, decoder only": {
            "cad", "sam_lst", "decoder",
        },
    }  # fmt: skip
    assert "checkpointing" not in shallow.levers()
    asked = [lever for lever in LEVERS if not lever.of_every_method]
    for lever in asked:
        found = {name for name, adapter in adapters.items() if lever.name in adapter.levers()}
        assert found == users[lever.users], lever.name
    assert {n for a in adapters.values() for n in a.levers()} == {lever.name for lever in asked}


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_a_lever_sets_its_field_first_and_only_those_that_are_tried_and_exact_count_as(lever):
    cell = lever.apply(CELL)
    assert list(changed_fields(cell)) == [lever.field]
    assert has_exact_levers_only(cell) == (lever.exact and lever.tried)


def test_a_lever_adds_to_the_settings_that_there_are():
    cell = Cell(adapter="cad", settings={"scale": 0.2})
    assert lever_of_setting("lean").apply(cell).settings == {"lean": True, "scale": 0.2}


def test_any_number_of_images_to_encode_at_a_time_is_exact():
    assert has_exact_levers_only(Cell(adapter="cad", encoder_micro_batch=3))


def test_options_can_be_pasted_after_a_command(answer):
    cell = Cell(
        adapter="lora",
        settings={"targets": ["q", "proj"], "decoder": "single_token", "rank": 8},
        backbone="vit_tiny",
        attention="sdpa",
        checkpointing=True,
        alloc_conf="expandable_segments:True",
    )
    text = as_options(cell.settings, {"backbone": "vit_tiny", **changed_fields(cell)})
    assert Cell.from_json(answer("predict", "lora", *shlex.split(text))["cell"]) == cell
