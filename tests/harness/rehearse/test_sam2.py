"""A loop that was written by hand with transformers takes the memory that is predicted for it."""

import pytest
from rehearsed import both_allocators, counted_in_program

from samfit import Cell

pytest.importorskip("transformers", reason="pip install samfit[hf]")

MEAN_AND_STD = 2 * 512  # the loop keeps these two on the card; samfit makes them in each step


def predicted(stage, batch_size: int) -> list[int]:
    """Peaks, allocated and reserved, of LoRA on SAM 2.1 base+."""
    named = {"adapter": "lora", "backbone": "sam2.1_hiera_base_plus", "loss": "dice_ce"}
    cell = Cell(**named, batch_size=batch_size)
    return stage.run(both_allocators, cell.to_json())["pytorch"]


def by_hand(stage, *arguments: str) -> list[int]:
    return stage.run(counted_in_program, "train_sam2_lora.py", *arguments)


def test_lora_by_hand_takes_what_is_predicted_to_the_byte(stage):
    allocated, reserved = predicted(stage, 2)
    assert by_hand(stage, "--batch-size=2", "--two-calls") == [allocated + MEAN_AND_STD, reserved]


def test_one_call_for_all_takes_more_by_what_transformers_holds(stage):
    """``Sam2Model.forward`` holds encodings of places, those of the two coarser maps, which it does
    not use, until the masks are there: the peak moves from the backward pass into it."""
    more = by_hand(stage, "--batch-size=4")[0] - predicted(stage, 4)[0]
    held = 4 * 256 * (128**2 + 64**2) * 4
    assert MEAN_AND_STD < more <= held + MEAN_AND_STD
