"""Programs on a card that is not there, through the front door."""

import json
import sys
from pathlib import Path

import pytest
from user_error import user_error

from samfit import Cell, predict, run_program, unnamed_card
from samfit.harness.standin.library import unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

EPOCHS = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

net = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1)).cuda()
optimizer = torch.optim.AdamW(net.parameters())
data = TensorDataset(torch.randn(16, 3, 64, 64), torch.randn(16, 1, 64, 64))
for epoch in range(100):
    net.train()
    for image, mask in DataLoader(data, batch_size=2, num_workers=1):
        loss = nn.functional.mse_loss(net(image.cuda()), mask.cuda())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    total = 0
    for image, mask in DataLoader(data, batch_size=4):
        total = total + nn.functional.mse_loss(net(image.cuda()), mask.cuda())
    print(f"epoch {epoch}: {total.item()}")
    torch.cuda.reset_peak_memory_stats()
    torch.save(net.state_dict(), "best.pth")
"""

CELL = """
import json, sys, torch
from samfit import Cell
from samfit.harness.step.step import build_step

step = build_step(Cell.from_json(json.loads(sys.argv[1])), torch.device("cuda"))
for _ in range(3):
    step.run(lambda phase: None)
"""

LARGE = """
import torch

layer = torch.nn.Linear(4096, 4096).cuda()
optimizer = torch.optim.AdamW(layer.parameters())
for width in (1, 2, 2**18):
    layer(torch.ones(width, 4096, device="cuda")).sum().backward()
    optimizer.step()
"""


def written(folder: Path, code: str) -> list[str]:
    """The command that runs ``code`` as a script."""
    script = folder / "train.py"
    script.write_text(code)
    return [sys.executable, str(script)]


def test_training_and_evaluation_are_told_apart(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    report = run_program(written(tmp_path, EPOCHS), batches=3)

    assert (report.verdict, report.exit_code) == ("fits", 0)
    (found,) = report.cards
    assert found.steps == 4
    assert len(found.each_step) == 4
    assert found.training and found.evaluation
    assert found.evaluation_with_graph
    assert any("torch.no_grad" in sentence for sentence in report.advice)
    first, *_, last = [peak.allocated_bytes for peak in found.each_step]
    assert first < found.evaluation.allocated_bytes < last  # the graph of the evaluation is kept
    assert found.peak.allocated_bytes == last
    kinds = [kind for _, kind, _ in found.course.parts]
    assert kinds[0] == "setup" and kinds.count("evaluation") == 3

    assert sum(found.breakdown_bytes.values()) == found.peak.allocated_bytes
    assert found.breakdown_bytes["optimizer_state"] > 0
    read = next(read for read in report.reads if read.line == 20)
    assert (read.told, read.known, read.times) == ("1.0", False, 1)
    assert report.not_written == [str(tmp_path / "best.pth")]
    assert not (tmp_path / "best.pth").exists()
    assert "epoch 0: 1.0" in capfd.readouterr().out


def test_a_step_of_samfits_own_takes_what_is_predicted_for_it(tmp_path):
    cell = Cell(adapter="lora", backbone="vit_tiny", batch_size=2)
    expected = predict(cell).memory
    assert expected
    report = run_program([*written(tmp_path, CELL), json.dumps(cell.to_json())])
    assert report.peak_allocated_bytes == expected.peak_allocated_bytes
    assert report.peak_reserved_bytes == expected.peak_reserved_bytes
    found, parts = report.largest.breakdown_bytes, expected.breakdown_bytes
    assert parts
    for category in ("weights_frozen", "weights_trainable", "optimizer_state", "inputs"):
        assert found[category] == parts[category]


def test_a_program_that_runs_out_is_told_where_and_by_how_much(tmp_path, capfd):
    report = run_program(written(tmp_path, LARGE), unnamed_card("4GiB"))
    assert (report.verdict, report.exit_code) == ("out of memory", 1)
    assert report.refused and report.refused.missing_bytes
    assert report.refused.line.endswith("train.py:7")
    assert report.refused.requested_bytes == 2**32
    needed = report.largest.peak.reserved_bytes
    assert needed - report.refused.missing_bytes == report.usable_bytes
    assert "CUDA out of memory" in capfd.readouterr().err


def test_nothing_that_was_not_trained_has_a_figure(tmp_path):
    code = "import torch\ntorch.nn.Linear(9, 9).cuda()(torch.ones(9).cuda())"
    report = run_program(written(tmp_path, code))
    assert (report.verdict, report.exit_code, report.cards) == ("not judged", 2, [])
    with user_error("without a step of an optimizer"):
        _ = report.largest
