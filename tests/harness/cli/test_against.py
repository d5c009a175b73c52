"""The second Cell: what its text says, and all else from the first."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from user_error import user_error

from samfit.harness.cli.against import cell_against
from samfit.harness.record.cell import Cell

FIRST = Cell(
    adapter="lora", settings={"rank": 8, "targets": ["q", "v", "mlp"]}, backbone="vit_l",
    batch_size=4, attention="sdpa", checkpointing=True, prompt="none", device="cpu", seed=3,
)  # fmt: skip


@pytest.mark.parametrize("text", ["", "lora"])
def test_without_options_it_is_the_first(text):
    assert cell_against(FIRST, text) == FIRST


@given(batch_size=st.integers(1, 65536), phase=st.sampled_from(["train", "infer"]))
def test_what_is_mentioned_changes_and_nothing_else(batch_size, phase):
    found = cell_against(FIRST, f"lora --batch-size {batch_size} --phase {phase}")
    assert found == replace(FIRST, batch_size=batch_size, phase=phase)


def test_the_adapter_need_not_be_named():
    assert cell_against(FIRST, "--seed 5") == replace(FIRST, seed=5)


def test_flags_can_be_added():
    plain = Cell(adapter="lora")
    found = cell_against(plain, "lora --attention sdpa --checkpointing")
    assert found == replace(plain, attention="sdpa", checkpointing=True)


def test_settings_are_kept_one_by_one():
    assert cell_against(FIRST, "--set targets=q,v").settings == {"rank": 8}
    assert cell_against(FIRST, "lora --set rank=2").settings == {
        "rank": 2, "targets": ["q", "v", "mlp"],
    }  # fmt: skip


def test_a_setting_can_return_to_its_default():
    assert cell_against(FIRST, "--set rank=4").settings == {"targets": ["q", "v", "mlp"]}


def test_another_adapter_has_its_own_settings():
    found = cell_against(FIRST, "cad")
    assert found == replace(FIRST, adapter="cad", settings={})
    assert cell_against(FIRST, "sam_adapter --set variant=cad").settings == {"variant": "cad"}


def test_quotes_keep_words_together():
    found = cell_against(FIRST, "lora --checkpoint 'my weights.pth'")
    assert found.checkpoint == "my weights.pth"


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
