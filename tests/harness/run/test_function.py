"""A function of one's own on a card that is not there."""

import subprocess
import sys

import pytest
import torch
from user_error import user_error

from samfit import rehearse, run_program
from samfit.harness.program.inside.recording import FOLDER
from samfit.harness.standin.library import unavailable
from samfit.units import MIB

needs_stand_in = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

WIDTH = 512


def train(width, steps=2):
    """A plain loop; the layer is made on the device."""
    layer = torch.nn.Linear(width, width, device="cuda")
    optimizer = torch.optim.AdamW(layer.parameters())
    for _ in range(steps):
        layer(torch.ones(8, width, device="cuda")).sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def fail():
    train(8, steps=1)
    raise ValueError("no more data")


@needs_stand_in
def test_a_function_takes_what_it_takes_as_a_program(tmp_path):
    program = tmp_path / "program.py"
    source = "import torch\nlayer = torch.nn.Linear(512, 512, device='cuda')\n"
    source += "optimizer = torch.optim.AdamW(layer.parameters())\nfor _ in range(2):\n"
    source += "    layer(torch.ones(8, 512, device='cuda')).sum().backward()\n"
    source += "    optimizer.step()\n    optimizer.zero_grad()\n"
    program.write_text(source)
    from_program = run_program([sys.executable, str(program)])

    report = rehearse(train, WIDTH, card="T4")

    assert report.message.startswith("train fits T4")
    assert report.cards[0].steps == 2
    assert report.peak_allocated_bytes == from_program.peak_allocated_bytes > 5 * 4 * WIDTH**2
    report.assert_at_most("1 GiB")
    report.assert_at_most(report.peak_allocated_bytes)
    with pytest.raises(AssertionError, match=r"0\.00 MiB more than the budget(.*\n)+.*optimizer"):
        report.assert_at_most(report.peak_allocated_bytes - 1)


@needs_stand_in
def test_it_is_ended_after_so_many_steps(tmp_path):
    report = rehearse(train, WIDTH, 10**6, memory="8GiB", steps=1)
    assert (report.verdict, report.cards[0].steps) == ("fits", 1)
    assert report.peak_allocated_bytes < 100 * MIB


@needs_stand_in
def test_a_function_that_fails_is_not_judged():
    report = rehearse(fail)
    assert report.verdict == "not judged"
    assert report.message.startswith("fail ended with exit code 1 after 1 optimizer step")
    assert "ValueError: no more data" in report.message
    with pytest.raises(AssertionError, match="no more data"):
        report.assert_at_most("1 GiB")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rehearse(lambda: None), ["<lambda>", "head of a module"]),
        (lambda: rehearse(train, lambda: None), ["an argument of train", "numbers"]),
        (lambda: rehearse(train, card="T4", memory="8GiB"), ["card and memory"]),
        (lambda: rehearse(train, card="T9"), ["T9"]),
        (lambda: rehearse(train, memory="much"), ["much"]),
    ],
)
@needs_stand_in
def test_mistakes_are_told_in_a_sentence(call, words):
    with user_error(*words):
        call()


@needs_stand_in
def test_a_function_inside_another_is_told_what_to_do():
    def inner():
        pass

    with user_error("inner", "none inside another function"):
        rehearse(inner)


def test_a_script_that_rehearses_where_it_is_imported_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with user_error('if __name__ == "__main__":'):
        rehearse(train)


@needs_stand_in
def test_a_function_that_was_typed_is_told_to_be_written():
    code = "def train(): pass\nimport samfit\nsamfit.rehearse(train)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("write it to a file, and import it.")
