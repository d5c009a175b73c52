"""The table of cuDNN's workspaces."""

import csv
import re
from pathlib import Path

import pytest
import torch

from samfit.harness.device.cards import CARDS, card_of_capability, find_card
from samfit.harness.trace.inside import cudnn
from samfit.harness.trace.inside.cudnn import Convolution

MIB = 2**20
A100, T4, RTX_3060 = (find_card(name) for name in ("A100 80GB", "T4", "RTX 3060"))
TABLE = Path(cudnn.__file__).with_suffix(".csv")
FIELD = re.compile(r"(\d+:)?(0|[xwyXWY]+(\+[\d.]+)?|[\d.]+)")


def branch(direction, images, side=512, dtype=torch.float32, channels=256):
    """CAD's convolution: 3 x 3, dilated."""
    image = (images, channels, side, side)
    return Convolution(direction, image, (channels, channels, 3, 3), image, 1, 2, dtype, False)


@pytest.mark.parametrize(
    ("direction", "images", "card", "mib"),
    [
        ("fwd", 1, A100, 258.3),
        ("fwd", 4, A100, 1026.3),
        ("dgrad", 4, A100, 2050.3),
        ("wgrad", 4, A100, 2077.3),
        ("wgrad", 4, RTX_3060, 2050.3),
        ("wgrad", 4, T4, 0),
        ("fwd", 4, find_card("H100 80GB"), 2052.5),
        ("wgrad", 1, find_card("RTX 5090"), 602),
        ("wgrad", 4, find_card("RTX 5090"), 2061.5),
    ],
)
def test_workspaces_are_what_cudnn_said(direction, images, card, mib):
    found = branch(direction, images).workspace_bytes(card) / MIB
    assert found == pytest.approx(mib, abs=0.1)


def test_between_batches_that_were_asked_for_it_grows_with_the_batch():
    four, five, six = (branch("dgrad", n).workspace_bytes(A100) for n in (4, 5, 6))
    assert five - four == six - five == 512 * MIB


def test_input_channels_are_padded_to_16_bytes():
    x, w, y = (1, 3, 1024, 1024), (768, 3, 16, 16), (1, 768, 64, 64)
    found = Convolution("fwd", x, w, y, 16, 1, torch.bfloat16, False).workspace_bytes(A100)
    eight = 8 * 1024 * 1024 + 768 * 8 * 256 + 768 * 64 * 64
    assert found == pytest.approx(2 * eight, abs=MIB / 16)


def test_a_shape_that_was_not_asked_for_is_answered_by_one_like_it():
    """Of another size, but with the same kernel: copies of its own operands."""
    found = branch("dgrad", 4, side=100, channels=192).workspace_bytes(A100)
    assert found == 2 * 4 * 192 * 100 * 100 * 4 + 192 * 192 * 9 * 4


def test_every_card_is_answered():
    for card in CARDS:
        for dtype in (torch.float32, torch.float16, torch.bfloat16):
            assert branch("fwd", 2, dtype=dtype).workspace_bytes(card) >= 0


def test_bfloat16_before_ampere_is_convolved_in_columns_of_one_image():
    """9 values for each pixel and channel."""
    found = branch("fwd", 4, dtype=torch.bfloat16).workspace_bytes(T4)
    assert found == 9 * 256 * 512 * 512 * 2


def test_the_table_can_be_read_throughout():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    capabilities = [name for name in rows[0] if "." in name]
    assert {card_of_capability(c).compute_capability for c in capabilities} == set(capabilities)
    for row in rows:
        old = row["precision"] == "bfloat16"
        for capability in capabilities:
            parts = row[capability].split()
            assert bool(parts) != (old and float(capability) < 8), row
            assert all(FIELD.fullmatch(part) for part in parts), row
            assert not parts or ":" not in parts[0]
