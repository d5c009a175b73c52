"""Mistakes that typer finds are told in words of our own."""

import pytest


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("predict lora --batch-size a", "'--batch-size': it must be a whole number."),
        ("train lora --data x --hold-out a", "'--hold-out': it must be a number."),
        ("evaluate x --batch-size 0", "'--batch-size': it must be at least 1."),
        ("predict lora --precision fp17", "it must be one of 'fp32', 'fp16', 'bf16', "),
        ("predict lora --bach-size 2", "No such option: --bach-size"),
        ("predict", "Missing argument 'adapter'."),
        ("prdict", "Did you mean 'predict'?"),
    ],
)
def test_a_wrong_option_is_told_in_plain_words(line, words, samfit):
    code, out, err = samfit(*line.split())
    assert (code, out) == (2, "")
    assert words in err
    assert "Input should" not in err and "Value error" not in err


def test_help_is_no_mistake(samfit):
    code, out, err = samfit("predict", "--help")
    assert (code, err) == (0, "")
    assert "--batch-size" in out
