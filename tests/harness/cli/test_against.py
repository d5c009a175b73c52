"""The second Cell: what its text says, and all else from the first."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

from samfit import Cell
from samfit.harness.cli.against import cell_against

FIRST = Cell(
    adapter="lora", settings={"rank": 8, "targets": ["q", "v", "mlp"]}, backbone="vit_l",
    batch_size=4, attention="sdpa", checkpointing=True, prompt="none", device="cpu", seed=3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", {}),
        ("lora", {}),
        ("--seed 5", {"seed": 5}),
        ("lora --checkpoint 'my weights.pth'", {"checkpoint": "my weights.pth"}),
        ("--set targets=q,v", {"settings": {"rank": 8}}),
        ("lora --set rank=2", {"settings": {"rank": 2, "targets": ["q", "v", "mlp"]}}),
        ("--set rank=4", {"settings": {"targets": ["q", "v", "mlp"]}}),  # its default
        ("cad", {"adapter": "cad", "settings": {}}),
        (
            "sam_adapter --set variant=cad",
            {"adapter": "sam_adapter", "settings": {"variant": "cad"}},
        ),
    ],
)
def test_what_is_mentioned_changes_and_nothing_else(text, changes):
    assert cell_against(FIRST, text) == replace(FIRST, **changes)


@given(batch_size=st.integers(1, 65536), phase=st.sampled_from(["train", "infer"]))
def test_numbers_and_choices_are_those_of_the_command(batch_size, phase):
    found = cell_against(FIRST, f"lora --batch-size {batch_size} --phase {phase}")
    assert found == replace(FIRST, batch_size=batch_size, phase=phase)


def test_flags_can_be_added():
    plain = Cell(adapter="lora")
    found = cell_against(plain, "lora --attention sdpa --checkpointing")
    assert found == replace(plain, attention="sdpa", checkpointing=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lora --bach-size 2", "No such option: --bach-size"),
        ("lora --batch-size many", "'--batch-size'"),
        ("lora --batch-size 0", "--batch-size must be at least 1, got 0."),
        ("lora --batch-size", "--batch-size"),
        ("lora --attention eagre", "--attention"),
        ("lora cad", "cad"),
        ("lorra", "did you mean 'lora'?"),
        ("lora --set rnk=2", "did you mean 'rank'?"),
        ("lora --set rank", "--set takes KEY=VALUE"),
        ("lora --checkpoint 'my weights", "No closing quotation"),
        ("--help", "No such option: --help"),
    ],
)
def test_mistakes_name_the_option_and_the_text(text, words):
    with user_error("--against", words):
        cell_against(FIRST, text)
